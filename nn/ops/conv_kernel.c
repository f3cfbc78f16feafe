// The columns of a picture x are the matrix with a row for each position of the window and in it the window's R·S·C elements. With filters as rows
// [O, R·S·C] the three convolutions are
//
//     y = columns(x) · Wᵀ        x = columnsᵀ(y · W)        W = yᵀ · columns(x)
//
// where columnsᵀ adds each element up where it came from. A window that covers the whole picture has x itself as its columns. At stride 1 the roles of x and y
// can be exchanged, with mirrored filters as rows [C, R·S·O]:
//
//     y = columnsᵀ(x · W')       W' = xᵀ · columns(y)       x = conv(y, W')
#include "nn/ops/conv_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blocks.h"
#include "nn/ops/narrow_weights.h"
#include "nn/ops/packed_columns.h"
#include "nn/ops/panel_conv.h"
#include "nn/ops/place_conv.h"
#include "nn/ops/plane_weights.h"
#include "nn/ops/window_weights.h"
#include "nn/ops/winograd.h"

enum { FEW = 4, MOST_SUMS = 1024 }; // channels of a picture; of one whose columns are added up, on the stack

typedef enum form { DIRECT, PRODUCT, COLUMNS, NARROW, NARROW_WEIGHTS, PLANE_WEIGHTS, WINDOWS, PANELS, PLACES, FAST } form;

// Along one axis, what each position of the picture takes from the columns: `n[v]` elements, at offsets `at[v * most + i]`.
typedef struct readers {
    int64_t most, *n, *at;
} readers;

struct conv_kernel {
    onednn_conv conv; // of as many pictures as are worked on at a time; with roles exchanged if mirrored
    int64_t times;
    form form;
    bool mirrored;
    onednn_kernel *kernel;       // of DIRECT, PRODUCT and COLUMNS
    winograd *fast;              // of FAST
    panel_conv *panels;          // of PANELS
    place_conv *places;          // of PLACES
    onednn_layout *filters;      // of all but DIRECT
    size_t columns, columns_end; // of COLUMNS: where they lie in the scratch memory; the kernel's own is in front
    readers across;              // of columnsᵀ
    packed_columns *packed;      // of COLUMNS: not NULL if they are made in the product's own layout
    char implementation[80];
};

static size_t columns_bytes(const onednn_conv *c) {
    size_t size = c->kind == ONEDNN_CONV_DATA ? sizeof(float) : dtype_size(c->x); // sums are f32 until they are complete
    return (size_t)(c->n * c->out_height * c->out_width * c->rows * c->cols * c->channels) * size;
}

// Columns are many times the picture. Those of as many pictures as fit are made at a time: it saves memory, and they stay in the cache. Gradients of weights sum over
// all pictures, and need the columns of all.
static const size_t MOST_COLUMNS = (size_t)4 << 20, MOST_SUMMED = (size_t)32 << 20;

static void divide(conv_kernel *k) {
    int64_t all = k->conv.n, times = 1;
    while (times < all && (all % times || columns_bytes(&k->conv) / (size_t)times > MOST_COLUMNS)) times++;
    k->conv.n = all / times;
    k->times = times;
}

// Measured on DCGAN-64, SNGAN and ResNet-18 at 2 threads with oneDNN 2.6.3 and 3.2: shares of a large product's speed are given.
static form choose(const onednn_conv *c) {
    const conv_params *p = &c->params;
    bool padded = p->pad[0] || p->pad[1] || p->pad[2] || p->pad[3];
    if (p->groups != 1) return DIRECT;
    if (place_conv_pays(c)) return PLACES;
    if (c->out_height == 1 && c->out_width == 1 && c->rows == c->height && c->cols == c->width && !padded) return PRODUCT;
    if (panel_conv_pays(c)) return PANELS;
    if (c->rows * c->cols == 1) return DIRECT;
    if (narrow_conv_pays(c)) return NARROW;
    if (plane_weights_pays(c)) return PLANE_WEIGHTS;
    if (narrow_weights_pays(c)) return NARROW_WEIGHTS;
    if (window_weights_pays(c)) return WINDOWS;
    bool pays = false;
    switch (c->kind) {
    case ONEDNN_CONV:                                                               // direct: rows of few pixels, 65 %
        pays = c->out_width <= 4 && c->channels >= 64 && (c->x == F32 || c->n > 2); // for fewer in bf16 it is the filters that take time
        break;
    case ONEDNN_CONV_DATA: // direct: 3 of 16 lanes are filled, 19 %; rows of few pixels in bf16, 60 %
        pays = (c->channels <= FEW && c->out >= 16) || (c->x == BF16 && c->out_width <= 4 && c->channels <= MOST_SUMS && c->out >= 64);
        break;
    case ONEDNN_CONV_WEIGHTS: // direct: pairs of pixels are taken along rows, 53 %
        pays = c->x == BF16 && c->out_width <= 8 && c->channels >= 64 && columns_bytes(c) <= MOST_SUMMED;
        break;
    }
    return pays ? COLUMNS : DIRECT;
}

static onednn_conv exchange(const onednn_conv *c) {
    onednn_conv m = *c;
    m.kind = c->kind == ONEDNN_CONV ? ONEDNN_CONV_DATA : c->kind == ONEDNN_CONV_DATA ? ONEDNN_CONV : c->kind;
    m.height = c->out_height, m.width = c->out_width, m.channels = c->out, m.x = c->y;
    m.out_height = c->height, m.out_width = c->width, m.out = c->channels, m.y = c->x;
    for (int i = 0; i < 4; i++) m.params.pad[i] = c->params.dilation[i % 2] * ((i % 2 ? c->cols : c->rows) - 1) - c->params.pad[i];
    return m;
}

// The form of the convolution with exchanged roles, where y, or x as a result, has so few channels that it pays; else DIRECT: 3 of 16 lanes are filled, 20 %.
static form choose_mirrored(const onednn_conv *c) {
    const conv_params *p = &c->params;
    if (p->groups != 1 || p->stride[0] != 1 || p->stride[1] != 1 || c->rows * c->cols == 1) return DIRECT;
    onednn_conv m = exchange(c);
    for (int i = 0; i < 4; i++)
        if (m.params.pad[i] < 0) return DIRECT;
    if (c->kind == ONEDNN_CONV_DATA) return narrow_conv_pays(&m) ? NARROW : DIRECT;
    if (window_weights_pays(&m)) return WINDOWS;
    return c->out <= FEW && c->channels >= 16 && (c->kind == ONEDNN_CONV || columns_bytes(&m) <= MOST_SUMMED) ? COLUMNS : DIRECT;
}

bool conv_kernel_takes_post(const onednn_conv *c) {
    return c->kind == ONEDNN_CONV && !(choose(c) == DIRECT && choose_mirrored(c) != DIRECT);
}

bool conv_kernel_takes_affine(const onednn_conv *c, conv_algorithm how) {
    return how != CONV_PLAIN && choose(c) == NARROW;
}

bool conv_kernel_takes_residual(const onednn_conv *c, conv_algorithm how) {
    return how != CONV_PLAIN && choose(c) == PANELS;
}

// Where a tap's elements lie among those of its axis.
static int64_t place_of(const conv_kernel *k, int64_t taps, int64_t tap) {
    return k->mirrored ? taps - 1 - tap : tap;
}

// The gradient of weights from columns in the product's own layout, where that is possible.
static foil_status create_packed(conv_kernel *k, onednn_matmul product) {
    product.b_packed = true;
    TRY(onednn_matmul_create(&product, &k->kernel));
    TRY(packed_columns_create(&k->conv, onednn_kernel_weights(k->kernel), &k->packed));
    if (k->packed) return FOIL_OK;
    onednn_kernel_free(k->kernel);
    k->kernel = NULL;
    return FOIL_OK;
}

static foil_status create_product(conv_kernel *k) {
    const onednn_conv *c = &k->conv;
    int64_t rows = c->n * c->out_height * c->out_width, o = c->out, width = c->rows * c->cols * c->channels;
    dtype sums = k->form == COLUMNS ? F32 : c->x; // before they are added up
    const onednn_matmul product[] = {
        [ONEDNN_CONV] = {.batch = 1, .m = rows, .k = width, .n = o, .a_stride = {0, width, 1}, .b_stride = {0, 1, width}, c->x, c->w, c->y, c->post},
        [ONEDNN_CONV_DATA] = {.batch = 1, .m = rows, .k = o, .n = width, .a_stride = {0, o, 1}, .b_stride = {0, width, 1}, c->y, c->w, sums, {0}},
        [ONEDNN_CONV_WEIGHTS] = {.batch = 1, .m = o, .k = rows, .n = width, .a_stride = {0, 1, o}, .b_stride = {0, width, 1}, c->y, c->x, c->w, {0}},
    };
    if (k->form == COLUMNS && c->kind == ONEDNN_CONV_WEIGHTS && !k->mirrored) TRY(create_packed(k, product[c->kind]));
    if (!k->packed) TRY(onednn_matmul_create(&product[c->kind], &k->kernel));
    if (k->form == COLUMNS) {
        k->columns = (onednn_kernel_scratch(k->kernel) + 63) / 64 * 64;
        k->columns_end = k->columns + columns_bytes(c);
    }
    return FOIL_OK;
}

// The window that reads position `at` of the picture with its tap `tap`, along rows (axis 0) or columns; -1 = none.
static int64_t window_at(const onednn_conv *c, int axis, int64_t at, int64_t tap) {
    int64_t start = at + c->params.pad[axis] - tap * c->params.dilation[axis], i = start / c->params.stride[axis];
    return start < 0 || start % c->params.stride[axis] || i >= (axis ? c->out_width : c->out_height) ? -1 : i;
}

static foil_status create_readers(conv_kernel *k) {
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

// Filters in PyTorch's order and f32.
static foil_status create_plain_filters(conv_kernel *k) {
    onednn_layout *rows = NULL;
    TRY(onednn_layout_filters(&k->conv, false, &rows));
    const foil_status status = onednn_layout_plain(rows, F32, &k->filters);
    onednn_layout_free(rows);
    return status;
}

static foil_status create_fast(conv_kernel *k) {
    TRY(winograd_create(&k->conv, winograd_choose(&k->conv), 0, &k->fast));
    snprintf(k->implementation, sizeof k->implementation, "%s", winograd_implementation(k->fast));
    return create_plain_filters(k);
}

static foil_status create_places(conv_kernel *k) {
    TRY(place_conv_create(&k->conv, 0, &k->places));
    snprintf(k->implementation, sizeof k->implementation, "foil:places");
    return create_plain_filters(k);
}

static foil_status create_windows(conv_kernel *k) {
    snprintf(k->implementation, sizeof k->implementation, "foil:windows");
    TRY(create_plain_filters(k));
    if (k->mirrored) k->conv = exchange(&k->conv);
    return FOIL_OK;
}

static foil_status create_panels(conv_kernel *k) {
    TRY(panel_conv_create(&k->conv, 0, &k->panels));
    snprintf(k->implementation, sizeof k->implementation, "%s", panel_conv_implementation(k->panels));
    return onednn_layout_panels(&k->conv, panel_conv_width(k->panels), &k->filters);
}

static foil_status create_narrow(conv_kernel *k) {
    snprintf(k->implementation, sizeof k->implementation, k->form == PLANE_WEIGHTS ? "planes" : "narrow");
    TRY(onednn_layout_filters(&k->conv, k->mirrored, &k->filters));
    if (k->mirrored) k->conv = exchange(&k->conv);
    return FOIL_OK;
}

static foil_status create(conv_kernel *k) {
    if (k->form == FAST) return create_fast(k);
    if (k->form == PANELS) return create_panels(k);
    if (k->form == PLACES) return create_places(k);
    if (k->form == WINDOWS) return create_windows(k);
    if (k->form == NARROW || k->form == NARROW_WEIGHTS || k->form == PLANE_WEIGHTS) return create_narrow(k);
    if (k->form != DIRECT) TRY(onednn_layout_filters(&k->conv, k->mirrored, &k->filters));
    if (k->mirrored) k->conv = exchange(&k->conv);
    if (k->form == COLUMNS && k->conv.kind != ONEDNN_CONV_WEIGHTS) divide(k); // that one sums over pictures
    if (k->form == DIRECT)
        TRY(onednn_conv_create(&k->conv, &k->kernel));
    else
        TRY(create_product(k));
    if (k->form == COLUMNS && k->conv.kind == ONEDNN_CONV_DATA) TRY(create_readers(k));
    const char *prefix[] = {[DIRECT] = "", [PRODUCT] = "", [COLUMNS] = "columns+"};
    snprintf(k->implementation, sizeof k->implementation, "%s%s", prefix[k->form], onednn_kernel_implementation(k->kernel));
    return FOIL_OK;
}

foil_status conv_kernel_create(const onednn_conv *c, conv_algorithm how, conv_kernel **out) {
    conv_kernel *k = calloc(1, sizeof *k);
    if (!k) return foil_fail_memory(sizeof *k, "a convolution");
    k->conv = *c;
    k->times = 1;
    k->form = how == CONV_PLAIN ? DIRECT : choose(c);
    if (how != CONV_PLAIN && k->form == DIRECT) {
        k->form = choose_mirrored(c);
        k->mirrored = k->form != DIRECT;
    }
    if (how == CONV_FAST && k->form != NARROW && winograd_choose(c)) k->form = FAST;
    foil_status status = create(k);
    if (status == FOIL_OK)
        *out = k;
    else
        conv_kernel_free(k);
    return status;
}

void conv_kernel_free(conv_kernel *k) {
    if (!k) return;
    onednn_kernel_free(k->kernel);
    winograd_free(k->fast);
    panel_conv_free(k->panels);
    place_conv_free(k->places);
    onednn_layout_free(k->filters);
    free(k->across.n), free(k->across.at);
    packed_columns_free(k->packed);
    free(k);
}

const onednn_layout *conv_kernel_weights(const conv_kernel *k) {
    return k->filters ? k->filters : onednn_kernel_weights(k->kernel);
}

size_t conv_kernel_transformed(const conv_kernel *k) {
    return k->form == FAST ? winograd_filter_bytes(k->fast) : 0;
}

void conv_kernel_transform(const void *k, const void *weights, void *to) {
    winograd_transform_filters(((const conv_kernel *)k)->fast, weights, to);
}

size_t conv_kernel_scratch(const conv_kernel *k) {
    if (k->form == FAST) return winograd_scratch(k->fast);
    if (k->form == PANELS) return panel_conv_scratch(k->panels);
    if (k->form == PLACES) return place_conv_scratch(k->places);
    if (k->form == WINDOWS) return window_weights_scratch(&k->conv, 0);
    if (k->form == NARROW) return narrow_conv_scratch(&k->conv);
    if (k->form == NARROW_WEIGHTS) return narrow_weights_scratch(&k->conv);
    if (k->form == PLANE_WEIGHTS) return plane_weights_scratch(&k->conv);
    return k->form == COLUMNS ? k->columns_end : onednn_kernel_scratch(k->kernel);
}

const char *conv_kernel_implementation(const conv_kernel *k) {
    return k->implementation;
}

// Columns. -----------------------------------------------------------------------------------------------------------------------------------------------

// One row of one window: taps (r, 0..S-1) at picture row `row`, starting at picture column v. What lies outside is zero.
static void copy_taps(const conv_kernel *k, const char *row, int64_t v, size_t pixel, char *to) {
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

static void make_columns(const conv_kernel *k, const char *x, char *to) {
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
static void add_up_chunk(const conv_kernel *k, const float *columns, int64_t line, int64_t v, int64_t n, float *to) {
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

static void add_up_line(const conv_kernel *k, const float *columns, int64_t line, void *out) {
    const onednn_conv *c = &k->conv;
    float sums[MOST_SUMS];
    int64_t chunk = MOST_SUMS / c->channels;
    for (int64_t v = 0; v < c->width; v += chunk) {
        int64_t n = c->width - v < chunk ? c->width - v : chunk, at = (line * c->width + v) * c->channels;
        add_up_chunk(k, columns, line, v, n, sums);
        blocks_store((int)(n * c->channels), (char *)out + (size_t)at * dtype_size(c->x), sums, c->x);
    }
}

static void add_up(const conv_kernel *k, const float *columns, void *out) {
    const onednn_conv *c = &k->conv;
#pragma omp parallel for schedule(static)
    for (int64_t line = 0; line < c->n * c->height; line++) add_up_line(k, columns, line, out);
}

static void run_columns(const conv_kernel *k, const char *in0, const char *in1, const float *bias, char *out, char *scratch) {
    const onednn_conv *c = &k->conv;
    char *columns = scratch + k->columns;
    size_t x = (size_t)(c->n * c->height * c->width * c->channels) * dtype_size(c->x);
    size_t y = (size_t)(c->n * c->out_height * c->out_width * c->out) * dtype_size(c->y);
    for (int64_t i = 0; i < k->times; i++) {
        switch (c->kind) {
        case ONEDNN_CONV:
            make_columns(k, in0, columns);
            onednn_run_biased(k->kernel, columns, in1, bias, out, scratch);
            in0 += x, out += y;
            break;
        case ONEDNN_CONV_DATA:
            onednn_run(k->kernel, in0, in1, columns, scratch);
            add_up(k, (const float *)(const void *)columns, out);
            in0 += y, out += x;
            break;
        case ONEDNN_CONV_WEIGHTS:
            if (k->packed)
                packed_columns_run(k->packed, (const uint16_t *)(const void *)in0, (uint16_t *)(void *)columns);
            else
                make_columns(k, in0, columns);
            onednn_run(k->kernel, in1, columns, out, scratch);
            break;
        }
    }
}

static void run(const conv_kernel *k, const void *in0, const void *in1, const conv_vectors *v, void *out, double *squares, void *scratch) {
    if (k->form == FAST) {
        winograd_run(k->fast, in0, in1, v->bias, out, squares, scratch);
        return;
    }
    if (k->form == PANELS) {
        panel_conv_run(k->panels, in0, in1, v->bias, out, scratch);
        return;
    }
    if (k->form == PLACES) {
        place_conv_run(k->places, in0, in1, out, squares, scratch);
        return;
    }
    if (k->form == NARROW) {
        narrow_conv_run(&k->conv, k->mirrored, in0, in1, v, out, scratch);
        return;
    }
    if (k->form == NARROW_WEIGHTS) {
        narrow_weights_run(&k->conv, in0, in1, out, scratch);
        return;
    }
    if (k->form == PLANE_WEIGHTS) {
        plane_weights_run(&k->conv, in0, in1, out, scratch);
        return;
    }
    bool swapped = k->conv.kind == ONEDNN_CONV_WEIGHTS && (k->form == PRODUCT || k->mirrored); // yᵀ · x; roles exchanged
    const void *first = swapped ? in1 : in0, *second = swapped ? in0 : in1;
    if (k->form == WINDOWS)
        window_weights_run(&k->conv, 0, k->mirrored, first, second, out, squares, scratch);
    else if (k->form == COLUMNS)
        run_columns(k, first, second, v->bias, out, scratch);
    else
        onednn_run_biased(k->kernel, first, second, v->bias, out, scratch);
}

void conv_kernel_run_post(const conv_kernel *k, const void *in0, const void *in1, const conv_vectors *v, void *out, void *scratch) {
    run(k, in0, in1, v, out, NULL, scratch);
}

void conv_kernel_run(const conv_kernel *k, const void *in0, const void *in1, void *out, double *squares, void *scratch) {
    run(k, in0, in1, &(conv_vectors){0}, out, squares, scratch);
}
