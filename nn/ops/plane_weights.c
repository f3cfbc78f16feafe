#include "nn/ops/plane_weights.h"

#include <omp.h>
#include <string.h>

#if defined(__x86_64__)

#include "nn/ops/narrow_lanes.h"
#include "nn/ops/pieces.h"

enum { REGISTER = 64, LANES = 16, FILTERS = 8, TAPS = 3 }; // bytes; f32; FILTERS · TAPS sums stay in registers
enum { BAND_BYTES = 64 << 10, WIDE = 32 };                 // of y's planes; columns

bool plane_weights_pays(const onednn_conv *c) {
    const conv_params *p = &c->params;
    if (c->kind != ONEDNN_CONV_WEIGHTS || p->groups != 1 || p->stride[0] != 1 || p->stride[1] != 1) return false;
    if (c->out != FILTERS || (c->channels != 1 && c->channels != 3 && c->channels != 8) || c->rows * c->cols == 1 || c->out_width < WIDE)
        return false;
    return narrow_lanes_run(c->x);
}

// A thread's memory: planes of the lines of y that it works on at a time and of the rows of x that these see, then sums [groups of taps, TAPS, FILTERS, LANES].
typedef struct layout {
    int64_t element;                         // bytes, of which are all but lines, rows and groups
    int64_t y_plane, y_line, x_plane, x_row; // whole registers, zeros behind the pictures' ends
    int64_t lines, rows;
    int64_t groups; // of TAPS terms (r, q, c) each
    int64_t sums, all;
} layout;

static layout layout_of(const onednn_conv *c) {
    const conv_params *p = &c->params;
    layout l = {.element = (int64_t)dtype_size(c->x)};
    l.y_plane = round_up(c->out_width * l.element, REGISTER);
    l.y_line = FILTERS * l.y_plane;
    const int64_t seen = l.y_plane + (c->cols - 1) * p->dilation[1] * l.element;
    const int64_t stored = p->pad[1] * l.element + round_up(c->width * l.element, REGISTER);
    l.x_plane = round_up(larger(seen, stored), REGISTER);
    l.x_row = c->channels * l.x_plane;
    l.lines = l.y_line < BAND_BYTES ? BAND_BYTES / l.y_line : 1;
    if (l.lines > c->out_height) l.lines = c->out_height;
    l.rows = l.lines + (c->rows - 1) * p->dilation[0];
    l.groups = divide_up(c->rows * c->cols * c->channels, TAPS);
    l.sums = l.lines * l.y_line + l.rows * l.x_row;
    l.all = l.sums + l.groups * TAPS * FILTERS * REGISTER;
    return l;
}

#define APART(name, half)                                                                                                                            \
    V4 static void name(int64_t channels, const char *row, int64_t width, char *to, int64_t plane) {                                                 \
        switch (channels) { /* known to the compiler */                                                                                              \
        case 1:                                                                                                                                      \
            copy_apart(half, 1, row, width, to, plane);                                                                                              \
            break;                                                                                                                                   \
        case 3:                                                                                                                                      \
            copy_apart(half, 3, row, width, to, plane);                                                                                              \
            break;                                                                                                                                   \
        case 8:                                                                                                                                      \
            copy_apart(half, 8, row, width, to, plane);                                                                                              \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }
APART(apart_f32, false)
APART(apart_bf16, true)

// Adds the products of `lines` lines of y with TAPS terms of their windows; `half` is known to the compiler.
#define ADD_TAPS(name, target, multiply_add, keep)                                                                                                   \
    target static void name(const layout *l, int64_t lines, const char *x, const int64_t *at, const char *y, float *sums) {                          \
        __m512 sum[FILTERS][TAPS] = {0};                                                                                                             \
        for (int64_t line = 0; line < lines; line++, x += l->x_row, y += l->y_line)                                                                  \
            for (int64_t j = 0; j < l->y_plane; j += REGISTER) {                                                                                     \
                __m512 a[TAPS];                                                                                                                      \
                UNROLL for (int t = 0; t < TAPS; t++) a[t] = _mm512_loadu_ps(x + at[t] + j);                                                         \
                UNROLL for (int o = 0; o < FILTERS; o++) {                                                                                           \
                    __m512 b = _mm512_loadu_ps(y + o * l->y_plane + j);                                                                              \
                    keep(b);                                                                                                                         \
                    UNROLL for (int t = 0; t < TAPS; t++) sum[o][t] = multiply_add(sum[o][t], a[t], b);                                              \
                }                                                                                                                                    \
            }                                                                                                                                        \
        UNROLL for (int t = 0; t < TAPS; t++) {                                                                                                      \
            UNROLL for (int o = 0; o < FILTERS; o++, sums += LANES) _mm512_storeu_ps(sums, _mm512_add_ps(_mm512_loadu_ps(sums), sum[o][t]));         \
        }                                                                                                                                            \
    }
#define ONCE(b) __asm__("" : "+v"(b)) // y is loaded once, not with each of its products: f32 gains 15 to 30 %, bf16 loses 10
#define AS_IT_LIKES(b) (void)(b)
ADD_TAPS(add_f32, V4, MULTIPLY_ADD, ONCE)
ADD_TAPS(add_bf16, V4_BF16, DOT, AS_IT_LIKES)

// Where term k = (r, q, c) lies, from the first row that a line sees on.
static int64_t place(const onednn_conv *c, const layout *l, int64_t k) {
    const int64_t channel = k % c->channels, q = k / c->channels % c->cols, r = k / c->channels / c->cols;
    return r * c->params.dilation[0] * l->x_row + channel * l->x_plane + q * c->params.dilation[1] * l->element;
}

static void add_band(const onednn_conv *c, const layout *l, int64_t n, int64_t top, const char *x, const char *y, char *own) {
    void (*const apart)(int64_t, const char *, int64_t, char *, int64_t) = c->x == F32 ? apart_f32 : apart_bf16;
    void (*const add)(const layout *, int64_t, const char *, const int64_t *, const char *, float *) = c->x == F32 ? add_f32 : add_bf16;
    const int64_t lines = smaller(c->out_height - top, l->lines), terms = c->rows * c->cols * c->channels;
    char *y_planes = own, *x_planes = own + l->lines * l->y_line;
    float *sums = (float *)(void *)(own + l->sums);
    for (int64_t i = 0; i < lines; i++)
        apart(FILTERS, y + (n * c->out_height + top + i) * c->out_width * FILTERS * l->element, c->out_width, y_planes + i * l->y_line, l->y_plane);
    memset(x_planes, 0, (size_t)(l->rows * l->x_row));
    for (int64_t i = 0; i < l->rows - l->lines + lines; i++) {
        const int64_t h = top + i - c->params.pad[0];
        if (h < 0 || h >= c->height) continue;
        apart(c->channels, x + (n * c->height + h) * c->width * c->channels * l->element, c->width,
              x_planes + i * l->x_row + c->params.pad[1] * l->element, l->x_plane);
    }
    for (int64_t g = 0; g < l->groups; g++) {
        int64_t at[TAPS];
        for (int64_t t = 0; t < TAPS; t++) at[t] = place(c, l, g * TAPS + t < terms ? g * TAPS + t : 0); // sums that are not read
        add(l, lines, x_planes, at, y_planes, sums + g * TAPS * FILTERS * LANES);
    }
}

// Term k of filter o, from all threads' sums, in their order.
V4 static float total(const layout *l, const char *scratch, int threads, int64_t o, int64_t k) {
    float sum = 0;
    for (int t = 0; t < threads; t++) sum += _mm512_reduce_add_ps(_mm512_loadu_ps(scratch + t * l->all + l->sums + (k * FILTERS + o) * REGISTER));
    return sum;
}

size_t plane_weights_scratch(const onednn_conv *c) {
    return (size_t)(omp_get_max_threads() * layout_of(c).all);
}

void plane_weights_run(const onednn_conv *c, const void *x, const void *y, float *weights, void *scratch) {
    const layout l = layout_of(c);
    const int64_t bands = divide_up(c->out_height, l.lines), terms = c->rows * c->cols * c->channels;
    const int threads = omp_get_max_threads();
    for (int t = 0; t < threads; t++) memset((char *)scratch + t * l.all + l.sums, 0, (size_t)(l.all - l.sums));
#pragma omp parallel for schedule(static)
    for (int64_t band = 0; band < c->n * bands; band++)
        add_band(c, &l, band / bands, band % bands * l.lines, x, y, (char *)scratch + omp_get_thread_num() * l.all);
    for (int64_t o = 0; o < FILTERS; o++)
        for (int64_t k = 0; k < terms; k++) weights[o * terms + k] = total(&l, scratch, threads, o, k);
}

#else

bool plane_weights_pays(const onednn_conv *c) {
    (void)c;
    return false;
}
size_t plane_weights_scratch(const onednn_conv *c) {
    (void)c;
    return 0;
}
void plane_weights_run(const onednn_conv *c, const void *x, const void *y, float *weights, void *scratch) {
    (void)c, (void)x, (void)y, (void)weights, (void)scratch;
}

#endif
