// From a list of items to a set, in two passes: the first reads everything, so that nothing is written when something is wrong; the second writes.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "datasets/grouping.h"

enum { BLOCK = 64 }; // pictures that are decoded side by side

typedef struct packing {
    const pack_options *o;
    const import_item **item; // those that are packed
    int64_t n;
    unsigned char (*sha)[32];
    int *pictures; // by item: how many it gives
    char **why;    // by item: why it can't be read, or NULL
    int *clip;
    set_split *split;
} packing;

static void progress(const packing *p, int64_t done) {
    if (p->o->progress) p->o->progress(done, 2 * p->n, p->o->context);
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

// First pass. ---------------------------------------------------------------------------------------------------------------------------------------

static foil_status probe(packing *p, int64_t i) {
    const pack_options *o = p->o;
    image im = {0};
    TRY(import_read(p->item[i], &im, p->sha[i]));
    p->pictures[i] = o->patches ? count_patches(o, &im) : 1;
    int height = im.height, width = im.width;
    image_free(&im);
    if (p->pictures[i] > 0) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: %d x %d pixels are too small for a patch of %d after scaling by %g", p->item[i]->path, width, height, o->size,
                     o->patch_scale);
}

static foil_status probe_all(packing *p) {
    bool memory = true;
    for (int64_t start = 0; start < p->n; start += BLOCK) {
        int64_t stop = start + BLOCK < p->n ? start + BLOCK : p->n;
#pragma omp parallel for schedule(dynamic) reduction(&& : memory)
        for (int64_t i = start; i < stop; i++) {
            if (probe(p, i) == FOIL_OK) continue;
            p->why[i] = strdup(foil_error());
            memory = memory && p->why[i];
        }
        progress(p, stop);
    }
    return memory ? FOIL_OK : foil_fail_memory(1024, "messages");
}

// Reports what can't be read and takes it out.
static foil_status drop_bad(packing *p, pack_summary *sum) {
    int64_t kept = 0;
    const char *first = NULL;
    for (int64_t i = 0; i < p->n; i++) {
        if (p->why[i]) {
            if (p->o->bad) p->o->bad(p->item[i]->path, p->why[i], p->o->context);
            if (!first) first = p->why[i];
            sum->bad++;
            continue;
        }
        p->item[kept] = p->item[i];
        p->pictures[kept] = p->pictures[i];
        memmove(p->sha[kept++], p->sha[i], 32);
    }
    if (sum->bad && !p->o->skip_bad)
        return foil_fail(FOIL_INVALID, "%lld of %lld files can't be read, the first: %s (--skip-bad leaves them out)", (long long)sum->bad,
                         (long long)p->n, first);
    p->n = kept;
    return kept ? FOIL_OK : foil_fail(FOIL_INVALID, "no picture could be read, the first: %s", first);
}

// Second pass. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status make_pictures(const packing *p, int64_t i, image *out) {
    const pack_options *o = p->o;
    unsigned char again[32];
    image im = {0};
    TRY(import_read(p->item[i], &im, again));
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

static foil_status add_pictures(const packing *p, int64_t i, const image *made, set_writer *w, pack_summary *sum) {
    const import_item *it = p->item[i];
    foil_status s = FOIL_OK;
    for (int j = 0; s == FOIL_OK && j < p->pictures[i]; j++) {
        char name[4200];
        snprintf(name, sizeof name, p->o->patches ? "%s#%d" : "%s", it->path, j);
        s = set_add(w, &made[j], it->fake, it->method, it->subject, p->clip[i], p->split[i], name, p->sha[i]);
        sum->packed++;
        sum->per[it->fake][p->split[i]]++;
    }
    return s;
}

static foil_status write_block(const packing *p, int64_t start, int64_t stop, set_writer *w, pack_summary *sum) {
    image *made[BLOCK] = {0};
    foil_status status = FOIL_OK;
    char why[1024] = "";
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = start; i < stop; i++) {
        image *out = made[i - start] = calloc((size_t)p->pictures[i], sizeof *out);
        foil_status s = out ? make_pictures(p, i, out) : foil_fail_memory((size_t)p->pictures[i] * sizeof *out, "pictures");
        if (s == FOIL_OK) continue;
#pragma omp critical
        if (status == FOIL_OK) {
            status = s;
            snprintf(why, sizeof why, "%s", foil_error());
        }
    }
    if (status != FOIL_OK) foil_fail(status, "%s", why);
    for (int64_t i = start; i < stop; i++) {
        image *out = made[i - start];
        if (status == FOIL_OK) status = add_pictures(p, i, out, w, sum);
        for (int j = 0; out && j < p->pictures[i]; j++) image_free(&out[j]);
        free(out);
    }
    return status;
}

static foil_status write_all(const packing *p, const char *path, pack_summary *sum) {
    const pack_options *o = p->o;
    int size = o->fit == FIT_NATIVE ? 0 : o->size;
    set_description d = {.height = size,
                         .width = size,
                         .channels = o->channels,
                         .fit = o->fit,
                         .filter = o->filter,
                         .seed = o->seed,
                         .source = o->source,
                         .licence = o->licence};
    for (int64_t i = 0; i < p->n; i++) d.count += p->pictures[i];
    set_writer *w;
    TRY(set_create(path, &d, &w));
    foil_status s = FOIL_OK;
    for (int64_t i = 0; s == FOIL_OK && i < p->n; i += BLOCK) {
        int64_t stop = i + BLOCK < p->n ? i + BLOCK : p->n;
        s = write_block(p, i, stop, w, sum);
        progress(p, p->n + stop);
    }
    if (s == FOIL_OK) return set_commit(w);
    set_abort(w);
    return s;
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

static foil_status pack_chosen(packing *p, const char *path, pack_summary *out) {
    TRY(probe_all(p));
    TRY(drop_bad(p, out));
    TRY(group_items(p->item, p->n, (const unsigned char(*)[32])p->sha, p->o->split, p->o->seed, p->clip, p->split, &out->duplicates));
    return write_all(p, path, out);
}

foil_status pack(const import_list *items, const char *path, const pack_options *o, pack_summary *out) {
    *out = (pack_summary){0};
    size_t n = (size_t)import_count(items) + 1;
    packing p = {.o = o,
                 .item = calloc(n, sizeof *p.item),
                 .sha = calloc(n, sizeof *p.sha),
                 .pictures = calloc(n, sizeof *p.pictures),
                 .why = calloc(n, sizeof *p.why),
                 .clip = calloc(n, sizeof *p.clip),
                 .split = calloc(n, sizeof *p.split)};
    bool ok = p.item && p.sha && p.pictures && p.why && p.clip && p.split;
    foil_status s = ok ? choose(&p, items) : foil_fail_memory(n * 64, "the list of pictures");
    if (s == FOIL_OK) s = pack_chosen(&p, path, out);
    for (size_t i = 0; p.why && i < n; i++) free(p.why[i]);
    void *all[] = {(void *)p.item, p.sha, p.pictures, (void *)p.why, p.clip, p.split};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return s;
}
