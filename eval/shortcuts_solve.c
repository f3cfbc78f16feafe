// All properties together: how far does a logistic regression get that sees nothing else?
#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "eval/logistic.h"
#include "eval/shortcuts.h"

// One indicator for each word; of each number its logarithm, standardised, and the square of that, so that "neither small nor
// large" can be said; and a constant.
enum { NUMBERS = 5, FEATURES = FILE_FORMAT_COUNT + FILE_COLOUR_COUNT + 2 * NUMBERS + 1, FOLDS = 5, DRAWS = 200 };
_Static_assert((int)FEATURES <= (int)LOGISTIC_MOST, "too many features");
static const file_property NUMBER[NUMBERS] = {BY_QUALITY, BY_WIDTH, BY_HEIGHT, BY_ASPECT, BY_BYTES};

static void standardise(const file_table *t, file_property by, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < t->n; i++) {
        double v = log(t->row[i].value[by]);
        if (isnan(v)) continue;
        sum += v;
        squares += v * v;
        n++;
    }
    *mean = n ? sum / (double)n : 0;
    double variance = n ? squares / (double)n - *mean * *mean : 0;
    *deviation = variance > 1e-9 ? sqrt(variance) : INFINITY; // what never varies says nothing
}

static void fill_features(const file_table *t, double *x) {
    double mean[NUMBERS], deviation[NUMBERS];
    for (int k = 0; k < NUMBERS; k++) standardise(t, NUMBER[k], &mean[k], &deviation[k]);
    for (int64_t i = 0; i < t->n; i++, x += FEATURES) {
        const double *value = t->row[i].value;
        double *number = x + FILE_FORMAT_COUNT + FILE_COLOUR_COUNT;
        for (int a = 0; a < FEATURES; a++) x[a] = a == FEATURES - 1;
        x[(int)value[BY_FORMAT]] = 1;
        x[FILE_FORMAT_COUNT + (int)value[BY_COLOURS]] = 1;
        for (int k = 0; k < NUMBERS; k++) {
            double z = (log(value[NUMBER[k]]) - mean[k]) / deviation[k];
            z = isnan(z) ? 0 : fmax(-5, fmin(5, z)); // what has none is at the mean
            number[2 * k] = z;
            number[2 * k + 1] = z * z;
        }
    }
}

// Pictures of one clip are in one fold.
static int fold_of(const file_row *r) {
    uint64_t group = r->clip >= 0 ? (uint64_t)r->clip : ((uint64_t)1 << 40) + (uint64_t)r->picture;
    return (int)philox_below((philox_key){0, STREAM_SPLIT, FOLDS}, group, FOLDS);
}

typedef struct fitting {
    double *x, *weight, *score;
    bool *fake;
    int *clip;
} fitting;

// Both classes count alike in each fit, whatever their numbers.
static void score_fold(const file_table *t, const fitting *f, int fold) {
    double count[2] = {0}, coefficient[FEATURES];
    for (int64_t i = 0; i < t->n; i++) count[f->fake[i]] += fold_of(&t->row[i]) != fold;
    for (int64_t i = 0; i < t->n; i++) f->weight[i] = fold_of(&t->row[i]) != fold ? (count[0] + count[1]) / (2 * count[f->fake[i]]) : 0;
    logistic_fit(f->x, f->fake, f->weight, t->n, FEATURES, 1, coefficient);
    for (int64_t i = 0; i < t->n; i++)
        if (f->weight[i] == 0) f->score[i] = logistic_score(f->x + i * FEATURES, FEATURES, coefficient);
}

static foil_status solve(const file_table *t, fitting *f, interval *auc) {
    interval all[METRICS];
    fill_features(t, f->x);
    for (int64_t i = 0; i < t->n; i++) {
        f->fake[i] = t->row[i].fake;
        f->clip[i] = t->row[i].clip;
    }
#pragma omp parallel for schedule(dynamic)
    for (int fold = 0; fold < FOLDS; fold++) {
        fitting own = *f;
        own.weight = f->weight + fold * t->n;
        score_fold(t, &own, fold);
    }
    TRY(metric_intervals(&(metric_input){.score = f->score, .fake = f->fake, .n = t->n}, f->clip, DRAWS, 0, all));
    *auc = all[METRIC_AUC];
    return FOIL_OK;
}

foil_status properties_solve(const file_table *t, bool *judged, interval *auc) {
    int64_t count[2] = {0};
    for (int64_t i = 0; i < t->n; i++) count[t->row[i].fake]++;
    *judged = count[0] >= SHORTCUT_LEAST && count[1] >= SHORTCUT_LEAST;
    *auc = (interval){NAN, NAN, NAN};
    if (!*judged) return FOIL_OK;
    size_t n = (size_t)t->n;
    fitting f = {.x = malloc(n * FEATURES * sizeof(double)),
                 .weight = malloc(n * FOLDS * sizeof(double)),
                 .score = calloc(n, sizeof(double)),
                 .fake = malloc(n * sizeof(bool)),
                 .clip = malloc(n * sizeof(int))};
    bool ok = f.x && f.weight && f.score && f.fake && f.clip;
    foil_status s = ok ? solve(t, &f, auc) : foil_fail_memory(n * (FEATURES + FOLDS + 2) * sizeof(double), "a regression on files");
    void *all[] = {f.x, f.weight, f.score, f.fake, f.clip};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return s;
}
