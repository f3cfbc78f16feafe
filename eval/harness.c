// Scores every picture of a set or folder once, then judges: overall, and each method of forgery against all reals.
#include "eval/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/importer.h"
#include "eval/scoring.h"

// Where pictures come from.
typedef struct source {
    const void *data;
    const int64_t *index; // of a set's pictures
    foil_status (*read)(const struct source *from, int64_t i, image *out);
} source;

static foil_status read_from_set(const source *from, int64_t i, image *out) {
    return set_read(from->data, from->index[i], out);
}

static foil_status read_from_list(const source *from, int64_t i, image *out) {
    return image_read(import_at(from->data, i)->path, out);
}

// Scoring. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status read_picture(const void *from, int64_t i, image *out) {
    return ((const source *)from)->read(from, i, out);
}

typedef struct sink {
    const foil_detector *detector;
    const evaluation_options *options;
    evaluation *evaluation;
} sink;

static foil_status take_score(void *to, int64_t i, foil_status read, double logit) {
    const sink *t = to;
    TRY(read);
    scored *item = &t->evaluation->item[i];
    item->logit = logit;
    item->score = detector_score(t->detector, logit);
    if (t->options->progress) t->options->progress(i + 1, t->evaluation->n, t->options->context);
    return FOIL_OK;
}

static foil_status score_all(foil_detector *d, const source *from, const evaluation_options *o, evaluation *e) {
    sink to = {d, o, e};
    return score_pictures(d, &(scoring){.n = e->n, .read = read_picture, .from = from, .take = take_score, .to = &to});
}

// Judging. --------------------------------------------------------------------------------------------------------------------------------------

typedef struct columns { // the items as metric_input wants them
    double *score;
    bool *fake;
    int *clip;
} columns;

static foil_status columns_new(evaluation *e, columns *c) {
    size_t n = (size_t)e->n;
    *c = (columns){arena_alloc(&e->memory, n * sizeof *c->score), arena_alloc(&e->memory, n * sizeof *c->fake),
                   arena_alloc(&e->memory, n * sizeof *c->clip)};
    return c->score && c->fake && c->clip ? FOIL_OK : foil_fail_memory(n * sizeof *c->score, "scores");
}

// Row `at`: reals, and the fakes of `method` (NULL = all).
static foil_status judge(evaluation *e, const columns *c, const char *method, int at) {
    int64_t n = 0, fakes = 0;
    for (int64_t i = 0; i < e->n; i++) {
        const scored *item = &e->item[i];
        if (item->fake && method && strcmp(item->method, method) != 0) continue;
        c->score[n] = item->score;
        c->fake[n] = item->fake;
        c->clip[n++] = item->clip;
        fakes += item->fake;
    }
    e->row[at].name = !method ? "overall" : *method ? method : "unnamed";
    e->row[at].fakes = fakes;
    e->row[at].reals = n - fakes;
    metric_input in = {.score = c->score, .fake = c->fake, .n = n, .threshold = e->threshold};
    return metric_intervals(&in, c->clip, e->draws, e->seed, e->row[at].metric);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The fakes' methods, sorted, each once.
static foil_status methods_of(evaluation *e, const char ***out, int *count) {
    const char **name = arena_alloc(&e->memory, (size_t)e->n * sizeof *name);
    if (!name) return foil_fail_memory((size_t)e->n * sizeof *name, "method names");
    int64_t fakes = 0;
    int n = 0;
    for (int64_t i = 0; i < e->n; i++)
        if (e->item[i].fake) name[fakes++] = e->item[i].method;
    if (fakes) qsort(name, (size_t)fakes, sizeof *name, by_text);
    for (int64_t i = 0; i < fakes; i++)
        if (!n || strcmp(name[n - 1], name[i]) != 0) name[n++] = name[i];
    *out = name;
    *count = n;
    return FOIL_OK;
}

static foil_status judge_all(evaluation *e) {
    const char **method = NULL;
    int methods = 0;
    columns c;
    TRY(methods_of(e, &method, &methods));
    TRY(columns_new(e, &c));
    e->row = arena_alloc(&e->memory, (size_t)(methods + 1) * sizeof *e->row);
    if (!e->row) return foil_fail_memory((size_t)(methods + 1) * sizeof *e->row, "rows of an evaluation");
    TRY(judge(e, &c, NULL, 0));
    for (int m = 0; m < methods; m++) TRY(judge(e, &c, method[m], m + 1));
    e->rows = methods + 1;
    return FOIL_OK;
}

// Both. -----------------------------------------------------------------------------------------------------------------------------------------

static foil_status check_classes(const evaluation *e, const char *what) {
    int64_t fakes = 0;
    for (int64_t i = 0; i < e->n; i++) fakes += e->item[i].fake;
    if (fakes && fakes < e->n) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s has %lld reals and %lld fakes: an evaluation needs both", what, (long long)(e->n - fakes), (long long)fakes);
}

static foil_status evaluate(foil_detector *d, const source *from, const char *what, const evaluation_options *o, evaluation *e) {
    TRY(check_classes(e, what));
    e->threshold = detector_card_of(d)->calibration.eer;
    e->threshold_name = "eer";
    e->draws = o->draws;
    e->seed = o->seed;
    TRY(score_all(d, from, o, e));
    return judge_all(e);
}

static foil_status allocate_items(evaluation *e, int64_t n) {
    *e = (evaluation){.n = n};
    e->item = arena_alloc(&e->memory, (size_t)n * sizeof *e->item);
    return e->item || !n ? FOIL_OK : foil_fail_memory((size_t)n * sizeof *e->item, "scores");
}

static const char *name_or_empty(const char *name) {
    return name ? name : "";
}

// Texts outlive the set.
static foil_status describe_set_item(evaluation *e, const set *s, int64_t i, scored *item) {
    set_label label = set_label_at(s, i);
    *item = (scored){.path = arena_text(&e->memory, name_or_empty(set_path_at(s, i))),
                     .method = arena_text(&e->memory, label.method < 0 ? "" : name_or_empty(set_method_name(s, label.method))),
                     .subject = arena_text(&e->memory, label.subject < 0 ? "" : name_or_empty(set_subject_name(s, label.subject))),
                     .clip = label.clip,
                     .fake = label.fake};
    return item->path && item->method && item->subject ? FOIL_OK : foil_fail_memory(sizeof *item, "the description of a picture");
}

foil_status evaluate_set(foil_detector *d, const set *s, const evaluation_options *o, evaluation *out) {
    *out = (evaluation){0};
    int64_t *index, n;
    TRY(set_select(s, o->split, NULL, NULL, &index, &n));
    foil_status status = allocate_items(out, n);
    for (int64_t i = 0; i < n && status == FOIL_OK; i++) status = describe_set_item(out, s, index[i], &out->item[i]);
    char what[64] = "the set";
    if (o->split != SPLIT_ALL) snprintf(what, sizeof what, "split '%s' of the set", SPLIT_NAMES[o->split]);
    if (status == FOIL_OK) status = evaluate(d, &(source){s, index, read_from_set}, what, o, out);
    free(index);
    if (status != FOIL_OK) evaluation_free(out);
    return status;
}

static foil_status describe_file(evaluation *e, const import_item *from, scored *item) {
    *item = (scored){.path = arena_text(&e->memory, from->path),
                     .method = arena_text(&e->memory, from->method),
                     .subject = arena_text(&e->memory, from->subject),
                     .clip = -1,
                     .fake = from->fake};
    return item->path && item->method && item->subject ? FOIL_OK : foil_fail_memory(sizeof *item, "the description of a picture");
}

static foil_status evaluate_list(foil_detector *d, const import_list *l, const char *folder, const evaluation_options *o, evaluation *out) {
    TRY(allocate_items(out, import_count(l)));
    for (int64_t i = 0; i < out->n; i++) TRY(describe_file(out, import_at(l, i), &out->item[i]));
    return evaluate(d, &(source){l, NULL, read_from_list}, folder, o, out);
}

foil_status evaluate_folder(foil_detector *d, const char *folder, const evaluation_options *o, evaluation *out) {
    *out = (evaluation){0};
    import_list *l;
    TRY(import_sources(&folder, 1, &(import_options){.layout = "folders", .label = -1}, &l));
    foil_status status = evaluate_list(d, l, folder, o, out);
    import_free(l);
    if (status != FOIL_OK) evaluation_free(out);
    return status;
}

void evaluation_free(evaluation *e) {
    arena_free(&e->memory);
    *e = (evaluation){0};
}
