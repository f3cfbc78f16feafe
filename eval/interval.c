// 95 % intervals by the percentile bootstrap (Efron 1979), whole clips at a time: frames of one clip are not independent evidence.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/sort.h"
#include "eval/ranking.h"

typedef struct clip_of {
    int64_t clip;
    int64_t at; // in the ranking
} clip_of;

static int by_clip(const void *a, const void *b) {
    const clip_of *x = a, *y = b;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

// Numbers the clips 0, 1 … in an order that scores have no part in: cluster[i] is that of item i of the ranking.
static foil_status number_clips(const ranking *r, const int *clip, int *cluster, int *clusters) {
    clip_of *sorted = malloc((size_t)r->n * sizeof *sorted);
    if (!sorted) return foil_fail_memory((size_t)r->n * sizeof *sorted, "clips");
    for (int64_t i = 0; i < r->n; i++) {
        int64_t source = r->source[i];
        sorted[i] = (clip_of){.clip = clip && clip[source] >= 0 ? clip[source] : -1 - source, .at = i};
    }
    qsort(sorted, (size_t)r->n, sizeof *sorted, by_clip);
    int n = 0;
    for (int64_t i = 0; i < r->n; i++) {
        if (i && sorted[i].clip != sorted[i - 1].clip) n++;
        cluster[sorted[i].at] = n;
    }
    *clusters = n + 1;
    free(sorted);
    return FOIL_OK;
}

// Whether each class is in as many clips as an interval needs. Items without weight are not there.
static foil_status check_clips(const ranking *r, const int *cluster, int clusters, bool *enough) {
    int clips[2] = {0, 0};
    unsigned char *seen = calloc((size_t)clusters, 1); // bits, by class
    if (!seen) return foil_fail_memory((size_t)clusters, "clips");
    for (int64_t i = 0; i < r->n; i++) {
        int class = (r->kind[i] & RANKED_FAKE) != 0, bit = 1 << class;
        if ((r->weight && !(r->weight[i] > 0)) || seen[cluster[i]] & bit) continue;
        seen[cluster[i]] |= (unsigned char)bit;
        clips[class]++;
    }
    free(seen);
    *enough = clips[0] >= INTERVAL_CLIPS && clips[1] >= INTERVAL_CLIPS;
    return FOIL_OK;
}

// How often each clip is in one resample. A byte is enough: up to 255 clips can't be drawn more often, and of more than that one is drawn so often with a
// probability below 1e-500.
static void count_times(int clusters, philox_key key, uint64_t first, unsigned char *times) {
    enum { AT_ONCE = 1024 };
    uint32_t drawn[AT_ONCE];
    memset(times, 0, (size_t)clusters);
    for (int i = 0; i < clusters; i += AT_ONCE) {
        int n = clusters - i < AT_ONCE ? clusters - i : AT_ONCE;
        philox_fill_below(key, first + (uint64_t)i, (uint32_t)clusters, drawn, (size_t)n);
        for (int k = 0; k < n; k++) times[drawn[k]]++;
    }
}

typedef struct resampling {
    const ranking *r;
    const int *cluster; // of each item of the ranking
    int clusters, values;
    ranking_values compute;
    const void *context;
} resampling;

// A draw that lost a class is made again: from the following indices of the same key, so draws stay independent of threads.
static void draw(const resampling *s, philox_key key, unsigned char *of_clip, unsigned char *of_item, double *out) {
    uint64_t index = 0;
    do {
        count_times(s->clusters, key, index, of_clip);
        for (int64_t i = 0; i < s->r->n; i++) of_item[i] = of_clip[s->cluster[i]];
        index += (uint64_t)s->clusters;
    } while (!s->compute(s->r, of_item, s->context, out));
}

static foil_status draw_all(const resampling *s, int draws, uint64_t seed, double *drawn) {
    bool short_of_memory = false;
#pragma omp parallel
    {
        unsigned char *of_clip = malloc((size_t)s->clusters), *of_item = malloc((size_t)s->r->n);
        double *value = malloc((size_t)s->values * sizeof *value);
        bool allocated = of_clip && of_item && value;
        if (!allocated) {
#pragma omp atomic write
            short_of_memory = true;
        }
#pragma omp for schedule(static)
        for (int d = 0; d < draws; d++) {
            if (!allocated) continue;
            draw(s, (philox_key){.seed = seed, .stream = STREAM_BOOTSTRAP, .step = (uint64_t)d}, of_clip, of_item, value);
            for (int v = 0; v < s->values; v++) drawn[(int64_t)v * draws + d] = value[v];
        }
        free(value);
        free(of_item);
        free(of_clip);
    }
    return short_of_memory ? foil_fail_memory((size_t)s->r->n, "a bootstrap draw") : FOIL_OK;
}

foil_status bootstrap(const ranking *r, const int *clip, int draws, uint64_t seed, int values, ranking_values compute, const void *context,
                      double *drawn) {
    resampling s = {.r = r, .values = values, .compute = compute, .context = context};
    int *cluster = malloc((size_t)r->n * sizeof *cluster);
    if (!cluster) return foil_fail_memory((size_t)r->n * sizeof *cluster, "clips");
    s.cluster = cluster;
    bool enough = false;
    foil_status status = number_clips(r, clip, cluster, &s.clusters);
    if (status == FOIL_OK) status = check_clips(r, cluster, s.clusters, &enough);
    if (status == FOIL_OK && enough) status = draw_all(&s, draws, seed, drawn);
    for (int64_t i = 0; i < (int64_t)values * draws && !enough; i++) drawn[i] = NAN;
    free(cluster);
    return status;
}

// Intervals. ------------------------------------------------------------------------------------------------------------------------------------

// The p-quantile of sorted values, linear between neighbours (NumPy's default).
static double quantile(const double *sorted, int n, double p) {
    double at = p * (n - 1);
    int i = (int)at;
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

void percentiles(double *draws, int n, double *low, double *high) {
    for (int i = 0; i < n; i++)
        if (isnan(draws[i])) n = 0;
    if (n) sort_numbers(draws, (size_t)n);
    *low = n ? quantile(draws, n, .025) : NAN;
    *high = n ? quantile(draws, n, .975) : NAN;
}

void number_add(text *out, bool sign, double value) {
    if (isnan(value))
        text_format(out, "%*s", sign ? 7 : 6, "-");
    else
        text_format(out, sign ? "%+.4f" : "%.4f", value);
}

void interval_add(text *out, bool sign, double value, double low, double high) {
    number_add(out, sign, value);
    text_add(out, " [");
    number_add(out, sign, low);
    text_add(out, ", ");
    number_add(out, sign, high);
    text_add(out, "]");
}

// What `compute` gives of the scores as they are, with percentiles of its draws, which stay in the order in which they were made.
static foil_status intervals(const ranking *r, const int *clip, int draws, uint64_t seed, int values, ranking_values compute, const void *context,
                             interval *out, double *drawn) {
    double *value = malloc((size_t)values * sizeof *value), *some = malloc(((size_t)draws + 1) * sizeof *some);
    foil_status status = value && some ? FOIL_OK : foil_fail_memory((size_t)draws * sizeof *some, "bootstrap draws");
    if (status == FOIL_OK) {
        compute(r, NULL, context, value);
        status = bootstrap(r, clip, draws, seed, values, compute, context, drawn);
    }
    for (int v = 0; v < values && status == FOIL_OK; v++) {
        memcpy(some, drawn + (int64_t)v * draws, (size_t)draws * sizeof *some);
        out[v].value = value[v];
        percentiles(some, draws, &out[v].low, &out[v].high);
    }
    free(value);
    free(some);
    return status;
}

static foil_status intervals_of(const metric_input *in, const int *clip, int draws, uint64_t seed, int values, ranking_values compute,
                                const void *context, interval *out, double *drawn) {
    ranking r;
    double *own = drawn ? NULL : malloc((size_t)values * (size_t)(draws ? draws : 1) * sizeof *own);
    if (!drawn && !own) return foil_fail_memory((size_t)values * (size_t)draws * sizeof *own, "bootstrap draws");
    foil_status status = ranking_new(in, &r);
    if (status == FOIL_OK) {
        status = intervals(&r, clip, draws, seed, values, compute, context, out, drawn ? drawn : own);
        ranking_free(&r);
    }
    free(own);
    return status;
}

static bool compute_metrics(const ranking *r, const unsigned char *times, const void *context, double *out) {
    (void)context;
    return ranking_metrics(r, times, out);
}

foil_status metric_draws(const metric_input *in, const int *clip, int draws, uint64_t seed, interval out[METRICS_ALL], double *drawn) {
    return intervals_of(in, clip, draws, seed, METRICS_ALL, compute_metrics, NULL, out, drawn);
}

foil_status metric_intervals(const metric_input *in, const int *clip, int draws, uint64_t seed, interval out[METRICS]) {
    interval all[METRICS_ALL];
    TRY(metric_draws(in, clip, draws, seed, all, NULL));
    memcpy(out, all, METRICS * sizeof *out);
    return FOIL_OK;
}

typedef struct grid {
    const double *fpr;
    int points;
} grid;

static bool compute_roc(const ranking *r, const unsigned char *times, const void *context, double *out) {
    const grid *g = context;
    return ranking_roc(r, times, g->fpr, g->points, out);
}

foil_status roc_band(const metric_input *in, const int *clip, int draws, uint64_t seed, const double *fpr, int points, interval *tpr) {
    return intervals_of(in, clip, draws, seed, points, compute_roc, &(grid){fpr, points}, tpr, NULL);
}
