// Building graphs: shapes and types, what is simplified, and how errors are kept.
#include <stdlib.h>
#include <string.h>

#include "nn/grad.h"
#include "nn/ops.h"
#include "nn/ops/table.h"
#include "nn/reference.h"
#include "tests/cmocka.h"

static int make(void **state) {
    return (*state = graph_new(F32)) ? 0 : -1;
}
static int drop(void **state) {
    graph_free(*state);
    return 0;
}

static node *input(graph *g, shape s) {
    return graph_input(g, "x", s, F32);
}

static void assert_shape(const node *n, shape s) {
    if (!shape_equal(n->shape, s)) fail_msg("shape %s, expected %s", shape_text(n->shape), shape_text(s));
}

static void test_operands_broadcast_as_in_numpy(void **state) {
    graph *g = *state;
    node *a = input(g, SHAPE(2, 1, 4)), *b = input(g, SHAPE(3, 1));
    assert_shape(nn_mul(a, b), SHAPE(2, 3, 4));
    assert_shape(nn_add(a, input(g, SCALAR)), SHAPE(2, 1, 4));
    assert_int_equal(graph_status(g), FOIL_OK);
    assert_true(graph_is_poison(nn_add(a, input(g, SHAPE(3)))));
    assert_int_equal(graph_status(g), FOIL_INVALID);
    assert_string_equal(foil_error(), "add: shapes [2, 1, 4] and [3] do not broadcast");
}

static void test_the_first_error_stays_with_its_label(void **state) {
    graph *g = *state;
    node *x = input(g, SHAPE(2, 3));
    char label[] = "net.yaml:4:5 conv";
    g->label = label;
    node *bad = nn_reshape(x, SHAPE(4, 2));
    memset(label, 'x', sizeof label - 1); // the graph has its own copy
    assert_true(graph_is_poison(nn_relu(nn_matmul(nn_sum(bad, AXIS(0), false), x, false, false))));
    assert_true(graph_is_poison(nn_permute(nn_concat((node *const[]){x, bad}, 2, 0), (const int[]){1, 0})));
    node *dx;
    grad(bad, &x, 1, &dx);
    assert_true(graph_is_poison(dx));
    assert_int_equal(graph_status(g), FOIL_INVALID);
    assert_string_equal(foil_error(), "net.yaml:4:5 conv: reshape: [4, 2] has not as many elements as [2, 3]");
}

typedef node *breaking(node *x, node *index);
#define BREAKING(name, expression)                                                                                                                   \
    static node *name(node *x, node *index) {                                                                                                        \
        (void)x, (void)index;                                                                                                                        \
        return expression;                                                                                                                           \
    }
BREAKING(sum_axis, nn_sum(x, AXIS(4), false))
BREAKING(max_axis, nn_max_over(x, AXIS(2), true))
BREAKING(two_unknown, nn_reshape(x, SHAPE(-1, -1)))
BREAKING(unknown_does_not_divide, nn_reshape(x, SHAPE(-1, 4)))
BREAKING(permute_twice_the_same, nn_permute(x, (const int[]){0, 0}))
BREAKING(permute_beyond, nn_permute(x, (const int[]){0, 7}))
BREAKING(slice_beyond, nn_slice(x, (const int64_t[]){0, 1}, (const int64_t[]){2, 4}, NULL))
BREAKING(slice_empty, nn_slice(x, (const int64_t[]){0, 1}, (const int64_t[]){2, 1}, NULL))
BREAKING(pad_negative, nn_pad(x, (const int64_t[]){0, -1}, (const int64_t[]){0, 0}))
BREAKING(broadcast_narrower, nn_broadcast(x, SHAPE(3)))
BREAKING(concat_axis, nn_concat((node *const[]){x, x}, 2, 2))
BREAKING(concat_shapes, nn_concat((node *const[]){x, nn_reshape(x, SHAPE(3, 2))}, 2, 0))
BREAKING(gather_axis, nn_gather(x, index, 2))
BREAKING(gather_by_floats, nn_gather(x, x, 0))
BREAKING(scatter_count, nn_scatter_add(x, index, 0, 4))
BREAKING(arithmetic_on_integers, nn_neg(index))
BREAKING(sum_of_integers, nn_sum(index, AXIS(0), false))
BREAKING(cast_to_integers, nn_cast(x, U8))
BREAKING(softmax_axis, nn_softmax(x, -1))
BREAKING(dropout_all, nn_dropout(x, 1, 0))
BREAKING(group_norm_shape, nn_group_norm(x, 3, NULL, NULL, 1e-5))
BREAKING(stddev_shape, nn_minibatch_stddev(x, 1, 2, 1))
BREAKING(where_shapes, nn_where(x, x, nn_reshape(x, SHAPE(3, 2))))
BREAKING(batch_norm_of_a_vector, nn_batch_stats(nn_reshape(x, SHAPE(6)), 1).mean)
BREAKING(empty_axis, input(x->graph, SHAPE(3, 0)))

static void test_wrong_arguments_are_errors(void **state) {
    (void)state;
    breaking *const all[] = {sum_axis,
                             max_axis,
                             two_unknown,
                             unknown_does_not_divide,
                             permute_twice_the_same,
                             permute_beyond,
                             slice_beyond,
                             slice_empty,
                             pad_negative,
                             broadcast_narrower,
                             concat_axis,
                             concat_shapes,
                             gather_axis,
                             gather_by_floats,
                             scatter_count,
                             arithmetic_on_integers,
                             sum_of_integers,
                             cast_to_integers,
                             softmax_axis,
                             dropout_all,
                             group_norm_shape,
                             stddev_shape,
                             where_shapes,
                             batch_norm_of_a_vector,
                             empty_axis};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        graph *g = graph_new(F32);
        assert_non_null(g);
        node *n = all[i](input(g, SHAPE(2, 3)), graph_input(g, "index", SHAPE(5), I32));
        if (!graph_is_poison(n) || graph_status(g) != FOIL_INVALID) fail_msg("case %zu of the list passed", i);
        graph_free(g);
    }
}

static void test_equal_nodes_are_one(void **state) {
    graph *g = *state;
    node *x = input(g, SHAPE(2, 3)), *other = input(g, SHAPE(2, 3));
    assert_ptr_not_equal(x, other);
    assert_ptr_equal(nn_exp(x), nn_exp(x));
    assert_ptr_equal(nn_mul_scalar(x, 3), nn_mul_scalar(x, 3));
    assert_ptr_not_equal(nn_mul_scalar(x, 3), nn_mul_scalar(x, 2));
    assert_ptr_not_equal(nn_sub(x, other), nn_sub(other, x));
    store *s = store_new();
    assert_non_null(s);
    int first = store_declare(s, "w", SHAPE(3), (init){0}, true), second = store_declare(s, "b", SHAPE(3), (init){0}, true);
    assert_ptr_equal(graph_param(g, s, first), graph_param(g, s, first));
    assert_ptr_not_equal(graph_param(g, s, first), graph_param(g, s, second));
    for (int i = 0; i < 5000; i++) nn_add_scalar(x, i + 1); // the table of nodes grows
    int n = g->n;
    for (int i = 0; i < 5000; i++) nn_add_scalar(x, i + 1);
    assert_int_equal(g->n, n);
    store_free(s);
}

// Whatever the stack held before: their parameters have no padding, whose bytes would be anything.
static __attribute__((noinline)) void soil_stack(int with) {
    volatile char stack[4096];
    for (size_t i = 0; i < sizeof stack; i++) stack[i] = (char)with;
}
static __attribute__((noinline)) void make_three(graph *g, int64_t rows, node *made[3]) {
    made[0] = graph_constant(g, SHAPE(rows, 3), 1);
    made[1] = graph_uniform(g, SHAPE(rows, 3), 1);
    made[2] = nn_average_pool(graph_constant(g, SHAPE(1, rows, 4, 3), 1), (pool_params){.kernel = {2, 2}});
}
static void test_equal_nodes_are_one_on_any_stack(void **state) {
    node *made[3], *again[3];
    soil_stack(0);
    make_three(*state, 2, made);
    soil_stack(0xaa);
    make_three(*state, 2, again);
    for (int i = 0; i < 3; i++) assert_ptr_equal(made[i], again[i]);
}

static void test_trivial_work_vanishes(void **state) {
    graph *g = *state;
    node *x = input(g, SHAPE(2, 3));
    double value;
    assert_ptr_equal(nn_mul_scalar(x, 1), x);
    assert_ptr_equal(nn_add(x, graph_constant(g, SHAPE(3), 0)), x);
    assert_ptr_equal(nn_broadcast(x, SHAPE(2, 3)), x);
    assert_ptr_equal(nn_reshape(nn_reshape(x, SHAPE(6)), SHAPE(2, -1)), x);
    assert_ptr_equal(nn_permute(nn_permute(x, (const int[]){1, 0}), (const int[]){1, 0}), x);
    assert_ptr_equal(nn_cast(x, F32), x);
    assert_true(constant_value(nn_exp(graph_constant(g, SHAPE(4), 0)), &value));
    assert_float_equal(value, 1, 0);
    assert_true(constant_value(nn_sum(graph_constant(g, SHAPE(4, 2), 3), AXIS(0), false), &value));
    assert_float_equal(value, 12, 0);
    // What repeats is computed before it is repeated, and comes out of sums.
    node *row = nn_broadcast(input(g, SHAPE(3)), SHAPE(2, 3));
    assert_ptr_equal(nn_exp(row)->op, &OP_BROADCAST);
    assert_ptr_equal(nn_sum(nn_mul(x, row), AXIS(0), true)->op, &OP_MUL);
    assert_ptr_equal(nn_sum(nn_mul(x, row), AXIS(1), true)->op, &OP_SUM);
}

static void test_types(void **state) {
    graph *g = *state;
    node *x = graph_input(g, "x", SHAPE(2, 3), BF16), *f = input(g, SHAPE(2, 3)), *row = graph_input(g, "row", SHAPE(3), BF16);
    assert_int_equal(nn_add(x, f)->type, BF16);
    assert_int_equal(nn_mul(f, row)->type, F32); // a repeated operand does not decide
    assert_int_equal(nn_mul(x, row)->type, BF16);
    assert_int_equal(nn_add_scalar(x, 1)->type, BF16);
    node *half = nn_cast(graph_constant(g, SHAPE(2, 3), 0.5), BF16); // a constant is what it is asked to be, and does not decide either
    assert_int_equal(half->type, BF16);
    assert_int_equal(nn_reshape(half, SHAPE(6))->type, BF16);
    assert_int_equal(nn_min(f, half)->type, F32);
    assert_int_equal(nn_concat((node *const[]){x, graph_constant(g, SHAPE(2, 3), 0.5)}, 2, 0)->in[1]->type, BF16);
    assert_int_equal(nn_sum(x, AXIS(0), false)->type, F32);
    assert_int_equal(nn_cast(graph_input(g, "pixels", SHAPE(2, 3), U8), F32)->type, F32);
    node *y = nn_sum(nn_mul(nn_square(x), nn_mul(f, row)), AXIS(0) | AXIS(1), false), *dx[3];
    grad(y, (node *const[]){x, f, row}, 3, dx);
    assert_int_equal(dx[0]->type, BF16);
    assert_int_equal(dx[1]->type, F32);
    assert_int_equal(dx[2]->type, BF16);
    assert_shape(dx[2], SHAPE(3));
    assert_int_equal(graph_status(g), FOIL_OK);
}

static void test_gradients_go_only_where_they_are_asked(void **state) {
    graph *g = *state;
    node *x = input(g, SHAPE(2, 3)), *far = input(g, SHAPE(4)), *dx[3];
    node *y = nn_sum(nn_mul(nn_exp(x), nn_stop_gradient(nn_square(x))), nn_all_axes(x), false);
    grad(y, (node *const[]){x, far, y}, 3, dx);
    double value;
    assert_true(constant_value(dx[1], &value) && value == 0);
    assert_shape(dx[1], SHAPE(4));
    assert_true(constant_value(dx[2], &value) && value == 1);
    assert_ptr_equal(dx[0]->op, &OP_MUL);
}

static void test_gradient_errors(void **state) {
    graph *g = *state;
    node *x = input(g, SHAPE(2, 3)), *dx;
    store *s = store_new();
    assert_non_null(s);
    g->label = "here";
    node *assigned = graph_assign(g, s, store_declare(s, "running", SHAPE(2, 3), (init){0}, false), nn_exp(x));
    g->label = NULL;
    grad_from(assigned, NULL, &x, 1, &dx);
    assert_int_equal(graph_status(g), FOIL_INVALID);
    assert_string_equal(foil_error(), "assign has no derivative, asked for at here");
    assert_true(graph_is_poison(dx));
    store_free(s);
}

static void test_gradient_toward_integers_is_an_error(void **state) {
    graph *g = *state;
    node *pixels = graph_input(g, "pixels", SHAPE(2), U8), *dx;
    grad(nn_sum(nn_cast(pixels, F32), AXIS(0), false), &pixels, 1, &dx);
    assert_int_equal(graph_status(g), FOIL_INVALID);
    assert_string_equal(foil_error(), "gradient toward input of type u8: cast it first");
}

static void test_gradient_of_a_vector_is_an_error(void **state) {
    graph *g = *state;
    node *x = input(g, SHAPE(2)), *dx;
    grad(x, &x, 1, &dx);
    assert_int_equal(graph_status(g), FOIL_INVALID);
}

static void test_reference_wants_inputs(void **state) {
    graph *g = *state;
    double out[2];
    node *y = nn_exp(input(g, SHAPE(2)));
    assert_int_equal(reference_run(g, NULL, 0, 1, 1, &y, 1, (double *const[]){out}), FOIL_INVALID);
    assert_string_equal(foil_error(), "reference: no value for input x");
}

static void test_random_nodes_depend_on_stream_and_step(void **state) {
    graph *g = *state;
    double a[64], b[64], again[64], later[64];
    node *wanted[] = {graph_normal(g, SHAPE(8, 8), 1), graph_normal(g, SHAPE(64), 2)};
    assert_int_equal(reference_run(g, NULL, 0, 1, 5, wanted, 2, (double *const[]){a, b}), FOIL_OK);
    assert_int_equal(reference_run(g, NULL, 0, 1, 5, wanted, 1, (double *const[]){again}), FOIL_OK);
    assert_int_equal(reference_run(g, NULL, 0, 1, 6, wanted, 1, (double *const[]){later}), FOIL_OK);
    assert_memory_equal(a, again, sizeof a);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, later, sizeof a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_operands_broadcast_as_in_numpy),
        TEST(test_the_first_error_stays_with_its_label),
        TEST(test_wrong_arguments_are_errors),
        TEST(test_equal_nodes_are_one),
        TEST(test_equal_nodes_are_one_on_any_stack),
        TEST(test_trivial_work_vanishes),
        TEST(test_types),
        TEST(test_gradients_go_only_where_they_are_asked),
        TEST(test_gradient_errors),
        TEST(test_gradient_toward_integers_is_an_error),
        TEST(test_gradient_of_a_vector_is_an_error),
        TEST(test_reference_wants_inputs),
        TEST(test_random_nodes_depend_on_stream_and_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
