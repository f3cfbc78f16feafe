// Runs one op through a plan and through its reference, on random inputs, and says how far they are apart.
#ifndef FOIL_TESTS_NN_RUN_OP_H
#define FOIL_TESTS_NN_RUN_OP_H

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "nn/op.h"
#include "nn/ops/table.h"
#include "nn/plan.h"
#include "tests/cmocka.h"

enum { OP_MAX_INPUTS = 4 };

// Multiples of 1/64 in [-2, 2): exact in bf16 as in f64, with ties.
static inline double *random_values(int64_t n, uint32_t seed) {
    double *v = malloc((size_t)n * sizeof *v);
    assert_non_null(v);
    philox_key key = {.seed = seed, .stream = STREAM_LATENT, .step = 0};
    for (int64_t i = 0; i < n; i++) v[i] = ((double)philox_below(key, (uint64_t)i, 256) - 128) / 64;
    return v;
}

static inline const node *source_of(const node *n) { // the input behind casts
    while (n->n_in) n = n->in[0];
    return n;
}

static inline void feed(plan *p, const node *input, const double *values) {
    int64_t n = shape_count(input->shape);
    float *v = malloc((size_t)n * sizeof *v);
    assert_non_null(v);
    for (int64_t i = 0; i < n; i++) v[i] = (float)values[i];
    plan_feed(p, input, v);
    free(v);
}

// What one input of an op is to hold: of a constant what it is, else random values, which the plan is given.
static inline double *fill_input(plan *p, const node *in, uint32_t seed) {
    int64_t n = shape_count(in->shape);
    const node *source = source_of(in);
    double *values = random_values(n, seed), constant;
    if (constant_value(source, &constant))
        for (int64_t i = 0; i < n; i++) values[i] = constant;
    else
        feed(p, source, values);
    return values;
}

static inline double value_at(const void *data, dtype t, int64_t i) {
    return t == BF16 ? (double)bf16_to_f32(((const uint16_t *)data)[i]) : (double)((const float *)data)[i];
}

// The largest difference between the plan's result for `y` and its reference, relative to the reference's largest element. The inputs of y are f32 inputs of
// the graph, constants, or casts of these.
static inline double difference_from_reference(node *y) {
    assert_int_equal(graph_status(y->graph), FOIL_OK);
    plan *p = NULL;
    plan_output wanted = {y, NULL};
    if (plan_compile(y->graph, &(plan_phase){&wanted, 1}, 1, NULL, &p) != FOIL_OK) fail_msg("%s", foil_error());
    double *in[OP_MAX_INPUTS] = {0}, *expected = malloc((size_t)shape_count(y->shape) * sizeof *expected);
    assert_non_null(expected);
    for (int i = 0; i < y->n_in; i++) in[i] = fill_input(p, y->in[i], (uint32_t)i + 1);
    y->op->reference(y, (const double *const *)in, expected);
    for (int twice = 0; twice < 2; twice++) plan_run(p, 0, 1, 1); // nothing may be left over from the first
    const void *out = plan_data(p, y);
    double worst = 0, scale = 0;
    for (int64_t i = 0; i < shape_count(y->shape); i++) {
        double difference = fabs(value_at(out, y->type, i) - expected[i]);
        worst = difference > worst || isnan(difference) ? difference : worst;
        scale = fmax(scale, fabs(expected[i]));
    }
    for (int i = 0; i < y->n_in; i++) free(in[i]);
    free(expected);
    plan_free(p);
    return scale > 0 ? worst / scale : worst;
}

#endif
