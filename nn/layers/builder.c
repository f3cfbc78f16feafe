#include "nn/layers/builder.h"

#include <string.h>

#include "nn/ops/table.h"

graph *builder_graph(builder *b) {
    return b->g;
}

net_mode builder_mode(const builder *b) {
    return b->mode;
}

int64_t builder_batches(const builder *b) {
    return b->mode == NET_TRAIN_PAIR ? 2 : 1;
}

uint32_t builder_stream(const builder *b, const layer *l, int64_t batch) {
    return (b->pass + (uint32_t)batch) << 12 | (l->id & 0xfff); // MAX_LAYERS ids in each pass
}

bool builder_image(builder *b, const node *x) {
    if (graph_is_poison(x)) return false;
    if (x->shape.n == 4) return true;
    graph_fail(b->g, "expected images [N, H, W, C], got %s", shape_text(x->shape));
    return false;
}

// Sizes that no machine has, before a product of them overflows.
static bool is_too_large(shape s) {
    const int64_t limit = (int64_t)1 << 40;
    int64_t count = 1;
    for (int i = 0; i < s.n; i++) {
        if (__builtin_mul_overflow(count, s.d[i], &count) || count > limit) return true;
    }
    return false;
}

// Parameters -------------------------------------------------------------------------------------------------------------------------------------

static int find_tensor(const builder *b, const layer *l, const char *name) {
    size_t n = strlen(l->path);
    for (int i = 0; i < b->s->n; i++) {
        const char *known = b->s->tensor[i].name;
        if (strncmp(known, l->path, n) == 0 && known[n] == '.' && strcmp(known + n + 1, name) == 0) return i;
    }
    return -1;
}

static int declare(builder *b, const layer *l, const char *name, shape s, init i, bool trainable) {
    const char *full = arena_format(&b->g->memory, "%s.%s", l->path, name);
    if (b->rows && trainable) b->rows[l->id].parameters += shape_count(s);
    return full ? store_declare(b->s, full, s, i, trainable) : -1;
}

static node *tensor_node(builder *b, const layer *l, const char *name, shape s, init i, bool trainable) {
    if (is_too_large(s)) return graph_fail(b->g, "'%s.%s' would be %s", l->path, name, shape_text(s));
    int index = b->declare ? declare(b, l, name, s, i, trainable) : find_tensor(b, l, name);
    if (index < 0 && b->declare) return graph_fail_memory(b->g, "'%s.%s'", l->path, name);
    if (index < 0) return graph_fail(b->g, "the store has no '%s.%s'", l->path, name);
    const store_tensor *t = &b->s->tensor[index];
    if (!shape_equal(t->shape, s)) return graph_fail(b->g, "'%s' is %s in the store, expected %s", t->name, shape_text(t->shape), shape_text(s));
    return graph_param(b->g, b->s, index);
}

node *builder_param(builder *b, const layer *l, const char *name, shape s, init i) {
    return tensor_node(b, l, name, s, i, true);
}

// Buffers ----------------------------------------------------------------------------------------------------------------------------------------

static bool advances(const builder *b) {
    return b->mode == NET_TRAIN || b->mode == NET_TRAIN_PAIR;
}

// The place of a tensor's update, or -1.
static int find_update(const builder *b, int tensor) {
    for (int i = 0; b->updates && i < b->updates->n; i++) {
        if (b->updates->of[i] == b->s && b->updates->tensor[i] == tensor) return i;
    }
    return -1;
}

node *builder_buffer(builder *b, const layer *l, const char *name, shape s, init i) {
    node *stored = tensor_node(b, l, name, s, i, false);
    int update = advances(b) && !b->declare ? find_update(b, find_tensor(b, l, name)) : -1;
    bool pending = update >= 0 && !graph_is_poison(b->updates->at[update]);
    return pending ? b->updates->at[update]->in[0] : stored;
}

void builder_update(builder *b, const layer *l, const char *name, node *value) {
    if (!advances(b) || !b->updates || graph_is_poison(value)) return;
    net_updates *u = b->updates;
    int tensor = find_tensor(b, l, name), at = find_update(b, tensor);
    if (at < 0) at = u->n;
    if (at == NET_MAX_UPDATES) {
        graph_fail(b->g, "more than %d running statistics", NET_MAX_UPDATES);
        return;
    }
    u->at[at] = graph_assign(b->g, b->s, tensor, value);
    u->of[at] = b->s;
    u->tensor[at] = tensor;
    if (at == u->n) u->n++;
}

// Layers -----------------------------------------------------------------------------------------------------------------------------------------

// What computing `n` takes.
static double node_flops(const node *n) {
    if (n->op->flags & (OP_LEAF | OP_VIEW) || n->op == &OP_BROADCAST) return 0;
    return n->op->flops ? n->op->flops(n) : (double)shape_count(n->shape);
}

shape sample_shape(const node *y) {
    shape s = {.n = y->shape.n - 1};
    for (int i = 0; i < s.n; i++) s.d[i] = y->shape.d[i + 1];
    return s;
}

// Fills the row of a layer whose nodes begin at `first`: what its branches took is theirs.
static void fill_row(builder *b, const layer *l, int first, uint32_t last_id, const node *y) {
    struct net_row *row = &b->rows[l->id];
    row->path = l->path;
    row->type = l->type->name;
    row->out = sample_shape(y);
    for (int i = first; i < b->g->n; i++) row->flops += node_flops(b->g->nodes[i]);
    for (uint32_t id = l->id + 1; id < last_id; id++) row->flops -= b->rows[id].flops;
}

// One after the last id of a layer and its branches.
static uint32_t id_after(const layer *l) {
    uint32_t id = l->id + 1;
    for (int i = 0; i < l->branches; i++) {
        const layer_list *list = l->branch[i];
        if (list->n > 0) id = id_after(&list->at[list->n - 1]);
    }
    return id;
}

node *builder_layers(builder *b, const layer_list *list, node *x) {
    const char *outer = b->g->label;
    for (int i = 0; i < list->n; i++) {
        const layer *l = &list->at[i];
        int first = b->g->n;
        b->g->label = l->label;
        x = l->type->build(b, l, x);
        if (!graph_is_poison(x) && is_too_large(x->shape)) x = graph_fail(b->g, "the output would be %s", shape_text(x->shape));
        if (b->rows && !graph_is_poison(x)) fill_row(b, l, first, id_after(l), x);
    }
    b->g->label = outer;
    return x;
}
