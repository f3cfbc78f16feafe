// Matrix products: shapes, transposition without copies, batches that repeat, vectors, types and derivatives.
#include <string.h>

#include "nn/grad.h"
#include "nn/ops.h"
#include "nn/ops/table.h"
#include "tests/nn/run_op.h"

static const double F32_TOLERANCE = 2e-6, BF16_TOLERANCE = 4e-3;

typedef struct example {
    shape a, b; // not transposed
} example;

static shape transposed(shape s, bool t) {
    if (!t) return s;
    int64_t rows = s.d[s.n - 2];
    s.d[s.n - 2] = s.d[s.n - 1];
    s.d[s.n - 1] = rows;
    return s;
}

static void check(shape a, shape b, dtype compute, double tolerance) {
    for (int v = 0; v < 8; v++) {
        bool ta = v & 1, tb = v & 2, constant = v & 4;
        graph *g = graph_new(compute);
        node *x = constant ? graph_constant(g, transposed(a, ta), 0.75) : graph_input(g, "a", transposed(a, ta), F32),
             *w = graph_input(g, "b", transposed(b, tb), F32);
        node *y = nn_matmul(compute == BF16 ? nn_cast(x, BF16) : x, w, ta, tb);
        if (graph_status(g) != FOIL_OK) fail_msg("%s", foil_error());
        assert_int_equal(y->type, compute);
        while (y->op != &OP_MATMUL) y = y->in[0]; // behind what gives the result its shape and, where products are taken in f32, its type
        if (y->in[0]->op != &OP_RESHAPE) {        // else the rows of one matrix, which other examples cover
            double difference = difference_from_reference(y);
            if (!(difference <= tolerance))
                fail_msg("%s%s x %s%s: %g", shape_text(x->shape), ta ? "ᵀ" : "", shape_text(w->shape), tb ? "ᵀ" : "", difference);
        }
        graph_free(g);
    }
}

static void plans_equal_the_definition(void **state) {
    (void)state;
    const example examples[] = {
        {SHAPE(5, 7), SHAPE(7, 3)},
        {SHAPE(64, 100), SHAPE(100, 200)},
        {SHAPE(1, 33), SHAPE(33, 20)}, // row times matrix
        {SHAPE(20, 33), SHAPE(33, 1)}, // matrix times column
        {SHAPE(1, 33), SHAPE(33, 1)},
        {SHAPE(9, 1), SHAPE(1, 8)},
        {SHAPE(1, 1), SHAPE(1, 1)},
        {SHAPE(4, 5, 6), SHAPE(4, 6, 7)},
        {SHAPE(5, 6), SHAPE(4, 6, 7)},
        {SHAPE(2, 3, 5, 6), SHAPE(2, 3, 6, 4)},
        {SHAPE(2, 1, 5, 6), SHAPE(3, 6, 4)},
        {SHAPE(2, 1, 5, 6), SHAPE(1, 3, 6, 4)},
        {SHAPE(2, 3, 2, 5, 6), SHAPE(2, 1, 2, 6, 4)},
        {SHAPE(3, 1, 6), SHAPE(3, 6, 1)},
        {SHAPE(1, 5, 6), SHAPE(1, 6, 4)},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        check(examples[i].a, examples[i].b, F32, F32_TOLERANCE);
        check(examples[i].a, examples[i].b, BF16, BF16_TOLERANCE);
    }
}

static void batched_rows_are_one_product(void **state) {
    (void)state;
    graph *g = graph_new(F32);
    node *a = graph_input(g, "a", SHAPE(2, 3, 4, 5), F32), *b = graph_input(g, "b", SHAPE(5, 6), F32), *y = nn_matmul(a, b, false, false);
    assert_true(shape_equal(y->shape, SHAPE(2, 3, 4, 6)));
    assert_ptr_equal(y->in[0]->op, &OP_MATMUL);
    assert_true(shape_equal(y->in[0]->shape, SHAPE(24, 6)));
    graph_free(g);
}

static void gradients_have_the_operands_shapes(void **state) {
    (void)state;
    const example examples[] = {
        {SHAPE(5, 7), SHAPE(7, 3)},       {SHAPE(2, 1, 5, 6), SHAPE(3, 6, 4)},    {SHAPE(5, 6), SHAPE(4, 6, 7)},    {SHAPE(3, 5, 6), SHAPE(6, 7)},
        {SHAPE(1, 5, 6), SHAPE(4, 6, 7)}, {SHAPE(2, 3, 5, 6), SHAPE(2, 1, 6, 4)}, {SHAPE(2, 3, 5, 6), SHAPE(6, 4)},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        for (int v = 0; v < 4; v++) {
            graph *g = graph_new(F32);
            node *in[] = {graph_input(g, "a", transposed(examples[i].a, v & 1), F32), graph_input(g, "b", transposed(examples[i].b, v & 2), F32)};
            node *y = nn_matmul(in[0], in[1], v & 1, v & 2), *first[2], *second[2];
            grad(nn_sum(nn_square(y), nn_all_axes(y), false), in, 2, first);
            grad(nn_sum(nn_square(first[1]), nn_all_axes(first[1]), false), in, 2, second);
            if (graph_status(g) != FOIL_OK) fail_msg("example %zu: %s", i, foil_error());
            for (int k = 0; k < 2; k++) assert_true(shape_equal(first[k]->shape, in[k]->shape) && shape_equal(second[k]->shape, in[k]->shape));
            graph_free(g);
        }
}

static void types_follow_the_rule(void **state) {
    (void)state;
    graph *g = graph_new(BF16);
    node *a = graph_input(g, "a", SHAPE(4, 5), F32), *b = graph_input(g, "b", SHAPE(5, 6), F32), *small = nn_cast(a, BF16);
    assert_int_equal(nn_matmul(a, b, false, false)->type, F32);
    assert_int_equal(nn_matmul(small, b, false, false)->type, BF16);
    assert_int_equal(nn_matmul(graph_constant(g, SHAPE(4, 5), 1), nn_cast(b, BF16), false, false)->type, BF16);
    graph_free(g);
    g = graph_new(F32);
    node *u8 = graph_input(g, "pixels", SHAPE(4, 5), U8);
    assert_int_equal(nn_matmul(u8, graph_input(g, "b", SHAPE(5, 6), F32), false, false)->type, F32);
    graph_free(g);
}

static void expect_error(shape a, shape b, bool ta, bool tb, const char *message) {
    graph *g = graph_new(F32);
    assert_true(graph_is_poison(nn_matmul(graph_input(g, "a", a, F32), graph_input(g, "b", b, F32), ta, tb)));
    assert_int_equal(graph_status(g), FOIL_INVALID);
    if (!strstr(foil_error(), message)) fail_msg("\"%s\" expected, got \"%s\"", message, foil_error());
    graph_free(g);
}

static void errors_say_what_is_wrong(void **state) {
    (void)state;
    expect_error(SHAPE(4, 5), SHAPE(4, 5), false, false, "matmul: [4, 5] times [4, 5]: the inner sizes are 5 and 4");
    expect_error(SHAPE(4, 5), SHAPE(4, 5), true, true, "matmul: [4, 5] transposed times [4, 5] transposed: the inner sizes are 4 and 5");
    expect_error(SHAPE(5), SHAPE(5, 2), false, false, "matmul: operands [5] and [5, 2], at least 2 axes expected");
    expect_error(SHAPE(2, 4, 5), SHAPE(3, 5, 6), false, false, "matmul: the batch axes of [2, 4, 5] and [3, 5, 6] do not broadcast");
    expect_error(SHAPE(2, 4, 5), SHAPE(6, 6), false, false, "the inner sizes are 5 and 6");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_equal_the_definition),         cmocka_unit_test(batched_rows_are_one_product),
        cmocka_unit_test(gradients_have_the_operands_shapes), cmocka_unit_test(types_follow_the_rule),
        cmocka_unit_test(errors_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
