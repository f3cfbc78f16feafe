// One walk down the scores gives every metric; the bootstrap walks again with other weights, so nothing is sorted twice.
#include <float.h>
#include <math.h>
#include <string.h>

#include "eval/metric.h"
#include "eval/ranking.h"

const char *const METRIC_NAMES[] = {"auc",           "ap",           "eer", "eer_roc", "eer_asvspoof", "accuracy", "tpr@fpr=0.1", "tpr@fpr=0.01",
                                    "tpr@fpr=0.001", "pauc@fpr=0.1", "f1",  "mcc",     "brier",        "log_loss", "ece",         "cllr",
                                    "min_dcf",       "act_dcf",      NULL};
const bool METRIC_LOWER_IS_BETTER[METRICS_ALL] = {
    [METRIC_EER] = true,      [METRIC_EER_ROC] = true,   [METRIC_EER_ASVSPOOF] = true, [METRIC_BRIER] = true,
    [METRIC_LOG_LOSS] = true, [METRIC_ECE] = true,       [METRIC_CLLR] = true,         [METRIC_MIN_DCF] = true,
    [METRIC_ACT_DCF] = true,  [METRIC_TDCF_2019] = true, [METRIC_TDCF_2021] = true,
};

const char *metric_name(metric m) {
    return m < METRICS ? METRIC_NAMES[m] : m == METRIC_TDCF_2019 ? "tdcf_2019" : "tdcf_2021";
}

// ASVspoof 5: reals cost .95 when rejected, fakes 10 · .05 when accepted; the cheaper of the blind decisions costs .5.
static const double COST_MISS = .95 / .5, COST_ACCEPT = 1;

enum { LIMITS = 3, BLOCK = 512, TANDEMS = METRICS_ALL - METRICS };
static const double FPR_LIMIT[LIMITS] = {.001, .01, .1};

// What the walk has passed so far. Weights are by class: [0] reals, [1] fakes.
typedef struct walk {
    double total[2], passed[2];
    double reals[BLOCK + 1], fakes[BLOCK + 1]; // passed at the points of the ROC in this block; [0]: at the last one before it
    double area, ap, cost;                     // area: (fakes above) x reals
    double limit, edge; // reals that may pass, and reals x total fakes + fakes x total reals below it: then something is written down
    int limits;         // of FPR_LIMIT, that are behind
    double tpr[LIMITS], pauc;
    double eer, eer_roc, eer_asvspoof;
    double flagged[2], rejected[2];
    double surprise[2], brier, bin_gap[ECE_BINS];
    double at[2], tandem[TANDEMS]; // passed so far, on a walk of its own; least cost
} walk;

// The ROC from `from` to `to`, both as weights passed. ------------------------------------------------------------------------------------------

// The largest FPR limit that is left is overstepped from here to `to`.
static void pass_limit(walk *w, const double from[2], const double to[2]) {
    double limit = w->limit, width = limit - from[0];
    w->tpr[w->limits++] = from[1] / w->total[1];
    w->limit = w->limits < LIMITS ? FPR_LIMIT[w->limits] * w->total[0] : INFINITY;
    if (w->limits < LIMITS) return;
    double y = from[1] + (to[1] - from[1]) * width / (to[0] - from[0]);
    double all = (w->area + width * (from[1] + y) / 2) / (w->total[0] * w->total[1]), most = FPR_LIMIT[LIMITS - 1], least = most * most / 2;
    w->pauc = .5 * (1 + (all - least) / (most - least)); // McClish 1989
}

static double gap_at(const walk *w, double reals, double fakes) {
    return fabs(reals / w->total[0] - (w->total[1] - fakes) / w->total[1]);
}

// ASVspoof passes items one by one, reals before fakes of the same score, and takes the first point where the rates are nearest.
static double eer_by_items(const walk *w, const double from[2], const double to[2]) {
    const double *total = w->total;
    bool among_reals = to[0] * total[1] + from[1] * total[0] >= total[0] * total[1];
    double start = among_reals ? from[0] : from[1], steps = (among_reals ? to[0] : to[1]) - start;
    double exact = among_reals ? total[0] * (1 - from[1] / total[1]) : total[1] * (1 - to[0] / total[0]);
    double nearest = INFINITY, eer = 0;
    for (int around = -1; around <= 2; around++) {
        double step = floor(exact - start) + around;
        if (step < 0 || step > steps) continue;
        double reals = among_reals ? start + step : to[0], fakes = among_reals ? from[1] : start + step, gap = gap_at(w, reals, fakes);
        if (!(gap < nearest)) continue;
        nearest = gap;
        eer = (reals / total[0] + (total[1] - fakes) / total[1]) / 2;
    }
    return eer;
}

// 1 - x - y falls from 1 to -1 along the ROC; here it passes 0, so here are all equal error rates.
static void pass_equal_error(walk *w, const double from[2], const double to[2]) {
    const double *total = w->total;
    double above = w->edge - from[0] * total[1] - from[1] * total[0], below = w->edge - to[0] * total[1] - to[1] * total[0];
    w->eer = (from[0] + above / (above - below) * (to[0] - from[0])) / total[0];
    w->eer_roc = (gap_at(w, to[0], to[1]) < gap_at(w, from[0], from[1]) ? to[0] : from[0]) / total[0];
    w->eer_asvspoof = eer_by_items(w, from, to);
    w->edge = INFINITY;
}

// The block's points after `first` and up to `last`: nothing is to be written down before them. No sum here waits for another item's.
static void add_points(walk *w, int first, int last) {
    const double *reals = w->reals, *fakes = w->fakes, miss = COST_MISS / w->total[0], accept = COST_ACCEPT / w->total[1];
    double area = 0, ap = 0, cost = w->cost;
#pragma omp simd reduction(+ : area, ap) reduction(min : cost)
    for (int i = first + 1; i <= last; i++) {
        double all = reals[i] + fakes[i], here = reals[i] * miss - fakes[i] * accept;
        area += (reals[i] - reals[i - 1]) * (fakes[i - 1] + fakes[i]) * .5;           // each real: the fakes above it, and half of those beside it
        ap += (fakes[i] - fakes[i - 1]) * fakes[i] / (all > DBL_MIN ? all : DBL_MIN); // not fmax, which is a call
        cost = here < cost ? here : cost;
    }
    w->area += area, w->ap += ap, w->cost = cost;
}

static bool at_edge(const walk *w, int i) {
    return w->reals[i] * w->total[1] + w->fakes[i] * w->total[0] >= w->edge;
}

static bool to_write(const walk *w, int i) {
    return w->reals[i] > w->limit || at_edge(w, i);
}

// n items with their weights by class; a point of the ROC is all items that share a score.
static void pass_points(walk *w, int n, const unsigned char *kind, const double *real, const double *fake) {
    double reals = w->passed[0], fakes = w->passed[1];
    int points = 0, done = 0;
    for (int i = 0; i < n; i++) {
        w->reals[points + 1] = reals += real[i];
        w->fakes[points + 1] = fakes += fake[i];
        points += (kind[i] & RANKED_LAST) != 0;
    }
    while (done < points && to_write(w, points)) { // both only grow: if not at the last point, then at none
        int i = done + 1;
        while (!to_write(w, i)) i++;
        double from[2] = {w->reals[i - 1], w->fakes[i - 1]}, to[2] = {w->reals[i], w->fakes[i]};
        add_points(w, done, i - 1);
        while (to[0] > w->limit) pass_limit(w, from, to);
        if (at_edge(w, i)) pass_equal_error(w, from, to);
        add_points(w, i - 1, i);
        done = i;
    }
    add_points(w, done, points);
    w->passed[0] = reals, w->passed[1] = fakes;
    w->reals[0] = w->reals[points], w->fakes[0] = w->fakes[points];
}

// The least costs of tandems; apart, since few ask for them.
static void pass_tandem(walk *w, const ranking *r, int n, const unsigned char *kind, const double *real, const double *fake) {
    for (int i = 0; i < n; i++) {
        w->at[0] += real[i];
        w->at[1] += fake[i];
        if (!(kind[i] & RANKED_LAST)) continue;
        for (int t = 0; t < TANDEMS; t++)
            w->tandem[t] = fmin(w->tandem[t], r->tandem[t].miss * w->at[0] / w->total[0] + r->tandem[t].accept * (1 - w->at[1] / w->total[1]));
    }
}

// Blocks and segments. --------------------------------------------------------------------------------------------------------------------------

static void weigh(const ranking *r, const unsigned char *times, int64_t first, int n, double *real, double *fake) {
    const unsigned char *kind = r->kind + first;
    for (int i = 0; i < n; i++) {
        int drawn = times ? times[first + i] : 1, forged = drawn & -(kind[i] & RANKED_FAKE);
        real[i] = drawn - forged;
        fake[i] = forged;
    }
    for (int i = 0; i < n && r->weight; i++) {
        real[i] *= r->weight[first + i];
        fake[i] *= r->weight[first + i];
    }
}

// Σ of what each item has by itself.
static void add_losses(walk *w, const ranking *r, int64_t first, int n, const double *real, const double *fake, int bin) {
    const double *score = r->score + first, *surprise = r->surprise + first;
    double s0 = 0, s1 = 0, brier = 0, gap = 0;
#pragma omp simd reduction(+ : s0, s1, brier, gap)
    for (int i = 0; i < n; i++) {
        double missing = 1 - score[i];
        s0 += real[i] * surprise[i];
        s1 += fake[i] * surprise[i];
        brier += real[i] * score[i] * score[i] + fake[i] * missing * missing;
        gap += real[i] * score[i] - fake[i] * missing;
    }
    w->surprise[0] += s0, w->surprise[1] += s1, w->brier += brier, w->bin_gap[bin] += gap;
}

static void pass_segment(walk *w, const ranking *r, const unsigned char *times, int64_t first, const segment *s) {
    double real[BLOCK], fake[BLOCK];
    for (; first < s->end; first += BLOCK) {
        int n = s->end - first < BLOCK ? (int)(s->end - first) : BLOCK;
        weigh(r, times, first, n, real, fake);
        pass_points(w, n, r->kind + first, real, fake);
        if (r->tandem) pass_tandem(w, r, n, r->kind + first, real, fake);
        add_losses(w, r, first, n, real, fake, s->bin);
    }
    for (int c = 0; c < 2 && s->flagged; c++) w->flagged[c] = w->passed[c];
    for (int c = 0; c < 2 && s->rejected; c++) w->rejected[c] = w->passed[c];
}

static void sum_times(const ranking *r, const unsigned char *times, double total[2]) {
    int64_t drawn = 0, fakes = 0;
    for (int64_t i = 0; i < r->n; i++) {
        drawn += times[i];
        fakes += times[i] & -(r->kind[i] & RANKED_FAKE);
    }
    total[0] = (double)(drawn - fakes);
    total[1] = (double)fakes;
}

static void sum_weights(const ranking *r, const unsigned char *times, double total[2]) {
    double real[BLOCK], fake[BLOCK];
    for (int64_t first = 0; first < r->n; first += BLOCK) {
        int n = r->n - first < BLOCK ? (int)(r->n - first) : BLOCK;
        weigh(r, times, first, n, real, fake);
        for (int i = 0; i < n; i++) {
            total[0] += real[i];
            total[1] += fake[i];
        }
    }
}

static void decide(const walk *w, double out[METRICS_ALL]) {
    double hits = w->flagged[1], alarms = w->flagged[0], misses = w->total[1] - hits, quiet = w->total[0] - alarms;
    double norm = sqrt((hits + alarms) * (misses + quiet)) * sqrt(w->total[0] * w->total[1]);
    out[METRIC_ACCURACY] = (hits + quiet) / (w->total[0] + w->total[1]);
    out[METRIC_F1] = 2 * hits / (2 * hits + alarms + misses);
    out[METRIC_MCC] = norm > 0 ? (hits * quiet - alarms * misses) / norm : 0;
}

static void summarize(const ranking *r, const walk *w, double out[METRICS_ALL]) {
    double all = w->total[0] + w->total[1], ece = 0;
    for (int b = 0; b < ECE_BINS; b++) ece += fabs(w->bin_gap[b]);
    for (int m = 0; m < METRICS_ALL; m++) out[m] = NAN;
    out[METRIC_AUC] = w->area / (w->total[0] * w->total[1]);
    out[METRIC_AP] = w->ap / w->total[1];
    out[METRIC_EER] = w->eer;
    out[METRIC_EER_ROC] = w->eer_roc;
    out[METRIC_EER_ASVSPOOF] = w->eer_asvspoof;
    for (int l = 0; l < LIMITS; l++) out[METRIC_TPR_FPR01 - l] = w->tpr[l];
    out[METRIC_PAUC] = w->pauc;
    out[METRIC_CLLR] = (w->surprise[0] / w->total[0] + w->surprise[1] / w->total[1]) / (2 * log(2));
    out[METRIC_MIN_DCF] = COST_ACCEPT + w->cost;
    out[METRIC_ACT_DCF] = COST_MISS * w->rejected[0] / w->total[0] + COST_ACCEPT * (1 - w->rejected[1] / w->total[1]);
    for (int t = 0; t < TANDEMS && r->tandem; t++) out[METRICS + t] = r->tandem[t].constant + w->tandem[t];
    if (!isnan(r->threshold)) decide(w, out);
    if (!r->probabilities) return;
    out[METRIC_BRIER] = w->brier / all;
    out[METRIC_LOG_LOSS] = (w->surprise[0] + w->surprise[1]) / all;
    out[METRIC_ECE] = ece / all;
}

bool ranking_metrics(const ranking *r, const unsigned char *times, double out[METRICS_ALL]) {
    walk w = {0};
    (times && !r->weight ? sum_times : sum_weights)(r, times, w.total);
    if (!(w.total[0] > 0) || !(w.total[1] > 0)) return false;
    w.limit = FPR_LIMIT[0] * w.total[0];
    w.edge = w.total[0] * w.total[1];
    for (int t = 0; t < TANDEMS && r->tandem; t++) w.tandem[t] = r->tandem[t].accept; // all are accepted
    for (int s = 0; s < r->segments; s++) pass_segment(&w, r, times, s ? r->segment[s - 1].end : 0, &r->segment[s]);
    summarize(r, &w, out);
    return true;
}

foil_status metrics(const metric_input *in, double out[METRICS]) {
    ranking r;
    double all[METRICS_ALL];
    TRY(ranking_new(in, &r));
    ranking_metrics(&r, NULL, all);
    memcpy(out, all, METRICS * sizeof *out);
    ranking_free(&r);
    return FOIL_OK;
}
