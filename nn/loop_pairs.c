// Two operations in one pass over a block: what lies between them stays in a register.
#include "nn/loop.h"
#include "nn/ops/elementwise.h"

// The first operation takes a and b; the second one takes what it gives, v, and c, or v alone.
#define PAIR(name, constants, first, second)                                                                                                         \
    VECTORISED static void name(int n, float *y, const float *const *x, const void *params) {                                                        \
        typedef float real __attribute__((unused));                                                                                                  \
        const float *x0 = x[0], *x1 = x[1], *x2 = x[2];                                                                                              \
        (void)params;                                                                                                                                \
        constants _Pragma("omp simd") for (int i = 0; i < n; i++) {                                                                                  \
            const float a = x0[i], b = x1[i], c __attribute__((unused)) = x2[i], v = first;                                                          \
            y[i] = second;                                                                                                                           \
        }                                                                                                                                            \
    }
#define SLOPE CONSTANT(slope_params, slope)
#define PAIRS_OF(name, first)                                                                                                                        \
    PAIR(name##_add, , first, v + c)                                                                                                                 \
    PAIR(name##_sub, , first, v - c)                                                                                                                 \
    PAIR(name##_sub_from, , first, c - v)                                                                                                            \
    PAIR(name##_mul, , first, v *c)                                                                                                                  \
    PAIR(name##_relu, , first, v > 0 || v != v ? v : 0)                                                                                              \
    PAIR(name##_leaky_relu, SLOPE, first, v > 0 ? v : slope * v)                                                                                     \
    PAIR(name##_rectify, SLOPE, first, c > 0 ? v : slope * v)
PAIRS_OF(add, a + b)
PAIRS_OF(sub, a - b)
PAIRS_OF(mul, a *b)

typedef struct second {
    const op *op;
    int place; // of v among its operands
} second;
static const second SECONDS[] = {{&OP_ADD, 0}, {&OP_ADD, 1},  {&OP_SUB, 0},        {&OP_SUB, 1},    {&OP_MUL, 0},
                                 {&OP_MUL, 1}, {&OP_RELU, 0}, {&OP_LEAKY_RELU, 0}, {&OP_RECTIFY, 1}};
enum { N_SECONDS = sizeof SECONDS / sizeof *SECONDS };

#define ROW(op, name)                                                                                                                                \
    {                                                                                                                                                \
        &(op), {                                                                                                                                     \
            name##_add, name##_add, name##_sub, name##_sub_from, name##_mul, name##_mul, name##_relu, name##_leaky_relu, name##_rectify              \
        }                                                                                                                                            \
    }
static const struct {
    const op *op;
    block_function with[N_SECONDS];
} FIRSTS[] = {ROW(OP_ADD, add), ROW(OP_SUB, sub), ROW(OP_MUL, mul)};
enum { N_FIRSTS = sizeof FIRSTS / sizeof *FIRSTS };

static int first_of(const loop_instruction *k) {
    int i = 0;
    while (i < N_FIRSTS && k->block != FIRSTS[i].op->block) i++;
    return k->code == LOOP_CALL && k->index < 0 ? i : N_FIRSTS;
}

static int second_of(const loop_instruction *k, int slot) {
    int i = 0;
    while (i < N_SECONDS && (k->block != SECONDS[i].op->block || k->in[SECONDS[i].place] != slot)) i++;
    return k->code == LOOP_CALL ? i : N_SECONDS;
}

// The only instruction that reads a slot, and reads it once; NULL = there are more.
static loop_instruction *only_reader(const loop *l, int slot) {
    loop_instruction *found = NULL;
    int reads = 0;
    for (int i = 0; i < l->instructions; i++) {
        loop_instruction *k = &l->instruction[i];
        if (k->code == LOOP_STORE || k->code == LOOP_REDUCE) reads += k->slot == slot;
        for (int j = 0; k->code == LOOP_CALL && j < k->n_in; j++) {
            if (k->in[j] != slot) continue;
            reads++;
            found = k;
        }
    }
    return reads == 1 ? found : NULL;
}

static bool is_gone(const loop_instruction *k) {
    return k->code == LOOP_CALL && k->n_in == 0;
}

void loop_join_pairs(loop *l) {
    for (int i = 0; i < l->instructions; i++) {
        loop_instruction *k = &l->instruction[i];
        const int first = first_of(k);
        loop_instruction *then = first < N_FIRSTS ? only_reader(l, k->slot) : NULL;
        const int way = then ? second_of(then, k->slot) : N_SECONDS;
        if (way == N_SECONDS) continue;
        const int other = then->n_in > 1 ? then->in[1 - SECONDS[way].place] : k->in[0];
        then->block = FIRSTS[first].with[way];
        then->n_in = 3;
        then->in[0] = k->in[0], then->in[1] = k->in[1], then->in[2] = other;
        k->n_in = 0;
    }
    int kept = 0;
    for (int i = 0; i < l->instructions; i++)
        if (!is_gone(&l->instruction[i])) l->instruction[kept++] = l->instruction[i];
    l->instructions = kept;
}
