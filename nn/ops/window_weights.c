#include "nn/ops/window_weights.h"

#include <omp.h>
#include <string.h>

#include "base/vectorised.h"
#include "nn/ops/pieces.h"
#include "nn/ops/winograd_inner.h"

// Elements that are copied at a time; of a product's depth, about; channels of a picture; shares of the lines, each with sums of its own.
enum { CHUNK = 16, DEPTH = 64, FEW = 4, SHARES = 32 };
static const size_t ELEMENT = sizeof(float), LINE = 64; // bytes: f32, or a pair of bf16

typedef struct layout {
    const winograd_machine *machine;
    int64_t numbers;             // of an element
    int64_t width;               // of a window's row, in numbers
    int64_t all, rows;           // numbers of a window; rounded up to the machine's rows
    int64_t row;                 // of the windows' matrix, in elements: what is copied may reach behind a window
    int64_t elements;            // of a line of windows
    int64_t lines, block;        // of all pictures; at a time
    int64_t picture_row;         // with its padding and what is copied behind it, in numbers
    int64_t shares;              // at most SHARES, whatever the number of threads
    int64_t sums;                // of a share, in floats: [rows, O]
    size_t windows_at, panel_at; // of a thread, after its rows of a picture
    size_t private_at, private_bytes;
} layout;

static size_t take(size_t *at, size_t bytes) {
    const size_t start = *at;
    *at += (bytes + LINE - 1) / LINE * LINE;
    return start;
}

static layout layout_of(const onednn_conv *c, int machine) {
    layout l = {.machine = winograd_machine_at(machine), .numbers = c->x == BF16 ? 2 : 1};
    l.width = c->cols * c->channels;
    l.all = c->rows * l.width;
    l.rows = round_up(l.all, l.machine->rows);
    l.row = larger(l.rows, l.all - l.width + round_up(l.width, CHUNK));
    l.elements = divide_up(c->out_width, l.numbers);
    l.lines = c->n * c->out_height;
    l.block = larger(DEPTH / l.elements, 1);
    l.picture_row = larger((c->width + c->params.pad[1] + c->params.pad[3]) * c->channels,
                           (l.elements * l.numbers - 1) * c->params.stride[1] * c->channels + round_up(l.width, CHUNK));
    l.shares = smaller(l.lines, SHARES);
    l.sums = l.rows * c->out;
    size_t at = 0;
    take(&at, (size_t)(c->rows * l.picture_row) * dtype_size(c->x));
    l.windows_at = take(&at, (size_t)(l.block * l.elements * l.row) * ELEMENT);
    l.panel_at = take(&at, (size_t)(l.block * l.elements * l.machine->width) * ELEMENT);
    l.private_bytes = at;
    l.private_at = (size_t)(l.shares * l.sums) * sizeof(float);
    return l;
}

bool window_weights_takes(const onednn_conv *c, int machine) {
    const conv_params *p = &c->params;
    return c->kind == ONEDNN_CONV_WEIGHTS && c->x == c->y && p->groups == 1 && p->dilation[0] == 1 && p->dilation[1] == 1 &&
           c->out % winograd_machine_at(machine)->width == 0;
}

// Measured on DCGAN-64, DCGAN-32 and SNGAN-32 at 2 threads beside oneDNN 2.6.3.
bool window_weights_pays(const onednn_conv *c) {
    const winograd_machine *m = winograd_machine_at(0);
    return window_weights_takes(c, 0) && c->channels <= FEW && c->rows * c->cols > 1 && m->rows * m->width >= 256;
}

size_t window_weights_scratch(const onednn_conv *c, int machine) {
    const layout l = layout_of(c, machine);
    return l.private_at + (size_t)omp_get_max_threads() * l.private_bytes;
}

// `count` times `n` numbers, a multiple of CHUNK, `step` apart, to elements `row` apart.
VECTORISED static void copy_each(int64_t count, int64_t n, const float *from, int64_t step, float *to, int64_t row) {
    for (int64_t j = 0; j < count; j++, from += step, to += row)
        for (int64_t e = 0; e < n; e += CHUNK) memcpy(to + e, from + e, CHUNK * sizeof *to);
}

// The same of pairs of them. (With a call of blocks_pair for each window a gradient takes a quarter longer.)
VECTORISED static void pair_each(int64_t count, int64_t n, const uint16_t *from, int64_t step, uint16_t *to, int64_t row) {
    for (int64_t j = 0; j < count; j++, from += 2 * step, to += 2 * row)
        for (int64_t e = 0; e < n; e += CHUNK) {
#pragma omp simd
            for (int64_t i = 0; i < CHUNK; i++) {
                to[2 * (e + i)] = from[e + i];
                to[2 * (e + i) + 1] = from[step + e + i];
            }
        }
}

static void lay_out_each(const layout *l, int64_t count, int64_t n, const void *from, int64_t step, void *to, int64_t row) {
    if (l->numbers == 2)
        pair_each(count, n, from, step, to, row);
    else
        copy_each(count, n, from, step, to, row);
}

// The windows of a line, from `to` on.
static void lay_out_windows(const onednn_conv *c, const layout *l, const char *x, int64_t line, char *rows, char *to) {
    const conv_params *p = &c->params;
    const size_t size = dtype_size(c->x), picture = (size_t)(c->width * c->channels) * size;
    const int64_t n = line / c->out_height, top = line % c->out_height * p->stride[0] - p->pad[0];
    for (int64_t r = 0; r < c->rows; r++) {
        char *row = rows + (size_t)(r * l->picture_row) * size, *inside = row + (size_t)(p->pad[1] * c->channels) * size;
        if (top + r < 0 || top + r >= c->height)
            memset(inside, 0, picture);
        else
            memcpy(inside, x + (size_t)(n * c->height + top + r) * picture, picture);
        lay_out_each(l, l->elements, round_up(l->width, CHUNK), row, p->stride[1] * c->channels, to + (size_t)(r * l->width) * ELEMENT, l->row);
    }
}

// `width` channels of a line of y. The last window's partner may be missing.
static void lay_out_panel(const onednn_conv *c, const layout *l, const char *y, char *to) {
    const int64_t width = l->machine->width, whole = c->out_width / l->numbers;
    lay_out_each(l, whole, width, y, c->out, to, width);
    if (whole == l->elements) return;
    uint16_t *last = (uint16_t *)(void *)(to + (size_t)(whole * width) * ELEMENT);
    const uint16_t *from = (const uint16_t *)(const void *)y + (c->out_width - 1) * c->out;
    for (int64_t i = 0; i < width; i++) last[2 * i] = from[i], last[2 * i + 1] = 0;
}

// Memory that is wanted soon is called into the cache while a product multiplies and leaves it idle.
static void call_ahead(const char *next, size_t bytes, winograd_product *p) {
    const size_t once = (size_t)p->depth * LINE;
    for (size_t at = 0; at < bytes && p->laters < WINOGRAD_LATER; at += once)
        p->later[p->laters++] = (winograd_ahead){(const float *)(const void *)(next + at), WINOGRAD_LINE};
}

static void add_lines(const onednn_conv *c, const layout *l, const char *x, const char *y, int64_t first, int64_t n, bool adds, float *sums,
                      char *own) {
    const int64_t width = l->machine->width;
    const size_t size = dtype_size(c->y), line = (size_t)(c->out_width * c->out) * size;
    const char *next = y + (size_t)(first + n) * line; // lines, of which each panel's product calls as much
    const size_t ahead = (size_t)(n * width) * line / (size_t)c->out;
    char *windows = own + l->windows_at, *panel = own + l->panel_at;
    for (int64_t i = 0; i < n; i++) lay_out_windows(c, l, x, first + i, own, windows + (size_t)(i * l->elements * l->row) * ELEMENT);
    for (int64_t at = 0; at < c->out; at += width) {
        for (int64_t i = 0; i < n; i++)
            lay_out_panel(c, l, y + (size_t)(first + i) * line + (size_t)at * size, panel + (size_t)(i * l->elements * width) * ELEMENT);
        winograd_product p = {.rows = l->rows,
                              .depth = n * l->elements,
                              .a = windows,
                              .a_row = 1,
                              .a_depth = l->row,
                              .b = panel,
                              .c = sums + at,
                              .c_row = c->out,
                              .add = adds};
        call_ahead(next + (size_t)(at / width) * ahead, ahead, &p);
        (l->numbers == 2 ? l->machine->paired : l->machine->product)(&p);
    }
}

VECTORISED static void add_row(int64_t n, const float *from, float *to) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

// Gives the sum of the squares of what it writes.
static double add_shares(const onednn_conv *c, const layout *l, bool mirrored, float *sums, float *w) {
    const int64_t taps = c->rows * c->cols;
    double squares = 0;
    for (int64_t k = 0; k < l->all; k++) {
        const int64_t tap = k / c->channels, channel = k % c->channels;
        float *total = sums + k * c->out;
        for (int64_t i = 1; i < l->shares; i++) add_row(c->out, total + i * l->sums, total);
        for (int64_t o = 0; o < c->out; o++) {
            w[mirrored ? (channel * c->out + o) * taps + taps - 1 - tap : (o * c->channels + channel) * taps + tap] = total[o];
            squares += (double)total[o] * (double)total[o];
        }
    }
    return squares;
}

void window_weights_run(const onednn_conv *c, int machine, bool mirrored, const void *x, const void *y, float *w, double *squares, void *scratch) {
    const layout l = layout_of(c, machine);
#pragma omp parallel
    {
        char *own = (char *)scratch + l.private_at + (size_t)omp_get_thread_num() * l.private_bytes;
        memset(own, 0, l.windows_at); // what is copied behind and beside a picture
#pragma omp for schedule(static)
        for (int64_t share = 0; share < l.shares; share++) {
            const int64_t first = share * l.lines / l.shares, end = (share + 1) * l.lines / l.shares;
            for (int64_t at = first; at < end; at += l.block)
                add_lines(c, &l, x, y, at, smaller(end - at, l.block), at > first, (float *)scratch + share * l.sums, own);
        }
    }
    const double sum = add_shares(c, &l, mirrored, scratch, w);
    if (squares) *squares = sum;
}
