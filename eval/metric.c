// One walk down the scores gives every metric; the bootstrap walks again with other weights, so nothing is sorted twice.
#include <math.h>
#include <stdlib.h>

#include "eval/metric.h"
#include "eval/ranking.h"

const char *const METRIC_NAMES[] = {"auc", "ap", "eer", "accuracy", "tpr@fpr=0.01", "tpr@fpr=0.001", "brier", "ece", NULL};

enum { ECE_BINS = 15 };

static int by_score_downward(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->source > y->source) - (x->source < y->source); // sums are then the same whatever qsort does with ties
}

foil_status ranking_new(const metric_input *in, ranking *out) {
    *out = (ranking){.n = in->n, .threshold = in->threshold, .probabilities = true};
    double weight[2] = {0, 0};
    for (int64_t i = 0; i < in->n; i++) {
        if (isnan(in->score[i])) return foil_fail(FOIL_INVALID, "score %lld is not a number", (long long)i + 1);
        if (in->score[i] < 0 || in->score[i] > 1) out->probabilities = false;
        weight[in->fake[i]] += in->weight ? in->weight[i] : 1;
    }
    if (!(weight[0] > 0) || !(weight[1] > 0))
        return foil_fail(FOIL_INVALID, "metrics need both classes, but there are %.0f reals and %.0f fakes", weight[0], weight[1]);
    out->item = malloc((size_t)in->n * sizeof *out->item);
    if (!out->item) return foil_fail_memory((size_t)in->n * sizeof *out->item, "sorted scores");
    for (int64_t i = 0; i < in->n; i++)
        out->item[i] = (ranked){.score = in->score[i], .weight = in->weight ? in->weight[i] : 1, .source = i, .fake = in->fake[i]};
    qsort(out->item, (size_t)in->n, sizeof *out->item, by_score_downward);
    return FOIL_OK;
}

void ranking_free(ranking *r) {
    free(r->item);
    r->item = NULL;
}

// What the walk has passed so far; `weight[fake]` is of everything at or above the current score.
typedef struct walk {
    double total[2], weight[2];
    double auc, ap, eer, tpr[2]; // tpr at FPR <= .01, .001
    double right, brier, bin_weight[ECE_BINS], bin_gap[ECE_BINS];
} walk;

static double times_of(const ranked *item, const double *times) {
    return times ? item->weight * times[item->cluster] : item->weight;
}

// One point of the ROC: all items that share a score, with their weights by class.
static void pass_point(walk *w, const double point[2]) {
    const double *total = w->total;
    double x0 = w->weight[0] / total[0], y0 = w->weight[1] / total[1];
    w->auc += point[0] * (w->weight[1] + .5 * point[1]); // each real: the fakes above it, and half of those beside it
    for (int c = 0; c < 2; c++) w->weight[c] += point[c];
    double x1 = w->weight[0] / total[0], y1 = w->weight[1] / total[1];
    if (point[1] > 0) w->ap += point[1] / total[1] * w->weight[1] / (w->weight[0] + w->weight[1]);
    double f0 = 1 - x0 - y0, f1 = 1 - x1 - y1; // falls from 1 to -1 along the ROC
    if (f0 > 0 && f1 <= 0) w->eer = x0 + f0 / (f0 - f1) * (x1 - x0);
    if (x1 <= .01) w->tpr[0] = y1;
    if (x1 <= .001) w->tpr[1] = y1;
}

static void pass_probability(walk *w, const ranked *item, double weight) {
    double error = item->score - item->fake;
    int bin = (int)(item->score * ECE_BINS);
    if (bin == ECE_BINS) bin--; // the score 1
    w->brier += weight * error * error;
    w->bin_weight[bin] += weight;
    w->bin_gap[bin] += weight * error;
}

static void summarize(const ranking *r, const walk *w, double out[METRICS]) {
    double all = w->total[0] + w->total[1], ece = 0;
    for (int b = 0; b < ECE_BINS; b++) ece += fabs(w->bin_gap[b]);
    out[METRIC_AUC] = w->auc / (w->total[0] * w->total[1]);
    out[METRIC_AP] = w->ap;
    out[METRIC_EER] = w->eer;
    out[METRIC_ACCURACY] = isnan(r->threshold) ? NAN : w->right / all;
    out[METRIC_TPR_FPR1] = w->tpr[0];
    out[METRIC_TPR_FPR01] = w->tpr[1];
    out[METRIC_BRIER] = r->probabilities ? w->brier / all : NAN;
    out[METRIC_ECE] = r->probabilities ? ece / all : NAN;
}

bool ranking_metrics(const ranking *r, const double *times, double out[METRICS]) {
    walk w = {0};
    for (int64_t i = 0; i < r->n; i++) w.total[r->item[i].fake] += times_of(&r->item[i], times);
    if (!(w.total[0] > 0) || !(w.total[1] > 0)) return false;
    double point[2] = {0, 0};
    for (int64_t i = 0; i < r->n; i++) {
        const ranked *item = &r->item[i];
        double weight = times_of(item, times);
        point[item->fake] += weight;
        if ((item->score >= r->threshold) == item->fake) w.right += weight;
        if (r->probabilities) pass_probability(&w, item, weight);
        if (i + 1 < r->n && item[1].score == item->score) continue;
        pass_point(&w, point);
        point[0] = point[1] = 0;
    }
    summarize(r, &w, out);
    return true;
}

foil_status metrics(const metric_input *in, double out[METRICS]) {
    ranking r;
    TRY(ranking_new(in, &r));
    ranking_metrics(&r, NULL, out);
    ranking_free(&r);
    return FOIL_OK;
}
