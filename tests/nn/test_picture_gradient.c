// First and second derivatives of convolutions, products, pooling and resampling, against central differences.
#include "tests/nn/check_gradient.h"

static const conv_params STRIDED = {.stride = {2, 2}, .pad = {1, 1, 1, 1}}, UNEVEN = {.stride = {1, 2}, .pad = {0, 2, 1, 0}, .dilation = {2, 1}},
                         GROUPED = {.pad = {1, 1, 1, 1}, .groups = 2};

static node *conv(node **x) {
    return nn_conv(x[0], x[1], STRIDED);
}
static node *conv_uneven(node **x) {
    return nn_conv(x[0], x[1], UNEVEN);
}
static node *conv_grouped(node **x) {
    return nn_conv(x[0], x[1], GROUPED);
}
static node *conv_data(node **x) {
    return nn_conv_data(x[0], x[1], STRIDED, 6, 6);
}
static node *conv_data_odd(node **x) { // the last row and column are in no window
    return nn_conv_data(x[0], x[1], STRIDED, 7, 7);
}
static node *conv_data_grouped(node **x) {
    return nn_conv_data(x[0], x[1], GROUPED, 3, 3);
}
static node *conv_weights(node **x) {
    return nn_conv_weights(x[0], x[1], STRIDED, 4, 4);
}
static node *conv_weights_grouped(node **x) {
    return nn_conv_weights(x[0], x[1], GROUPED, 3, 3);
}
static node *deep(node **x) { // something to differentiate twice toward the picture, as R1 does
    node *h = nn_tanh(nn_conv(x[0], x[1], STRIDED));
    return nn_conv(h, x[2], (conv_params){0});
}
static node *matmul(node **x) {
    return nn_matmul(x[0], x[1], false, false);
}
static node *matmul_ta(node **x) {
    return nn_matmul(x[0], x[1], true, false);
}
static node *matmul_tb(node **x) {
    return nn_matmul(x[0], x[1], false, true);
}
static node *matmul_both(node **x) {
    return nn_matmul(x[0], x[1], true, true);
}
static node *max_pool(node **x) {
    return nn_max_pool(nn_square(x[0]), (pool_params){.kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 0, 1, 1}});
}
static node *average_pool(node **x) {
    return nn_average_pool(nn_square(x[0]), (pool_params){.kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 0, 1, 1}});
}
static node *average_pool_padded(node **x) {
    return nn_average_pool(nn_square(x[0]), (pool_params){.kernel = {2, 3}, .stride = {3, 2}, .pad = {1, 1, 0, 2}, .count_padding = true});
}
static node *nearest(node **x) {
    return nn_resize_nearest(nn_square(x[0]), 7, 3);
}
static node *bilinear(node **x) {
    return nn_resize_bilinear(nn_square(x[0]), 7, 3);
}

#define S(...) SHAPE(__VA_ARGS__)
static void central_differences(void **state) {
    (void)state;
    const gradient_row rows[] = {
        {"conv", conv, 2, {S(2, 6, 6, 3), S(2, 3, 4, 4)}, .low = -1, .high = 1},
        {"conv, uneven", conv_uneven, 2, {S(1, 5, 6, 2), S(3, 2, 3, 2)}, .low = -1, .high = 1},
        {"conv, grouped", conv_grouped, 2, {S(1, 4, 4, 4), S(6, 2, 3, 3)}, .low = -1, .high = 1},
        {"conv_data", conv_data, 2, {S(2, 3, 3, 2), S(2, 3, 4, 4)}, .low = -1, .high = 1},
        {"conv_data, odd", conv_data_odd, 2, {S(1, 3, 3, 2), S(2, 3, 4, 4)}, .low = -1, .high = 1},
        {"conv_data, grouped", conv_data_grouped, 2, {S(1, 3, 3, 4), S(4, 1, 3, 3)}, .low = -1, .high = 1},
        {"conv_weights", conv_weights, 2, {S(2, 6, 6, 3), S(2, 3, 3, 2)}, .low = -1, .high = 1},
        {"conv_weights, grouped", conv_weights_grouped, 2, {S(2, 4, 4, 4), S(2, 4, 4, 2)}, .low = -1, .high = 1},
        {"two layers", deep, 3, {S(2, 4, 4, 2), S(3, 2, 4, 4), S(2, 3, 2, 2)}, .low = -1, .high = 1},
        {"matmul", matmul, 2, {S(3, 4), S(4, 2)}, .low = -1, .high = 1},
        {"matmul, batched", matmul, 2, {S(2, 3, 4), S(2, 4, 2)}, .low = -1, .high = 1},
        {"matmul, one matrix for the batch", matmul, 2, {S(2, 3, 4), S(4, 2)}, .low = -1, .high = 1},
        {"matmul, both repeat", matmul, 2, {S(2, 1, 3, 4), S(3, 4, 2)}, .low = -1, .high = 1},
        {"matmul, ta", matmul_ta, 2, {S(2, 4, 3), S(1, 4, 2)}, .low = -1, .high = 1},
        {"matmul, tb", matmul_tb, 2, {S(4, 3), S(3, 2, 3)}, .low = -1, .high = 1},
        {"matmul, ta, tb", matmul_both, 2, {S(2, 1, 4, 3), S(2, 2, 4)}, .low = -1, .high = 1},
        {"max_pool", max_pool, 1, {S(2, 5, 4, 2)}, .low = .5, .high = 3, .distinct = true},
        {"average_pool", average_pool, 1, {S(2, 5, 4, 2)}, .low = -1, .high = 1},
        {"average_pool, padded", average_pool_padded, 1, {S(1, 6, 5, 2)}, .low = -1, .high = 1},
        {"resize_nearest", nearest, 1, {S(2, 3, 5, 2)}, .low = -1, .high = 1},
        {"resize_bilinear", bilinear, 1, {S(2, 3, 5, 2)}, .low = -1, .high = 1},
    };
    check_gradients(rows, sizeof rows / sizeof *rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(central_differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
