// Scores every picture of a set or folder once, then judges: overall, and each method of forgery against all reals. Ranks share the scoring, rank 0 judges.
#include "eval/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "datasets/importer.h"
#include "eval/scoring.h"

// Where pictures come from: picture i of those that are judged.
typedef struct source {
    const void *data;
    const selection *chosen; // of a set
    int64_t n;
    bool (*fake)(const struct source *s, int64_t i);
    foil_status (*read)(const struct source *s, int64_t i, image *out);
    foil_status (*describe)(const struct source *s, int64_t i, arena *texts, scored *out); // all but the scores
} source;

static bool fake_in_set(const source *s, int64_t i) {
    return set_label_at(s->data, selection_at(s->chosen, i)).fake;
}

static foil_status read_from_set(const source *s, int64_t i, image *out) {
    return set_read(s->data, selection_at(s->chosen, i), out);
}

static foil_status describe_from_set(const source *s, int64_t i, arena *texts, scored *out) {
    int64_t at = selection_at(s->chosen, i);
    set_label label = set_label_at(s->data, at);
    set_source from;
    TRY(set_source_at(s->data, at, texts, &from));
    *out = (scored){.path = from.path,
                    .method = arena_text(texts, set_method_name(s->data, label.method)),
                    .subject = from.subject,
                    .clip = from.clip,
                    .fake = label.fake};
    return out->method ? FOIL_OK : foil_fail_memory(sizeof *out, "the description of a picture");
}

static bool fake_in_list(const source *s, int64_t i) {
    return import_at(s->data, i)->fake;
}

static foil_status read_from_list(const source *s, int64_t i, image *out) {
    return image_read(import_at(s->data, i)->path, out);
}

static foil_status describe_from_list(const source *s, int64_t i, arena *texts, scored *out) {
    const import_item *from = import_at(s->data, i);
    *out = (scored){.path = arena_text(texts, from->path),
                    .method = arena_text(texts, from->method),
                    .subject = arena_text(texts, from->subject),
                    .clip = -1,
                    .fake = from->fake};
    return out->path && out->method && out->subject ? FOIL_OK : foil_fail_memory(sizeof *out, "the description of a picture");
}

// Scoring. --------------------------------------------------------------------------------------------------------------------------------------

// One rank's part of the pictures.
typedef struct part {
    const source *from;
    int64_t first, n;
    double *logit; // [n]
    const evaluation_options *options;
} part;

static foil_status read_picture(const void *from, int64_t i, image *out) {
    const part *p = from;
    return p->from->read(p->from, p->first + i, out);
}

static foil_status take_logit(void *to, int64_t i, foil_status read, double logit) {
    const part *p = to;
    TRY(read);
    p->logit[i] = logit;
    if (p->options->progress) p->options->progress(i + 1, p->n, p->options->context);
    return FOIL_OK;
}

// The first picture of a rank: at a whole row, so that scores are those of a process alone.
static int64_t first_of(int64_t n, int64_t rank) {
    int64_t rows = n < SCORING_ROW ? 1 : n / SCORING_ROW;
    return rank == ranks_count() ? n : rows * rank / ranks_count() * SCORING_ROW;
}

// `*all`: on rank 0 the logits of all pictures, on others NULL; the caller frees.
static foil_status score_all(foil_detector *d, const source *from, const evaluation_options *o, double **all) {
    part p = {.from = from, .first = first_of(from->n, ranks_self()), .options = o};
    char *gathered = NULL;
    *all = NULL;
    p.n = first_of(from->n, ranks_self() + 1) - p.first;
    p.logit = malloc(((size_t)p.n + 1) * sizeof *p.logit);
    size_t *sizes = calloc((size_t)ranks_count(), sizeof *sizes);
    foil_status status = p.logit && sizes ? score_pictures(d, &(scoring){.n = p.n, .read = read_picture, .from = &p, .take = take_logit, .to = &p})
                                          : foil_fail_memory((size_t)p.n * sizeof *p.logit, "scores");
    status = ranks_agree(status);
    if (status == FOIL_OK) status = ranks_gather(p.logit, (size_t)p.n * sizeof *p.logit, &gathered, sizes);
    *all = (double *)(void *)gathered;
    free(p.logit);
    free(sizes);
    return status;
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

foil_status evaluation_judge(evaluation *e) {
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

static foil_status check_classes(const source *from, const char *what) {
    int64_t fakes = 0;
    for (int64_t i = 0; i < from->n; i++) fakes += from->fake(from, i);
    if (fakes && fakes < from->n) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s has %lld reals and %lld fakes: an evaluation needs both", what, (long long)(from->n - fakes),
                     (long long)fakes);
}

static foil_status report(foil_detector *d, const source *from, const double *logit, evaluation *e) {
    e->n = from->n;
    e->item = arena_alloc(&e->memory, (size_t)e->n * sizeof *e->item);
    if (!e->item) return foil_fail_memory((size_t)e->n * sizeof *e->item, "scores");
    for (int64_t i = 0; i < e->n; i++) {
        TRY(from->describe(from, i, &e->memory, &e->item[i])); // texts outlive the source
        e->item[i].logit = logit[i];
        e->item[i].score = detector_score(d, logit[i]);
    }
    return evaluation_judge(e);
}

static foil_status evaluate(foil_detector *d, const source *from, const char *what, const evaluation_options *o, evaluation *e) {
    double *logit;
    *e = (evaluation){.threshold = detector_card_of(d)->calibration.eer, .threshold_name = "eer", .draws = o->draws, .seed = o->seed};
    TRY(check_classes(from, what));
    TRY(score_all(d, from, o, &logit));
    foil_status status = ranks_agree(logit ? report(d, from, logit, e) : FOIL_OK);
    free(logit);
    if (status != FOIL_OK) evaluation_free(e);
    return status;
}

foil_status evaluate_set(foil_detector *d, const set *s, const evaluation_options *o, evaluation *out) {
    *out = (evaluation){0};
    selection chosen;
    TRY(ranks_agree(set_select(s, o->split, NULL, NULL, &chosen)));
    char what[64] = "the set";
    if (o->split != SPLIT_ALL) snprintf(what, sizeof what, "split '%s' of the set", SPLIT_NAMES[o->split]);
    foil_status status = evaluate(d, &(source){s, &chosen, chosen.n, fake_in_set, read_from_set, describe_from_set}, what, o, out);
    selection_free(&chosen);
    return status;
}

foil_status evaluate_folder(foil_detector *d, const char *folder, const evaluation_options *o, evaluation *out) {
    *out = (evaluation){0};
    import_list *l;
    TRY(ranks_agree(import_sources(&folder, 1, &(import_options){.layout = "folders", .label = -1}, &l)));
    foil_status status = evaluate(d, &(source){l, NULL, import_count(l), fake_in_list, read_from_list, describe_from_list}, folder, o, out);
    import_free(l);
    return status;
}

void evaluation_free(evaluation *e) {
    arena_free(&e->memory);
    *e = (evaluation){0};
}
