// Which of the ways to compute a convolution is taken, in one place. At stride 1 the roles of x and y can be exchanged, with mirrored filters as rows [C,
// R·S·O]: where y has few channels, it takes the forms for an x of few,
//
//     y = convᵀ(x, W')       W' of y with x       x = conv(y, W')
#include "nn/ops/conv_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "nn/ops/columns_conv.h"
#include "nn/ops/narrow_weights.h"
#include "nn/ops/panel_conv.h"
#include "nn/ops/place_conv.h"
#include "nn/ops/plane_weights.h"
#include "nn/ops/wide_conv.h"
#include "nn/ops/window_weights.h"
#include "nn/ops/winograd.h"

// DIRECT: oneDNN's; the others: a file each.
typedef enum form { DIRECT, COLUMNS, NARROW, NARROW_WEIGHTS, PLANE_WEIGHTS, WINDOWS, PANELS, PLACES, FAST, WIDE } form;

struct conv_kernel {
    onednn_conv conv; // with roles exchanged if mirrored
    form form;
    bool mirrored;
    onednn_layout *filters; // of all but DIRECT and WIDE
    // Of the form, the others NULL. Those without one need no more than `conv`.
    onednn_kernel *direct;
    columns_conv *columns;
    panel_conv *panels;
    place_conv *places;
    winograd *fast;
    wide_conv *wide;
};

static form choose(const onednn_conv *c) {
    if (c->params.groups != 1) return DIRECT;
    if (place_conv_pays(c)) return PLACES;
    if (columns_conv_is_product(c)) return COLUMNS;
    if (panel_conv_pays(c)) return PANELS;
    if (c->rows * c->cols == 1) return DIRECT;
    if (narrow_conv_pays(c)) return NARROW;
    if (plane_weights_pays(c)) return PLANE_WEIGHTS;
    if (narrow_weights_pays(c)) return NARROW_WEIGHTS;
    if (window_weights_pays(c)) return WINDOWS;
    return columns_conv_pays(c, false) ? COLUMNS : DIRECT;
}

static onednn_conv exchange(const onednn_conv *c) {
    onednn_conv m = *c;
    m.kind = c->kind == ONEDNN_CONV ? ONEDNN_CONV_DATA : c->kind == ONEDNN_CONV_DATA ? ONEDNN_CONV : c->kind;
    m.height = c->out_height, m.width = c->out_width, m.channels = c->out, m.x = c->y;
    m.out_height = c->height, m.out_width = c->width, m.out = c->channels, m.y = c->x;
    for (int i = 0; i < 4; i++) m.params.pad[i] = c->params.dilation[i % 2] * ((i % 2 ? c->cols : c->rows) - 1) - c->params.pad[i];
    return m;
}

// The form of the convolution with exchanged roles, where y, or x as a result, has so few channels that it pays; else DIRECT.
static form choose_mirrored(const onednn_conv *c) {
    const conv_params *p = &c->params;
    if (p->groups != 1 || p->stride[0] != 1 || p->stride[1] != 1 || c->rows * c->cols == 1) return DIRECT;
    onednn_conv m = exchange(c);
    for (int i = 0; i < 4; i++)
        if (m.params.pad[i] < 0) return DIRECT;
    if (c->kind == ONEDNN_CONV_DATA) return narrow_conv_pays(&m) ? NARROW : DIRECT;
    if (window_weights_pays(&m)) return WINDOWS;
    return columns_conv_pays(&m, true) ? COLUMNS : DIRECT;
}

static bool is_unpaired(const onednn_conv *c) {
    return c->y == BF16 && processor_bf16() != BF16_PAIRS;
}

static onednn_conv as_multiplied(const onednn_conv *c) {
    return is_unpaired(c) ? wide_conv_inner(c) : *c;
}

bool conv_kernel_takes_post(const onednn_conv *c) {
    const onednn_conv m = as_multiplied(c);
    return c->kind == ONEDNN_CONV && !(choose(&m) == DIRECT && choose_mirrored(&m) != DIRECT);
}

bool conv_kernel_takes_affine(const onednn_conv *c, conv_algorithm how) {
    const onednn_conv m = as_multiplied(c);
    return how != CONV_PLAIN && choose(&m) == NARROW;
}

bool conv_kernel_takes_residual(const onednn_conv *c, conv_algorithm how) {
    const onednn_conv m = as_multiplied(c);
    return how != CONV_PLAIN && choose(&m) == PANELS;
}

static foil_status create_form(conv_kernel *k) {
    switch (k->form) {
    case COLUMNS:
        return columns_conv_create(&k->conv, k->mirrored, &k->columns);
    case PANELS:
        return panel_conv_create(&k->conv, 0, &k->panels);
    case PLACES:
        return place_conv_create(&k->conv, 0, &k->places);
    case FAST:
        return winograd_create(&k->conv, winograd_choose(&k->conv), 0, &k->fast);
    case DIRECT:
        return onednn_conv_create(&k->conv, &k->direct);
    default:
        return FOIL_OK;
    }
}

// In PyTorch's order and f32.
static foil_status lay_out_plainly(const onednn_conv *c, onednn_layout **filters) {
    onednn_layout *rows = NULL;
    TRY(onednn_layout_filters(c, false, &rows));
    const foil_status status = onednn_layout_plain(rows, F32, filters);
    onednn_layout_free(rows);
    return status;
}

// `c`: roles not exchanged.
static foil_status lay_out_filters(conv_kernel *k, const onednn_conv *c) {
    switch (k->form) {
    case COLUMNS:
    case NARROW:
    case NARROW_WEIGHTS:
    case PLANE_WEIGHTS:
        return onednn_layout_filters(c, k->mirrored, &k->filters);
    case WINDOWS:
    case PLACES:
    case FAST:
        return lay_out_plainly(c, &k->filters);
    case PANELS:
        return onednn_layout_panels(c, panel_conv_width(k->panels), &k->filters);
    default:
        return FOIL_OK;
    }
}

// `mirrored`: whether it is that of exchanged roles.
static form choose_of_all(const onednn_conv *c, conv_algorithm how, bool *mirrored) {
    *mirrored = false;
    if (how == CONV_PLAIN) return DIRECT;
    const form own = choose(c), other = own == DIRECT ? choose_mirrored(c) : DIRECT;
    if (how == CONV_FAST && own != NARROW && other != NARROW && winograd_choose(c)) return FAST;
    *mirrored = other != DIRECT;
    return *mirrored ? other : own;
}

static foil_status create(conv_kernel *k, const onednn_conv *c, conv_algorithm how) {
    k->form = choose_of_all(c, how, &k->mirrored);
    k->conv = k->mirrored ? exchange(c) : *c;
    TRY(create_form(k));
    return lay_out_filters(k, c);
}

// Of bf16, where the processor does not multiply pairs of it: oneDNN's products of tiles, where it has them; else in f32. If it
// is to be oneDNN's, that, if it can.
static foil_status create_unpaired(conv_kernel *k, const onednn_conv *c, conv_algorithm how) {
    const onednn_conv part = wide_conv_inner(c);
    k->conv = *c;
    k->form = DIRECT;
    foil_status status = FOIL_UNSUPPORTED;
    if (how == CONV_PLAIN || (processor_bf16() == BF16_TILES && choose(&part) != NARROW)) status = onednn_conv_create(c, &k->direct);
    if (status == FOIL_OK && (how == CONV_PLAIN || strstr(onednn_kernel_implementation(k->direct), "amx"))) return FOIL_OK;
    if (status != FOIL_OK && status != FOIL_UNSUPPORTED) return status;
    k->form = WIDE;
    return wide_conv_create(c, how, &k->wide);
}

foil_status conv_kernel_create(const onednn_conv *c, conv_algorithm how, conv_kernel **out) {
    conv_kernel *k = calloc(1, sizeof *k);
    if (!k) return foil_fail_memory(sizeof *k, "a convolution");
    const foil_status status = (is_unpaired(c) ? create_unpaired : create)(k, c, how);
    if (status == FOIL_OK)
        *out = k;
    else
        conv_kernel_free(k);
    return status;
}

void conv_kernel_free(conv_kernel *k) {
    if (!k) return;
    onednn_kernel_free(k->direct);
    columns_conv_free(k->columns);
    panel_conv_free(k->panels);
    place_conv_free(k->places);
    winograd_free(k->fast);
    wide_conv_free(k->wide);
    onednn_layout_free(k->filters);
    free(k);
}

const onednn_layout *conv_kernel_weights(const conv_kernel *k) {
    if (k->form == WIDE) return conv_kernel_weights(wide_conv_kernel(k->wide));
    return k->form == DIRECT ? onednn_kernel_weights(k->direct) : k->filters;
}

size_t conv_kernel_transformed(const conv_kernel *k) {
    if (k->form == WIDE) return conv_kernel_transformed(wide_conv_kernel(k->wide));
    return k->form == FAST ? winograd_filter_bytes(k->fast) : 0;
}

void conv_kernel_transform(const void *kernel, const void *weights, void *to) {
    const conv_kernel *k = kernel;
    winograd_transform_filters(k->form == WIDE ? wide_conv_kernel(k->wide)->fast : k->fast, weights, to);
}

size_t conv_kernel_scratch(const conv_kernel *k) {
    switch (k->form) {
    case COLUMNS:
        return columns_conv_scratch(k->columns);
    case NARROW:
        return narrow_conv_scratch(&k->conv);
    case NARROW_WEIGHTS:
        return narrow_weights_scratch(&k->conv);
    case PLANE_WEIGHTS:
        return plane_weights_scratch(&k->conv);
    case WINDOWS:
        return window_weights_scratch(&k->conv, 0);
    case PANELS:
        return panel_conv_scratch(k->panels);
    case PLACES:
        return place_conv_scratch(k->places);
    case FAST:
        return winograd_scratch(k->fast);
    case WIDE:
        return wide_conv_scratch(k->wide);
    default:
        return onednn_kernel_scratch(k->direct);
    }
}

const char *conv_kernel_implementation(const conv_kernel *k) {
    switch (k->form) {
    case COLUMNS:
        return columns_conv_implementation(k->columns);
    case NARROW:
    case NARROW_WEIGHTS:
        return "narrow";
    case PLANE_WEIGHTS:
        return "planes";
    case WINDOWS:
        return "foil:windows";
    case PANELS:
        return panel_conv_implementation(k->panels);
    case PLACES:
        return "foil:places";
    case FAST:
        return winograd_implementation(k->fast);
    case WIDE:
        return conv_kernel_implementation(wide_conv_kernel(k->wide));
    default:
        return onednn_kernel_implementation(k->direct);
    }
}

static void run(const conv_kernel *k, const void *in0, const void *in1, const conv_vectors *v, void *out, double *squares, void *scratch) {
    const bool swapped = k->mirrored && k->conv.kind == ONEDNN_CONV_WEIGHTS; // its operands are x and y
    const void *first = swapped ? in1 : in0, *second = swapped ? in0 : in1;
    switch (k->form) {
    case COLUMNS:
        columns_conv_run(k->columns, first, second, v->bias, out, scratch);
        break;
    case NARROW:
        narrow_conv_run(&k->conv, k->mirrored, first, second, v, out, scratch);
        break;
    case NARROW_WEIGHTS:
        narrow_weights_run(&k->conv, first, second, out, scratch);
        break;
    case PLANE_WEIGHTS:
        plane_weights_run(&k->conv, first, second, out, scratch);
        break;
    case WINDOWS:
        window_weights_run(&k->conv, 0, k->mirrored, first, second, out, squares, scratch);
        break;
    case PANELS:
        panel_conv_run(k->panels, first, second, v->bias, out, scratch);
        break;
    case PLACES:
        place_conv_run(k->places, first, second, out, squares, scratch);
        break;
    case FAST:
        winograd_run(k->fast, first, second, v->bias, out, squares, scratch);
        break;
    case WIDE:
        wide_conv_run(k->wide, first, second, v, out, squares, scratch);
        break;
    default:
        onednn_run_biased(k->direct, first, second, v->bias, out, scratch);
        break;
    }
}

void conv_kernel_run_post(const conv_kernel *k, const void *in0, const void *in1, const conv_vectors *v, void *out, void *scratch) {
    run(k, in0, in1, v, out, NULL, scratch);
}

void conv_kernel_run(const conv_kernel *k, const void *in0, const void *in1, void *out, double *squares, void *scratch) {
    run(k, in0, in1, &(conv_vectors){0}, out, squares, scratch);
}
