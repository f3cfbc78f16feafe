// Gradients against central differences, in f64 on the reference.
//
// A test is a table: each row names a function of some inputs, their shapes, and the range that their elements are drawn from, away from kinks.
//
//     static node *conv(node **x) { return nn_conv(x[0], x[1], (conv_params){.pad = {1, 1, 1, 1}}); }
//     static const gradient_row ROWS[] = {
//         {"conv", conv, 2, {{.n = 4, .d = {2, 5, 5, 3}}, {.n = 4, .d = {4, 3, 3, 3}}}, .low = -1, .high = 1},
//     };
//     static void test_gradients(void **state) { check_gradients(ROWS, sizeof ROWS / sizeof *ROWS); }
//
// y = f(x…) is contracted with fixed random numbers c, so that s = Σ c·y is a scalar. First order: grad(s) against differences of s, for every element of every
// input. Second order: t = Σ v·grad(s) with fixed random v; grad(t) against differences of t. Both run on the reference, so that what is tested is `reference`
// and `vjp`; kernels are compared with the reference elsewhere.
#ifndef FOIL_TESTS_NN_CHECK_GRADIENT_H
#define FOIL_TESTS_NN_CHECK_GRADIENT_H

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "nn/grad.h"
#include "nn/ops.h"
#include "nn/reference.h"
#include "tests/cmocka.h"

enum { GRADIENT_INPUTS = 4 };

typedef struct gradient_row {
    const char *name;
    node *(*f)(node **x);
    int n;                        // inputs
    shape shape[GRADIENT_INPUTS]; // of each
    double low, high;             // elements are uniform in [low, high] …
    bool signs;                   // … with either sign: for kinks at 0
    bool distinct;                // elements of one input are far apart compared with the step of the differences: for maxima
    double tolerance;             // |difference - gradient| <= tolerance · (1 + |gradient|); 0 = 1e-6
    int64_t indices;              // > 0: the last input is an index (I32) in [0, indices), and no gradient is taken toward it
} gradient_row;

static const double GRADIENT_STEP = 1e-5;

static double gradient_random(uint32_t stream, int64_t i) {
    return (double)philox_uniform((philox_key){.seed = 7, .stream = stream}, (uint64_t)i);
}

// The elements of input `i`.
static void gradient_draw(const gradient_row *row, int i, double *x) {
    const int64_t count = shape_count(row->shape[i]);
    for (int64_t j = 0; j < count; j++) {
        double unit = gradient_random((uint32_t)i, j);
        if (row->distinct) unit = ((double)(j * 7919 % count) + 0.5 * unit) / (double)count; // 7919 is prime: a permutation
        x[j] = row->low + (row->high - row->low) * unit;
        if (row->signs && gradient_random(100 + (uint32_t)i, j) < 0.5) x[j] = -x[j];
        if (row->indices && i == row->n - 1) x[j] = floor(gradient_random((uint32_t)i, j) * (double)row->indices);
    }
}

typedef struct gradient_case {
    graph *graph;
    node *x[GRADIENT_INPUTS];
    int toward; // inputs that gradients are taken toward
    node *s, *t, *first[GRADIENT_INPUTS], *second[GRADIENT_INPUTS];
    reference_leaf leaf[2 * GRADIENT_INPUTS + 1]; // x, v, c
    double *value[2 * GRADIENT_INPUTS + 1];
    int leaves;
} gradient_case;

static node *gradient_leaf(gradient_case *c, const char *name, shape s, dtype type) {
    node *n = graph_input(c->graph, name, s, type);
    double *value = test_malloc((size_t)shape_count(s) * sizeof *value);
    for (int64_t j = 0; j < shape_count(s); j++) value[j] = 2 * gradient_random(200 + (uint32_t)c->leaves, j) - 1;
    c->leaf[c->leaves] = (reference_leaf){n, value};
    c->value[c->leaves++] = value;
    return n;
}

static node *gradient_contract(gradient_case *c, node *y) {
    return nn_sum(nn_mul(y, gradient_leaf(c, "direction", y->shape, F32)), nn_all_axes(y), false);
}

static void gradient_build(const gradient_row *row, gradient_case *c) {
    c->graph = graph_new(F32);
    assert_non_null(c->graph);
    c->toward = row->indices ? row->n - 1 : row->n;
    for (int i = 0; i < row->n; i++) {
        c->x[i] = gradient_leaf(c, "x", row->shape[i], i < c->toward ? F32 : I32);
        gradient_draw(row, i, c->value[i]);
    }
    c->s = gradient_contract(c, row->f(c->x));
    grad(c->s, c->x, c->toward, c->first);
    c->t = gradient_contract(c, c->first[0]);
    for (int i = 1; i < c->toward; i++) c->t = nn_add(c->t, gradient_contract(c, c->first[i]));
    grad(c->t, c->x, c->toward, c->second);
    if (graph_status(c->graph) != FOIL_OK) fail_msg("%s: %s", row->name, foil_error());
}

static void gradient_scalars(const gradient_row *row, const gradient_case *c, double *s, double *t) {
    if (reference_run(c->graph, c->leaf, c->leaves, 1, 1, (node *const[]){c->s, c->t}, 2, (double *const[]){s, t}) != FOIL_OK)
        fail_msg("%s: %s", row->name, foil_error());
}

static void gradient_compare(const gradient_row *row, const char *order, int i, int64_t j, double difference, double gradient) {
    const double tolerance = row->tolerance > 0 ? row->tolerance : 1e-6;
    if (!(fabs(difference - gradient) <= tolerance * (1 + fabs(gradient))))
        fail_msg("%s: %s order, input %d, element %lld: difference %.10g, gradient %.10g", row->name, order, i, (long long)j, difference, gradient);
}

static void gradient_check_input(const gradient_row *row, gradient_case *c, int i) {
    const int64_t count = shape_count(row->shape[i]);
    double *first = test_malloc((size_t)count * sizeof *first), *second = test_malloc((size_t)count * sizeof *second);
    if (reference_run(c->graph, c->leaf, c->leaves, 1, 1, (node *const[]){c->first[i], c->second[i]}, 2, (double *const[]){first, second}) != FOIL_OK)
        fail_msg("%s: %s", row->name, foil_error());
    for (int64_t j = 0; j < count; j++) {
        double *x = &c->value[i][j], at = *x, s[2], t[2];
        for (int side = 0; side < 2; side++) {
            *x = at + (side ? GRADIENT_STEP : -GRADIENT_STEP);
            gradient_scalars(row, c, &s[side], &t[side]);
        }
        *x = at;
        gradient_compare(row, "first", i, j, (s[1] - s[0]) / (2 * GRADIENT_STEP), first[j]);
        gradient_compare(row, "second", i, j, (t[1] - t[0]) / (2 * GRADIENT_STEP), second[j]);
    }
    test_free(first);
    test_free(second);
}

static inline void check_gradients(const gradient_row *rows, size_t n) {
    for (size_t r = 0; r < n; r++) {
        gradient_case c = {0};
        gradient_build(&rows[r], &c);
        for (int i = 0; i < c.toward; i++) gradient_check_input(&rows[r], &c, i);
        for (int i = 0; i < c.leaves; i++) test_free(c.value[i]);
        graph_free(c.graph);
    }
}

#endif
