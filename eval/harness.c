// Scores every picture once, then judges: overall, and each method of forgery against all reals. Ranks share the scoring, rank 0 judges.
#include "eval/harness.h"

#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "eval/scoring.h"

// Scoring. --------------------------------------------------------------------------------------------------------------------------------------

// One rank's part of the pictures.
typedef struct part {
    const pictures *from;
    int64_t first, n;
    double *logit; // [n]
    const evaluation_options *options;
} part;

static foil_status read_picture(const void *from, int64_t i, image *out) {
    const part *p = from;
    return pictures_read(p->from, p->first + i, out);
}

static foil_status take_logit(void *to, int64_t i, foil_status read, const double *logit) {
    const part *p = to;
    TRY(read);
    p->logit[i] = *logit;
    if (p->options->progress) p->options->progress(i + 1, p->n, p->options->context);
    return FOIL_OK;
}

// The first picture of a rank: at a whole row, so that scores are those of a process alone.
static int64_t first_of(int64_t n, int64_t rank) {
    int64_t rows = n < SCORING_ROW ? 1 : n / SCORING_ROW;
    return rank == ranks_count() ? n : rows * rank / ranks_count() * SCORING_ROW;
}

// `*all`: on rank 0 the logits of all pictures, on others NULL; the caller frees.
static foil_status score_all(foil_detector *d, const pictures *from, const evaluation_options *o, double **all) {
    int64_t n = pictures_count(from);
    part p = {.from = from, .first = first_of(n, ranks_self()), .options = o};
    char *gathered = NULL;
    *all = NULL;
    p.n = first_of(n, ranks_self() + 1) - p.first;
    p.logit = malloc(((size_t)p.n + 1) * sizeof *p.logit);
    size_t *sizes = calloc((size_t)ranks_count(), sizeof *sizes);
    foil_status status =
        p.logit && sizes
            ? score_pictures(&(scoring){.detector = &d, .detectors = 1, .n = p.n, .read = read_picture, .from = &p, .take = take_logit, .to = &p})
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

static foil_status report(foil_detector *d, const pictures *from, const double *logit, evaluation *e) {
    e->n = pictures_count(from);
    e->item = arena_alloc(&e->memory, (size_t)e->n * sizeof *e->item);
    if (!e->item) return foil_fail_memory((size_t)e->n * sizeof *e->item, "scores");
    for (int64_t i = 0; i < e->n; i++) {
        picture_label label;
        TRY(pictures_label(from, i, &e->memory, &label)); // texts outlive the pictures
        e->item[i] = (scored){label.path, label.method, label.subject, label.clip, label.fake, logit[i], detector_score(d, logit[i])};
    }
    return evaluation_judge(e);
}

foil_status evaluate(foil_detector *d, const pictures *from, const evaluation_options *o, evaluation *out) {
    double *logit;
    *out = (evaluation){.threshold = detector_card_of(d)->calibration.eer, .threshold_name = "eer", .draws = o->draws, .seed = o->seed};
    TRY(pictures_need_both(from));
    TRY(score_all(d, from, o, &logit));
    foil_status status = ranks_agree(logit ? report(d, from, logit, out) : FOIL_OK);
    free(logit);
    if (status != FOIL_OK) evaluation_free(out);
    return status;
}

void evaluation_free(evaluation *e) {
    arena_free(&e->memory);
    *e = (evaluation){0};
}
