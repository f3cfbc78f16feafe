#include "data/shuffle.h"

#include <stdlib.h>

static philox_key key_of(const shuffle *s, philox_stream stream, uint64_t step) {
    return (philox_key){s->seed, (uint32_t)stream | s->stream << 16, step};
}

static void order_shards(shuffle *s, uint64_t epoch) {
    const selection *of = s->of;
    s->epoch = epoch;
    philox_permutation(key_of(s, STREAM_SHARDS, epoch), s->shard, (size_t)of->parts);
    for (int i = 0; i < of->parts; i++) s->before[i + 1] = s->before[i] + of->part[s->shard[i] + 1] - of->part[s->shard[i]];
}

foil_status shuffle_open(const selection *of, uint64_t seed, uint32_t stream, shuffle *out) {
    *out = (shuffle){.of = of, .seed = seed, .stream = stream};
    if (of->parts <= SHUFFLE_SHARDS) return FOIL_OK;
    out->shard = calloc((size_t)of->parts, sizeof *out->shard);
    out->before = calloc((size_t)of->parts + 1, sizeof *out->before);
    if (!out->shard || !out->before) {
        shuffle_close(out);
        return foil_fail_memory((size_t)of->parts * 16, "the order of shards");
    }
    order_shards(out, 0);
    return FOIL_OK;
}

void shuffle_close(shuffle *s) {
    free(s->shard);
    free(s->before);
    *s = (shuffle){0};
}

// The last of `before[from .. to]` that is `at` or less.
static int find(const int64_t *before, int from, int to, int64_t at) {
    while (from < to) {
        int middle = (from + to + 1) / 2;
        if (before[middle] <= at)
            from = middle;
        else
            to = middle - 1;
    }
    return from;
}

int64_t shuffle_at(shuffle *s, uint64_t at) {
    const selection *of = s->of;
    uint64_t epoch = at / (uint64_t)of->n, place = at % (uint64_t)of->n;
    if (!s->shard) return selection_at(of, (int64_t)philox_place(key_of(s, STREAM_SHUFFLE, epoch), place, (uint64_t)of->n));
    if (epoch != s->epoch) order_shards(s, epoch);
    int first = find(s->before, 0, of->parts - 1, (int64_t)place) / SHUFFLE_SHARDS * SHUFFLE_SHARDS;
    int end = first + SHUFFLE_SHARDS < of->parts ? first + SHUFFLE_SHARDS : of->parts;
    uint64_t start = (uint64_t)s->before[first], n = (uint64_t)s->before[end] - start;
    philox_key k = key_of(s, STREAM_SHUFFLE, epoch * (uint64_t)of->parts + (uint64_t)first);
    int64_t drawn = (int64_t)(start + philox_place(k, place - start, n));
    int in = find(s->before, first, end - 1, drawn);
    return selection_at(of, of->part[s->shard[in]] + drawn - s->before[in]);
}
