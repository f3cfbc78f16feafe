// From a list of items to a set, in two passes: the first reads everything, so that nothing is written when something is wrong; the second writes
// (pack_write.c). Ranks share both. Each reads its part of the list, tells the others what it found, and writes its shards; what is in which shard
// and split all of them work out.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/philox.h"
#include "base/ranks.h"
#include "datasets/grouping.h"
#include "datasets/packing.h"

void packing_progress(packing *p, int64_t steps) {
    p->done += steps;
    if (p->done > p->total) p->done = p->total;
    if (p->o->progress) p->o->progress(p->done, p->total, p->o->context);
}

// Patches. ------------------------------------------------------------------------------------------------------------------------------------------

static int cells(int side, int size) {
    return side / size;
}

static void scaled_size(const image *im, double scale, int *height, int *width) {
    *height = (int)fmax(1, round(im->height * scale));
    *width = (int)fmax(1, round(im->width * scale));
}

static int count_patches(const pack_options *o, const image *im) {
    int height, width;
    scaled_size(im, o->patch_scale, &height, &width);
    int64_t all = (int64_t)cells(height, o->size) * cells(width, o->size);
    return (int)(all < o->patches ? all : o->patches);
}

static foil_status cut(const image *from, int size, int64_t cell, image *out) {
    TRY(image_new(size, size, from->channels, out));
    size_t across = (size_t)cells(from->width, size), c = (size_t)from->channels, row = (size_t)size * c;
    size_t top = (size_t)cell / across * (size_t)size, left = (size_t)cell % across * (size_t)size;
    for (size_t y = 0; y < (size_t)size; y++) memcpy(out->pixels + y * row, from->pixels + ((top + y) * (size_t)from->width + left) * c, row);
    return FOIL_OK;
}

// `n` cells of the picture's grid, drawn by the item's number.
static foil_status cut_patches(const pack_options *o, const image *whole, int64_t number, image *out, int n) {
    int height, width;
    image scaled = {0};
    scaled_size(whole, o->patch_scale, &height, &width);
    TRY(image_fitted(whole, height, width, o->channels, FIT_RESIZE, o->filter, &scaled));
    int64_t all = (int64_t)cells(height, o->size) * cells(width, o->size);
    int64_t *order = malloc((size_t)(all + 1) * sizeof *order);
    foil_status s = order ? FOIL_OK : foil_fail_memory((size_t)all * sizeof *order, "patches");
    if (order) philox_permutation((philox_key){o->seed, STREAM_SPLIT, (uint64_t)number + 1}, order, (size_t)all);
    for (int i = 0; s == FOIL_OK && i < n; i++) s = cut(&scaled, o->size, order[i], &out[i]);
    free(order);
    image_free(&scaled);
    return s;
}

foil_status packing_make(const packing *p, int64_t i, image *out, image_file *file) {
    const pack_options *o = p->o;
    unsigned char again[32];
    image im = {0};
    TRY(import_read(p->item[i], &im, again, file));
    foil_status s;
    int size = o->fit == FIT_NATIVE ? 0 : o->size;
    if (memcmp(again, p->sha[i], sizeof again) != 0)
        s = foil_fail(FOIL_IO, "changed while it was packed");
    else if (o->patches)
        s = cut_patches(o, &im, i, out, p->pictures[i]);
    else
        s = image_fitted(&im, size, size, o->channels, o->fit, o->filter, out);
    image_free(&im);
    return s == FOIL_OK ? FOIL_OK : foil_fail_within(s, "%s", p->item[i]->path);
}

// First pass. ---------------------------------------------------------------------------------------------------------------------------------------

static foil_status probe(packing *p, int64_t i) {
    const pack_options *o = p->o;
    image im = {0};
    TRY(import_read(p->item[i], &im, p->sha[i], NULL));
    p->pictures[i] = o->patches ? count_patches(o, &im) : 1;
    int height = im.height, width = im.width;
    image_free(&im);
    if (p->pictures[i] > 0) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: %d x %d pixels are too small for a patch of %d after scaling by %g", p->item[i]->path, width, height, o->size,
                     o->patch_scale);
}

enum { WHY = 1024 }; // bytes of a message

// Items first .. end; `worst` = why the first of them that can't be read can't, or "".
static void probe_part(packing *p, int64_t first, int64_t end, char worst[WHY]) {
    for (int64_t start = first; start < end; start += PACK_BLOCK) {
        int64_t stop = start + PACK_BLOCK < end ? start + PACK_BLOCK : end;
        char why[PACK_BLOCK][WHY];
#pragma omp parallel for schedule(dynamic)
        for (int64_t i = start; i < stop; i++) {
            if (probe(p, i) == FOIL_OK) continue;
            p->pictures[i] = 0;
            snprintf(why[i - start], WHY, "%s", foil_error());
        }
        for (int64_t i = start; i < stop; i++) {
            if (p->pictures[i]) continue;
            if (p->o->bad) p->o->bad(p->item[i]->path, why[i - start], p->o->context);
            if (!*worst) memcpy(worst, why[i - start], WHY);
        }
        packing_progress(p, stop - start);
    }
}

// What each rank found out of its part of `item[n]`, one after another, to all of them.
static foil_status share(const packing *p, void *all, size_t item, int64_t first, int64_t end) {
    char *gathered = NULL;
    TRY(ranks_gather((char *)all + (size_t)first * item, (size_t)(end - first) * item, &gathered, p->sizes));
    if (gathered) memcpy(all, gathered, (size_t)p->n * item);
    free(gathered);
    ranks_broadcast(all, (size_t)p->n * item);
    return FOIL_OK;
}

// Takes out what can't be read. `worst`: of this rank's part.
static foil_status drop_bad(packing *p, const char *worst, pack_summary *sum) {
    int64_t kept = 0, all = p->n;
    for (int64_t i = 0; i < all; i++) {
        if (!p->pictures[i]) continue;
        p->item[kept] = p->item[i];
        p->pictures[kept] = p->pictures[i];
        memmove(p->sha[kept++], p->sha[i], 32);
    }
    sum->bad = all - kept;
    foil_status s = FOIL_OK; // the rank that has the first one speaks
    if (*worst && !kept) s = foil_fail(FOIL_INVALID, "no picture could be read, the first: %s", worst);
    if (*worst && !p->o->skip_bad)
        s = foil_fail(FOIL_INVALID, "%lld of %lld files can't be read, the first: %s (--skip-bad leaves them out)", (long long)sum->bad,
                      (long long)all, worst);
    p->n = kept;
    return ranks_agree(s);
}

static foil_status probe_all(packing *p, pack_summary *sum) {
    int64_t ranks = ranks_count(), self = ranks_self(), first = p->n * self / ranks, end = p->n * (self + 1) / ranks;
    char worst[WHY] = "";
    p->total = 2 * (end - first);
    probe_part(p, first, end, worst);
    if (ranks > 1) TRY(share(p, p->sha, sizeof *p->sha, first, end));
    if (ranks > 1) TRY(share(p, p->pictures, sizeof *p->pictures, first, end));
    return drop_bad(p, worst, sum);
}

// All. ----------------------------------------------------------------------------------------------------------------------------------------------

// At most o->max of each class, drawn at random, in the order of the list.
static foil_status choose(packing *p, const import_list *items) {
    int64_t all = import_count(items), taken[2] = {0};
    int64_t *order = malloc((size_t)(all + 1) * sizeof *order);
    bool *keep = calloc((size_t)all + 1, 1);
    foil_status s = order && keep ? FOIL_OK : foil_fail_memory((size_t)all * sizeof *order, "the list of pictures");
    if (s == FOIL_OK) {
        philox_permutation((philox_key){p->o->seed, STREAM_SHUFFLE, 0}, order, (size_t)all);
        for (int64_t j = 0; j < all; j++) keep[order[j]] = p->o->max == 0 || taken[import_at(items, order[j])->fake]++ < p->o->max;
        for (int64_t i = 0; i < all; i++)
            if (keep[i]) p->item[p->n++] = import_at(items, i);
    }
    free(order);
    free(keep);
    return s;
}

static const char *const UNTOLD = "unknown";

// What was told goes before what the sets say: "CC0; MIT; unknown", nothing where none says anything.
static void join(const char *told, const names *said, text *out) {
    bool nothing = said->count == 1 && strcmp(said->at[0], UNTOLD) == 0;
    if (told) text_add(out, told);
    for (int i = 0; !told && !nothing && i < said->count; i++) text_format(out, "%s%s", i ? "; " : "", said->at[i]);
}

// Of the sets that pictures are from. Items of one source follow one another.
static foil_status gather_origins(const packing *p, names *source, names *licence) {
    arena texts = {0};
    foil_status s = FOIL_OK;
    for (int64_t i = 0; s == FOIL_OK && i < p->n; i++) {
        const char *from = "", *under = "";
        if (i && p->item[i]->set == p->item[i - 1]->set) continue;
        if (p->item[i]->set) s = set_origin(p->item[i]->set, &texts, &from, &under);
        if (s != FOIL_OK) break;
        bool added = names_add(source, *from ? from : UNTOLD) >= 0 && names_add(licence, *under ? under : UNTOLD) >= 0;
        if (!added) s = foil_fail_memory(64, "where pictures are from");
    }
    arena_free(&texts);
    return s;
}

static foil_status find_origin(packing *p) {
    names source = {0}, licence = {0};
    foil_status s = gather_origins(p, &source, &licence);
    join(p->o->source, &source, &p->source);
    join(p->o->licence, &licence, &p->licence);
    names_free(&source);
    names_free(&licence);
    return s == FOIL_OK && (p->source.failed || p->licence.failed) ? foil_fail_memory(64, "where pictures are from") : s;
}

static foil_status pack_chosen(packing *p, const char *path, pack_summary *out) {
    TRY(probe_all(p, out));
    TRY(ranks_agree(find_origin(p)));
    const pack_options *o = p->o;
    p->shards = o->shards ? o->shards : o->shard_size ? (int)((p->n + o->shard_size - 1) / o->shard_size) : 1;
    grouped g = {.clip = p->clip, .split = p->split, .shard = p->shard, .shards = p->shards};
    TRY(ranks_agree(group_items(p->item, p->n, (const unsigned char(*)[32])p->sha, o->split, o->seed, &g)));
    out->duplicates = g.duplicates;
    out->clips = g.clips;
    out->subjects = g.subjects;
    for (int64_t i = 0; i < p->n; i++) {
        out->packed += p->pictures[i];
        out->per[p->item[i]->fake][p->split[i]] += p->pictures[i];
    }
    return packing_write(p, path);
}

foil_status pack(const import_list *items, const char *path, const pack_options *o, pack_summary *out) {
    *out = (pack_summary){0};
    size_t n = (size_t)import_count(items) + 1;
    packing p = {.o = o,
                 .item = calloc(n, sizeof *p.item),
                 .sha = calloc(n, sizeof *p.sha),
                 .pictures = calloc(n, sizeof *p.pictures),
                 .clip = calloc(n, sizeof *p.clip),
                 .shard = calloc(n, sizeof *p.shard),
                 .split = calloc(n, sizeof *p.split),
                 .sizes = calloc((size_t)ranks_count(), sizeof *p.sizes)};
    bool ok = p.item && p.sha && p.pictures && p.clip && p.shard && p.split && p.sizes;
    foil_status s = ranks_agree(ok ? choose(&p, items) : foil_fail_memory(n * 64, "the list of pictures"));
    if (ok && s == FOIL_OK) s = pack_chosen(&p, path, out);
    text_free(&p.source);
    text_free(&p.licence);
    void *all[] = {(void *)p.item, p.sha, p.pictures, p.clip, p.shard, p.split, p.sizes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return s;
}
