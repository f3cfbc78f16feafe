#include "eval/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

const char *const ROW_KIND_NAMES[] = {"overall", "method", "level", "subject", NULL};
static const char UNNAMED[] = "unnamed";

// A method's name, without its level.
static size_t base_length(const char *method) {
    const char *slash = strrchr(method, '/');
    return slash ? (size_t)(slash - method) : strlen(method);
}

static const char *name_of(const picture_label *item, row_kind kind) {
    return kind == ROW_METHOD ? item->method : kind == ROW_LEVEL ? item->level : kind == ROW_SUBJECT ? item->subject : "";
}

static bool fake_in_row(const evaluation_row *row, const picture_label *item) {
    if (row->kind == ROW_OVERALL || row->name == UNNAMED) return row->kind == ROW_OVERALL || !*item->method;
    if (!strcmp(name_of(item, row->kind), row->name)) return true;
    size_t n = base_length(item->method);
    return row->kind == ROW_METHOD && !strncmp(item->method, row->name, n) && !row->name[n];
}

static const char *reals_of(const evaluation_row *row) { // whose name they share
    return row->kind == ROW_METHOD ? method_level(row->name) : row->kind == ROW_OVERALL ? "" : row->name;
}

static bool real_in_row(const evaluation_row *row, const picture_label *item) {
    return !row->own_reals || !strcmp(name_of(item, row->kind == ROW_SUBJECT ? ROW_SUBJECT : ROW_LEVEL), reals_of(row));
}

static bool in_row(const evaluation_row *row, const picture_label *item) {
    return item->fake ? fake_in_row(row, item) : real_in_row(row, item);
}

void row_items(const evaluation_row *row, const picture_label *item, int64_t n, int64_t *index) {
    for (int64_t i = 0; i < n; i++)
        if (in_row(row, &item[i])) *index++ = i;
}

// The row's items of a class, and the clips that they are in; `room` is for n.
static int64_t count_class(const evaluation_row *row, const picture_label *item, int64_t n, bool fake, int64_t *room, int64_t *clips) {
    int64_t items = 0;
    for (int64_t i = 0; i < n; i++)
        if (item[i].fake == fake && in_row(row, &item[i])) room[items++] = item[i].clip >= 0 ? item[i].clip : -1 - i;
    sort_integers(room, (size_t)items);
    *clips = 0;
    for (int64_t i = 0; i < items; i++) *clips += !i || room[i] != room[i - 1];
    return items;
}

static void count(evaluation_row *row, const picture_label *item, int64_t n, int64_t *room) {
    if (*reals_of(row))
        for (int64_t i = 0; i < n && !row->own_reals; i++) {
            row->own_reals = true; // then `real_in_row` compares names
            row->own_reals = !item[i].fake && real_in_row(row, &item[i]);
        }
    row->reals = count_class(row, item, n, false, room, &row->real_clips);
    row->fakes = count_class(row, item, n, true, room, &row->fake_clips);
}

// Names. ----------------------------------------------------------------------------------------------------------------------------------------

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int64_t unique(const char **name, int64_t n) {
    int64_t kept = 0;
    if (n) qsort((void *)name, (size_t)n, sizeof *name, by_text);
    for (int64_t i = 0; i < n; i++)
        if (!kept || strcmp(name[kept - 1], name[i]) != 0) name[kept++] = name[i];
    return kept;
}

// Whether another of the sorted names behind the first has its base, too; between them is what begins with that base.
static bool has_sibling(const char *const *name, int64_t n, size_t length) {
    for (int64_t i = 1; i < n && !strncmp(name[i], *name, length) && name[i][length] == '/'; i++)
        if (base_length(name[i]) == length) return true;
    return false;
}

// Adds "Deepfakes" to sorted "Deepfakes/c23" and "Deepfakes/c40".
static foil_status add_bases(const char **name, int64_t *n, arena *memory) {
    int64_t names = *n;
    for (int64_t i = 0; i < names; i++) {
        size_t length = base_length(name[i]);
        if (!name[i][length] || !has_sibling(name + i, names - i, length)) continue;
        char *base = arena_text(memory, name[i]);
        if (!base) return foil_fail_memory(length, "names of methods");
        base[length] = 0;
        name[(*n)++] = base;
    }
    *n = unique(name, *n);
    return FOIL_OK;
}

// The fakes' names of a kind, sorted, each once. `name` has room for twice n.
static foil_status names_of(const picture_label *item, int64_t n, row_kind kind, arena *memory, const char **name, int64_t *names) {
    *names = 0;
    for (int64_t i = 0; i < n; i++) {
        const char *own = name_of(&item[i], kind);
        if (item[i].fake && (*own || kind == ROW_METHOD)) name[(*names)++] = own;
    }
    *names = unique(name, *names);
    return kind == ROW_METHOD ? add_bases(name, names, memory) : FOIL_OK;
}

static foil_status find(const picture_label *item, int64_t n, int kinds, arena *lists, arena *memory, evaluation_row **out, int *rows) {
    const char **name[ROW_KINDS] = {NULL};
    int64_t names[ROW_KINDS] = {0}, all = 1;
    size_t room = ((size_t)n * 2 + 1) * sizeof **name;
    for (row_kind k = ROW_METHOD; k < ROW_KINDS; k++) {
        if (!(kinds & (1 << k))) continue;
        name[k] = arena_alloc(lists, room);
        if (!name[k]) return foil_fail_memory(room, "names of rows");
        TRY(names_of(item, n, k, memory, name[k], &names[k]));
        all += names[k];
    }
    evaluation_row *row = *out = arena_alloc(memory, (size_t)all * sizeof *row);
    if (!row) return foil_fail_memory((size_t)all * sizeof *row, "rows of an evaluation");
    *row++ = (evaluation_row){.kind = ROW_OVERALL, .name = "overall"};
    for (row_kind k = ROW_METHOD; k < ROW_KINDS; k++)
        for (int64_t i = 0; name[k] && i < names[k]; i++) *row++ = (evaluation_row){.kind = k, .name = *name[k][i] ? name[k][i] : UNNAMED};
    int64_t *clips = arena_alloc(lists, (size_t)n * sizeof *clips);
    if (!clips) return foil_fail_memory((size_t)n * sizeof *clips, "clips of rows");
    for (int64_t i = 0; i < all; i++) count(&(*out)[i], item, n, clips);
    *rows = (int)all;
    return FOIL_OK;
}

foil_status rows_find(const picture_label *item, int64_t n, int kinds, arena *memory, evaluation_row **out, int *rows) {
    arena lists = {0};
    foil_status status = find(item, n, kinds, &lists, memory, out, rows);
    arena_free(&lists);
    return status;
}
