// Every op against PyTorch's values and gradients (torch_values.py made them): the reference in f64, a plan in f32, a plan in bf16.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn/grad.h"
#include "nn/ops.h"
#include "nn/plan.h"
#include "nn/reference.h"
#include "nn/safetensors.h"
#include "tests/cmocka.h"

#define FUNCTION(name, expression)                                                                                                                   \
    static node *name(node **x) {                                                                                                                    \
        return expression;                                                                                                                           \
    }

FUNCTION(add, nn_add(x[0], x[1]))
FUNCTION(sub, nn_sub(x[0], x[1]))
FUNCTION(mul, nn_mul(x[0], x[1]))
FUNCTION(divide, nn_div(x[0], x[1]))
FUNCTION(min, nn_min(x[0], x[1]))
FUNCTION(max, nn_max(x[0], x[1]))
FUNCTION(power, nn_pow(x[0], x[1]))
FUNCTION(power_scalar, nn_pow_scalar(x[0], 3))
FUNCTION(neg, nn_neg(x[0]))
FUNCTION(exponential, nn_exp(x[0]))
FUNCTION(logarithm, nn_log(x[0]))
FUNCTION(square_root, nn_sqrt(x[0]))
FUNCTION(rsqrt, nn_rsqrt(x[0]))
FUNCTION(square, nn_square(x[0]))
FUNCTION(absolute, nn_abs(x[0]))
FUNCTION(sign, nn_sign(x[0]))
FUNCTION(clip, nn_clip(x[0], -0.5, 0.75))
FUNCTION(clip_to_one, nn_clip(x[0], -1, 1))
FUNCTION(error_function, nn_erf(x[0]))
FUNCTION(where, nn_where(nn_less(x[0], x[1]), nn_square(x[0]), x[1]))
FUNCTION(tangent, nn_tanh(x[0]))
FUNCTION(sigmoid, nn_sigmoid(x[0]))
FUNCTION(relu, nn_relu(x[0]))
FUNCTION(leaky_relu, nn_leaky_relu(x[0], 0.2))
FUNCTION(elu, nn_elu(x[0], 1.5))
FUNCTION(selu, nn_selu(x[0]))
FUNCTION(gelu, nn_gelu(x[0]))
FUNCTION(silu, nn_silu(x[0]))
FUNCTION(softplus, nn_softplus(x[0]))
FUNCTION(sum, nn_sum(x[0], AXIS(0) | AXIS(2), false))
FUNCTION(mean, nn_mean(x[0], AXIS(1), true))
FUNCTION(broadcast, nn_broadcast(x[0], SHAPE(2, 3, 4)))
FUNCTION(reshape, nn_reshape(x[0], SHAPE(4, -1)))
FUNCTION(permute, nn_permute(x[0], (const int[]){2, 0, 1}))
FUNCTION(slice, nn_slice(x[0], (const int64_t[]){1, 0}, (const int64_t[]){4, 5}, (const int64_t[]){2, 3}))
FUNCTION(pad, nn_pad(x[0], (const int64_t[]){1, 0}, (const int64_t[]){2, 3}))
FUNCTION(concat, nn_concat(x, 2, 1))
static const int32_t INDEX[] = {2, 0, 2, 1};
static node *index_input(node *x) {
    return graph_input(x->graph, "index", SHAPE(4), I32);
}
FUNCTION(gather, nn_gather(x[0], index_input(x[0]), 1))
FUNCTION(scatter_add, nn_scatter_add(x[0], index_input(x[0]), 1, 3))
FUNCTION(matmul, nn_matmul(x[0], x[1], false, false))
FUNCTION(matmul_transposed, nn_matmul(x[0], x[1], true, true))
FUNCTION(conv, nn_conv(x[0], x[1], (conv_params){.pad = {1, 1, 1, 1}}))
FUNCTION(conv_stride, nn_conv(x[0], x[1], (conv_params){.stride = {2, 2}, .pad = {1, 1, 1, 1}}))
FUNCTION(conv_dilation, nn_conv(x[0], x[1], (conv_params){.pad = {2, 1, 2, 1}, .dilation = {2, 1}}))
FUNCTION(conv_groups, nn_conv(x[0], x[1], (conv_params){.pad = {1, 1, 1, 1}, .groups = 2}))
FUNCTION(conv_depthwise, nn_conv(x[0], x[1], (conv_params){.pad = {1, 1, 1, 1}, .groups = 4}))
FUNCTION(conv_asymmetric, nn_conv(x[0], x[1], (conv_params){.pad = {1, 0, 0, 2}}))
FUNCTION(conv_transposed, nn_conv_data(x[0], x[1], (conv_params){.stride = {2, 2}, .pad = {1, 1, 1, 1}}, 6, 6))
FUNCTION(conv_transposed_groups, nn_conv_data(x[0], x[1], (conv_params){.stride = {2, 2}, .pad = {1, 1, 1, 1}, .groups = 2}, 6, 6))
FUNCTION(max_pool, nn_max_pool(x[0], (pool_params){.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}}))
FUNCTION(average_pool, nn_average_pool(x[0], (pool_params){.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .count_padding = true}))
FUNCTION(average_pool_inside, nn_average_pool(x[0], (pool_params){.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}}))
FUNCTION(nearest, nn_resize_nearest(x[0], 7, 9))
FUNCTION(nearest_down, nn_resize_nearest(x[0], 2, 3))
FUNCTION(bilinear, nn_resize_bilinear(x[0], 7, 9))
FUNCTION(bilinear_down, nn_resize_bilinear(x[0], 2, 3))
FUNCTION(batch_norm, nn_batch_norm(x[0], nn_batch_stats(x[0], 1), x[1], x[2], 1e-5))
static node *batch_norm_running(node **x) {
    node *mean = graph_table(x[0]->graph, SHAPE(3), (const float[]){-0.5f, 0, 0.5f});
    node *variance = graph_table(x[0]->graph, SHAPE(3), (const float[]){0.5f, 1.25f, 2});
    return nn_batch_norm(x[0], (batch_stats){mean, variance}, x[1], x[2], 1e-5);
}
FUNCTION(layer_norm, nn_layer_norm(x[0], AXIS(1) | AXIS(2), x[1], x[2], 1e-5))
FUNCTION(group_norm, nn_group_norm(x[0], 2, x[1], x[2], 1e-5))
FUNCTION(instance_norm, nn_instance_norm(x[0], x[1], x[2], 1e-5))
FUNCTION(pixel_norm, nn_pixel_norm(x[0], 1e-8))
static node *spectral_norm(node **x) { // u need not be a unit vector when an iteration follows
    node *u = graph_table(x[0]->graph, SHAPE(4), (const float[]){1, (float)(4.0 / 3), (float)(5.0 / 3), 2});
    node *v = graph_constant(x[0]->graph, SHAPE(6), 1);
    return nn_spectral_norm(x[0], u, v, true, 1e-12).weight;
}
FUNCTION(softmax, nn_softmax(x[0], 1))
FUNCTION(log_softmax, nn_log_softmax(x[0], 0))
FUNCTION(stddev, nn_minibatch_stddev(x[0], 1, 2, 1))

// |ours - PyTorch's| <= tolerance · (largest |PyTorch's| of the tensor).
typedef struct row {
    const char *name;
    node *(*f)(node **x);
    double f64, f32, bf16; // bf16 0: not tried, because rounding x moves it over a kink or into a tie
} row;
#define EXACT 1e-14, 1e-7
#define CLOSE 1e-12, 1e-6
static const row ROWS[] = {
    {"add", add, EXACT, 0.01},
    {"sub", sub, EXACT, 0.01},
    {"mul", mul, EXACT, 0.01},
    {"div", divide, CLOSE, 0.02},
    {"min", min, EXACT, 0.01},
    {"max", max, EXACT, 0.01},
    {"min tied", min, EXACT, 0.01},
    {"pow", power, CLOSE, 0.03},
    {"pow scalar", power_scalar, CLOSE, 0.02},
    {"neg", neg, EXACT, 0.01},
    {"exp", exponential, CLOSE, 0.02},
    {"log", logarithm, CLOSE, 0.02},
    {"sqrt", square_root, CLOSE, 0.01},
    {"rsqrt", rsqrt, CLOSE, 0.02},
    {"square", square, CLOSE, 0.01},
    {"abs", absolute, EXACT, 0.01},
    {"abs at 0", absolute, EXACT, 0.01},
    {"sign", sign, EXACT, 0.01},
    {"clip", clip, EXACT, 0.01},
    {"clip at its ends", clip_to_one, EXACT, 0.01},
    {"erf", error_function, CLOSE, 0.02},
    {"where", where, CLOSE, 0.01},
    {"tanh", tangent, CLOSE, 0.02},
    {"sigmoid", sigmoid, CLOSE, 0.02},
    {"relu", relu, EXACT, 0.01},
    {"relu at 0", relu, EXACT, 0.01},
    {"leaky_relu", leaky_relu, CLOSE, 0.01},
    {"elu", elu, CLOSE, 0.02},
    {"selu", selu, CLOSE, 0.02},
    {"gelu", gelu, CLOSE, 0.02},
    {"silu", silu, CLOSE, 0.02},
    {"softplus", softplus, CLOSE, 0.02},
    {"sum", sum, CLOSE, 0.01},
    {"mean", mean, CLOSE, 0.01},
    {"broadcast", broadcast, CLOSE, 0.01},
    {"reshape", reshape, EXACT, 0.01},
    {"permute", permute, EXACT, 0.01},
    {"slice", slice, EXACT, 0.01},
    {"pad", pad, EXACT, 0.01},
    {"concat", concat, EXACT, 0.01},
    {"gather", gather, CLOSE, 0.01},
    {"scatter_add", scatter_add, CLOSE, 0.01},
    {"matmul", matmul, CLOSE, 0.02},
    {"matmul transposed", matmul_transposed, CLOSE, 0.02},
    {"conv", conv, CLOSE, 0.02},
    {"conv stride", conv_stride, CLOSE, 0.02},
    {"conv dilation", conv_dilation, CLOSE, 0.02},
    {"conv groups", conv_groups, CLOSE, 0.02},
    {"conv depthwise", conv_depthwise, CLOSE, 0.02},
    {"conv asymmetric pad", conv_asymmetric, CLOSE, 0.02},
    {"conv transposed", conv_transposed, CLOSE, 0.02},
    {"conv transposed groups", conv_transposed_groups, CLOSE, 0.02},
    {"max_pool", max_pool, EXACT, 0.01},
    {"average_pool", average_pool, CLOSE, 0.01},
    {"average_pool inside", average_pool_inside, CLOSE, 0.01},
    {"resize nearest", nearest, CLOSE, 0.01},
    {"resize nearest down", nearest_down, EXACT, 0.01},
    {"resize bilinear", bilinear, CLOSE, 0.02},
    {"resize bilinear down", bilinear_down, CLOSE, 0.02},
    {"batch_norm", batch_norm, CLOSE, 0.03},
    {"batch_norm running", batch_norm_running, CLOSE, 0.02},
    {"layer_norm", layer_norm, CLOSE, 0.03},
    {"group_norm", group_norm, CLOSE, 0.03},
    {"instance_norm", instance_norm, CLOSE, 0.03},
    {"pixel_norm", pixel_norm, CLOSE, 0.03},
    {"spectral_norm", spectral_norm, CLOSE, 0.03},
    {"softmax", softmax, CLOSE, 0.03},
    {"log_softmax", log_softmax, CLOSE, 0.03},
    {"minibatch_stddev", stddev, CLOSE, 0.03},
};
enum { ROW_COUNT = sizeof ROWS / sizeof *ROWS, INPUTS = 4 };

static safetensors *file;

static bool find(const row *r, const char *what, int i, safetensors_entry *e) {
    char name[80];
    snprintf(name, sizeof name, i < 0 ? "%s/%s" : "%s/%s%d", r->name, what, i);
    return safetensors_find(file, name, e);
}

static safetensors_entry value(const row *r, const char *what, int i) {
    safetensors_entry e = {0};
    if (!find(r, what, i, &e)) fail_msg("%s: no %s in torch_values.safetensors", r->name, what);
    return e;
}

// y = f(x) and its gradients in a graph that computes in `compute`; x enter in f32 and are cast.
typedef struct example {
    graph *graph;
    int n;
    node *x[INPUTS], *gy, *index; // leaves
    node *out[INPUTS + 1];        // y, gradients
} example;

static void build(const row *r, dtype compute, example *e) {
    safetensors_entry entry;
    node *x[INPUTS];
    *e = (example){.graph = graph_new(compute)};
    assert_non_null(e->graph);
    for (; e->n < INPUTS && find(r, "x", e->n, &entry); e->n++) {
        e->x[e->n] = graph_input(e->graph, "x", entry.shape, F32);
        x[e->n] = nn_cast(e->x[e->n], compute);
    }
    e->gy = graph_input(e->graph, "gy", value(r, "gy", -1).shape, F32);
    e->out[0] = r->f(x);
    grad_from(e->out[0], e->gy, e->x, e->n, e->out + 1);
    for (int i = 0; i < e->graph->n; i++)
        if (e->graph->nodes[i]->type == I32) e->index = e->graph->nodes[i];
    if (graph_status(e->graph) != FOIL_OK) fail_msg("%s: %s", r->name, foil_error());
    assert_true(shape_equal(e->out[0]->shape, value(r, "y", -1).shape));
}

static double *doubles(int64_t n) {
    return test_calloc((size_t)n, sizeof(double));
}

static void compare(const row *r, const char *type, const char *what, int i, const double *ours, double tolerance) {
    const safetensors_entry e = value(r, what, i);
    const double *theirs = e.data;
    double largest = 0;
    for (int64_t j = 0; j < shape_count(e.shape); j++) largest = fmax(largest, fabs(theirs[j]));
    for (int64_t j = 0; j < shape_count(e.shape); j++)
        if (!(fabs(ours[j] - theirs[j]) <= tolerance * largest))
            fail_msg("%s in %s: %s %d, element %lld: %.9g, PyTorch %.9g, tolerance %g of %g", r->name, type, what, i, (long long)j, ours[j],
                     theirs[j], tolerance, largest);
}

// Output i of the example: y, then the gradients.
static void compare_output(const row *r, int i, const char *type, const double *ours, double tolerance) {
    compare(r, type, i ? "g" : "y", i - 1, ours, tolerance);
}

static void test_reference(void **state) {
    (void)state;
    const double index[] = {2, 0, 2, 1};
    for (const row *r = ROWS; r < ROWS + ROW_COUNT; r++) {
        example e;
        build(r, F32, &e);
        const int n = e.n;
        reference_leaf leaf[INPUTS + 2] = {{e.gy, value(r, "gy", -1).data}, {e.index, index}};
        double *out[INPUTS + 1] = {0};
        for (int i = 0; i < n; i++) leaf[i + 2] = (reference_leaf){e.x[i], value(r, "x", i).data};
        for (int i = 0; i <= n; i++) out[i] = doubles(shape_count(e.out[i]->shape));
        if (reference_run(e.graph, leaf, n + 2, 1, 1, e.out, n + 1, out) != FOIL_OK) fail_msg("%s: %s", r->name, foil_error());
        for (int i = 0; i <= n; i++) {
            compare_output(r, i, "f64", out[i], r->f64);
            test_free(out[i]);
        }
        graph_free(e.graph);
    }
}

static void feed(plan *p, const node *input, const double *data) {
    const int64_t count = shape_count(input->shape);
    float *narrow = test_malloc((size_t)count * sizeof *narrow);
    for (int64_t i = 0; i < count; i++) narrow[i] = (float)data[i];
    plan_feed(p, input, narrow);
    test_free(narrow);
}

static void check_plan(const row *r, dtype compute, double tolerance) {
    example e;
    plan *p = NULL;
    plan_output wanted[INPUTS + 1] = {{0}};
    build(r, compute, &e);
    const int n = e.n;
    for (int i = 0; i <= n; i++) wanted[i] = (plan_output){e.out[i], test_calloc((size_t)shape_count(e.out[i]->shape), sizeof(float))};
    if (plan_compile(e.graph, &(plan_phase){wanted, n + 1}, 1, NULL, &p) != FOIL_OK) fail_msg("%s: %s", r->name, foil_error());
    for (int i = 0; i < n; i++) feed(p, e.x[i], value(r, "x", i).data);
    feed(p, e.gy, value(r, "gy", -1).data);
    if (e.index) plan_feed(p, e.index, INDEX);
    plan_run(p, 0, 1, 1);
    for (int i = 0; i <= n; i++) {
        const int64_t count = shape_count(e.out[i]->shape);
        double *ours = doubles(count);
        for (int64_t j = 0; j < count; j++) ours[j] = (double)wanted[i].to[j];
        compare_output(r, i, dtype_name(compute), ours, tolerance);
        test_free(ours);
        test_free(wanted[i].to);
    }
    plan_free(p);
    graph_free(e.graph);
}

static void test_f32(void **state) {
    (void)state;
    for (const row *r = ROWS; r < ROWS + ROW_COUNT; r++) check_plan(r, F32, r->f32);
}

static void test_bf16(void **state) {
    (void)state;
    for (const row *r = ROWS; r < ROWS + ROW_COUNT; r++)
        if (r->bf16 > 0) check_plan(r, BF16, r->bf16);
}

static int open_file(void **state) {
    (void)state;
    return safetensors_open(SOURCE_DIR "/tests/nn/torch_values.safetensors", &file) == FOIL_OK ? 0 : -1;
}
static int close_file(void **state) {
    (void)state;
    safetensors_close(file);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_f32), cmocka_unit_test(test_bf16)};
    return cmocka_run_group_tests(tests, open_file, close_file);
}
