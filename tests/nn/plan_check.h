// Plans against the reference: compile, feed, run, compare.
#ifndef FOIL_TESTS_NN_PLAN_CHECK_H
#define FOIL_TESTS_NN_PLAN_CHECK_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "nn/ops.h"
#include "nn/plan.h"
#include "nn/reference.h"
#include "tests/cmocka.h"

enum { CHECK_MAX = 64 };

// Inputs and their values, in f64 as the type holds them.
typedef struct check_inputs {
    int n;
    node *node[CHECK_MAX];
    double *value[CHECK_MAX];
} check_inputs;

static inline void put(void *to, dtype t, int64_t i, double v) {
    switch (t) {
    case F32:
        ((float *)to)[i] = (float)v;
        break;
    case BF16:
        ((uint16_t *)to)[i] = f32_to_bf16((float)v);
        break;
    case U8:
        ((uint8_t *)to)[i] = (uint8_t)v;
        break;
    case I32:
        ((int32_t *)to)[i] = (int32_t)v;
        break;
    }
}

static inline double get(const void *from, dtype t, int64_t i) {
    switch (t) {
    case F32:
        return (double)((const float *)from)[i];
    case BF16:
        return (double)bf16_to_f32(((const uint16_t *)from)[i]);
    case U8:
        return ((const uint8_t *)from)[i];
    case I32:
        return ((const int32_t *)from)[i];
    }
    return NAN;
}

// A new input with values from `seed`: uniform in [-1, 1), or 0..7 for integers.
static inline node *check_input(check_inputs *in, graph *g, shape s, dtype t, uint64_t seed) {
    assert_true(in->n < CHECK_MAX);
    node *x = graph_input(g, "x", s, t);
    int64_t n = shape_count(s);
    double *v = malloc((size_t)n * sizeof *v);
    assert_non_null(v);
    philox_key key = {seed, STREAM_SAMPLES, (uint64_t)in->n};
    for (int64_t i = 0; i < n; i++) {
        double u = (double)philox_uniform(key, (uint64_t)i);
        v[i] = t == U8 || t == I32 ? floor(8 * u) : 2 * u - 1;
        uint32_t room;
        put(&room, t, 0, v[i]);
        v[i] = get(&room, t, 0);
    }
    in->node[in->n] = x;
    in->value[in->n++] = v;
    return x;
}

static inline void check_free(check_inputs *in) {
    for (int i = 0; i < in->n; i++) free(in->value[i]);
    in->n = 0;
}

static inline void check_feed(plan *p, const check_inputs *in) {
    for (int i = 0; i < in->n; i++) {
        const node *x = in->node[i];
        int64_t n = shape_count(x->shape);
        char *bytes = malloc((size_t)n * 4);
        assert_non_null(bytes);
        for (int64_t j = 0; j < n; j++) put(bytes, x->type, j, in->value[i][j]);
        plan_feed(p, x, bytes);
        free(bytes);
    }
}

static inline void check_ok(foil_status s) {
    if (s != FOIL_OK) fail_msg("%s", foil_error());
}

// out[i] (shape_count elements each, from malloc) are the reference's values of `wanted`.
static inline void check_reference(graph *g, const check_inputs *in, uint64_t seed, uint64_t step, node *const *wanted, int n, double **out) {
    reference_leaf leaves[CHECK_MAX];
    for (int i = 0; i < in->n; i++) leaves[i] = (reference_leaf){in->node[i], in->value[i]};
    for (int i = 0; i < n; i++) assert_non_null(out[i] = malloc((size_t)shape_count(wanted[i]->shape) * sizeof(double)));
    check_ok(reference_run(g, leaves, in->n, seed, step, wanted, n, out));
}

static inline void check_close(const void *got, dtype t, const double *expected, int64_t n, double tolerance, const char *what) {
    for (int64_t i = 0; i < n; i++) {
        double a = get(got, t, i), b = expected[i];
        if (!(fabs(a - b) <= tolerance * (1 + fabs(b)))) fail_msg("%s: element %ld of %ld is %.9g, reference %.9g", what, (long)i, (long)n, a, b);
    }
}

// One phase with all of `wanted` in the workspace, against the reference.
static inline void check_plan(graph *g, const check_inputs *in, node *const *wanted, int n, double tolerance, const char *what) {
    plan_output o[CHECK_MAX];
    double *expected[CHECK_MAX];
    assert_true(n <= CHECK_MAX);
    for (int i = 0; i < n; i++) o[i] = (plan_output){wanted[i], NULL};
    plan *p;
    check_ok(plan_compile(g, &(plan_phase){o, n}, 1, NULL, &p));
    check_feed(p, in);
    check_reference(g, in, 7, 3, wanted, n, expected);
    for (int run = 0; run < 2; run++) { // the second finds what the first left
        plan_run(p, 0, 7, 3);
        for (int i = 0; i < n; i++)
            check_close(plan_data(p, wanted[i]), wanted[i]->type, expected[i], shape_count(wanted[i]->shape), tolerance, what);
    }
    for (int i = 0; i < n; i++) free(expected[i]);
    plan_free(p);
}

#endif
