// The second pass of packing: one file, or shards and, when all of them are there, their index.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/names.h"
#include "base/ranks.h"
#include "base/text.h"
#include "data/index.h"
#include "datasets/packing.h"

// One file. -----------------------------------------------------------------------------------------------------------------------------------------

static foil_status add_pictures(const packing *p, int64_t i, const image *made, const image_file *file, set_writer *w) {
    const import_item *it = p->item[i];
    foil_status s = FOIL_OK;
    for (int j = 0; s == FOIL_OK && j < p->pictures[i]; j++) {
        char name[4200];
        snprintf(name, sizeof name, p->o->patches ? "%s#%d" : "%s", it->stored ? it->stored : it->path, j);
        s = set_add(w, &made[j], it->fake, it->method, it->subject, p->clip[i], p->split[i], name, p->sha[i]);
        if (s == FOIL_OK) set_add_file(w, file);
    }
    return s;
}

// Pictures are made side by side and added in order, each let go of at once: those of native size may be large.
static foil_status write_block(const packing *p, const int64_t *item, int n, set_writer *w) {
    foil_status status = FOIL_OK;
    char why[1024] = "";
#pragma omp parallel for ordered schedule(dynamic)
    for (int k = 0; k < n; k++) {
        int64_t i = item[k];
        image_file file = {0};
        image *made = calloc((size_t)p->pictures[i], sizeof *made);
        foil_status s = made ? packing_make(p, i, made, &file) : foil_fail_memory((size_t)p->pictures[i] * sizeof *made, "pictures");
#pragma omp ordered
        {
            if (s == FOIL_OK && status == FOIL_OK) s = add_pictures(p, i, made, &file, w);
            if (s != FOIL_OK && status == FOIL_OK) {
                status = s;
                snprintf(why, sizeof why, "%s", foil_error());
            }
        }
        for (int j = 0; made && j < p->pictures[i]; j++) image_free(&made[j]);
        free(made);
    }
    return status == FOIL_OK ? FOIL_OK : foil_fail(status, "%s", why);
}

static foil_status add_items(packing *p, const int64_t *item, int64_t n, set_writer *w) {
    for (int64_t i = 0; i < n; i += PACK_BLOCK) {
        int some = n - i < PACK_BLOCK ? (int)(n - i) : PACK_BLOCK;
        TRY(write_block(p, item + i, some, w));
        packing_progress(p, some);
    }
    return FOIL_OK;
}

// A writer to which these items were added.
static foil_status write_items(packing *p, const char *path, const int64_t *item, int64_t n, const names *methods, set_writer **out) {
    const pack_options *o = p->o;
    int size = o->fit == FIT_NATIVE ? 0 : o->size;
    set_description d = {.height = size,
                         .width = size,
                         .channels = o->channels,
                         .fit = o->fit,
                         .filter = o->filter,
                         .seed = o->seed,
                         .source = p->source.data,
                         .licence = p->licence.data};
    for (int64_t i = 0; i < n; i++) d.count += p->pictures[item[i]];
    TRY(set_create(path, &d, out));
    foil_status s = FOIL_OK;
    for (int m = 0; s == FOIL_OK && m < methods->count; m++) s = set_name_method(*out, methods->at[m]);
    if (s == FOIL_OK) s = add_items(p, item, n, *out);
    if (s == FOIL_OK) return FOIL_OK;
    set_abort(*out);
    *out = NULL;
    return s;
}

// Many. ---------------------------------------------------------------------------------------------------------------------------------------------

// What the writing rank tells of a shard.
typedef struct written {
    int number;
    int64_t bytes;
    char fingerprint[65];
} written;

// What is in which shard, in which order. Equal on all ranks.
typedef struct layout {
    names methods;
    int labels;
    set_label *label;
    int64_t *start;    // [shards * labels + 1]: where in `order` the items of a shard's label begin
    int64_t *order;    // [n]: items by shard, label, place in the list
    int64_t *pictures; // [shards * labels]
    int mine;          // shards of this rank: r, r + ranks …
    set_writer **writer;
    written *facts;
} layout;

static void layout_free(layout *l) {
    names_free(&l->methods);
    free(l->label);
    free(l->start);
    free(l->order);
    free(l->pictures);
    for (int i = 0; l->writer && i < l->mine; i++) set_abort(l->writer[i]);
    free(l->writer);
    free(l->facts);
}

// A number for what an item's pictures are labelled with, in the order in which a shard has them.
static size_t label_key(const packing *p, const layout *l, int64_t i) {
    const import_item *it = p->item[i];
    int method = *it->method ? names_find(&l->methods, it->method) + 1 : 0;
    return ((size_t)p->split[i] * 2 + it->fake) * ((size_t)l->methods.count + 1) + (size_t)method;
}

static foil_status find_labels(const packing *p, layout *l, int *number) {
    size_t methods = (size_t)l->methods.count + 1;
    for (int64_t i = 0; i < p->n; i++) number[label_key(p, l, i)] = 1;
    l->label = calloc(6 * methods, sizeof *l->label);
    if (!l->label) return foil_fail_memory(6 * methods * sizeof *l->label, "the labels of a set");
    for (size_t key = 0; key < 6 * methods; key++) {
        if (!number[key]) continue;
        number[key] = l->labels;
        l->label[l->labels++] = (set_label){key / methods % 2, (int)(key % methods) - 1, (set_split)(key / methods / 2)};
    }
    return FOIL_OK;
}

// Counting, then placing.
static foil_status order_items(const packing *p, layout *l, const int *number) {
    size_t cells = (size_t)p->shards * (size_t)l->labels;
    l->start = calloc(cells + 1, sizeof *l->start);
    l->pictures = calloc(cells, sizeof *l->pictures);
    l->order = calloc((size_t)p->n, sizeof *l->order);
    int64_t *next = calloc(cells, sizeof *next);
    bool ok = l->start && l->pictures && l->order && next;
    for (int64_t i = 0; ok && i < p->n; i++) {
        size_t cell = (size_t)p->shard[i] * (size_t)l->labels + (size_t)number[label_key(p, l, i)];
        l->start[cell + 1]++;
        l->pictures[cell] += p->pictures[i];
    }
    for (size_t c = 0; ok && c < cells; c++) next[c] = l->start[c + 1] += l->start[c];
    for (int64_t i = p->n; ok && i-- > 0;) l->order[--next[(size_t)p->shard[i] * (size_t)l->labels + (size_t)number[label_key(p, l, i)]]] = i;
    free(next);
    return ok ? FOIL_OK : foil_fail_memory((size_t)p->n * sizeof *l->order, "the order of pictures");
}

// An index is YAML, which is UTF-8, and names methods and its shards, which are called as it is.
static foil_status check_names(const layout *l, const char *path) {
    if (!text_is_utf8(file_name(path))) return foil_fail(FOIL_INVALID, "%s: not UTF-8, which the name of an index must be", path);
    for (int m = 0; m < l->methods.count; m++)
        if (!text_is_utf8(l->methods.at[m]))
            return foil_fail(FOIL_INVALID, "%s: method '%s' is not UTF-8, which names in an index must be; --method gives another", path,
                             l->methods.at[m]);
    return FOIL_OK;
}

static foil_status lay_out(const packing *p, const char *path, layout *l) {
    for (int64_t i = 0; i < p->n; i++)
        if (*p->item[i]->method && names_add(&l->methods, p->item[i]->method) < 0) return foil_fail_memory(64, "the names of methods");
    TRY(check_names(l, path));
    int *number = calloc(6 * ((size_t)l->methods.count + 1), sizeof *number);
    foil_status s = number ? find_labels(p, l, number) : foil_fail_memory(64, "the labels of a set");
    if (s == FOIL_OK) s = order_items(p, l, number);
    free(number);
    TRY(s);
    l->mine = (p->shards - ranks_self() + ranks_count() - 1) / ranks_count();
    l->writer = calloc((size_t)l->mine + 1, sizeof(set_writer *));
    l->facts = calloc((size_t)l->mine + 1, sizeof *l->facts);
    return l->writer && l->facts ? FOIL_OK : foil_fail_memory((size_t)l->mine * sizeof *l->facts, "the list of shards");
}

// "faces.yaml", 7 of 1000 -> "faces-007.h5"; the caller frees.
static char *shard_path(const char *index, int number, int shards) {
    char *path;
    const char *dot = strrchr(index, '.');
    int width = snprintf(NULL, 0, "%d", shards - 1);
    int made = asprintf(&path, "%.*s-%0*d.h5", (int)(dot - index), index, width > 3 ? width : 3, number);
    return made < 0 ? NULL : path;
}

// Whether a shard may be written: nothing is there, or a set, or it was said that it may be replaced.
static foil_status check_free(const packing *p, const char *path) {
    shard *s;
    if (p->o->replace || !file_exists(path)) return FOIL_OK;
    if (shard_open(path, &s) != FOIL_OK) return foil_fail(FOIL_INVALID, "%s: exists and is not a data set; --force replaces it", path);
    shard_close(s);
    return FOIL_OK;
}

static foil_status write_shard(packing *p, const layout *l, const char *index, int number, set_writer **out, written *facts) {
    const int64_t *start = l->start + (int64_t)number * l->labels;
    char *path = shard_path(index, number, p->shards);
    if (!path) return foil_fail_memory(strlen(index), "a path");
    facts->number = number;
    foil_status s = check_free(p, path);
    if (s == FOIL_OK) s = write_items(p, path, l->order + start[0], start[l->labels] - start[0], &l->methods, out);
    free(path);
    return s == FOIL_OK ? set_finish(*out, facts->fingerprint, &facts->bytes) : s;
}

static foil_status write_index(const packing *p, const layout *l, const char *path, const written *all) {
    const pack_options *o = p->o;
    int size = o->fit == FIT_NATIVE ? 0 : o->size;
    set_index x = {.facts = {size, size, o->channels, o->fit, o->filter},
                   .methods = l->methods.count,
                   .method = l->methods.at,
                   .labels = l->labels,
                   .label = l->label,
                   .shards = p->shards};
    char *file = NULL;
    x.shard = arena_alloc(&x.memory, (size_t)p->shards * sizeof *x.shard);
    foil_status s = x.shard ? FOIL_OK : foil_fail_memory((size_t)p->shards * sizeof *x.shard, "an index");
    for (int i = 0; s == FOIL_OK && i < p->shards; i++) {
        index_shard *to = &x.shard[all[i].number];
        file = shard_path(file_name(path), all[i].number, p->shards);
        *to = (index_shard){.file = file ? arena_text(&x.memory, file) : NULL,
                            .bytes = all[i].bytes,
                            .fingerprint = all[i].fingerprint,
                            .pictures = l->pictures + (int64_t)all[i].number * l->labels};
        if (!to->file) s = foil_fail_memory(64, "an index");
        free(file);
    }
    if (s == FOIL_OK) s = index_write(path, &x);
    arena_free(&x.memory);
    return s;
}

// All shards are on the disk before the first appears under its name; the index comes last.
static foil_status write_shards(packing *p, layout *l, const char *path) {
    foil_status s = FOIL_OK;
    char *all;
    for (int i = 0; s == FOIL_OK && i < l->mine; i++) s = write_shard(p, l, path, ranks_self() + i * ranks_count(), &l->writer[i], &l->facts[i]);
    TRY(ranks_agree(s));
    for (int i = 0; s == FOIL_OK && i < l->mine; i++) {
        s = set_commit(l->writer[i]);
        l->writer[i] = NULL;
    }
    TRY(ranks_agree(s));
    TRY(ranks_gather(l->facts, (size_t)l->mine * sizeof *l->facts, &all, p->sizes));
    s = all ? write_index(p, l, path, (const written *)(const void *)all) : FOIL_OK;
    free(all);
    return ranks_agree(s);
}

static foil_status write_one(packing *p, const char *path) {
    set_writer *w;
    int64_t *all = malloc((size_t)p->n * sizeof *all);
    if (!all) return foil_fail_memory((size_t)p->n * sizeof *all, "the order of pictures");
    for (int64_t i = 0; i < p->n; i++) all[i] = i;
    foil_status s = write_items(p, path, all, p->n, &(names){0}, &w);
    free(all);
    return s == FOIL_OK ? set_commit(w) : s;
}

foil_status packing_write(packing *p, const char *path) {
    if (!p->o->shards && !p->o->shard_size) return ranks_agree(ranks_self() == 0 ? write_one(p, path) : FOIL_OK);
    layout l = {0};
    foil_status s = ranks_agree(lay_out(p, path, &l));
    if (s == FOIL_OK) s = write_shards(p, &l, path);
    layout_free(&l);
    return s;
}
