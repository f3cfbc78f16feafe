// Packed weights are, bit for bit, what oneDNN's own reorder gives.
#include "nn/pack.h"

#include <stdlib.h>
#include <string.h>

#include "nn/ops/conv_kernel.h"
#include "tests/cmocka.h"
#include "tests/nn/conv_example.h"

typedef struct filters {
    int64_t out, channels, size, stride;
} filters;

static const filters FILTERS[] = {{128, 64, 4, 2}, {96, 160, 3, 1}, {256, 128, 1, 1}, {48, 32, 5, 1}, {100, 64, 3, 1}, {64, 3, 4, 2}, {64, 64, 7, 1}};

static onednn_conv geometry(const filters *f, onednn_conv_kind kind, dtype t) {
    const int64_t pad = (f->size - 1) / 2;
    const conv_params p = {{f->stride, f->stride}, {pad, pad, pad, pad}, {1, 1}, 1};
    return conv_of(&(conv_example){2, 16, 16, f->channels, f->out, f->size, f->size, p}, kind, t);
}

static float *values(int64_t n) {
    float *v = malloc((size_t)n * sizeof *v);
    assert_non_null(v);
    for (int64_t i = 0; i < n; i++) v[i] = (float)((uint32_t)i * 2654435761U >> 7) * 1e-6F - 16;
    return v;
}

static void *filled(size_t n, int byte) {
    void *p = aligned_alloc(64, (n + 63) / 64 * 64);
    assert_non_null(p);
    memset(p, byte, n);
    return p;
}

static void check(const onednn_layout *layout, int64_t n) {
    pack *p = NULL;
    onednn_layout *plain = NULL;
    onednn_kernel *reorder = NULL;
    assert_int_equal(pack_create(layout, &p), FOIL_OK);
    if (!p) return; // a layout that it is not made for
    assert_int_equal(onednn_layout_plain(layout, F32, &plain), FOIL_OK);
    assert_int_equal(onednn_reorder_create(plain, layout, &reorder), FOIL_OK);
    const size_t bytes = onednn_layout_bytes(layout);
    float *from = values(n);
    void *expected = filled(bytes, 1), *got = filled(bytes, 2), *scratch = filled(onednn_kernel_scratch(reorder) + 1, 0);
    onednn_run(reorder, from, NULL, expected, scratch);
    pack_run(p, from, got);
    assert_memory_equal(got, expected, bytes);
    free(from), free(expected), free(got), free(scratch);
    onednn_kernel_free(reorder);
    onednn_layout_free(plain);
    pack_free(p);
}

static void packs_as_onednn_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof FILTERS / sizeof *FILTERS; i++)
        for (onednn_conv_kind kind = ONEDNN_CONV; kind <= ONEDNN_CONV_DATA; kind++)
            for (dtype t = F32; t <= BF16; t++) {
                const filters *f = &FILTERS[i];
                const onednn_conv c = geometry(f, kind, t);
                onednn_kernel *k = NULL;
                if (t == BF16 && onednn_conv_create(&c, &k) != FOIL_OK) continue; // not on this processor
                if (t == F32) assert_int_equal(onednn_conv_create(&c, &k), FOIL_OK);
                check(onednn_kernel_weights(k), f->out * f->channels * f->size * f->size);
                onednn_kernel_free(k);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(packs_as_onednn_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
