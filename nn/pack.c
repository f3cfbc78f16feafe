#include "nn/pack.h"

#include <stdlib.h>
#include <string.h>

#include "nn/blocks.h"

// Work is done in tiles of TILE filters by TILE channels with all their taps: small enough for the first-level cache. What a tile has at one tap must lie in
// runs of RUN elements: pairs of channels of 16 filters, in the layouts met.
enum { TILE = 16, TILE_ELEMENTS = TILE * TILE, RUN = 32, TAPS_MAX = 32 };

struct pack {
    int64_t out, in, taps;
    int64_t *filter, *channel;        // where tiles lie; one piece of memory
    int64_t *tap;                     // where taps lie
    int64_t run[TILE_ELEMENTS / RUN]; // where runs lie, from their tile's place
    int32_t index[TILE_ELEMENTS];     // the elements of a tile at tap 0, in the order of the result
};

// Whether all tiles lie as the first one does.
static bool repeats(const int64_t *offset, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (offset[i] - offset[i / TILE * TILE] != offset[i % TILE]) return false;
    return n % TILE == 0;
}

typedef struct place {
    int64_t to;
    int32_t index;
} place;

static int by_place(const void *a, const void *b) {
    const int64_t x = ((const place *)a)->to, y = ((const place *)b)->to;
    return (x > y) - (x < y);
}

// False where runs are shorter.
static bool find_runs(pack *p) {
    place at[TILE_ELEMENTS];
    for (int o = 0; o < TILE; o++)
        for (int i = 0; i < TILE; i++) at[o * TILE + i] = (place){p->filter[o] + p->channel[i], (int32_t)((o * TILE + i) * p->taps)};
    qsort(at, TILE_ELEMENTS, sizeof *at, by_place);
    for (int e = 0; e < TILE_ELEMENTS; e++) {
        p->index[e] = at[e].index;
        if (e % RUN == 0)
            p->run[e / RUN] = at[e].to;
        else if (at[e].to != at[e - 1].to + 1)
            return false;
    }
    return true;
}

static foil_status fill(pack *p, const onednn_layout *to, bool *fits) {
    int64_t size[5], *offset[5];
    int n_axes;
    TRY(onednn_layout_offsets(to, &n_axes, size, offset));
    if (!n_axes) return FOIL_OK;
    p->filter = offset[0], p->channel = offset[1];
    if (n_axes != 4) return FOIL_OK;
    p->out = size[0], p->in = size[1], p->taps = size[2] * size[3];
    p->tap = malloc((size_t)p->taps * sizeof *p->tap);
    if (!p->tap) return foil_fail_memory((size_t)p->taps * sizeof *p->tap, "packed weights");
    for (int64_t t = 0; t < p->taps; t++) p->tap[t] = offset[2][t / size[3]] + offset[3][t % size[3]];
    const bool is_bf16 = onednn_layout_bytes(to) == (size_t)(p->out * p->in * p->taps) * sizeof(uint16_t);
    *fits = is_bf16 && p->taps <= TAPS_MAX && repeats(p->filter, p->out) && repeats(p->channel, p->in) && find_runs(p);
    return FOIL_OK;
}

foil_status pack_create(const onednn_layout *to, pack **out) {
    *out = NULL;
    pack *p = calloc(1, sizeof *p);
    if (!p) return foil_fail_memory(sizeof *p, "packed weights");
    bool fits = false;
    foil_status status = fill(p, to, &fits);
    if (status == FOIL_OK && fits)
        *out = p;
    else
        pack_free(p);
    return status;
}

void pack_free(pack *p) {
    if (!p) return;
    free(p->filter);
    free(p->tap);
    free(p);
}

static void run_tile(const pack *p, const float *from, int64_t o, int64_t i, uint16_t *to) {
    float tile[TILE_ELEMENTS * TAPS_MAX];
    const int64_t row = TILE * p->taps;
    for (int k = 0; k < TILE; k++) memcpy(tile + k * row, from + ((o + k) * p->in + i) * p->taps, (size_t)row * sizeof *tile);
    to += p->filter[o] + p->channel[i];
    for (int64_t t = 0; t < p->taps; t++)
        for (int r = 0; r < TILE_ELEMENTS / RUN; r++) blocks_gather_bf16(RUN, to + p->tap[t] + p->run[r], tile + t, p->index + r * RUN);
}

void pack_run(const pack *p, const float *from, uint16_t *to) {
    const int64_t across = p->in / TILE, tiles = p->out / TILE * across;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < tiles; k++) run_tile(p, from, k / across * TILE, k % across * TILE, to);
}
