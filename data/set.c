// One file or many: the same questions, the same answers.
#include "data/set.h"

#include <stdlib.h>
#include <string.h>

#include "data/index.h"
#include "data/shards.h"

const char *const SPLIT_NAMES[] = {"train", "val", "test", "all", NULL};

struct set {
    shard *file; // or
    set_index *index;
    shards *shards; // of the index
    const set_facts *facts;
    char fingerprint[65];
};

void set_close(set *s) {
    if (!s) return;
    shard_close(s->file);
    shards_free(s->shards);
    index_free(s->index);
    free(s);
}

static foil_status open_index(set *s, const char *path) {
    TRY(index_read(path, &s->index));
    s->facts = &s->index->facts;
    memcpy(s->fingerprint, s->index->fingerprint, sizeof s->fingerprint);
    return shards_new(s->index, &s->shards);
}

static foil_status open_file(set *s, const char *path) {
    TRY(shard_open(path, &s->file));
    s->facts = &s->file->facts;
    return shard_fingerprint(s->file, s->fingerprint);
}

foil_status set_open(const char *path, set **out) {
    *out = NULL;
    set *s = calloc(1, sizeof *s);
    if (!s) return foil_fail_memory(sizeof *s, "a set");
    foil_status status = index_is(path) ? open_index(s, path) : open_file(s, path);
    if (status == FOIL_OK)
        *out = s;
    else
        set_close(s);
    return status;
}

// Of the whole. ---------------------------------------------------------------------------------------------------------------------------------

int64_t set_count(const set *s) {
    return set_shard_first(s, set_shards(s));
}

int set_channels(const set *s) {
    return s->facts->channels;
}

bool set_size(const set *s, int *height, int *width) {
    *height = s->facts->height;
    *width = s->facts->width;
    return s->facts->height != 0;
}

image_fit set_fit(const set *s) {
    return s->facts->fit;
}

resize_filter set_filter(const set *s) {
    return s->facts->filter;
}

const char *set_method_name(const set *s, int method) {
    if (method < 0) return "";
    return s->file ? h5_text(&s->file->method_name, method) : s->index->method[method];
}

int set_method_find(const set *s, const char *name) {
    for (int i = 0; i < set_methods(s); i++)
        if (strcmp(set_method_name(s, i), name) == 0) return i;
    return -1;
}

int set_methods(const set *s) {
    return s->file ? s->file->methods : s->index->methods;
}

const char *set_fingerprint(const set *s) {
    return s->fingerprint;
}

int set_shards(const set *s) {
    return s->file ? 1 : s->index->shards;
}

const char *set_shard_path(const set *s, int number) {
    return s->file ? s->file->path : s->index->shard[number].file;
}

int64_t set_shard_first(const set *s, int number) {
    if (s->file) return number ? s->file->count : 0;
    return s->index->shard[number].first;
}

// Of one picture. -------------------------------------------------------------------------------------------------------------------------------

// The last shard that begins at i or before.
static int shard_of(const set_index *x, int64_t i) {
    int low = 0, high = x->shards - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (x->shard[middle].first <= i)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static int64_t run_in_file(const shard *f, int64_t i, set_label *label) {
    *label = (set_label){f->fake[i], f->method[i], (set_split)f->split[i]};
    int64_t end = i + 1;
    while (end < f->count && f->fake[end] == f->fake[i] && f->method[end] == f->method[i] && f->split[end] == f->split[i]) end++;
    return end - i;
}

static int64_t run_in_index(const set_index *x, int64_t i, set_label *label) {
    const index_shard *in = &x->shard[shard_of(x, i)];
    int64_t end = in->first;
    int k = 0;
    while ((end += in->pictures[k]) <= i) k++;
    *label = x->label[k];
    return end - i;
}

int64_t set_label_run(const set *s, int64_t i, set_label *label) {
    return s->file ? run_in_file(s->file, i, label) : run_in_index(s->index, i, label);
}

set_label set_label_at(const set *s, int64_t i) {
    const shard *f = s->file;
    if (f) return (set_label){f->fake[i], f->method[i], (set_split)f->split[i]};
    set_label label;
    run_in_index(s->index, i, &label);
    return label;
}

foil_status set_source_at(const set *s, int64_t i, arena *texts, set_source *out) {
    if (s->file) return shard_source_at(s->file, i, texts, out);
    int number = shard_of(s->index, i);
    const shard *in;
    TRY(shards_borrow(s->shards, number, &in));
    foil_status status = shard_source_at(in, i - s->index->shard[number].first, texts, out);
    shards_return(s->shards, number);
    return status;
}

foil_status set_origin(const set *s, arena *texts, const char **source, const char **licence) {
    const shard *in = s->file;
    if (!s->file) TRY(shards_borrow(s->shards, 0, &in));
    *source = arena_text(texts, in->source ? in->source : "");
    *licence = arena_text(texts, in->licence ? in->licence : "");
    if (!s->file) shards_return(s->shards, 0);
    return *source && *licence ? FOIL_OK : foil_fail_memory(64, "a set's attributes");
}

foil_status set_read(const set *s, int64_t i, image *out) {
    *out = (image){0};
    if (i < 0 || i >= set_count(s))
        return foil_fail(FOIL_INVALID, "%s: picture %lld of %lld", s->file ? s->file->path : s->index->path, (long long)i, (long long)set_count(s));
    if (s->file) return shard_read(s->file, i, out);
    int number = shard_of(s->index, i);
    const shard *in;
    TRY(shards_borrow(s->shards, number, &in));
    foil_status status = shard_read(in, i - s->index->shard[number].first, out);
    shards_return(s->shards, number);
    return status;
}
