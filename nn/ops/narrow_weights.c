#include "nn/ops/narrow_weights.h"

#include <omp.h>
#include <string.h>

#include "base/vectorised.h"
#include "nn/ops/pieces.h"

enum { LANES = 16, FILTERS = 8, VECTORS_MAX = 3, WIDE = 32 }; // FILTERS · VECTORS_MAX sums and what they need fit into 32 registers
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

// Registers that one row of the window takes; what is beyond its end is computed and not read.
static int64_t vectors(const onednn_conv *c) {
    return divide_up(c->cols * c->channels, LANES);
}

bool narrow_weights_pays(const onednn_conv *c) {
    const conv_params *p = &c->params;
    return c->kind == ONEDNN_CONV_WEIGHTS && c->x == F32 && p->groups == 1 && p->dilation[0] == 1 && p->dilation[1] == 1 && c->out == FILTERS &&
           vectors(c) <= VECTORS_MAX && c->out_width >= WIDE;
}

// Of a thread: the picture rows that a line of windows sees, with their padding, and the sums.
static int64_t row_floats(const onednn_conv *c) {
    return (c->width + c->params.pad[1] + c->params.pad[3]) * c->channels + LANES * VECTORS_MAX;
}
static int64_t rows_floats(const onednn_conv *c) {
    return c->rows * row_floats(c);
}
static int64_t sum_floats(const onednn_conv *c) {
    return c->rows * vectors(c) * FILTERS * LANES;
}

size_t narrow_weights_scratch(const onednn_conv *c) {
    return (size_t)(omp_get_max_threads() * (rows_floats(c) + sum_floats(c))) * sizeof(float);
}

// Adds the products of one line of y and `n` vectors of the windows above it, which begin at x + at[i] for the first one; `n` is known to the compiler.
static inline __attribute__((always_inline)) void add_vectors(int n, const onednn_conv *c, const float *x, const int64_t *at, const float *y,
                                                              float *sums) {
    const int64_t step = c->params.stride[1] * c->channels;
    lanes sum[VECTORS_MAX][FILTERS];
    memset(sum, 0, sizeof sum);
    for (int64_t j = 0; j < c->out_width; j++, x += step, y += FILTERS) {
        lanes v[VECTORS_MAX];
        for (int i = 0; i < n; i++) memcpy(&v[i], x + at[i], sizeof *v);
#pragma GCC unroll 8
        for (int o = 0; o < FILTERS; o++)
#pragma GCC unroll 3
            for (int i = 0; i < n; i++) sum[i][o] += v[i] * y[o];
    }
    for (int i = 0; i < n; i++)
        for (int o = 0; o < FILTERS; o++) {
            lanes total;
            float *to = sums + (i * FILTERS + o) * LANES;
            memcpy(&total, to, sizeof total);
            total += sum[i][o];
            memcpy(to, &total, sizeof total);
        }
}

#define ADD_VECTORS(n)                                                                                                                               \
    VECTORISED static void add_##n(const onednn_conv *c, const float *x, const int64_t *at, const float *y, float *sums) {                           \
        add_vectors(n, c, x, at, y, sums);                                                                                                           \
    }
ADD_VECTORS(1)
ADD_VECTORS(2)
ADD_VECTORS(3)

static void add_line(const onednn_conv *c, int64_t line, const float *x, const float *y, float *rows, float *sums) {
    static void (*const add[])(const onednn_conv *, const float *, const int64_t *, const float *, float *) = {NULL, add_1, add_2, add_3};
    const int64_t n = line / c->out_height, top = line % c->out_height * c->params.stride[0] - c->params.pad[0], width = c->width * c->channels;
    for (int64_t r = 0; r < c->rows; r++) {
        float *to = rows + r * row_floats(c) + c->params.pad[1] * c->channels;
        if (top + r < 0 || top + r >= c->height)
            memset(to, 0, (size_t)width * sizeof *to);
        else
            memcpy(to, x + (n * c->height + top + r) * width, (size_t)width * sizeof *to);
    }
    const int64_t across = vectors(c), all = c->rows * across;
    for (int64_t i = 0; i < all; i += VECTORS_MAX) {
        const int64_t some = smaller(all - i, VECTORS_MAX);
        int64_t at[VECTORS_MAX];
        for (int64_t k = 0; k < some; k++) at[k] = (i + k) / across * row_floats(c) + (i + k) % across * LANES;
        add[some](c, rows, at, y + line * c->out_width * FILTERS, sums + i * FILTERS * LANES);
    }
}

// Weight (o, r, e), e = s · C + c, from all threads' sums, in their order.
static float total(const onednn_conv *c, const float *scratch, int threads, int64_t o, int64_t r, int64_t e) {
    const int64_t own = rows_floats(c) + sum_floats(c), vector = r * vectors(c) + e / LANES;
    float sum = 0;
    for (int t = 0; t < threads; t++) sum += scratch[t * own + rows_floats(c) + (vector * FILTERS + o) * LANES + e % LANES];
    return sum;
}

void narrow_weights_run(const onednn_conv *c, const float *x, const float *y, float *weights, float *scratch) {
    const int64_t own = rows_floats(c) + sum_floats(c), width = c->cols * c->channels;
    const int threads = omp_get_max_threads();
    memset(scratch, 0, (size_t)(threads * own) * sizeof *scratch);
#pragma omp parallel for schedule(static)
    for (int64_t line = 0; line < c->n * c->out_height; line++) {
        float *rows = scratch + omp_get_thread_num() * own;
        add_line(c, line, x, y, rows, rows + rows_floats(c));
    }
    for (int64_t o = 0; o < FILTERS; o++)
        for (int64_t r = 0; r < c->rows; r++)
            for (int64_t e = 0; e < width; e++) weights[(o * c->rows + r) * width + e] = total(c, scratch, threads, o, r, e);
}
