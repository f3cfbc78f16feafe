#include "nn/loop.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/aligned.h"
#include "nn/blocks.h"

static const int64_t PARALLEL_FROM = 8192; // elements: less is done sooner than threads wake up
static const int64_t WIDE = 128;           // partial results of short rows

access access_make(shape s, const int64_t stride[MAX_DIMS]) {
    access a = {0};
    for (int i = 0; i < s.n; i++) {
        if (s.d[i] == 1) continue;
        if (a.n > 0 && a.stride[a.n - 1] == stride[i] * s.d[i]) {
            a.size[a.n - 1] *= s.d[i];
            a.stride[a.n - 1] = stride[i];
            continue;
        }
        a.size[a.n] = s.d[i];
        a.stride[a.n] = stride[i];
        a.n++;
    }
    if (a.n == 0) {
        a.n = 1;
        a.size[0] = 1;
        a.stride[0] = 1;
    }
    return a;
}

bool access_is_dense(const access *a) {
    return a->n == 1 && a->stride[0] == 1;
}

// A walk over the runs of an access: in each, the innermost digit counts up.
typedef struct walk {
    const access *a;
    int64_t digit[MAX_DIMS];
    int64_t offset; // of the current element
} walk;

static walk walk_from(const access *a, int64_t i) {
    walk w = {.a = a};
    for (int d = a->n - 1; d >= 0; d--) {
        w.digit[d] = d ? i % a->size[d] : i;
        i /= a->size[d];
        w.offset += w.digit[d] * a->stride[d];
    }
    return w;
}

static int64_t walk_run(const walk *w, int64_t left) {
    int last = w->a->n - 1;
    int64_t run = w->a->size[last] - w->digit[last];
    return run < left ? run : left;
}

static void walk_on(walk *w, int64_t run) {
    const access *a = w->a;
    int d = a->n - 1;
    w->digit[d] += run;
    w->offset += run * a->stride[d];
    for (; d > 0 && w->digit[d] == a->size[d]; d--) {
        w->offset += a->stride[d - 1] - a->size[d] * a->stride[d];
        w->digit[d] = 0;
        w->digit[d - 1]++;
    }
}

static const void *element(const void *data, dtype t, int64_t i) {
    return (const char *)data + (size_t)i * dtype_size(t);
}

static void load_strided(const loop_leaf *leaf, int64_t first, int64_t n, float *to) {
    int64_t step = leaf->at.stride[leaf->at.n - 1];
    walk w = walk_from(&leaf->at, first);
    while (n > 0) {
        int64_t run = walk_run(&w, n);
        if (step == 1) {
            blocks_load((int)run, to, element(leaf->data, leaf->type, w.offset), leaf->type);
        } else {
            for (int64_t j = 0; j < (step ? run : 1); j++) blocks_load(1, to + j, element(leaf->data, leaf->type, w.offset + j * step), leaf->type);
            if (!step) blocks_fill((int)run, to, to[0]);
        }
        walk_on(&w, run);
        to += run;
        n -= run;
    }
}

// Leaves whose blocks are made once per run, tiles of segments for each: in `to`, room for two blocks.
static void prepare_leaf(const loop_leaf *leaf, int64_t count, int64_t segment, float *to) {
    int n = (int)(count < LOOP_BLOCK ? count : LOOP_BLOCK);
    if (leaf->kind == LEAF_CONSTANT) {
        blocks_fill(n, to, leaf->constant);
    } else if (leaf->kind == LEAF_SCALAR) {
        float value;
        blocks_load(1, &value, leaf->data, leaf->type);
        blocks_fill(n, to, value);
    } else if (leaf->kind == LEAF_TILE) {
        int row = (int)leaf->at.size[leaf->at.n - 1], total = (int)(count < row + LOOP_BLOCK ? count : row + LOOP_BLOCK);
        blocks_load(row, to, element(leaf->data, leaf->type, leaf->at.n > 2 ? segment * leaf->at.stride[0] : 0), leaf->type);
        for (int i = row; i < total; i++) to[i] = to[i - row];
    }
}

// Calls n elements into the cache: memory is idle while a block is converted and worked on.
static void call_ahead(const void *from, int n, dtype type) {
    enum { LINE = 64 };
    const char *line = from;
    for (int64_t i = 0; i < n * (int64_t)dtype_size(type); i += LINE) __builtin_prefetch(line + i, 0, 3);
}

static const float *load_leaf(const loop_leaf *leaf, int64_t first, int n, float *buffers, int temporary) {
    float *own = buffers + (size_t)leaf->buffer * LOOP_BLOCK, *to = buffers + (size_t)temporary * LOOP_BLOCK;
    switch (leaf->kind) {
    case LEAF_CONSTANT:
    case LEAF_SCALAR:
        return own;
    case LEAF_TILE:
        return own + first % leaf->at.size[leaf->at.n - 1];
    case LEAF_DENSE:
        if (leaf->type == F32) return (const float *)leaf->data + first;
        blocks_load(n, to, element(leaf->data, leaf->type, first), leaf->type);
        call_ahead(element(leaf->data, leaf->type, first + n), n, leaf->type); // of the next block
        return to;
    case LEAF_STRIDED:
        break;
    }
    if (leaf->type == F32 && leaf->at.stride[leaf->at.n - 1] == 1) { // perhaps the block lies in one piece
        walk w = walk_from(&leaf->at, first);
        if (walk_run(&w, n) == n) return (const float *)leaf->data + w.offset;
    }
    load_strided(leaf, first, n, to);
    return to;
}

// How many whole runs from here on, of n elements in all, go to the same results.
static int64_t walk_repeats(const walk *w, int64_t run, int64_t n) {
    const access *a = w->a;
    int last = a->n - 1;
    if (last == 0 || a->stride[last - 1] != 0 || run < a->size[last]) return 1;
    int64_t left = a->size[last - 1] - w->digit[last - 1];
    return n / run < left ? n / run : left;
}

static void reduce_block(const loop_reduction *r, double *partial, int64_t first, int64_t n, const float *x) {
    int64_t step = r->at.stride[r->at.n - 1];
    walk w = walk_from(&r->at, first);
    while (n > 0) {
        int64_t run = walk_run(&w, n);
        double *to = partial + w.offset;
        if (step) {
            int64_t rows = walk_repeats(&w, run, n), before = (rows - 1) * run;
            (r->maximum ? blocks_max_rows : blocks_add_rows)((int)rows, (int)run, to, x);
            if (rows > 1) w.digit[r->at.n - 2] += rows - 1;
            x += before;
            n -= before;
        } else if (r->maximum) {
            double m = blocks_max((int)run, x);
            if (m > *to || m != m) *to = m; // a NaN wins
        } else {
            *to += blocks_sum((int)run, x);
        }
        walk_on(&w, run);
        x += run;
        n -= run;
    }
}

static double *partials_of(const loop_reduction *r, void *scratch, int part) {
    return (double *)((char *)scratch + r->partials) + (r->shared ? 0 : part * r->width);
}

static void clear_partials(const loop *l, void *scratch, int part, int64_t first, int64_t last) {
    for (int i = 0; i < l->reductions; i++) {
        const loop_reduction *r = &l->reduction[i];
        double *partial = partials_of(r, scratch, part), start = r->maximum ? -(double)INFINITY : 0;
        int64_t from = r->shared ? first / r->unit * r->unit_out : 0, to = r->shared ? last / r->unit * r->unit_out : r->width;
        for (int64_t j = from; j < to; j++) partial[j] = start;
    }
}

static void run_block(const loop *l, int64_t first, int n, float *buffers, void *scratch, int part) {
    const float *slot[LOOP_MAX_SLOTS];
    for (int k = 0; k < l->instructions; k++) {
        const loop_instruction *c = &l->instruction[k];
        switch (c->code) {
        case LOOP_LOAD:
            slot[c->slot] = load_leaf(&l->leaf[c->index], first, n, buffers, c->buffer);
            break;
        case LOOP_CALL: {
            const float *x[LOOP_MAX_INPUTS];
            for (int i = 0; i < c->n_in; i++) x[i] = slot[c->in[i]];
            float *y = c->index >= 0 ? (float *)l->store[c->index].data + first : buffers + (size_t)c->buffer * LOOP_BLOCK;
            c->block(n, y, x, c->params);
            slot[c->slot] = y;
            break;
        }
        case LOOP_STORE: {
            const loop_store *s = &l->store[c->index];
            blocks_store(n, (char *)s->data + (size_t)first * dtype_size(s->type), slot[c->slot], s->type);
            break;
        }
        case LOOP_REDUCE: {
            const loop_reduction *r = &l->reduction[c->index];
            reduce_block(r, partials_of(r, scratch, part), first, n, slot[c->slot]);
            break;
        }
        }
    }
}

static int64_t part_start(const loop *l, int part) {
    int64_t units = (l->count + l->unit - 1) / l->unit;
    int64_t at = units * part / l->parts * l->unit;
    return at < l->count ? at : l->count;
}

static void run_part(const loop *l, void *scratch, int part) {
    int64_t first = part_start(l, part), last = part_start(l, part + 1);
    float *buffers = (float *)scratch + (size_t)part * l->buffer_floats;
    clear_partials(l, scratch, part, first, last);
    for (int64_t at = first, end; at < last; at = end) {
        const int64_t segment = at / l->segment;
        end = (segment + 1) * l->segment < last ? (segment + 1) * l->segment : last;
        for (int i = 0; i < l->leaves; i++)
            if (at == first || l->leaf[i].at.n > 2) prepare_leaf(&l->leaf[i], l->segment, segment, buffers + (size_t)l->leaf[i].buffer * LOOP_BLOCK);
        for (int64_t i = at; i < end; i += LOOP_BLOCK) run_block(l, i, (int)(end - i < LOOP_BLOCK ? end - i : LOOP_BLOCK), buffers, scratch, part);
    }
}

// Results [from, to) of one reduction from its partial results.
static void finish_reduction(const loop_reduction *r, const void *scratch, int parts, int64_t from, int64_t to) {
    const double *partial = (const double *)((const char *)scratch + r->partials);
    if (r->shared) parts = 1;
    for (int64_t i = from; i < to; i++) {
        double total = partial[i];
        for (int64_t part = 0; part < parts; part++) {
            for (int64_t j = part ? i : i + r->count; j < r->width; j += r->count) {
                double v = partial[part * r->width + j];
                if (!r->maximum)
                    total += v;
                else if (v > total || v != v)
                    total = v;
            }
        }
        r->data[i] = (float)total;
    }
}

void loop_run(const loop *l, void *scratch) {
    if (l->parts == 1) {
        run_part(l, scratch, 0);
    } else {
#pragma omp parallel for schedule(static, 1) num_threads(l->parts)
        for (int part = 0; part < l->parts; part++) run_part(l, scratch, part);
    }
    for (int i = 0; i < l->reductions; i++) {
        const loop_reduction *r = &l->reduction[i];
        if (r->width < PARALLEL_FROM || l->parts == 1) {
            finish_reduction(r, scratch, l->parts, 0, r->count);
            continue;
        }
#pragma omp parallel for schedule(static, 1) num_threads(l->parts)
        for (int part = 0; part < l->parts; part++)
            finish_reduction(r, scratch, l->parts, r->count * part / l->parts, r->count * (part + 1) / l->parts);
    }
}

// A sum of many short rows: the same sums for several rows side by side, folded at the end.
static void widen(loop_reduction *r, int64_t count) {
    r->count = r->width;
    if (r->at.n != 2 || r->at.stride[0] != 0 || r->at.stride[1] != 1 || r->width >= WIDE) return;
    int64_t rows = WIDE / r->width;
    r->width *= rows;
    r->at.size[1] = r->width;
    r->at.size[0] = (count + r->width - 1) / r->width;
}

// Digits in front that are kept: parts of the loop that start at multiples of what is under them own their results.
static void set_unit(loop_reduction *r, int64_t count) {
    r->unit = count;
    r->unit_out = r->width;
    if (r->at.stride[0] == 0) return;
    r->unit = count / r->at.size[0];
    r->unit_out = r->at.stride[0];
}

void loop_finish(loop *l, int threads) {
    l->parts = l->count < PARALLEL_FROM ? 1 : threads;
    l->unit = 1;
    for (int i = 0; i < l->reductions; i++) {
        loop_reduction *r = &l->reduction[i];
        set_unit(r, l->count);
        const int64_t units = l->count / r->unit;
        const bool balanced = units >= 4 * l->parts || (units > 1 && units % l->parts == 0);
        if (balanced && r->unit % l->unit == 0) l->unit = r->unit;
    }
    l->buffer_floats = (size_t)l->buffers * LOOP_BLOCK;
    size_t bytes = aligned((size_t)l->parts * l->buffer_floats * sizeof(float));
    for (int i = 0; i < l->reductions; i++) {
        loop_reduction *r = &l->reduction[i];
        r->shared = l->unit % r->unit == 0;
        if (!r->shared)
            widen(r, l->count);
        else
            r->count = r->width;
        r->partials = bytes;
        bytes += aligned((size_t)(r->shared ? 1 : l->parts) * (size_t)r->width * sizeof(double));
    }
    l->scratch_bytes = bytes;
}
