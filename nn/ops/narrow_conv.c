#include "nn/ops/narrow_conv.h"

#include <omp.h>
#include <string.h>

#if defined(__x86_64__)

#include "nn/ops/narrow_lanes.h"
#include "nn/ops/pieces.h"

enum { LANES = 16, FILTERS = 8, CHANNELS = 16, VECTORS = 2, BLOCK = LANES * VECTORS }; // FILTERS · VECTORS sums stay in registers
enum { BAND = 16, LONG = 64 }; // lines of the result for which a thread makes planes; taps at most

bool narrow_conv_pays(const onednn_conv *c) {
    const conv_params *p = &c->params;
    if (c->kind != ONEDNN_CONV || p->groups != 1 || p->stride[0] != 1 || p->stride[1] != 1) return false;
    if (c->out != FILTERS || (c->channels != 1 && c->channels != 3 && c->channels != 8 && c->channels != CHANNELS)) return false;
    if (c->rows * c->cols == 1 || c->rows * c->cols > LONG || c->out_width < BLOCK || c->post.adds) return false;
    return narrow_lanes_run(c->w);
}

// Planes: their elements are 32 bits, one f32 or two bf16 of neighbouring channels. -------------------------------------------------------------------
typedef struct planes {
    int64_t n, stride, row; // of a row of the picture; elements of a plane, of all of them
    int64_t rows;           // that the lines of a band see
    int64_t depth;          // products of a result
} planes;

static planes planes_of(const onednn_conv *c) {
    const conv_params *p = &c->params;
    planes s = {.n = c->w == F32 ? c->channels : (c->channels + 1) / 2};
    const int64_t seen = round_up(c->out_width, BLOCK) + (c->cols - 1) * p->dilation[1], stored = p->pad[1] + round_up(c->width, LANES);
    s.stride = round_up(larger(seen, stored), LANES); // whole registers
    s.row = s.n * s.stride;
    s.rows = BAND + (c->rows - 1) * p->dilation[0];
    s.depth = c->rows * c->cols * s.n;
    return s;
}

// LANES pixels as f32, a register for each channel. `n`, channels, and `half` are known to the compiler.
INLINE V4 void load_pixels(int n, bool half, const char *row, int64_t j, int64_t width, __m512 *v) {
    char copy[LANES * CHANNELS * sizeof(float)];
    const int64_t pixel = n * (half ? 2 : 4);
    const char *from = filled(row + j * pixel, (width - j) * pixel, LANES * pixel, copy);
    UNROLL for (int i = 0; i < n; i++) {
        if (half)
            v[i] = (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i_u *)(from + (size_t)i * 2 * LANES))), 16);
        else
            v[i] = _mm512_loadu_ps(from + (size_t)i * 4 * LANES);
    }
    if (n == 3)
        take_three_apart(false, v);
    else
        take_apart(false, n, v);
}

INLINE V4_BF16 __m512 pair(__m512 even, __m512 odd) {
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(even)), high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(odd));
    return (__m512)_mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

// Pixels of n channels, rounded.
INLINE V4_BF16 void pair_apart(int n, bool half, const char *row, int64_t width, float *to, int64_t stride) {
    for (int64_t j = 0; j < width; j += LANES) {
        __m512 v[CHANNELS + 1];
        load_pixels(n, half, row, j, width, v);
        v[n] = _mm512_setzero_ps();
        UNROLL for (int i = 0; i < n; i += 2) _mm512_storeu_ps(to + i / 2 * stride + j, pair(v[i], v[i + 1]));
    }
}

V4 static void planes_f32(const onednn_conv *c, const char *row, float *to, int64_t stride) {
    switch (c->channels) {
    case 1:
        copy_apart(false, 1, row, c->width, (char *)to, stride * (int64_t)sizeof *to);
        break;
    case 3:
        copy_apart(false, 3, row, c->width, (char *)to, stride * (int64_t)sizeof *to);
        break;
    case 8:
        copy_apart(false, 8, row, c->width, (char *)to, stride * (int64_t)sizeof *to);
        break;
    case 16:
        copy_apart(false, 16, row, c->width, (char *)to, stride * (int64_t)sizeof *to);
        break;
    }
}

V4_BF16 static void planes_bf16(const onednn_conv *c, const char *row, float *to, int64_t stride) {
    switch (c->channels + (c->x == BF16 ? CHANNELS : 0)) {
    case 1:
        pair_apart(1, false, row, c->width, to, stride);
        break;
    case 3:
        pair_apart(3, false, row, c->width, to, stride);
        break;
    case 8:
        pair_apart(8, false, row, c->width, to, stride);
        break;
    case 16:
        pair_apart(16, false, row, c->width, to, stride);
        break;
    case CHANNELS + 1:
        pair_apart(1, true, row, c->width, to, stride);
        break;
    case CHANNELS + 3:
        pair_apart(3, true, row, c->width, to, stride);
        break;
    case CHANNELS + 8: // pairs as they are
        copy_apart(false, 4, row, c->width, (char *)to, stride * (int64_t)sizeof *to);
        break;
    case CHANNELS + 16:
        copy_apart(false, 8, row, c->width, (char *)to, stride * (int64_t)sizeof *to);
        break;
    }
}

static void make_planes(const onednn_conv *c, const planes *s, const char *row, float *to) {
    memset(to, 0, (size_t)s->row * sizeof *to);
    if (row) (c->w == F32 ? planes_f32 : planes_bf16)(c, row, to + c->params.pad[1], s->stride);
}

// Sums. ----------------------------------------------------------------------------------------------------------------------------------------------------
// Where the factors of product k lie, from a window's first element on, and the weights: [depth, FILTERS].
static void pack(const onednn_conv *c, bool mirrored, const planes *s, const char *w, int64_t *at, char *weights) {
    const size_t each = dtype_size(c->w);
    const int64_t together = (int64_t)(sizeof(float) / each);
    memset(weights, 0, (size_t)(s->depth * FILTERS) * sizeof(float));
    for (int64_t k = 0; k < s->depth; k++) { // k = (r · n + plane) · S + q
        const int64_t q = k % c->cols, plane = k / c->cols % s->n, r = k / c->cols / s->n, first = plane * together;
        const int64_t n = c->channels - first < together ? c->channels - first : together;
        at[k] = r * c->params.dilation[0] * s->row + plane * s->stride + q * c->params.dilation[1];
        const int64_t tap = mirrored ? c->rows * c->cols - 1 - (r * c->cols + q) : r * c->cols + q;
        for (int64_t o = 0; o < FILTERS; o++, weights += sizeof(float))
            memcpy(weights, w + (size_t)((o * c->rows * c->cols + tap) * c->channels + first) * each, (size_t)n * each);
    }
}

#define SUM_UP(name, target, multiply_add)                                                                                                           \
    INLINE target void name(int64_t depth, const int64_t *at, const float *x, const float *w, __m512 sum[FILTERS][VECTORS]) {                        \
        for (int64_t k = 0; k < depth; k++, w += FILTERS) {                                                                                          \
            __m512 a[VECTORS];                                                                                                                       \
            UNROLL for (int i = 0; i < VECTORS; i++) a[i] = _mm512_loadu_ps(x + at[k] + i * LANES);                                                  \
            UNROLL for (int o = 0; o < FILTERS; o++) {                                                                                               \
                const __m512 b = _mm512_set1_ps(w[o]);                                                                                               \
                UNROLL for (int i = 0; i < VECTORS; i++) sum[o][i] = multiply_add(sum[o][i], a[i], b);                                               \
            }                                                                                                                                        \
        }                                                                                                                                            \
    }
SUM_UP(sum_up_f32, V4, MULTIPLY_ADD)
SUM_UP(sum_up_bf16, V4_BF16, DOT)

// What follows the sums of channel o.
INLINE V4 __m512 finish(__m512 v, const onednn_post *post, const conv_vectors *vectors, int o) {
    if (vectors->bias) v = _mm512_add_ps(v, _mm512_set1_ps(vectors->bias[o]));
    if (post->rectifies) {
        const __mmask16 low = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NGT_UQ);
        v = _mm512_mask_mul_ps(v, low, v, _mm512_set1_ps(post->slope));
    }
    if (vectors->scale) v = _mm512_mul_ps(v, _mm512_set1_ps(vectors->scale[o]));
    if (vectors->shift) v = _mm512_add_ps(v, _mm512_set1_ps(vectors->shift[o]));
    return v;
}

// BLOCK pixels from x on.
V4 static void block_f32(const onednn_conv *c, int64_t depth, const int64_t *at, const float *x, const float *w, const conv_vectors *vectors,
                         char *y) {
    __m512 sum[FILTERS][VECTORS] = {0};
    sum_up_f32(depth, at, x, w, sum);
    for (int i = 0; i < VECTORS; i++) {
        __m512 v[FILTERS];
        UNROLL for (int o = 0; o < FILTERS; o++) v[o] = finish(sum[o][i], &c->post, vectors, o);
        put_together(FILTERS, v);
        UNROLL for (int o = 0; o < FILTERS; o++) _mm512_storeu_ps(y + (i * FILTERS + o) * (int)sizeof *v, v[o]);
    }
}

V4_BF16 static void block_bf16(const onednn_conv *c, int64_t depth, const int64_t *at, const float *x, const float *w, const conv_vectors *vectors,
                               char *y) {
    __m512 sum[FILTERS][VECTORS] = {0};
    sum_up_bf16(depth, at, x, w, sum);
    for (int i = 0; i < VECTORS; i++) {
        __m512 v[FILTERS / 2];
        UNROLL for (int o = 0; o < FILTERS; o += 2) {
            v[o / 2] = pair(finish(sum[o][i], &c->post, vectors, o), finish(sum[o + 1][i], &c->post, vectors, o + 1));
        }
        put_together(FILTERS / 2, v);
        UNROLL for (int o = 0; o < FILTERS / 2; o++) _mm512_storeu_ps(y + (i * FILTERS / 2 + o) * (int)sizeof *v, v[o]);
    }
}

static void line(const onednn_conv *c, int64_t depth, const int64_t *at, const float *x, const float *w, const conv_vectors *vectors, char *y) {
    void (*const block)(const onednn_conv *, int64_t, const int64_t *, const float *, const float *, const conv_vectors *, char *) =
        c->y == F32 ? block_f32 : block_bf16;
    const size_t pixel = FILTERS * dtype_size(c->y);
    int64_t j = 0;
    for (; j + BLOCK <= c->out_width; j += BLOCK) block(c, depth, at, x + j, w, vectors, y + (size_t)j * pixel);
    if (j == c->out_width) return;
    char last[BLOCK * FILTERS * sizeof(float)];
    block(c, depth, at, x + j, w, vectors, last);
    memcpy(y + (size_t)j * pixel, last, (size_t)(c->out_width - j) * pixel);
}

// All of it. -----------------------------------------------------------------------------------------------------------------------------------------------
static size_t packed_bytes(const planes *s) {
    return (size_t)s->depth * (FILTERS * sizeof(float) + sizeof(int64_t));
}

size_t narrow_conv_scratch(const onednn_conv *c) {
    const planes s = planes_of(c);
    return packed_bytes(&s) + (size_t)(omp_get_max_threads() * s.rows * s.row) * sizeof(float);
}

void narrow_conv_run(const onednn_conv *c, bool mirrored, const void *x, const void *w, const conv_vectors *v, void *y, void *scratch) {
    const planes s = planes_of(c);
    const size_t x_row = (size_t)(c->width * c->channels) * dtype_size(c->x), y_row = (size_t)(c->out_width * FILTERS) * dtype_size(c->y);
    const int64_t bands = divide_up(c->out_height, BAND);
    int64_t *at = scratch;
    float *weights = (float *)(void *)(at + s.depth), *all = weights + s.depth * FILTERS;
    pack(c, mirrored, &s, w, at, (char *)weights);
#pragma omp parallel for schedule(static)
    for (int64_t band = 0; band < c->n * bands; band++) {
        float *own = all + omp_get_thread_num() * s.rows * s.row;
        const int64_t n = band / bands, top = band % bands * BAND, lines = smaller(c->out_height - top, BAND);
        for (int64_t r = 0; r < s.rows - BAND + lines; r++) {
            const int64_t h = top + r - c->params.pad[0];
            make_planes(c, &s, h < 0 || h >= c->height ? NULL : (const char *)x + (size_t)(n * c->height + h) * x_row, own + r * s.row);
        }
        for (int64_t i = 0; i < lines; i++)
            line(c, s.depth, at, own + i * s.row, weights, v, (char *)y + (size_t)(n * c->out_height + top + i) * y_row);
    }
}

#else

bool narrow_conv_pays(const onednn_conv *c) {
    (void)c;
    return false;
}
size_t narrow_conv_scratch(const onednn_conv *c) {
    (void)c;
    return 0;
}
void narrow_conv_run(const onednn_conv *c, bool mirrored, const void *x, const void *w, const conv_vectors *v, void *y, void *scratch) {
    (void)c, (void)mirrored, (void)x, (void)w, (void)v, (void)y, (void)scratch;
}

#endif
