// Reads every picture once and has each detector score it, then judges. Ranks share the scoring, rank 0 judges.
#include "eval/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "base/sort.h"
#include "eval/logits.h"

const char *const JUDGE_KINDS[] = {"network", "cues", "scores", NULL};

// One call. Items and scores of files are on rank 0, and on the others where they need them.
typedef struct job {
    const pictures *from; // NULL: the first contestant's items
    const contestant *who;
    int contestants;
    const evaluation_options *options;
    const int64_t *chosen; // which pictures are scored, NULL = all
    logits logits;         // of the detectors, in the order of contestants
    clips clips;           // of the pictures, if clips are judged
    const double **score;  // [contestants]: [n]
    evaluation *out;
} job;

static void *room(job *j, int64_t n, size_t size) {
    void *p = arena_alloc(&j->out->memory, (size_t)n * size);
    if (!p) foil_fail_memory((size_t)n * size, "an evaluation");
    return p;
}

// Items, and scores from files. -----------------------------------------------------------------------------------------------------------------

static foil_status list_items(job *j) {
    evaluation *e = j->out;
    e->n = j->from ? pictures_count(j->from) : j->who->scores->n;
    if (!j->from) e->item = j->who->scores->item;
    if (!j->from || (ranks_self() > 0 && !j->options->frames)) return FOIL_OK;
    picture_label *item = room(j, e->n, sizeof *item);
    if (!item) return FOIL_MEMORY;
    for (int64_t i = 0; i < e->n; i++) TRY(pictures_label(j->from, i, &e->memory, &item[i])); // texts outlive the pictures
    e->item = item;
    return FOIL_OK;
}

static foil_status join_scores(job *j, int at) {
    const evaluation *e = j->out;
    const score_file *f = j->who[at].scores;
    if (!f) return FOIL_OK;
    if (!j->from && at == 0) {
        j->score[at] = f->score;
        return FOIL_OK;
    }
    double *joined = room(j, e->n, sizeof *joined);
    if (!joined) return FOIL_MEMORY;
    j->score[at] = joined;
    return scores_join(f, e->item, e->n, e->name, !j->from, joined);
}

// Items and scores become those of index[0 … n - 1].
static foil_status keep(job *j, const int64_t *index, int64_t n) {
    evaluation *e = j->out;
    picture_label *item = room(j, n, sizeof *item);
    if (!item) return FOIL_MEMORY;
    for (int64_t i = 0; i < n; i++) item[i] = e->item[index[i]];
    for (int c = 0; c < j->contestants; c++) {
        if (!j->score[c]) continue;
        double *score = room(j, n, sizeof *score);
        if (!score) return FOIL_MEMORY;
        for (int64_t i = 0; i < n; i++) score[i] = j->score[c][index[i]];
        j->score[c] = score;
    }
    e->item = item;
    e->n = n;
    return FOIL_OK;
}

static foil_status choose_frames(job *j) {
    clips c;
    TRY(clips_find(j->out->item, j->out->n, &c));
    clips_thin(&c, j->options->frames);
    int64_t n = c.first[c.n], *chosen = room(j, n, sizeof *chosen);
    foil_status status = chosen ? FOIL_OK : FOIL_MEMORY;
    if (chosen) {
        memcpy(chosen, c.frame, (size_t)n * sizeof *chosen);
        sort_integers(chosen, (size_t)n); // as they lie in the set
        j->chosen = chosen;
        status = keep(j, chosen, n);
    }
    clips_free(&c);
    return status;
}

// The pictures may be closed before the evaluation is read.
static foil_status copy_names(job *j) {
    evaluation *e = j->out;
    e->name = arena_text(&e->memory, e->name);
    e->split = arena_text(&e->memory, e->split);
    e->fingerprint = arena_text(&e->memory, e->fingerprint);
    return e->name && e->split && e->fingerprint ? FOIL_OK : foil_fail_memory(64, "the name of a set");
}

static foil_status prepare(job *j) {
    TRY(j->from ? pictures_need_both(j->from) : scores_need_both(j->who->scores));
    TRY(copy_names(j));
    TRY(list_items(j));
    for (int c = 0; c < j->contestants && ranks_self() == 0; c++) TRY(join_scores(j, c));
    if (j->options->frames) TRY(choose_frames(j));
    j->out->pictures = j->out->n;
    return FOIL_OK;
}

// Scoring. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status score(job *j) {
    const evaluation_options *o = j->options;
    foil_detector **detector = room(j, j->contestants, sizeof *detector);
    int detectors = 0;
    TRY(ranks_agree(detector ? FOIL_OK : FOIL_MEMORY));
    for (int c = 0; c < j->contestants; c++)
        if (j->who[c].detector) detector[detectors++] = j->who[c].detector;
    logits_job wanted = {j->from, j->chosen, j->out->n, detector, detectors, o->perturb, o->seed, o->progress, o->context};
    return detectors ? logits_compute(&wanted, &j->logits) : FOIL_OK;
}

// Which of the detectors contestant `at` is.
static int place_of(const job *j, int at) {
    int place = 0;
    for (int c = 0; c < at; c++) place += j->who[c].detector != NULL;
    return place;
}

static foil_status take_scores(job *j) {
    for (int c = 0; c < j->contestants; c++) {
        if (!j->who[c].detector) continue;
        double *score = room(j, j->out->n, sizeof *score);
        if (!score) return FOIL_MEMORY;
        logits_scores(&j->logits, j->who[c].detector, place_of(j, c), 0, score);
        j->score[c] = score;
    }
    return FOIL_OK;
}

// Judging. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status make_clips(job *j) {
    evaluation *e = j->out;
    clips *c = &j->clips;
    TRY(clips_find(e->item, e->n, c));
    for (int k = 0; k < j->contestants; k++) {
        double *pooled = room(j, c->n, sizeof *pooled);
        if (!pooled) return FOIL_MEMORY;
        TRY(clips_pool(c, (clip_rule)j->options->clip_rule, j->score[k], pooled));
        j->score[k] = pooled;
    }
    picture_label *item = room(j, c->n, sizeof *item);
    if (!item) return FOIL_MEMORY;
    for (int64_t i = 0; i < c->n; i++) item[i] = e->item[c->frame[c->first[i]]];
    e->item = item;
    e->n = c->n;
    return FOIL_OK;
}

static foil_status make_columns(job *j) {
    evaluation *e = j->out;
    bool *fake = room(j, e->n, sizeof *fake);
    int *clip = room(j, e->n, sizeof *clip);
    if (!fake || !clip) return FOIL_MEMORY;
    for (int64_t i = 0; i < e->n; i++) {
        fake[i] = e->item[i].fake;
        clip[i] = e->item[i].clip;
    }
    e->fake = fake;
    e->clip = clip;
    return FOIL_OK;
}

static foil_status make_judge(job *j, int at) {
    evaluation *e = j->out;
    const contestant *who = &j->who[at];
    judge *to = &e->judge[at];
    *to =
        (judge){.name = who->name, .kind = JUDGE_SCORES, .detector = who->detector, .threshold = .5, .threshold_name = "0.5", .score = j->score[at]};
    if (who->detector) {
        to->kind = detector_cues(who->detector) ? JUDGE_CUES : JUDGE_NETWORK;
        to->threshold = detector_card_of(who->detector)->calibration.threshold[0].score;
        to->threshold_name = "eer";
    }
    if (who->threshold_name) {
        to->threshold = who->threshold;
        to->threshold_name = who->threshold_name;
    }
    to->probabilities = true;
    for (int64_t i = 0; i < e->n; i++) to->probabilities &= to->score[i] >= 0 && to->score[i] <= 1;
    if (!to->probabilities) {
        to->threshold = NAN;
        to->threshold_name = "none";
    }
    to->metric = room(j, e->rows, sizeof *to->metric);
    to->drawn = room(j, (int64_t)METRICS_ALL * e->draws, sizeof *to->drawn);
    return to->metric && to->drawn ? FOIL_OK : FOIL_MEMORY;
}

// What metric_input wants of a row's items.
typedef struct columns {
    int64_t *index;
    double *score;
    bool *fake;
    int *clip;
} columns;

static foil_status judge_row(evaluation *e, int row, columns *c) {
    int64_t n = e->row[row].reals + e->row[row].fakes;
    if (row && n == e->n) { // of all items, like "overall": one method
        for (int k = 0; k < e->judges; k++) memcpy(e->judge[k].metric[row], e->judge[k].metric[0], sizeof *e->judge[k].metric);
        return FOIL_OK;
    }
    row_items(&e->row[row], e->item, e->n, c->index);
    for (int64_t i = 0; i < n; i++) {
        c->fake[i] = e->fake[c->index[i]];
        c->clip[i] = e->clip[c->index[i]];
    }
    for (int k = 0; k < e->judges; k++) {
        judge *by = &e->judge[k];
        metric_input in = {.score = c->score, .fake = c->fake, .n = n, .threshold = by->threshold, .logits = !by->probabilities};
        in.tandem = e->tandem ? e->tandem->cost : NULL;
        for (int64_t i = 0; i < n; i++) c->score[i] = by->score[c->index[i]];
        TRY(metric_draws(&in, c->clip, e->draws, e->seed, by->metric[row], row ? NULL : by->drawn));
    }
    return FOIL_OK;
}

static foil_status judge_rows(evaluation *e) {
    size_t n = (size_t)e->n;
    columns c = {malloc(n * sizeof *c.index), malloc(n * sizeof *c.score), malloc(n * sizeof *c.fake), malloc(n * sizeof *c.clip)};
    foil_status status = c.index && c.score && c.fake && c.clip ? FOIL_OK : foil_fail_memory(n * sizeof *c.index, "the items of a row");
    for (int r = 0; r < e->rows && status == FOIL_OK; r++) status = judge_row(e, r, &c);
    free(c.index);
    free(c.score);
    free(c.fake);
    free(c.clip);
    return status;
}

static foil_status compare(job *j) {
    evaluation *e = j->out;
    int pairs = e->judges * (e->judges - 1) / 2;
    e->difference = room(j, (int64_t)pairs * e->metrics, sizeof *e->difference);
    if (!e->difference) return FOIL_MEMORY;
    for (int a = 0; a < e->judges; a++)
        for (int b = a + 1; b < e->judges; b++)
            for (int m = 0; m < e->metrics; m++) {
                const judge *x = &e->judge[a], *y = &e->judge[b];
                int64_t at = (int64_t)m * e->draws;
                difference *d = &e->difference[e->differences++];
                *d = (difference){.a = a, .b = b, .metric = (metric)m};
                TRY(difference_of(x->metric[0][m].value, x->drawn + at, y->metric[0][m].value, y->drawn + at, e->draws, d));
            }
    return evaluations_correct(e, 1);
}

// One judge's perturbed scores.
typedef struct perturbed {
    const job *job;
    int at;
    double *score; // [pictures]: room for them before they are pooled
} perturbed;

static foil_status perturbed_scores(const void *context, int variant, double *out) {
    const perturbed *p = context;
    const job *j = p->job;
    bool pool = j->options->clip_rule >= 0;
    logits_scores(&j->logits, j->who[p->at].detector, place_of(j, p->at), variant, pool ? p->score : out);
    return pool ? clips_pool(&j->clips, (clip_rule)j->options->clip_rule, p->score, out) : FOIL_OK;
}

static foil_status measure_robustness(job *j, int at) {
    evaluation *e = j->out;
    robustness *to = room(j, 1, sizeof *to);
    perturbed p = {j, at, malloc((size_t)j->logits.n * sizeof *p.score)};
    foil_status status = to ? FOIL_OK : FOIL_MEMORY;
    if (!p.score) status = foil_fail_memory((size_t)j->logits.n * sizeof *p.score, "perturbed scores");
    if (status == FOIL_OK)
        status = robustness_measure(j->options->perturb, perturbed_scores, &p, e->fake, e->clip, e->n, e->draws, e->seed, &e->memory, to);
    e->judge[at].robustness = to;
    free(p.score);
    return status;
}

static foil_status judge_all(job *j) {
    evaluation *e = j->out;
    TRY(take_scores(j));
    if (j->options->clip_rule >= 0) TRY(make_clips(j));
    TRY(make_columns(j));
    TRY(rows_find(e->item, e->n, j->options->rows, &e->memory, &e->row, &e->rows));
    e->judge = room(j, j->contestants, sizeof *e->judge);
    if (!e->judge) return FOIL_MEMORY;
    e->judges = j->contestants;
    for (int c = 0; c < j->contestants; c++) TRY(make_judge(j, c));
    TRY(judge_rows(e));
    for (int c = 0; c < j->contestants && j->options->perturb; c++)
        if (j->who[c].detector) TRY(measure_robustness(j, c));
    return compare(j);
}

foil_status evaluate(const pictures *from, const contestant *who, int contestants, const evaluation_options *o, evaluation *out) {
    job j = {.from = from, .who = who, .contestants = contestants, .options = o, .out = out};
    *out = (evaluation){.name = from ? pictures_name(from) : who->name,
                        .split = from ? pictures_split(from) : "",
                        .fingerprint = from ? pictures_fingerprint(from) : "",
                        .clip_rule = o->clip_rule,
                        .frames = o->frames,
                        .tandem = o->tandem,
                        .metrics = o->tandem ? METRICS_ALL : METRICS,
                        .draws = o->draws,
                        .seed = o->seed};
    j.score = room(&j, contestants, sizeof *j.score);
    if (!j.score) return ranks_agree(FOIL_MEMORY);
    foil_status status = ranks_agree(prepare(&j));
    if (status == FOIL_OK) status = score(&j);
    if (status == FOIL_OK) status = ranks_agree(ranks_self() == 0 ? judge_all(&j) : FOIL_OK);
    logits_free(&j.logits);
    clips_free(&j.clips);
    if (status != FOIL_OK || ranks_self() > 0) evaluation_free(out);
    return status;
}

foil_status evaluations_correct(evaluation *e, int n) {
    int all = 0;
    for (int i = 0; i < n; i++) all += e[i].differences;
    difference *family = malloc(((size_t)all + 1) * sizeof *family), *at = family;
    if (!family) return foil_fail_memory((size_t)all * sizeof *family, "differences");
    foil_status status = FOIL_OK;
    for (int i = 0; i < n; at += e[i++].differences)
        if (e[i].differences) memcpy(at, e[i].difference, (size_t)e[i].differences * sizeof *at);
    for (int m = 0; m < METRICS_ALL && status == FOIL_OK; m++) status = holm(family, all, (metric)m);
    at = family;
    for (int i = 0; i < n && status == FOIL_OK; at += e[i++].differences)
        if (e[i].differences) memcpy(e[i].difference, at, (size_t)e[i].differences * sizeof *at);
    free(family);
    return status;
}

void evaluation_free(evaluation *e) {
    arena_free(&e->memory);
    *e = (evaluation){0};
}
