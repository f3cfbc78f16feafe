// bench_conv [batch]: the convolutions of DCGAN-64, SNGAN-32 (p: pooled, e: of an enlarged picture) and ResNet-18 in their three directions, f32 and bf16,
// direct and fast: time, GFLOP/s and the share of what a large matrix product reaches on this machine. Of a fast one the definition's FLOPs are counted. The
// best of several runs, so that a busy machine disturbs little.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "nn/ops/conv_kernel.h"

typedef struct layer {
    const char *name;
    int64_t size, channels, out, kernel, stride, pad; // as a convolution; the generator's run it backwards
} layer;

static const layer LAYERS[] = {
    {"d.0", 64, 3, 64, 4, 2, 1},      {"d.1", 32, 64, 128, 4, 2, 1},    {"d.2", 16, 128, 256, 4, 2, 1},   {"d.3", 8, 256, 512, 4, 2, 1},
    {"d.4", 4, 512, 1, 4, 1, 0},      {"g.0", 4, 512, 100, 4, 1, 0},    {"g.1", 8, 256, 512, 4, 2, 1},    {"g.2", 16, 128, 256, 4, 2, 1},
    {"g.3", 32, 64, 128, 4, 2, 1},    {"g.4", 64, 3, 64, 4, 2, 1},      {"s.d32", 32, 128, 128, 3, 1, 1}, {"s.d16", 16, 128, 128, 3, 1, 1},
    {"s.d8", 8, 128, 128, 3, 1, 1},   {"s.g8", 8, 256, 256, 3, 1, 1},   {"s.g16", 16, 256, 256, 3, 1, 1}, {"s.g32", 32, 256, 256, 3, 1, 1},
    {"s.p32", 32, 128, 128, 4, 2, 1}, {"s.p16", 16, 128, 128, 4, 2, 1}, {"s.e32", 37, 256, 256, 3, 2, 0}, {"r.56", 56, 64, 64, 3, 1, 1},
    {"r.28", 28, 128, 128, 3, 1, 1},  {"r.14", 14, 256, 256, 3, 1, 1},  {"r.7", 7, 512, 512, 3, 1, 1},
};

static const char *const KINDS[] = {[ONEDNN_CONV] = "conv", [ONEDNN_CONV_DATA] = "conv_data", [ONEDNN_CONV_WEIGHTS] = "conv_weights"};

// In huge pages, as a plan's arena is.
static void *memory(int64_t bytes) {
    const size_t huge = (size_t)2 << 20, size = ((size_t)bytes + huge) / huge * huge;
    void *p = aligned_alloc(huge, size);
    if (!p) {
        fprintf(stderr, "bench_conv: out of memory\n");
        exit(1);
    }
    madvise(p, size, MADV_HUGEPAGE);
    memset(p, 0, (size_t)bytes);
    return p;
}

typedef struct arguments {
    const void *in0, *in1;
    void *out;
} arguments;
typedef void (*run_function)(const void *kernel, arguments a, void *scratch);

static void run_conv(const void *k, arguments a, void *scratch) {
    conv_kernel_run(k, a.in0, a.in1, a.out, NULL, scratch);
}

static void run_product(const void *k, arguments a, void *scratch) {
    onednn_run((onednn_kernel *)(uintptr_t)k, a.in0, a.in1, a.out, scratch);
}

// Seconds of one run: the best of many within a quarter of a second.
static double best_time(run_function run, const void *k, size_t scratch_bytes, arguments a) {
    void *scratch = memory((int64_t)scratch_bytes);
    double best = 1e9, end = clock_now() + .25;
    for (int i = 0; i < 3 || clock_now() < end; i++) {
        double start = clock_now();
        run(k, a, scratch);
        double took = clock_now() - start;
        if (took < best) best = took;
    }
    free(scratch);
    return best;
}

static double product_peak(dtype t) {
    enum { N = 2048 };
    onednn_matmul m = {.batch = 1, .m = N, .n = N, .k = N, .a_stride = {0, N, 1}, .b_stride = {0, N, 1}, .a = t, .b = t, .c = t};
    onednn_kernel *k = NULL;
    if (onednn_matmul_create(&m, &k) != FOIL_OK) return 0;
    void *a = memory(4 * N * N), *b = memory(4 * N * N), *c = memory(4 * N * N);
    double seconds = best_time(run_product, k, onednn_kernel_scratch(k), (arguments){a, b, c});
    free(a), free(b), free(c);
    onednn_kernel_free(k);
    return 2.0 * N * N * N / seconds;
}

static onednn_conv geometry(const layer *l, int64_t batch, onednn_conv_kind kind, dtype t) {
    int64_t small = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
    return (onednn_conv){.kind = kind,
                         .n = batch,
                         .height = l->size,
                         .width = l->size,
                         .channels = l->channels,
                         .out_height = small,
                         .out_width = small,
                         .out = l->out,
                         .rows = l->kernel,
                         .cols = l->kernel,
                         .params = {{l->stride, l->stride}, {l->pad, l->pad, l->pad, l->pad}, {1, 1}, 1},
                         .x = t,
                         .y = t,
                         .w = kind == ONEDNN_CONV_WEIGHTS ? F32 : t};
}

// The seconds of one algorithm, its name and speed printed.
static double measure(const onednn_conv *c, conv_algorithm how, double peak, bool *is_fast) {
    conv_kernel *k = NULL;
    if (conv_kernel_create(c, how, &k) != FOIL_OK) {
        printf("%s\n", foil_error());
        exit(1);
    }
    int64_t positions = c->n * c->out_height * c->out_width;
    void *x = memory(c->n * c->height * c->width * c->channels * 4), *y = memory(positions * c->out * 4);
    void *w = memory((int64_t)onednn_layout_bytes(conv_kernel_weights(k)));
    void *order[][3] = {[ONEDNN_CONV] = {x, w, y}, [ONEDNN_CONV_DATA] = {y, w, x}, [ONEDNN_CONV_WEIGHTS] = {x, y, w}};
    void **a = order[c->kind];
    double seconds = 0, flops = 2.0 * (double)(positions * c->out * c->channels * c->rows * c->cols);
    *is_fast = strncmp(conv_kernel_implementation(k), "foil:winograd", 13) == 0;
    if (how == CONV_DIRECT || *is_fast) {
        seconds = best_time(run_conv, k, conv_kernel_scratch(k), (arguments){a[0], a[1], a[2]});
        printf("  %8.3f ms %6.0f GFLOP/s %4.0f %%  %-24s", 1e3 * seconds, 1e-9 * flops / seconds, 100 * flops / seconds / peak,
               conv_kernel_implementation(k));
    }
    free(x), free(y), free(w);
    conv_kernel_free(k);
    return seconds;
}

// Prints one line and returns the seconds of the direct algorithm and of the faster one.
static void measure_both(const layer *l, int64_t batch, onednn_conv_kind kind, dtype t, double peak, double total[2]) {
    onednn_conv c = geometry(l, batch, kind, t);
    bool is_fast;
    printf("%-5s %-12s", l->name, KINDS[kind]);
    double direct = measure(&c, CONV_DIRECT, peak, &is_fast), fast = measure(&c, CONV_FAST, peak, &is_fast);
    if (is_fast) printf("  %.2f x", direct / fast);
    printf("\n");
    total[0] += direct;
    total[1] += is_fast ? fast : direct;
}

int main(int argc, char **argv) {
    int64_t batch = argc > 1 ? strtoll(argv[1], NULL, 10) : 64;
    printf("oneDNN %s, batch %lld\n", onednn_version_text(), (long long)batch);
    for (int i = 0; i < 2; i++) {
        dtype t = i ? BF16 : F32;
        double peak = product_peak(t), total[2] = {0};
        printf("%s: a product of 2048 x 2048 matrices reaches %.0f GFLOP/s\n", i ? "bf16" : "f32", 1e-9 * peak);
        for (size_t l = 0; l < sizeof LAYERS / sizeof *LAYERS; l++)
            for (int kind = ONEDNN_CONV; kind <= ONEDNN_CONV_WEIGHTS; kind++) measure_both(&LAYERS[l], batch, (onednn_conv_kind)kind, t, peak, total);
        printf("%s: all together %.1f ms direct, %.1f ms fast\n", i ? "bf16" : "f32", 1e3 * total[0], 1e3 * total[1]);
    }
    return 0;
}
