#include "nn/ops/columns_conv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "nn/blocks.h"
#include "nn/ops/packed_columns.h"

enum { FEW = 4, MOST_SUMS = 1024 }; // channels of a picture; of one whose columns are added up, on the stack

// Along one axis, what each position of the picture takes from the columns: `n[v]` elements, at offsets `at[v * most + i]`.
typedef struct readers {
    int64_t most, *n, *at;
} readers;

struct columns_conv {
    onednn_conv conv; // of as many pictures as are worked on at a time
    int64_t times;
    bool mirrored;
    onednn_kernel *product;
    bool whole;                  // x is its own columns
    size_t columns, columns_end; // else: where they lie in the scratch memory; the product's own is in front
    readers across;              // of columnsᵀ
    packed_columns *packed;      // not NULL if columns are made in the product's own layout
    char implementation[80];
};

static size_t columns_bytes(const onednn_conv *c) {
    size_t size = c->kind == ONEDNN_CONV_DATA ? sizeof(float) : dtype_size(c->x); // sums are f32 until they are complete
    return (size_t)(c->n * c->out_height * c->out_width * c->rows * c->cols * c->channels) * size;
}

// Columns are many times the picture. Those of as many pictures as fit are made at a time: it saves memory, and they stay in the cache. Gradients of weights
// sum over all pictures, and need the columns of all.
static const size_t MOST_COLUMNS = (size_t)4 << 20, MOST_SUMMED = (size_t)32 << 20;

bool columns_conv_is_product(const onednn_conv *c) {
    const int64_t *pad = c->params.pad;
    const bool padded = pad[0] || pad[1] || pad[2] || pad[3];
    return c->out_height == 1 && c->out_width == 1 && c->rows == c->height && c->cols == c->width && !padded;
}

// Measured on DCGAN-64, SNGAN and ResNet-18 at 2 threads with oneDNN 2.6.3 and 3.2: shares of a large product's speed are given.
bool columns_conv_pays(const onednn_conv *c, bool mirrored) {
    const bool fits = c->kind != ONEDNN_CONV_WEIGHTS || columns_bytes(c) <= MOST_SUMMED;
    if (mirrored) return c->channels <= FEW && c->out >= 16 && fits; // direct: 3 of 16 lanes are filled, 20 %
    switch (c->kind) {
    case ONEDNN_CONV:                                                               // direct: rows of few pixels, 65 %
        return c->out_width <= 4 && c->channels >= 64 && (c->x == F32 || c->n > 2); // for fewer in bf16 it is the filters that take time
    case ONEDNN_CONV_DATA: // direct: 3 of 16 lanes are filled, 19 %; rows of few pixels in bf16, 60 %
        return (c->channels <= FEW && c->out >= 16) || (c->x == BF16 && c->out_width <= 4 && c->channels <= MOST_SUMS && c->out >= 64);
    default: // direct: pairs of pixels are taken along rows, 53 %
        return c->x == BF16 && c->out_width <= 8 && c->channels >= 64 && fits;
    }
}

static void divide(columns_conv *k) {
    int64_t all = k->conv.n, times = 1;
    while (times < all && (all % times || columns_bytes(&k->conv) / (size_t)times > MOST_COLUMNS)) times++;
    k->conv.n = all / times;
    k->times = times;
}

// Where a tap's elements lie among those of its axis.
static int64_t place_of(const columns_conv *k, int64_t taps, int64_t tap) {
    return k->mirrored ? taps - 1 - tap : tap;
}

// The gradient of weights from columns in the product's own layout, where that is possible.
static foil_status create_packed(columns_conv *k, onednn_matmul product) {
    product.b_packed = true;
    TRY(onednn_matmul_create(&product, &k->product));
    TRY(packed_columns_create(&k->conv, onednn_kernel_weights(k->product), &k->packed));
    if (k->packed) return FOIL_OK;
    onednn_kernel_free(k->product);
    k->product = NULL;
    return FOIL_OK;
}

static foil_status create_product(columns_conv *k) {
    const onednn_conv *c = &k->conv;
    int64_t rows = c->n * c->out_height * c->out_width, o = c->out, width = c->rows * c->cols * c->channels;
    dtype sums = k->whole ? c->x : F32; // before they are added up
    const onednn_matmul product[] = {
        [ONEDNN_CONV] = {.batch = 1, .m = rows, .k = width, .n = o, .a_stride = {0, width, 1}, .b_stride = {0, 1, width}, c->x, c->w, c->y, c->post},
        [ONEDNN_CONV_DATA] = {.batch = 1, .m = rows, .k = o, .n = width, .a_stride = {0, o, 1}, .b_stride = {0, width, 1}, c->y, c->w, sums, {0}},
        [ONEDNN_CONV_WEIGHTS] = {.batch = 1, .m = o, .k = rows, .n = width, .a_stride = {0, 1, o}, .b_stride = {0, width, 1}, c->y, c->x, c->w, {0}},
    };
    if (!k->whole && c->kind == ONEDNN_CONV_WEIGHTS && !k->mirrored) TRY(create_packed(k, product[c->kind]));
    if (!k->packed) TRY(onednn_matmul_create(&product[c->kind], &k->product));
    if (!k->whole) {
        k->columns = aligned(onednn_kernel_scratch(k->product));
        k->columns_end = k->columns + columns_bytes(c);
    }
    return FOIL_OK;
}

// The window that reads position `at` of the picture with its tap `tap`, along rows (axis 0) or columns; -1 = none.
static int64_t window_at(const onednn_conv *c, int axis, int64_t at, int64_t tap) {
    int64_t start = at + c->params.pad[axis] - tap * c->params.dilation[axis], i = start / c->params.stride[axis];
    return start < 0 || start % c->params.stride[axis] || i >= (axis ? c->out_width : c->out_height) ? -1 : i;
}

static foil_status create_readers(columns_conv *k) {
    const onednn_conv *c = &k->conv;
    readers *a = &k->across;
    a->most = c->cols;
    a->n = calloc((size_t)c->width, sizeof *a->n);
    a->at = calloc((size_t)(c->width * a->most), sizeof *a->at);
    if (!a->n || !a->at) return foil_fail_memory((size_t)(c->width * (a->most + 1)) * sizeof *a->at, "a convolution");
    for (int64_t v = 0; v < c->width; v++)
        for (int64_t q = 0; q < c->cols; q++) {
            int64_t j = window_at(c, 1, v, q);
            if (j >= 0) a->at[v * a->most + a->n[v]++] = (j * c->rows * c->cols + place_of(k, c->cols, q)) * c->channels;
        }
    return FOIL_OK;
}

static foil_status create(columns_conv *k) {
    if (!k->whole && k->conv.kind != ONEDNN_CONV_WEIGHTS) divide(k); // that one sums over pictures
    TRY(create_product(k));
    if (!k->whole && k->conv.kind == ONEDNN_CONV_DATA) TRY(create_readers(k));
    snprintf(k->implementation, sizeof k->implementation, "%s%s", k->whole ? "" : "columns+", onednn_kernel_implementation(k->product));
    return FOIL_OK;
}

foil_status columns_conv_create(const onednn_conv *c, bool mirrored, columns_conv **out) {
    columns_conv *k = calloc(1, sizeof *k);
    if (!k) return foil_fail_memory(sizeof *k, "a convolution");
    *k = (columns_conv){.conv = *c, .times = 1, .mirrored = mirrored, .whole = !mirrored && columns_conv_is_product(c)};
    const foil_status status = create(k);
    if (status == FOIL_OK)
        *out = k;
    else
        columns_conv_free(k);
    return status;
}

void columns_conv_free(columns_conv *k) {
    if (!k) return;
    onednn_kernel_free(k->product);
    free(k->across.n), free(k->across.at);
    packed_columns_free(k->packed);
    free(k);
}

size_t columns_conv_scratch(const columns_conv *k) {
    return k->whole ? onednn_kernel_scratch(k->product) : k->columns_end;
}

const char *columns_conv_implementation(const columns_conv *k) {
    return k->implementation;
}

// One row of one window: taps (r, 0..S-1) at picture row `row`, starting at picture column v. What lies outside is zero.
static void copy_taps(const columns_conv *k, const char *row, int64_t v, size_t pixel, char *to) {
    const onednn_conv *c = &k->conv;
    if (c->params.dilation[1] == 1 && !k->mirrored && v >= 0 && v + c->cols <= c->width) { // neighbours in the picture, too
        memcpy(to, row + (size_t)v * pixel, (size_t)c->cols * pixel);
        return;
    }
    for (int64_t q = 0; q < c->cols; q++, v += c->params.dilation[1]) {
        char *at = to + (size_t)place_of(k, c->cols, q) * pixel;
        if (v < 0 || v >= c->width)
            memset(at, 0, pixel);
        else
            memcpy(at, row + (size_t)v * pixel, pixel);
    }
}

static void make_columns(const columns_conv *k, const char *x, char *to) {
    const onednn_conv *c = &k->conv;
    const conv_params *p = &c->params;
    size_t pixel = (size_t)c->channels * dtype_size(c->x), taps = (size_t)c->cols * pixel;
#pragma omp parallel for schedule(static)
    for (int64_t line = 0; line < c->n * c->out_height; line++) {
        int64_t n = line / c->out_height, top = line % c->out_height * p->stride[0] - p->pad[0];
        char *window = to + (size_t)(line * c->out_width * c->rows) * taps;
        for (int64_t j = 0; j < c->out_width; j++, window += (size_t)c->rows * taps)
            for (int64_t r = 0; r < c->rows; r++) {
                int64_t h = top + r * p->dilation[0];
                char *at = window + (size_t)place_of(k, c->rows, r) * taps;
                if (h < 0 || h >= c->height)
                    memset(at, 0, taps);
                else
                    copy_taps(k, x + (size_t)((n * c->height + h) * c->width) * pixel, j * p->stride[1] - p->pad[1], pixel, at);
            }
    }
}

// Adds what pixels [v, v + n) of a picture row were in one row of taps; `from`: that row of taps of the first window of the line.
static inline __attribute__((always_inline)) void add_taps(const readers *a, const float *from, int64_t v, int64_t n, int channels, float *to) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t q = 0; q < a->n[v + i]; q++)
            for (int e = 0; e < channels; e++) to[i * channels + e] += from[a->at[(v + i) * a->most + q] + e];
}

// Each pixel is the sum of the columns' elements that were taken from it.
static void add_up_chunk(const columns_conv *k, const float *columns, int64_t line, int64_t v, int64_t n, float *to) {
    const onednn_conv *c = &k->conv;
    int64_t tap_row = c->cols * c->channels, out_line = c->out_width * c->rows * tap_row;
    memset(to, 0, (size_t)(n * c->channels) * sizeof *to);
    for (int64_t r = 0; r < c->rows; r++) {
        int64_t i = window_at(c, 0, line % c->height, r);
        if (i < 0) continue;
        const float *from = columns + (line / c->height * c->out_height + i) * out_line + place_of(k, c->rows, r) * tap_row;
        switch (c->channels) { // known to the compiler
        case 1:
            add_taps(&k->across, from, v, n, 1, to);
            break;
        case 3:
            add_taps(&k->across, from, v, n, 3, to);
            break;
        default:
            add_taps(&k->across, from, v, n, (int)c->channels, to);
            break;
        }
    }
}

static void add_up_line(const columns_conv *k, const float *columns, int64_t line, void *out) {
    const onednn_conv *c = &k->conv;
    float sums[MOST_SUMS];
    int64_t chunk = MOST_SUMS / c->channels;
    for (int64_t v = 0; v < c->width; v += chunk) {
        int64_t n = c->width - v < chunk ? c->width - v : chunk, at = (line * c->width + v) * c->channels;
        add_up_chunk(k, columns, line, v, n, sums);
        blocks_store((int)(n * c->channels), (char *)out + (size_t)at * dtype_size(c->x), sums, c->x);
    }
}

static void add_up(const columns_conv *k, const float *columns, void *out) {
    const onednn_conv *c = &k->conv;
#pragma omp parallel for schedule(static)
    for (int64_t line = 0; line < c->n * c->height; line++) add_up_line(k, columns, line, out);
}

static void run_columns(const columns_conv *k, const char *in0, const char *in1, const float *bias, char *out, char *scratch) {
    const onednn_conv *c = &k->conv;
    char *columns = scratch + k->columns;
    size_t x = (size_t)(c->n * c->height * c->width * c->channels) * dtype_size(c->x);
    size_t y = (size_t)(c->n * c->out_height * c->out_width * c->out) * dtype_size(c->y);
    for (int64_t i = 0; i < k->times; i++) {
        switch (c->kind) {
        case ONEDNN_CONV:
            make_columns(k, in0, columns);
            onednn_run_biased(k->product, columns, in1, bias, out, scratch);
            in0 += x, out += y;
            break;
        case ONEDNN_CONV_DATA:
            onednn_run(k->product, in0, in1, columns, scratch);
            add_up(k, (const float *)(const void *)columns, out);
            in0 += y, out += x;
            break;
        case ONEDNN_CONV_WEIGHTS:
            if (k->packed)
                packed_columns_run(k->packed, (const uint16_t *)(const void *)in0, (uint16_t *)(void *)columns);
            else
                make_columns(k, in0, columns);
            onednn_run(k->product, in1, columns, out, scratch);
            break;
        }
    }
}

void columns_conv_run(const columns_conv *k, const void *in0, const void *in1, const float *bias, void *out, void *scratch) {
    const bool gradient = k->conv.kind == ONEDNN_CONV_WEIGHTS; // yᵀ · x
    if (k->whole)
        onednn_run_biased(k->product, gradient ? in1 : in0, gradient ? in0 : in1, bias, out, scratch);
    else
        run_columns(k, in0, in1, bias, out, scratch);
}
