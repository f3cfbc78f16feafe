// What oneDNN is asked for must not fall to its reference implementations, and layouts must go there and back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/ops/conv_kernel.h"
#include "tests/cmocka.h"
#include "tests/nn/bf16.h"
#include "tests/nn/conv_example.h"

typedef struct example {
    const char *what;
    int64_t height, width, channels, out, kernel;
    conv_params params;
} example;

static const example EXAMPLES[] = {
    {"k4s2p1", 32, 32, 64, 128, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {"k4s2p1, RGB", 64, 64, 3, 64, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {"k4s2p1, grey", 64, 64, 1, 64, 4, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},
    {"k3s1p1", 32, 32, 64, 64, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {"k3s1p1, RGB", 32, 32, 3, 128, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {"k3s1p1, to RGB", 32, 32, 128, 3, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {"k3s1p1, to grey", 28, 28, 64, 1, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {"k5s1p2, few channels", 128, 128, 8, 8, 5, {{1, 1}, {2, 2, 2, 2}, {1, 1}, 1}},
    {"1x1", 16, 16, 128, 256, 1, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {"1x1, RGB", 32, 32, 3, 128, 1, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {"1x1 stride 2", 16, 16, 128, 256, 1, {{2, 2}, {0, 0, 0, 0}, {1, 1}, 1}},
    {"k7s2p3, RGB", 224, 224, 3, 64, 7, {{2, 2}, {3, 3, 3, 3}, {1, 1}, 1}},
    {"k7s2p3, grey", 224, 224, 1, 64, 7, {{2, 2}, {3, 3, 3, 3}, {1, 1}, 1}},
    {"whole picture", 4, 4, 512, 1, 4, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {"from a vector", 4, 4, 512, 100, 4, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {"two groups", 16, 16, 64, 64, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 2}},
    {"groups of 8", 16, 16, 64, 64, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 8}},
    {"depthwise", 16, 16, 64, 64, 3, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 64}},
    {"dilated", 16, 16, 64, 64, 3, {{1, 1}, {2, 2, 2, 2}, {2, 2}, 1}},
    {"asymmetric padding", 16, 16, 64, 64, 4, {{1, 1}, {1, 1, 2, 2}, {1, 1}, 1}},
};

static onednn_conv of_batch(const example *e, onednn_conv_kind kind, int64_t batch, dtype t) {
    return conv_of(&(conv_example){batch, e->height, e->width, e->channels, e->out, e->kernel, e->kernel, e->params}, kind, t);
}

static bool is_slow(const char *implementation) {
    return strstr(implementation, "ref") != NULL;
}

static int count_slow(const example *e, onednn_conv_kind kind, int64_t batch, dtype t) {
    onednn_conv c = of_batch(e, kind, batch, t);
    conv_kernel *k = NULL;
    if (conv_kernel_create(&c, CONV_DIRECT, &k) != FOIL_OK) {
        fail_msg("%s: %s", e->what, foil_error());
        return 1;
    }
    bool slow = is_slow(conv_kernel_implementation(k));
    if (slow) print_error("%s, kind %d, batch %d, %s: %s\n", e->what, kind, (int)batch, dtype_name(t), conv_kernel_implementation(k));
    conv_kernel_free(k);
    return slow;
}

static void convolutions_are_fast(void **state) {
    (void)state;
#if !defined(__x86_64__)
    skip(); // to oneDNN 2.6 all of them are gemm:ref on AArch64
#endif
    static const int64_t batches[] = {1, 64};
    const int n = has_bf16() ? 4 : 2;
    int slow = 0;
    for (size_t i = 0; i < sizeof EXAMPLES / sizeof *EXAMPLES; i++)
        for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++)
            for (int v = 0; v < n; v++) slow += count_slow(&EXAMPLES[i], (onednn_conv_kind)kind, batches[v % 2], v < 2 ? F32 : BF16);
    assert_int_equal(slow, 0);
}

// c[b] = a[b or 0] · b[b or 0], with each operand plain or transposed; small integers, so that f32 and bf16 are exact.
static void check_product(int64_t batch, bool repeat_a, bool repeat_b, bool ta, bool tb, dtype t) {
    enum { M = 5, N = 7, K = 6, MOST = 4 };
    onednn_matmul m = {.batch = batch, .m = M, .n = N, .k = K, .a = t, .b = t, .c = F32};
    memcpy(m.a_stride, (int64_t[]){repeat_a ? 0 : M * K, ta ? 1 : K, ta ? M : 1}, sizeof m.a_stride);
    memcpy(m.b_stride, (int64_t[]){repeat_b ? 0 : K * N, tb ? 1 : N, tb ? K : 1}, sizeof m.b_stride);
    float a[MOST * M * K], b[MOST * K * N], c[MOST * M * N];
    uint16_t short_a[MOST * M * K], short_b[MOST * K * N];
    for (int i = 0; i < MOST * M * K; i++) a[i] = (float)(i * 7 % 11 - 5);
    for (int i = 0; i < MOST * K * N; i++) b[i] = (float)(i * 5 % 13 - 6);
    for (int i = 0; i < MOST * M * K; i++) short_a[i] = f32_to_bf16(a[i]);
    for (int i = 0; i < MOST * K * N; i++) short_b[i] = f32_to_bf16(b[i]);
    onednn_kernel *k = NULL;
    assert_int_equal(onednn_matmul_create(&m, &k), FOIL_OK);
    if (is_slow(onednn_kernel_implementation(k)))
        fail_msg("batch %d, repeated %d %d, transposed %d %d: %s", (int)batch, repeat_a, repeat_b, ta, tb, onednn_kernel_implementation(k));
    void *scratch = malloc(onednn_kernel_scratch(k) + 64);
    assert_non_null(scratch);
    onednn_run(k, t == BF16 ? (void *)short_a : (void *)a, t == BF16 ? (void *)short_b : (void *)b, c, scratch);
    for (int64_t e = 0; e < batch * M * N; e++) {
        int64_t n = e / (M * N), i = e / N % M, j = e % N;
        float want = 0;
        for (int64_t l = 0; l < K; l++)
            want += a[n * m.a_stride[0] + i * m.a_stride[1] + l * m.a_stride[2]] * b[n * m.b_stride[0] + l * m.b_stride[1] + j * m.b_stride[2]];
        assert_float_equal(c[e], want, 0);
    }
    free(scratch);
    onednn_kernel_free(k);
}

static void products_read_through_strides(void **state) {
    (void)state;
    for (int v = 0; v < (has_bf16() ? 8 : 4); v++) {
        dtype t = v & 4 ? BF16 : F32;
        check_product(1, false, false, v & 1, v & 2, t);
        check_product(4, false, false, v & 1, v & 2, t);
        check_product(4, true, false, v & 1, v & 2, t);
        check_product(4, false, true, v & 1, v & 2, t);
    }
}

static void weights_go_there_and_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof EXAMPLES / sizeof *EXAMPLES; i++) {
        onednn_conv c = of_batch(&EXAMPLES[i], ONEDNN_CONV_DATA, 1, has_bf16() ? BF16 : F32);
        onednn_kernel *k = NULL, *there = NULL, *back = NULL;
        onednn_layout *plain = NULL;
        assert_int_equal(onednn_conv_create(&c, &k), FOIL_OK);
        const onednn_layout *wanted = onednn_kernel_weights(k);
        assert_int_equal(onednn_layout_plain(wanted, F32, &plain), FOIL_OK);
        size_t n = onednn_layout_bytes(plain) / sizeof(float);
        assert_int_equal(n, c.out * (c.channels / c.params.groups) * c.rows * c.cols);
        assert_int_equal(onednn_reorder_create(plain, wanted, &there), FOIL_OK);
        assert_int_equal(onednn_reorder_create(wanted, plain, &back), FOIL_OK);
        float *w = malloc(n * sizeof *w), *again = malloc(n * sizeof *w);
        void *packed = malloc(onednn_layout_bytes(wanted)), *scratch = malloc(onednn_kernel_scratch(there) + onednn_kernel_scratch(back) + 64);
        assert_true(w && again && packed && scratch);
        for (size_t e = 0; e < n; e++) w[e] = (float)(e % 251); // exact in bf16
        onednn_run(there, w, NULL, packed, scratch);
        onednn_run(back, packed, NULL, again, scratch);
        assert_memory_equal(w, again, n * sizeof *w);
        free(w), free(again), free(packed), free(scratch);
        onednn_layout_free(plain);
        onednn_kernel_free(k), onednn_kernel_free(there), onednn_kernel_free(back);
    }
}

static void layouts_compare(void **state) {
    (void)state;
    onednn_conv c = of_batch(&EXAMPLES[0], ONEDNN_CONV, 1, F32);
    onednn_kernel *k = NULL;
    onednn_layout *plain = NULL, *copy = NULL;
    assert_int_equal(onednn_conv_create(&c, &k), FOIL_OK);
    assert_int_equal(onednn_layout_plain(onednn_kernel_weights(k), F32, &plain), FOIL_OK);
    assert_int_equal(onednn_layout_clone(onednn_kernel_weights(k), &copy), FOIL_OK);
    assert_true(onednn_layout_equal(copy, onednn_kernel_weights(k)));
    assert_false(onednn_layout_equal(copy, plain));
    onednn_layout_free(plain), onednn_layout_free(copy);
    onednn_kernel_free(k);
}

static void impossible_requests_are_errors(void **state) {
    (void)state;
    onednn_conv c = of_batch(&EXAMPLES[0], ONEDNN_CONV, 1, F32);
    c.out_height++; // not what the shapes give
    onednn_kernel *k = NULL;
    assert_int_equal(onednn_conv_create(&c, &k), FOIL_UNSUPPORTED);
    assert_null(k);
    assert_non_null(strstr(foil_error(), "a f32 convolution of [1, 32, 32, 64] with 128 filters of 4x4"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_fast), cmocka_unit_test(products_read_through_strides),  cmocka_unit_test(weights_go_there_and_back),
        cmocka_unit_test(layouts_compare),       cmocka_unit_test(impossible_requests_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
