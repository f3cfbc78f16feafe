// Curves and histograms of an evaluation's page.
#include <math.h>

#include "base/sort.h"
#include "eval/pages/evaluation.h"

enum { FINE = 79, COARSE = 99, SHOWN = 12, POINTS = FINE + COARSE + SHOWN, BINS = 30, RELIABILITY_BINS = 15 };

// False positive rates of the curve's table. They are points of the curve: between two points a step of it would be taken for a slope.
static const double OF_TABLE[SHOWN] = {0, .01, .02, .05, .1, .2, .3, .4, .5, .6, .8, 1};

// The table's, and between them evenly in their logarithm from 0.0005 to 0.1, and evenly from there to 1.
static void fill_rates(double fpr[POINTS]) {
    int n = 0;
    for (int i = 0; i < FINE; i++) fpr[n++] = 0.0005 * pow(200, (double)i / FINE);
    for (int i = 1; i <= COARSE; i++) fpr[n++] = 0.1 + 0.9 * i / (COARSE + 1);
    for (int i = 0; i < SHOWN; i++) fpr[n++] = OF_TABLE[i];
    sort_numbers(fpr, POINTS);
}

static foil_status add_roc(json_t *result, const evaluation *e, const judge *j) {
    double fpr[POINTS];
    interval tpr[POINTS];
    fill_rates(fpr);
    const metric_input in = {.score = j->score, .fake = e->fake, .n = e->n, .threshold = j->threshold};
    TRY(roc_band(&in, e->clip, e->draws, e->seed, fpr, POINTS, tpr));
    json_t *x = json_array(), *y = json_array(), *low = json_array(), *high = json_array(), *table = json_array();
    for (int i = 0; i < POINTS; i++) {
        json_push(x, json_real(fpr[i]));
        json_push(y, number_json(tpr[i].value));
        json_push(low, number_json(tpr[i].low));
        json_push(high, number_json(tpr[i].high));
    }
    for (int i = 0; i < SHOWN; i++) json_push(table, json_real(OF_TABLE[i]));
    json_put(result, "roc", json_pack("{s:o, s:o, s:o, s:o, s:o}", "fpr", x, "tpr", y, "low", low, "high", high, "table", table));
    return FOIL_OK;
}

// From 0 to 1 if that is where the scores are, else from the least to the greatest.
static void range_of(const evaluation *e, const judge *j, double *from, double *to) {
    *from = 0;
    *to = 1;
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < e->n; i++) {
        least = fmin(least, j->score[i]);
        most = fmax(most, j->score[i]);
    }
    if (least >= 0 && most <= 1) return;
    *from = least < most ? least : least - 1;
    *to = least < most ? most : most + 1;
}

static int bin_of(double score, double from, double to, int bins) {
    int at = (int)((score - from) / (to - from) * bins);
    return at < 0 ? 0 : at < bins ? at : bins - 1;
}

static void add_histogram(json_t *result, const evaluation *e, const judge *j) {
    int64_t count[2][BINS] = {{0}};
    double from, to;
    range_of(e, j, &from, &to);
    for (int64_t i = 0; i < e->n; i++) count[e->fake[i]][bin_of(j->score[i], from, to, BINS)]++;
    json_t *edges = json_array(), *real = json_array(), *fake = json_array();
    for (int i = 0; i <= BINS; i++) json_push(edges, json_real(from + (to - from) * i / BINS));
    for (int i = 0; i < BINS; i++) {
        json_push(real, json_integer(count[0][i]));
        json_push(fake, json_integer(count[1][i]));
    }
    json_put(result, "histogram", json_pack("{s:o, s:o, s:o}", "edges", edges, "real", real, "fake", fake));
}

// Of k in n, at 95 % (Wilson 1927): never outside 0..1, and not of no width where k is 0 or n.
static void wilson(double k, double n, double *low, double *high) {
    const double z = 1.959963984540054, p = k / n, middle = p + z * z / (2 * n), half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = fmax(0, (middle - half) / (1 + z * z / n));
    *high = fmin(1, (middle + half) / (1 + z * z / n));
}

// Bins of equal width, those of the ECE; none if scores are no probabilities.
static void add_reliability(json_t *result, const evaluation *e, const judge *j) {
    struct {
        double n, fakes, score;
    } bin[RELIABILITY_BINS] = {{0}};
    json_t *list = json_array();
    json_put(result, "reliability", list);
    double from, to;
    range_of(e, j, &from, &to);
    if (from < 0 || to > 1) return;
    for (int64_t i = 0; i < e->n; i++) {
        const int at = bin_of(j->score[i], 0, 1, RELIABILITY_BINS);
        bin[at].n++;
        bin[at].fakes += e->fake[i];
        bin[at].score += j->score[i];
    }
    for (int i = 0; i < RELIABILITY_BINS; i++) {
        double low = NAN, high = NAN;
        if (bin[i].n > 0) wilson(bin[i].fakes, bin[i].n, &low, &high);
        json_push(list, json_pack("{s:f, s:f, s:I, s:o, s:o, s:o, s:o}", "low", (double)i / RELIABILITY_BINS, "high",
                                  (double)(i + 1) / RELIABILITY_BINS, "n", (json_int_t)bin[i].n, "score", number_json(bin[i].score / bin[i].n),
                                  "fakes", number_json(bin[i].fakes / bin[i].n), "fakes_low", number_json(low), "fakes_high", number_json(high)));
    }
}

static void add_decisions(json_t *result, const evaluation *e, const judge *j) {
    json_int_t count[2][2] = {{0}}; // [fake][called fake]
    for (int64_t i = 0; i < e->n; i++) count[e->fake[i]][j->score[i] >= j->threshold]++;
    json_put(result, "threshold", json_pack("{s:s, s:o}", "name", j->threshold_name, "value", number_json(j->threshold)));
    json_put(result, "decisions",
             isnan(j->threshold) ? json_null()
                                 : json_pack("{s:I, s:I, s:I, s:I}", "tp", count[1][1], "fn", count[1][0], "fp", count[0][1], "tn", count[0][0]));
}

foil_status page_add_scores(json_t *result, const evaluation *e, const judge *j) {
    add_decisions(result, e, j);
    add_histogram(result, e, j);
    add_reliability(result, e, j);
    return add_roc(result, e, j);
}
