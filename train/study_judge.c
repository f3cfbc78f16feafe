// From the scores of cells to metrics, on the part of the test split that a protocol judges.
#include "train/study_judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/detector.h"
#include "eval/scores.h"
#include "train/folder.h"

enum { BOOTSTRAP_SEED = 1 };

// The pictures of a set's test split as all its cells must have scored them, and room for one cell's judgement.
typedef struct bench {
    const study *study;
    int set;
    score_file *first; // whose items are everybody's
    const char *first_folder;
    bool *fake;
    int *clip;
    double *weight, *drawn; // [n], [METRICS_ALL][draws]
} bench;

int study_views(const study *s, int which) {
    if (s->protocol == STUDY_CONTINUAL) return s->set[which].parts;
    return s->protocol == STUDY_METHOD_OUT || s->protocol == STUDY_SOURCE_OUT ? 2 : 1;
}

// Whether the item is judged in the view of a cell that differs by `part`.
static bool in_view(const study *s, const study_set *t, int part, int view, const picture_label *item) {
    bool named = strcmp(item->method, t->part[s->protocol == STUDY_CONTINUAL ? view : part]) == 0;
    switch (s->protocol) {
    case STUDY_METHOD_OUT:
        return !item->fake || named == (view == 0);
    case STUDY_SOURCE_OUT:
        return item->fake || named == (view == 0);
    case STUDY_CONTINUAL:
        return !item->fake || named;
    default:
        return true;
    }
}

static foil_status no_memory(void) {
    return foil_fail_memory(4096, "the judgement of a study");
}

static void close_bench(bench *b) {
    scores_close(b->first);
    free(b->fake);
    free(b->clip);
    free(b->weight);
    free(b->drawn);
}

// The first scores that are read say what the items are.
static foil_status begin(bench *b, score_file *f, const char *folder) {
    const size_t n = (size_t)f->n;
    b->first = f;
    b->first_folder = folder;
    b->fake = malloc(n * sizeof *b->fake);
    b->clip = malloc(n * sizeof *b->clip);
    b->weight = malloc(n * sizeof *b->weight);
    b->drawn = malloc((size_t)METRICS_ALL * (size_t)b->study->draws * sizeof *b->drawn);
    if (!b->fake || !b->clip || !b->weight || !b->drawn) return no_memory();
    for (size_t i = 0; i < n; i++) {
        b->fake[i] = f->item[i].fake;
        b->clip[i] = f->item[i].clip;
    }
    return FOIL_OK;
}

static foil_status check_items(const bench *b, const score_file *f, const char *folder) {
    if (f->n != b->first->n)
        return foil_fail(FOIL_INVALID, "%s scored %" PRId64 " pictures, but %s scored %" PRId64 ": cells are compared on the same ones", folder, f->n,
                         b->first_folder, b->first->n);
    for (int64_t i = 0; i < f->n; i++) {
        const picture_label *x = &f->item[i], *y = &b->first->item[i];
        if (strcmp(x->path, y->path) == 0 && strcmp(x->method, y->method) == 0 && x->fake == y->fake && x->clip == y->clip) continue;
        return foil_fail(FOIL_INVALID, "%s/scores.csv: picture %" PRId64 " is %s, but in %s it is %s: was the set packed anew?", folder, i + 1,
                         x->path, b->first_folder, y->path);
    }
    return FOIL_OK;
}

static foil_status judge_view(bench *b, const study_cell *c, const double *score, double threshold, int view, study_results *r, study_view *out) {
    const study *s = b->study;
    const study_set *t = &s->set[b->set];
    int64_t judged[2] = {0, 0};
    for (int64_t i = 0; i < b->first->n; i++) {
        bool in = in_view(s, t, c->part, view, &b->first->item[i]);
        b->weight[i] = in ? 1 : 0; // all items stay, so that every view's draws are of the same clips
        judged[b->fake[i]] += in;
    }
    metric_input in = {.score = score, .fake = b->fake, .weight = b->weight, .n = b->first->n, .threshold = threshold};
    interval all[METRICS_ALL];
    out->drawn = arena_alloc(&r->memory, (size_t)s->draws * sizeof *out->drawn);
    if (!out->drawn) return no_memory();
    if (!judged[0] || !judged[1]) { // nothing is left but what was left out
        for (int m = 0; m < METRICS; m++) out->metric[m] = (interval){NAN, NAN, NAN};
        for (int64_t d = 0; d < s->draws; d++) out->drawn[d] = NAN;
        return FOIL_OK;
    }
    TRY(metric_draws(&in, b->clip, (int)s->draws, BOOTSTRAP_SEED, all, b->drawn));
    memcpy(out->metric, all, sizeof out->metric);
    memcpy(out->drawn, b->drawn + (size_t)s->metric * (size_t)s->draws, (size_t)s->draws * sizeof *out->drawn);
    return FOIL_OK;
}

static foil_status read_threshold(const char *folder, const char *detector, double *threshold) {
    char *path = folder_path(folder, "%s", detector);
    foil_detector *d = NULL;
    foil_status status = path ? foil_detector_load(path, &d) : no_memory();
    if (status == FOIL_OK) status = foil_detector_threshold(d, "eer", threshold);
    foil_detector_free(d);
    free(path);
    return status;
}

static foil_status judge_scores(bench *b, const study_cell *c, const char *detector, const double *score, study_results *r, study_view **out) {
    const int views = study_views(b->study, b->set);
    double threshold;
    TRY(read_threshold(c->folder, detector, &threshold));
    *out = arena_alloc(&r->memory, (size_t)views * sizeof **out);
    if (!*out) return no_memory();
    for (int v = 0; v < views; v++) TRY(judge_view(b, c, score, threshold, v, r, *out + v));
    return FOIL_OK;
}

static foil_status judge_file(bench *b, const study_cell *c, const char *scores, const char *detector, study_results *r, study_view **out) {
    char *path = folder_path(c->folder, "%s", scores);
    score_file *f = NULL;
    foil_status status = path ? scores_open(path, &f) : no_memory();
    bool first = status == FOIL_OK && !b->first;
    if (first) status = begin(b, f, c->folder);
    if (status == FOIL_OK) status = check_items(b, f, c->folder);
    if (status == FOIL_OK) status = judge_scores(b, c, detector, f->score, r, out);
    if (!first) scores_close(f);
    free(path);
    return status;
}

static foil_status judge_cell(bench *b, const study_cell *c, study_results *r, study_judged *out) {
    TRY(judge_file(b, c, "scores.csv", "best.safetensors", r, &out->view));
    out->ended = true;
    char *cues = folder_path(c->folder, "scores-cues.csv");
    bool there = cues && file_exists(cues);
    free(cues);
    return there ? judge_file(b, c, "scores-cues.csv", "cues.safetensors", r, &out->cues) : FOIL_OK;
}

// Why a cell has no scores.
static foil_status read_reason(const study_cell *c, study_results *r, study_judged *out) {
    char *path = folder_path(c->folder, "diverged.txt"), *bytes = NULL;
    size_t n = 0;
    foil_status status = path ? FOIL_OK : no_memory();
    out->diverged = path && file_exists(path);
    out->why = "a stage before it diverged";
    if (out->diverged) {
        status = file_read(path, 4096, &bytes, &n);
        if (status == FOIL_OK) out->why = arena_format(&r->memory, "%.*s", (int)strcspn(bytes, "\n"), bytes);
    }
    free(bytes);
    free(path);
    return status == FOIL_OK && !out->why ? no_memory() : status;
}

static foil_status describe(const study *s, int set_index, study_results *r) {
    study_test *t = &r->set[set_index].test;
    set *of;
    TRY(set_open(s->set[set_index].path, &of));
    set_label l;
    for (int64_t i = 0, n; i < set_count(of); i += n) {
        n = set_label_run(of, i, &l);
        if (l.split != SPLIT_TEST) continue;
        t->n += n;
        *(l.fake ? &t->fakes : &t->reals) += n;
    }
    t->fingerprint = arena_text(&r->memory, set_fingerprint(of));
    set_close(of);
    return t->fingerprint ? FOIL_OK : no_memory();
}

static foil_status judge_set(const study *s, int set_index, study_results *r) {
    bench b = {.study = s, .set = set_index};
    foil_status status = describe(s, set_index, r);
    for (int i = 0; i < s->cells && status == FOIL_OK; i++) {
        if (s->cell[i].set != set_index) continue;
        status = study_has_scores(&s->cell[i]) ? judge_cell(&b, &s->cell[i], r, &r->cell[i]) : read_reason(&s->cell[i], r, &r->cell[i]);
    }
    close_bench(&b);
    TRY(status);
    TRY(study_ask(r, set_index));
    return study_conclude(r, set_index);
}

foil_status study_judge(const study *s, study_results *out) {
    *out = (study_results){.study = s};
    out->cell = arena_alloc(&out->memory, (size_t)s->cells * sizeof *out->cell);
    out->set = arena_alloc(&out->memory, (size_t)s->sets * sizeof *out->set);
    foil_status status = out->cell && out->set ? FOIL_OK : no_memory();
    for (int i = 0; i < s->sets && status == FOIL_OK; i++) status = judge_set(s, i, out);
    if (status != FOIL_OK) study_results_free(out);
    return status;
}

void study_results_free(study_results *r) {
    arena_free(&r->memory);
    *r = (study_results){0};
}
