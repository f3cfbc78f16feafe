#include "nn/ops/place_conv.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blocks.h"
#include "nn/ops/pieces.h"
#include "nn/ops/winograd_inner.h"

// An element of a product is an f32, or a pair of bf16.
enum { ROWS = 64, CHUNK = 128 }; // pictures at a time; of a product's depth, so that its part of a panel stays in the first-level cache
enum { FILTERS = 128 };          // whose gradients are summed at a time
enum { BAND = 8 << 20 };         // bytes of packed pictures whose products are added to those gradients at a time: they stay in the cache
enum { APART = 16 };             // elements between a row and the next: rows a power of two apart would meet in the same lines of the cache
enum { LINE = 64 };              // bytes that come into the cache at a time
enum { LEAST_PICTURES = 16, LEAST_CHANNELS = 64 };
static const size_t ELEMENT = sizeof(float);

// result[…] += a[a] · b[b], counted from the first place of the band.
typedef struct term {
    int64_t a, b;
} term;

// [first, end) of places.
typedef struct span {
    int64_t first, end;
} span;

struct place_conv {
    onednn_conv conv;
    const winograd_machine *machine;
    int64_t windows, taps, pixels;
    int64_t bands, band;     // pictures for filters' gradients are packed band by band; rows of windows of each but perhaps the last
    int64_t results, *first; // places of the result; where each one's terms of each band begin, and at last where all end
    term *terms;
    int64_t numbers;     // of an element: 1, or 2 of bf16
    int64_t rows, depth; // of products: pictures by channels, or filters by pictures, in elements; rows are filled up to the machine's
    int64_t row;         // from one packed row to the next
    int64_t panels;
    size_t b_at, private_at, private_bytes;
    size_t sums_at, squares_at; // of filters' gradients: sums between bands; squares, a sum for each task
    int threads;
};

static bool of_filters(const place_conv *p) {
    return p->conv.kind == ONEDNN_CONV_WEIGHTS;
}

// Terms. -----------------------------------------------------------------------------------------------------------------------------------------------------

// -1 = outside.
static int64_t pixel_at(const onednn_conv *c, int64_t window, int64_t tap) {
    const conv_params *p = &c->params;
    const int64_t h = window / c->out_width * p->stride[0] - p->pad[0] + tap / c->cols * p->dilation[0];
    const int64_t v = window % c->out_width * p->stride[1] - p->pad[1] + tap % c->cols * p->dilation[1];
    return h < 0 || h >= c->height || v < 0 || v >= c->width ? -1 : h * c->width + v;
}

static double share_inside(const onednn_conv *c) {
    const int64_t windows = c->out_height * c->out_width, taps = c->rows * c->cols;
    int64_t inside = 0;
    for (int64_t i = 0; i < windows * taps; i++) inside += pixel_at(c, i / taps, i % taps) >= 0;
    return (double)inside / (double)(windows * taps);
}

enum { WINDOW, TAP, PIXEL };
static const int RESULT[] = {[ONEDNN_CONV] = WINDOW, [ONEDNN_CONV_DATA] = PIXEL, [ONEDNN_CONV_WEIGHTS] = TAP};
static const int LEFT[] = {[ONEDNN_CONV] = PIXEL, [ONEDNN_CONV_DATA] = WINDOW, [ONEDNN_CONV_WEIGHTS] = WINDOW};
static const int RIGHT[] = {[ONEDNN_CONV] = TAP, [ONEDNN_CONV_DATA] = TAP, [ONEDNN_CONV_WEIGHTS] = PIXEL};

// Of a band: its windows, and the pixels that some of them cover.
static span windows_of(const place_conv *p, int64_t band) {
    return (span){band * p->band * p->conv.out_width, smaller((band + 1) * p->band, p->conv.out_height) * p->conv.out_width};
}

static span pixels_of(const place_conv *p, int64_t band) {
    const onednn_conv *c = &p->conv;
    const span w = windows_of(p, band);
    const int64_t top = w.first / c->out_width * c->params.stride[0] - c->params.pad[0];
    const int64_t bottom = (w.end / c->out_width - 1) * c->params.stride[0] - c->params.pad[0] + (c->rows - 1) * c->params.dilation[0] + 1;
    const int64_t first = smaller(larger(top, 0), c->height);
    return (span){first * c->width, larger(smaller(bottom, c->height), first) * c->width};
}

// Sorted by band and the result's place. `write`: else they are counted, so that first[i + 1] is the number of place i.
static void each_term(place_conv *p, bool write) {
    const onednn_conv *c = &p->conv;
    for (int64_t i = 0; i < p->windows * p->taps; i++) {
        const int64_t window = i / p->taps, band = window / c->out_width / p->band, pixel = pixel_at(c, window, i % p->taps);
        if (pixel < 0) continue;
        const int64_t place[] = {[WINDOW] = window - windows_of(p, band).first, [TAP] = i % p->taps, [PIXEL] = pixel - pixels_of(p, band).first};
        const int64_t to = band * p->results + place[RESULT[c->kind]];
        if (write)
            p->terms[p->first[to]++] = (term){place[LEFT[c->kind]], place[RIGHT[c->kind]]};
        else
            p->first[to + 1]++;
    }
}

static foil_status list_terms(place_conv *p) {
    const size_t bytes = (size_t)(p->windows * p->taps) * sizeof *p->terms;
    const int64_t lists = p->bands * p->results;
    p->first = calloc((size_t)lists + 1, sizeof *p->first);
    p->terms = malloc(bytes);
    if (!p->first || !p->terms) return foil_fail_memory(bytes, "a convolution");
    each_term(p, false);
    for (int64_t i = 0; i < lists; i++) p->first[i + 1] += p->first[i];
    each_term(p, true); // each place's beginning has moved to its end
    memmove(p->first + 1, p->first, (size_t)lists * sizeof *p->first);
    p->first[0] = 0;
    return FOIL_OK;
}

// The plan. --------------------------------------------------------------------------------------------------------------------------------------------------
bool place_conv_takes(const onednn_conv *c, int machine) {
    const winograd_machine *m = winograd_machine_at(machine);
    const int64_t numbers = c->x == BF16 ? 2 : 1, taps = c->rows * c->cols;
    const onednn_post *post = &c->post;
    if (c->params.groups != 1 || c->x != c->y || post->has_bias || post->adds || post->rectifies || (taps != 9 && taps != 16)) return false;
    switch (c->kind) {
    case ONEDNN_CONV:
        return c->out % m->width == 0 && c->channels % numbers == 0;
    case ONEDNN_CONV_DATA:
        return c->channels % m->width == 0 && c->out % numbers == 0;
    default:
        return c->channels % m->width == 0 && c->n % numbers == 0;
    }
}

// Measured on DCGAN-64 and SNGAN-32 at 2 threads beside oneDNN 2.6.3, alone and behind columns.
bool place_conv_pays(const onednn_conv *c) {
    const winograd_machine *m = winograd_machine_at(0);
    if (!place_conv_takes(c, 0) || c->constant || c->n < LEAST_PICTURES || c->channels < LEAST_CHANNELS || c->out < LEAST_CHANNELS) return false;
    if (m->rows * m->width < 256) return false;
    const int64_t windows = c->out_height * c->out_width;
    const double share = share_inside(c);
    const bool whole = windows == 1 && share == 1; // a window that is the picture: with few of them it is the filters' layout that takes time
    if (whole) return c->kind != ONEDNN_CONV && c->n <= (c->kind == ONEDNN_CONV_DATA && c->x == F32 ? 32 : 64);
    if (c->kind != ONEDNN_CONV_WEIGHTS) return windows <= 16 && share < .85;
    if (c->x == F32) return windows <= 64 && share < .9;
    return windows <= 256 && share < (c->channels < 128 ? .95 : .9); // oneDNN's: few channels 345 of 420 GFLOP/s
}

static size_t panel_bytes(const place_conv *p) {
    return (size_t)(p->depth * p->machine->width) * ELEMENT;
}

static int64_t places_in(span s) {
    return s.end - s.first;
}

// Of the largest band.
static size_t packed_windows(const place_conv *p) {
    return (size_t)round_up(places_in(windows_of(p, 0)) * p->depth * p->row * (int64_t)ELEMENT, LINE);
}

static size_t packed_pixels(const place_conv *p) {
    int64_t most = 0;
    for (int64_t band = 0; band < p->bands; band++) most = larger(most, places_in(pixels_of(p, band)));
    return (size_t)(most * p->panels) * panel_bytes(p);
}

static void set_bands(place_conv *p, int64_t bands) {
    p->band = divide_up(p->conv.out_height, bands);
    p->bands = divide_up(p->conv.out_height, p->band);
}

// Each a panel and FILTERS of the filters.
static int64_t tasks_of_filters(const place_conv *p) {
    return p->panels * divide_up(p->rows, FILTERS);
}

static void measure_filters(place_conv *p) {
    const onednn_conv *c = &p->conv;
    p->rows = round_up(c->out, p->machine->rows);
    p->depth = c->n / p->numbers;
    p->row = p->rows + APART;
    p->panels = c->channels / p->machine->width;
    for (int64_t bands = 2; packed_windows(p) + packed_pixels(p) > BAND && bands <= c->out_height; bands++) set_bands(p, bands);
    p->b_at = packed_windows(p);
    p->sums_at = p->b_at + packed_pixels(p);
    p->squares_at = p->sums_at;
    if (p->bands > 1)
        p->squares_at += (size_t)(p->panels * p->rows) * sizeof(winograd_taps);
    else
        p->private_bytes = FILTERS * sizeof(winograd_taps);
    p->private_at = p->squares_at + (size_t)round_up(tasks_of_filters(p) * (int64_t)sizeof(double), LINE);
}

static void measure_pictures(place_conv *p) {
    const onednn_conv *c = &p->conv;
    const winograd_machine *m = p->machine;
    p->rows = round_up(c->n, m->rows);
    p->depth = (c->kind == ONEDNN_CONV ? c->channels : c->out) / p->numbers;
    p->row = p->depth + APART;
    p->panels = (c->kind == ONEDNN_CONV ? c->out : c->channels) / m->width;
    p->private_at = (size_t)round_up((c->kind == ONEDNN_CONV ? p->pixels : p->windows) * p->rows * p->row * (int64_t)ELEMENT, LINE);
    p->private_bytes = (size_t)p->taps * panel_bytes(p) + (size_t)(ROWS * m->width) * sizeof(float);
}

foil_status place_conv_create(const onednn_conv *c, int machine, place_conv **out) {
    place_conv *p = calloc(1, sizeof *p);
    if (!p) return foil_fail_memory(sizeof *p, "a convolution");
    p->conv = *c;
    p->machine = winograd_machine_at(machine);
    p->windows = c->out_height * c->out_width;
    p->taps = c->rows * c->cols;
    p->pixels = c->height * c->width;
    p->numbers = c->x == BF16 ? 2 : 1;
    p->threads = omp_get_max_threads();
    p->results = (int64_t[]){[WINDOW] = p->windows, [TAP] = p->taps, [PIXEL] = p->pixels}[RESULT[c->kind]];
    set_bands(p, 1);
    (of_filters(p) ? measure_filters : measure_pictures)(p);
    const foil_status status = list_terms(p);
    if (status == FOIL_OK)
        *out = p;
    else
        place_conv_free(p);
    return status;
}

void place_conv_free(place_conv *p) {
    if (!p) return;
    free(p->first), free(p->terms);
    free(p);
}

size_t place_conv_scratch(const place_conv *p) {
    return p->private_at + (size_t)p->threads * p->private_bytes;
}

// Packing. ---------------------------------------------------------------------------------------------------------------------------------------------------

// Pictures [N, places, channels], a: [places, rows, row]. Rows that fill up the machine's may be anything.
static void pack_pictures(const place_conv *p, const char *from, int64_t places, char *a) {
    const size_t pixel = (size_t)p->depth * ELEMENT;
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int64_t n = 0; n < p->conv.n; n++)
        for (int64_t i = 0; i < places; i++)
            memcpy(a + (size_t)((i * p->rows + n) * p->row) * ELEMENT, from + (size_t)(n * places + i) * pixel, pixel);
}

// Pictures that are depth: [places, panels, depth, row], `width` channels to a panel. `all`: places of a picture. The next pictures are called into the cache:
// they lie too far apart for the processor to see them coming. Rows that fill up the machine's may be anything here, too.
static void pack_depth(const place_conv *p, const char *from, int64_t all, span s, int64_t channels, int64_t width, int64_t row, char *to) {
    const size_t number = ELEMENT / (size_t)p->numbers, place = (size_t)channels * number, picture = (size_t)all * place,
                 next = picture * (size_t)p->numbers;
    const size_t panel = (size_t)(p->depth * row) * ELEMENT;
#pragma omp for schedule(static) nowait
    for (int64_t at = s.first; at < s.end; at++)
        for (int64_t k = 0; k < p->depth; k++) {
            const char *x = from + (size_t)at * place + (size_t)k * next;
            char *out = to + (size_t)((at - s.first) * channels / width) * panel + (size_t)(k * row) * ELEMENT;
            for (size_t i = 0; i < (size_t)p->numbers; i++)
                for (size_t line = 0; line < place; line += LINE) __builtin_prefetch(x + next + i * picture + line);
            for (int64_t c = 0; c < channels; c += width, x += (size_t)width * number, out += panel) {
                if (p->numbers == 1)
                    memcpy(out, x, (size_t)width * ELEMENT);
                else
                    blocks_pair((int)width, (uint32_t *)(void *)out, (const uint16_t *)(const void *)x,
                                (const uint16_t *)(const void *)(x + picture));
            }
        }
}

// A panel of all taps: [taps, depth, width].
static void pack_filters(const place_conv *p, int64_t panel, const float *w, char *to) {
    const winograd_machine *m = p->machine;
    const int64_t filter = p->conv.channels * p->taps, width = m->width;
    const bool outs = p->conv.kind == ONEDNN_CONV; // in the columns; else channels
    const int64_t of_column = outs ? filter : p->taps, of_depth = outs ? p->taps : filter;
    winograd_taps rows[2];
    for (int64_t k = 0; k < p->depth; k++) {
        for (int64_t i = 0; i < p->numbers; i++) {
            const float *from = w + panel * width * of_column + (k * p->numbers + i) * of_depth;
            winograd_call_ahead(width, from, of_column, of_depth);
            m->collect(p->taps, width, from, of_column, &rows[i], 0);
        }
        for (int64_t t = 0; t < p->taps; t++) {
            char *out = to + (size_t)((t * p->depth + k) * width) * ELEMENT;
            if (p->numbers == 2)
                blocks_pair_rounded((int)width, (uint32_t *)(void *)out, rows[0].tap[t], rows[1].tap[t]);
            else
                memcpy(out, rows[0].tap[t], (size_t)width * ELEMENT);
        }
    }
}

// Products. --------------------------------------------------------------------------------------------------------------------------------------------------

// c [rows, width] = Σ of a place's terms, or what it was and that; a and b: where the first row and panel of all places begin,
// `a_place`, `b_place` elements apart.
typedef struct operands {
    const char *a, *b;
    int64_t a_place, a_row, a_depth, b_place;
} operands;

static void sum_terms(const place_conv *p, int64_t list, int64_t rows, const operands *in, bool adds, float *c, int64_t c_row) {
    const winograd_machine *m = p->machine;
    const int64_t first = p->first[list], end = p->first[list + 1];
    for (int64_t i = 0; first == end && !adds && i < rows; i++) memset(c + i * c_row, 0, (size_t)m->width * sizeof *c);
    for (int64_t i = first; i < end; i++) {
        const char *a = in->a + (size_t)(p->terms[i].a * in->a_place) * ELEMENT, *b = in->b + (size_t)(p->terms[i].b * in->b_place) * ELEMENT;
        for (int64_t k = 0; k < p->depth; k += CHUNK) {
            const int64_t depth = smaller(p->depth - k, CHUNK);
            const char *next = k + depth < p->depth || i + 1 == end ? b + (size_t)((k + depth) % p->depth * m->width) * ELEMENT
                                                                    : in->b + (size_t)(p->terms[i + 1].b * in->b_place) * ELEMENT;
            (p->numbers == 2 ? m->paired : m->product)(&(winograd_product){.rows = rows,
                                                                           .depth = depth,
                                                                           .a = a + (size_t)(k * in->a_depth) * ELEMENT,
                                                                           .a_row = in->a_row,
                                                                           .a_depth = in->a_depth,
                                                                           .b = b + (size_t)(k * m->width) * ELEMENT,
                                                                           .next = next,
                                                                           .c = c,
                                                                           .c_row = c_row,
                                                                           .add = adds || i > first || k > 0});
        }
    }
}

static void make_pictures(const place_conv *p, int64_t panel, int64_t from, int64_t to, const char *a, const float *w, char *out, char *mine) {
    const int64_t width = p->machine->width, channels = p->panels * width;
    float *sums = (float *)(void *)(mine + (size_t)(p->taps * p->depth * width) * ELEMENT);
    pack_filters(p, panel, w, mine);
    for (int64_t place = from; place < to; place++)
        for (int64_t n = 0; n < p->conv.n; n += ROWS) {
            const operands in = {a + (size_t)(n * p->row) * ELEMENT, mine, p->rows * p->row, p->row, 1, p->depth * width};
            sum_terms(p, place, smaller(p->rows - n, ROWS), &in, false, sums, width);
            for (int64_t i = 0; i < smaller(p->conv.n - n, ROWS); i++) {
                const int64_t at = ((n + i) * p->results + place) * channels + panel * width;
                blocks_store((int)width, out + (size_t)at * dtype_size(p->conv.x), sums + i * width, p->conv.x);
            }
        }
}

static void run_pictures(const place_conv *p, const char *in, const float *w, char *out, char *scratch) {
    const int64_t groups = p->panels >= p->threads ? 1 : smaller(divide_up(p->threads, p->panels), p->results);
    pack_pictures(p, in, p->conv.kind == ONEDNN_CONV ? p->pixels : p->windows, scratch);
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int64_t task = 0; task < p->panels * groups; task++) {
        const int64_t group = task % groups, from = group * p->results / groups, to = (group + 1) * p->results / groups;
        make_pictures(p, task / groups, from, to, scratch, w, out, scratch + p->private_at + (size_t)omp_get_thread_num() * p->private_bytes);
    }
}

// Gives the sum of the squares of what it writes.
static double add_filters(const place_conv *p, int64_t band, int64_t panel, int64_t filter, const char *scratch, float *out, winograd_taps *sums) {
    const winograd_machine *m = p->machine;
    const int64_t rows = smaller(p->rows - filter, FILTERS), filters = smaller(p->conv.out - filter, rows), panel_elements = p->depth * m->width;
    const operands in = {
        scratch + (size_t)filter * ELEMENT, scratch + p->b_at + (size_t)(panel * panel_elements) * ELEMENT, p->depth * p->row, 1, p->row,
        p->panels * panel_elements};
    for (int64_t tap = 0; tap < p->taps; tap++)
        sum_terms(p, band * p->taps + tap, rows, &in, band > 0, sums->tap[tap], (int64_t)(sizeof *sums / sizeof(float)));
    double squares = 0;
    for (int64_t i = 0; i < filters && band + 1 == p->bands; i++)
        squares += m->spread(p->taps, m->width, out + ((filter + i) * p->conv.channels + panel * m->width) * p->taps, p->taps, &sums[i], 0);
    return squares;
}

static void run_filters(const place_conv *p, const char *x, const char *y, float *out, double *squares, char *scratch) {
    const onednn_conv *c = &p->conv;
    const int64_t tasks = tasks_of_filters(p), blocks = tasks / p->panels, width = p->machine->width;
    double *each = (double *)(void *)(scratch + p->squares_at);
#pragma omp parallel num_threads(p->threads)
    for (int64_t band = 0; band < p->bands; band++) {
        pack_depth(p, y, p->windows, windows_of(p, band), c->out, c->out, p->row, scratch);
        pack_depth(p, x, p->pixels, pixels_of(p, band), c->channels, width, width, scratch + p->b_at);
#pragma omp barrier
#pragma omp for schedule(static) // the same thread's for every band
        for (int64_t task = 0; task < tasks; task++) {
            const int64_t panel = task / blocks, filter = task % blocks * FILTERS;
            const size_t sums = p->bands > 1 ? p->sums_at + (size_t)(panel * p->rows + filter) * sizeof(winograd_taps)
                                             : p->private_at + (size_t)omp_get_thread_num() * p->private_bytes;
            each[task] = add_filters(p, band, panel, filter, scratch, out, (winograd_taps *)(void *)(scratch + sums));
        }
        if (band == p->bands - 1) winograd_spread_end();
    }
    winograd_sum_squares(tasks, each, squares);
}

void place_conv_run(const place_conv *p, const void *in0, const void *in1, void *out, double *squares, void *scratch) {
    if (of_filters(p))
        run_filters(p, in0, in1, out, squares, scratch);
    else
        run_pictures(p, in0, in1, out, scratch);
}
