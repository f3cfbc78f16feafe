// From a group of stored values to the loop that computes them.
#include <assert.h>
#include <string.h>

#include "nn/plan_internal.h"

typedef struct builder {
    compiler *c;
    loop *l;
    int *slot_of; // by node id: its slot + 1
    int slots;
    double flops;
} builder;

static loop_instruction *add_instruction(builder *b, loop_code code, int index, int slot) {
    assert(b->l->instructions < 3 * LOOP_MAX_SLOTS);
    loop_instruction *k = &b->l->instruction[b->l->instructions++];
    *k = (loop_instruction){.code = code, .index = index, .slot = slot}; // NOLINT(clang-analyzer-core.NullDereference): begin saw to it
    return k;
}

// A leaf is loaded where it is first read. -------------------------------------------------------------------------------------------------------------
static bool equal_leaves(const loop_leaf *a, const loop_leaf *b) {
    if (a->value != b->value || a->at.n != b->at.n || a->constant != b->constant) return false;
    return !memcmp(a->at.size, b->at.size, sizeof a->at.size) && !memcmp(a->at.stride, b->at.stride, sizeof a->at.stride);
}

// Of repeated rows, one for each segment of a loop. All such leaves of a loop have to have the same segments, which are long enough to make tiles for.
static bool is_tile(loop *l, const access *at) {
    enum { LONG = 4 * LOOP_BLOCK };
    const int last = at->n - 1;
    if (last < 1 || last > 2 || at->stride[last] != 1 || at->stride[last - 1] != 0 || at->size[last] > LOOP_BLOCK) return false;
    if (last == 1) return true;
    const int64_t segment = l->count / at->size[0];
    if (segment < LONG || (l->segment != l->count && l->segment != segment)) return false;
    l->segment = segment;
    return true;
}

static leaf_kind kind_of(loop *l, const access *at) {
    if (access_is_dense(at)) return LEAF_DENSE;
    if (at->n == 1 && at->stride[0] == 0) return LEAF_SCALAR;
    return is_tile(l, at) ? LEAF_TILE : LEAF_STRIDED;
}

static int leaf_slot(builder *b, loop_leaf leaf) {
    loop *l = b->l;
    for (int i = 0; i < l->instructions; i++) {
        const loop_instruction *k = &l->instruction[i];
        if (k->code == LOOP_LOAD && equal_leaves(&l->leaf[k->index], &leaf)) return k->slot;
    }
    assert(b->slots < LOOP_MAX_SLOTS);
    l->leaf[l->leaves] = leaf;
    add_instruction(b, LOOP_LOAD, l->leaves++, b->slots);
    return b->slots++;
}

static int constant_slot(builder *b, double constant) {
    return leaf_slot(b, (loop_leaf){.kind = LEAF_CONSTANT, .value = -1, .constant = (float)constant});
}

static int value_slot(builder *b, int base, access at) {
    const plan *p = b->c->plan;
    int v = p->value_of[base];
    assert(v >= 0);
    return leaf_slot(b, (loop_leaf){.kind = kind_of(b->l, &at), .at = at, .type = p->value[v].node->type, .value = v});
}

static access dense_access(int64_t count) {
    return access_make(SHAPE(count), (int64_t[MAX_DIMS]){1});
}

static int repeat_slot(builder *b, const node *n) {
    double constant;
    int base = operand_base(b->c, n, 0);
    if (constant_value(node_at(b->c, base), &constant)) return constant_slot(b, constant);
    int64_t stride[MAX_DIMS] = {0};
    broadcast_strides(n->in[0]->shape, n->shape, stride);
    return value_slot(b, base, access_make(n->shape, stride));
}

// Expressions. -------------------------------------------------------------------------------------------------------------------------------------------
static int node_slot(builder *b, int base);

// NOLINTNEXTLINE(misc-no-recursion): as deep as an expression
static int compute_slot(builder *b, int id) {
    const node *n = node_at(b->c, id);
    int in[LOOP_MAX_INPUTS];
    assert(n->n_in <= LOOP_MAX_INPUTS);
    for (int i = 0; i < n->n_in; i++) in[i] = node_slot(b, operand_base(b->c, n, i));
    assert(b->slots < LOOP_MAX_SLOTS);
    loop_instruction *k = add_instruction(b, LOOP_CALL, -1, b->slots++);
    k->n_in = n->n_in;
    memcpy(k->in, in, (size_t)n->n_in * sizeof *in);
    k->block = n->op->block;
    k->params = n->params;
    b->flops += n->op->flops ? n->op->flops(n) : (double)b->l->count;
    return k->slot;
}

// The slot with the elements of node `base`: what this loop computes anyway, a constant, memory, or an expression.
// NOLINTNEXTLINE(misc-no-recursion): as deep as an expression
static int node_slot(builder *b, int base) {
    if (b->slot_of[base]) return b->slot_of[base] - 1;
    const node *n = node_at(b->c, base);
    int slot;
    if (n->op == &OP_CONSTANT)
        slot = constant_slot(b, ((const constant_params *)n->params)->value);
    else if (b->c->info[base].stored)
        slot = value_slot(b, base, dense_access(b->l->count));
    else if (n->op == &OP_BROADCAST)
        slot = repeat_slot(b, n);
    else
        slot = compute_slot(b, base);
    b->slot_of[base] = slot + 1;
    return slot;
}

// Roots. ---------------------------------------------------------------------------------------------------------------------------------------------------
static void add_reduction(builder *b, int id) {
    const node *n = node_at(b->c, id);
    int slot = node_slot(b, operand_base(b->c, n, 0));
    axes reduced = ((const reduce_params *)n->params)->axes;
    shape in = n->in[0]->shape;
    int64_t stride[MAX_DIMS] = {0}, next = 1;
    for (int i = in.n - 1; i >= 0; i--) {
        if (reduced & AXIS(i)) continue;
        stride[i] = next;
        next *= in.d[i];
    }
    loop *l = b->l;
    l->reduction[l->reductions] =
        (loop_reduction){.maximum = n->op == &OP_MAX_OVER, .at = access_make(in, stride), .width = next, .value = b->c->plan->value_of[id]};
    add_instruction(b, LOOP_REDUCE, l->reductions++, slot);
    b->flops += n->op->flops ? n->op->flops(n) : (double)l->count;
}

// The operation writes to memory itself where it can.
static void add_store(builder *b, int slot, loop_store to) {
    loop *l = b->l;
    l->store[l->stores] = to;
    int last = l->instructions - 1;
    if (to.type == F32 && last >= 0 && l->instruction[last].code == LOOP_CALL && l->instruction[last].slot == slot)
        l->instruction[last].index = l->stores++;
    else
        add_instruction(b, LOOP_STORE, l->stores++, slot);
}

static void add_root(builder *b, int id) {
    const node *n = node_at(b->c, id);
    if (node_is_reduction(n)) {
        add_reduction(b, id);
        return;
    }
    int slot;
    if (n->op == &OP_CONSTANT)
        slot = constant_slot(b, ((const constant_params *)n->params)->value);
    else if (n->op == &OP_BROADCAST)
        slot = repeat_slot(b, n);
    else
        slot = compute_slot(b, id);
    b->slot_of[id] = slot + 1;
    add_store(b, slot, (loop_store){.type = n->type, .value = b->c->plan->value_of[id]});
}

// Buffers. -------------------------------------------------------------------------------------------------------------------------------------------------
static void last_reads(const loop *l, int *last) {
    for (int k = 0; k < l->instructions; k++) {
        const loop_instruction *c = &l->instruction[k];
        last[c->slot] = k;
        for (int i = 0; i < c->n_in; i++) last[c->in[i]] = k;
    }
}

static bool needs_buffer(const loop *l, const loop_instruction *c) {
    if (c->code == LOOP_CALL) return c->index < 0;
    if (c->code != LOOP_LOAD) return false;
    const loop_leaf *leaf = &l->leaf[c->index];
    return leaf->kind == LEAF_STRIDED || (leaf->kind == LEAF_DENSE && leaf->type != F32);
}

// Each instruction's buffer is free again after the last read of its slot; an operation may write over an operand that it reads last.
static void assign_buffers(loop *l) {
    int last[LOOP_MAX_SLOTS], buffer_of[LOOP_MAX_SLOTS];
    bool taken[LOOP_MAX_SLOTS] = {0};
    last_reads(l, last);
    for (int s = 0; s < LOOP_MAX_SLOTS; s++) buffer_of[s] = -1;
    for (int k = 0; k < l->instructions; k++) {
        loop_instruction *c = &l->instruction[k];
        for (int i = 0; i < c->n_in; i++)
            if (last[c->in[i]] == k && buffer_of[c->in[i]] >= 0) taken[buffer_of[c->in[i]]] = false;
        if (needs_buffer(l, c)) {
            int at = 0;
            while (taken[at]) at++;
            taken[at] = last[c->slot] > k;
            c->buffer = buffer_of[c->slot] = at;
            if (at >= l->buffers) l->buffers = at + 1;
        } else if (c->code >= LOOP_STORE && last[c->slot] == k && buffer_of[c->slot] >= 0) {
            taken[buffer_of[c->slot]] = false;
        }
    }
    for (int i = 0; i < l->leaves; i++) {
        loop_leaf *leaf = &l->leaf[i];
        if (leaf->kind == LEAF_DENSE || leaf->kind == LEAF_STRIDED) continue;
        leaf->buffer = l->buffers;
        l->buffers += leaf->kind == LEAF_TILE ? 2 : 1;
    }
}

// Whole loops. ---------------------------------------------------------------------------------------------------------------------------------------------

// Room for the largest loop, used for one after the other: for each of its own it would be most of what compiling takes.
struct loop_room {
    loop loop;
    loop_leaf leaf[LOOP_MAX_SLOTS];
    loop_store store[LOOP_MAX_SLOTS];
    loop_reduction reduction[LOOP_MAX_SLOTS];
    loop_instruction instruction[3 * LOOP_MAX_SLOTS];
    int slot_of[]; // by node id
};

static foil_status begin(compiler *c, builder *b, int64_t count) {
    const size_t slots = (size_t)c->n * sizeof(int);
    struct loop_room *room = c->loop_room;
    if (!room) room = c->loop_room = arena_alloc(&c->memory, sizeof *room + slots);
    if (!room) return foil_fail_memory(sizeof *room + slots, "a loop");
    memset(room->slot_of, 0, slots);
    room->loop = (loop){
        .count = count, .segment = count, .leaf = room->leaf, .store = room->store, .reduction = room->reduction, .instruction = room->instruction};
    *b = (builder){.c = c, .l = &room->loop, .slot_of = room->slot_of};
    return FOIL_OK;
}

static void *keep(arena *a, const void *from, int n, size_t size) {
    void *to = arena_alloc(a, (size_t)n * size);
    if (to && n) memcpy(to, from, (size_t)n * size);
    return to;
}

static double loop_bytes(const loop *l) {
    double bytes = 0;
    for (int i = 0; i < l->leaves; i++) {
        const loop_leaf *leaf = &l->leaf[i];
        if (leaf->kind == LEAF_DENSE) bytes += (double)l->count * (double)dtype_size(leaf->type);
    }
    for (int i = 0; i < l->stores; i++) bytes += (double)l->count * (double)dtype_size(l->store[i].type);
    return bytes;
}

// Moves the loop to the plan's memory, at its true size.
static foil_status finish(builder *b, step *s) {
    arena *a = &b->c->plan->memory;
    const loop *l = b->l;
    loop *kept = keep(a, l, 1, sizeof *l);
    if (!kept) return foil_fail_memory(sizeof *l, "a loop");
    kept->leaf = keep(a, l->leaf, l->leaves, sizeof *l->leaf);
    kept->store = keep(a, l->store, l->stores, sizeof *l->store);
    kept->reduction = keep(a, l->reduction, l->reductions, sizeof *l->reduction);
    kept->instruction = keep(a, l->instruction, l->instructions, sizeof *l->instruction);
    if (!kept->leaf || !kept->store || !kept->reduction || !kept->instruction) return foil_fail_memory(sizeof *l, "a loop");
    loop_join_pairs(kept);
    assign_buffers(kept);
    loop_finish(kept, b->c->plan->threads);
    s->kind = STEP_LOOP;
    s->loop = kept;
    s->flops = b->flops;
    s->bytes = loop_bytes(kept);
    return FOIL_OK;
}

// "mul+add+relu": what the loop computes, in its order.
static char *loop_name(compiler *c, const vertex *v, const builder *b) {
    text name = {0};
    for (int k = 0; k < b->l->instructions && name.length < 60; k++) {
        const loop_instruction *i = &b->l->instruction[k];
        if (i->code != LOOP_CALL) continue;
        const char *what = "?";
        for (int id = 0; id < c->n; id++)
            if (b->slot_of[id] == i->slot + 1 && c->info[id].base == id) what = node_at(c, id)->op->name;
        text_format(&name, "%s%s", name.length ? "+" : "", what);
    }
    for (int root = v->first_root; root >= 0 && name.length < 80; root = c->next_root[root])
        if (!node_is_elementwise(node_at(c, root))) text_format(&name, "%s%s", name.length ? "+" : "", node_at(c, root)->op->name);
    char *kept = name.failed || !name.data ? NULL : arena_text(&c->plan->memory, name.data);
    text_free(&name);
    return kept;
}

foil_status build_loop(compiler *c, const vertex *v, step *s) {
    builder b = {0};
    TRY(begin(c, &b, v->count));
    for (int root = v->first_root; root >= 0; root = c->next_root[root]) add_root(&b, root);
    TRY(finish(&b, s));
    s->node = node_at(c, v->last_root);
    s->name = loop_name(c, v, &b);
    return s->name ? FOIL_OK : foil_fail_memory(80, "a loop");
}

foil_status build_copy(compiler *c, int from, step *s, void *to) {
    builder b = {0};
    const value *v = &c->plan->value[from];
    TRY(begin(c, &b, shape_count(v->node->shape)));
    int slot = value_slot(&b, v->node->id, dense_access(b.l->count));
    add_store(&b, slot, (loop_store){.type = F32, .value = -1, .data = to});
    TRY(finish(&b, s));
    s->node = v->node;
    s->name = "copy";
    return FOIL_OK;
}
