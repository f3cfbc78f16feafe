#include "nn/ops/panel_conv.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "nn/ops/pieces.h"
#include "nn/ops/winograd_inner.h"

enum { BLOCK = 64, CHUNK = 128 };   // windows at a time; f32 elements of a window at a time: their part of a panel stays in the first-level cache
enum { FEW = 32, LEAST = 1 << 19 }; // windows and filters of f32 convolutions that pay
enum { APART = 32 };                // rows a little apart from powers of two, which would meet in the same lines of the cache
enum { LINE = 64 };                 // bytes that come into the cache at a time

struct panel_conv {
    onednn_conv conv;
    const winograd_machine *machine;
    size_t size;            // of an element of x and of filters
    int64_t depth, windows; // of the product, its rows
    int64_t block, blocks, panels;
    int64_t groups; // of panels: threads share a block's panels where there are not blocks enough
    bool in_place;  // windows are rows of x
    int64_t window; // from one copied window to the next, in elements
    size_t sums_at, private_bytes;
    int threads;
};

static int64_t windows_of(const onednn_conv *c) {
    return c->n * c->out_height * c->out_width;
}

static bool is_possible(const onednn_conv *c, const winograd_machine *m) {
    const conv_params *p = &c->params;
    return c->kind == ONEDNN_CONV && c->constant && p->groups == 1 && p->dilation[0] == 1 && p->dilation[1] == 1 && c->x == c->y && c->w == c->x &&
           c->out % m->width == 0 && (c->x == F32 || c->channels % 2 == 0);
}

bool panel_conv_pays(const onednn_conv *c) {
    const winograd_machine *m = winograd_machine_at(0);
    if (!is_possible(c, m)) return false;
    const int64_t depth = c->rows * c->cols * c->channels;
    if (c->x == F32) return windows_of(c) <= FEW && depth * c->out >= LEAST;
    const int64_t *pad = c->params.pad;
    return depth == c->channels && c->channels >= 32 && !(pad[0] | pad[1] | pad[2] | pad[3]) && windows_of(c) >= BLOCK;
}

static bool is_pixels(const onednn_conv *c) {
    const conv_params *p = &c->params;
    return c->rows == 1 && c->cols == 1 && p->stride[0] == 1 && p->stride[1] == 1 && c->out_height == c->height && c->out_width == c->width;
}

foil_status panel_conv_create(const onednn_conv *c, int machine, panel_conv **out) {
    panel_conv *p = calloc(1, sizeof *p);
    if (!p) return foil_fail_memory(sizeof *p, "a convolution");
    p->conv = *c;
    p->machine = winograd_machine_at(machine);
    p->size = dtype_size(c->x);
    p->depth = c->rows * c->cols * c->channels;
    p->windows = windows_of(c);
    p->threads = omp_get_max_threads();
    p->block = p->windows < BLOCK ? round_up(p->windows, p->machine->rows) : BLOCK;
    p->blocks = divide_up(p->windows, p->block);
    p->panels = c->out / p->machine->width;
    p->groups = p->blocks >= p->threads ? 1 : smaller(p->threads, p->panels);
    p->in_place = is_pixels(c);
    p->window = p->depth + (c->x == F32 ? APART : 0);
    p->sums_at = (size_t)round_up(p->block * p->window, LINE) * p->size;
    p->private_bytes = p->sums_at + (size_t)(p->block * p->machine->width) * sizeof(float);
    *out = p;
    return FOIL_OK;
}

void panel_conv_free(panel_conv *p) {
    free(p);
}

size_t panel_conv_scratch(const panel_conv *p) {
    return (size_t)p->threads * p->private_bytes;
}

int64_t panel_conv_width(const panel_conv *p) {
    return p->machine->width;
}

const char *panel_conv_implementation(const panel_conv *p) {
    return p->conv.x == BF16 ? "foil:panels_bf16" : "foil:panels";
}

// Windows. ---------------------------------------------------------------------------------------------------------------------------------------------------
static int64_t clamp(int64_t n, int64_t most) {
    return larger(0, smaller(n, most));
}

// What lies outside the picture is zero.
static void copy_window(const panel_conv *p, const char *x, int64_t window, char *to) {
    const onednn_conv *c = &p->conv;
    const size_t pixel = (size_t)c->channels * p->size;
    const int64_t n = window / c->out_width / c->out_height, top = window / c->out_width % c->out_height * c->params.stride[0] - c->params.pad[0];
    const int64_t left = window % c->out_width * c->params.stride[1] - c->params.pad[1];
    const int64_t before = clamp(-left, c->cols), inside = clamp(c->width - left - before, c->cols - before);
    for (int64_t h = top; h < top + c->rows; h++, to += (size_t)c->cols * pixel) {
        const bool is_inside = h >= 0 && h < c->height && inside;
        const size_t start = (size_t)before * pixel, bytes = is_inside ? (size_t)inside * pixel : 0;
        memset(to, 0, start);
        if (is_inside) memcpy(to + start, x + (size_t)((n * c->height + h) * c->width + left + before) * pixel, bytes);
        memset(to + start + bytes, 0, (size_t)c->cols * pixel - start - bytes);
    }
}

// Products. --------------------------------------------------------------------------------------------------------------------------------------------------
typedef struct windows { // of a block
    const void *first;
    int64_t apart;    // in elements
    int64_t n, whole; // and with those that fill up the machine's rows, which may be anything
} windows;

static void finish(const panel_conv *p, int64_t n, const float *sums, const winograd_post *post, float *y) {
    const int64_t width = p->machine->width;
    for (int64_t i = 0; i < n; i++, sums += width, y += p->conv.out)
        for (int64_t o = 0; o < width; o++) {
            float v = sums[o] + (post->bias ? post->bias[o] : 0) + (post->adds ? y[o] : 0);
            y[o] = post->rectifies && !(v > 0) ? post->slope * v : v;
        }
}

static void multiply_f32(const panel_conv *p, const windows *w, const float *panel, const winograd_post *post, float *y, float *sums) {
    const int64_t width = p->machine->width;
    for (int64_t k = 0; k < p->depth; k += CHUNK) {
        const int64_t depth = smaller(p->depth - k, CHUNK);
        p->machine->product(&(winograd_product){.rows = w->whole,
                                                .depth = depth,
                                                .a = (const float *)w->first + k,
                                                .a_row = w->apart,
                                                .a_depth = 1,
                                                .b = panel + k * width,
                                                .next = panel + (k + depth) * width,
                                                .c = sums,
                                                .c_row = width,
                                                .add = k > 0});
    }
    finish(p, w->n, sums, post, y);
}

// The last few results through copies with room.
static void multiply_bf16(const panel_conv *p, const windows *w, const uint16_t *panel, const winograd_post *post, uint16_t *y, uint16_t *copy) {
    const int64_t width = p->machine->width;
    winograd_pixels all = {w->whole, p->depth / 2, w->first, panel, *post, y, p->conv.out};
    if (w->whole > w->n) {
        all.y = copy, all.y_row = width;
        for (int64_t i = 0; i < w->n; i++) memcpy(copy + i * width, y + i * p->conv.out, (size_t)width * sizeof *y);
    }
    p->machine->pixels(&all);
    for (int64_t i = 0; w->whole > w->n && i < w->n; i++) memcpy(y + i * p->conv.out, copy + i * width, (size_t)width * sizeof *y);
}

// A block's panels [from, to).
static void run_block(const panel_conv *p, int64_t block, int64_t from, int64_t to, const char *x, const char *filters, const winograd_post *post,
                      char *y, char *mine) {
    const onednn_conv *c = &p->conv;
    const int64_t first = block * p->block, n = smaller(p->windows - first, p->block), width = p->machine->width;
    windows w = {x + (size_t)(first * p->depth) * p->size, p->depth, n, round_up(n, p->machine->rows)};
    if (!p->in_place || w.whole > n) {
        for (int64_t i = 0; i < n; i++) copy_window(p, x, first + i, mine + (size_t)(i * p->window) * p->size);
        w.first = mine;
        w.apart = p->window;
    }
    for (int64_t panel = from; panel < to; panel++) {
        const void *b = filters + (size_t)(panel * p->depth * width) * p->size;
        void *out = y + (size_t)(first * c->out + panel * width) * p->size, *sums = mine + p->sums_at;
        winograd_post after = *post;
        if (after.bias) after.bias += panel * width;
        if (c->x == BF16)
            multiply_bf16(p, &w, b, &after, out, sums);
        else
            multiply_f32(p, &w, b, &after, out, sums);
    }
}

void panel_conv_run(const panel_conv *p, const void *x, const void *filters, const float *bias, void *y, void *scratch) {
    const onednn_post *post = &p->conv.post;
    const winograd_post after = {bias, post->adds, post->rectifies, post->slope};
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int64_t task = 0; task < p->blocks * p->groups; task++) {
        const int64_t group = task % p->groups, from = group * p->panels / p->groups, to = (group + 1) * p->panels / p->groups;
        run_block(p, task / p->groups, from, to, x, filters, &after, y, (char *)scratch + (size_t)omp_get_thread_num() * p->private_bytes);
    }
}
