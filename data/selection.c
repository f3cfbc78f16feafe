#include <stdlib.h>
#include <string.h>

#include "data/set.h"

// Ranges grow by doubling; `n` pictures from `first` on, which follow what was there.
static foil_status add(selection *s, int64_t first, int64_t n) {
    bool follows = s->ranges > 0 && s->range[s->ranges - 1].first + s->n - s->range[s->ranges - 1].before == first;
    s->n += n;
    if (follows || n == 0) return FOIL_OK;
    if ((s->ranges & (s->ranges - 1)) == 0) { // 0 and the powers of two: it is full
        size_t bytes = (size_t)(s->ranges ? 2 * s->ranges : 1) * sizeof *s->range;
        struct range *more = realloc(s->range, bytes);
        if (!more) return foil_fail_memory(bytes, "a selection of pictures");
        s->range = more;
    }
    s->range[s->ranges++] = (struct range){first, s->n - n};
    return FOIL_OK;
}

static foil_status begin(const set *s, selection *out) {
    *out = (selection){.parts = set_shards(s)};
    out->part = calloc((size_t)out->parts + 1, sizeof *out->part);
    return out->part ? FOIL_OK : foil_fail_memory((size_t)out->parts * sizeof *out->part, "a selection of pictures");
}

// Rows of pictures with one label, which an index has as such.
static foil_status select_part(const set *s, int part, set_split split, bool (*keep)(const set *s, set_label label, const void *context),
                               const void *context, selection *out) {
    int64_t end = set_shard_first(s, part + 1);
    for (int64_t i = set_shard_first(s, part), n; i < end; i += n) {
        set_label label;
        n = set_label_run(s, i, &label);
        if ((split == SPLIT_ALL || label.split == split) && (!keep || keep(s, label, context))) TRY(add(out, i, n));
    }
    out->part[part + 1] = out->n;
    return FOIL_OK;
}

foil_status set_select(const set *s, set_split split, bool (*keep)(const set *s, set_label label, const void *context), const void *context,
                       selection *out) {
    foil_status status = begin(s, out);
    for (int p = 0; status == FOIL_OK && p < out->parts; p++) status = select_part(s, p, split, keep, context, out);
    if (status != FOIL_OK) selection_free(out);
    return status;
}

static foil_status thin(const selection *of, int64_t n, selection *some) {
    int p = 0;
    for (int64_t j = 0; j < n; j++) {
        int64_t at = (int64_t)((__int128)j * of->n / n);
        while (at >= of->part[p + 1]) some->part[++p] = some->n;
        TRY(add(some, selection_at(of, at), 1));
    }
    while (p < some->parts) some->part[++p] = some->n;
    return FOIL_OK;
}

foil_status selection_thin(const set *s, selection *of, int64_t n) {
    if (n >= of->n) return FOIL_OK;
    selection some;
    foil_status status = begin(s, &some);
    if (status == FOIL_OK) status = thin(of, n, &some);
    selection_free(status == FOIL_OK ? of : &some);
    if (status == FOIL_OK) *of = some;
    return status;
}

int64_t selection_at(const selection *s, int64_t j) {
    int64_t low = 0, high = s->ranges - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (s->range[middle].before <= j)
            low = middle;
        else
            high = middle - 1;
    }
    return s->range[low].first + j - s->range[low].before;
}

void selection_free(selection *s) {
    free(s->range);
    free(s->part);
    *s = (selection){0};
}
