// 95 % intervals by the percentile bootstrap (Efron 1979), whole clips at a time: frames of one clip are not independent evidence.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
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

// Numbers the clips 0, 1 … in ranking.cluster; an item without a clip is one of its own.
static foil_status number_clips(ranking *r, const int *clip, int *clusters) {
    *clusters = (int)r->n;
    if (!clip) return FOIL_OK;
    clip_of *sorted = malloc((size_t)r->n * sizeof *sorted);
    r->cluster = malloc((size_t)r->n * sizeof *r->cluster);
    if (!sorted || !r->cluster) {
        free(sorted);
        return foil_fail_memory((size_t)r->n * sizeof *sorted, "clips");
    }
    for (int64_t i = 0; i < r->n; i++) {
        int64_t source = r->source[i];
        sorted[i] = (clip_of){.clip = clip[source] < 0 ? -1 - source : clip[source], .at = i};
    }
    qsort(sorted, (size_t)r->n, sizeof *sorted, by_clip);
    int n = 0;
    for (int64_t i = 0; i < r->n; i++) {
        if (i && sorted[i].clip != sorted[i - 1].clip) n++;
        r->cluster[sorted[i].at] = n;
    }
    *clusters = n + 1;
    free(sorted);
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

// Metrics of one resample. A draw that lost a class is made again: from the following indices of the same key, so draws stay independent of threads.
static void draw(const ranking *r, int clusters, philox_key key, unsigned char *times, double out[METRICS]) {
    uint64_t index = 0;
    do {
        count_times(clusters, key, index, times);
        index += (uint64_t)clusters;
    } while (!ranking_metrics(r, times, out));
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The p-quantile of sorted values, linear between neighbours (NumPy's default).
static double quantile(const double *sorted, int n, double p) {
    double at = p * (n - 1);
    int i = (int)at;
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void percentiles(double *draws, int n, interval *out) {
    for (int i = 0; i < n; i++)
        if (isnan(draws[i])) n = 0;
    if (n) qsort(draws, (size_t)n, sizeof *draws, ascending);
    out->low = n ? quantile(draws, n, .025) : NAN;
    out->high = n ? quantile(draws, n, .975) : NAN;
}

// drawn: [METRICS][draws].
static foil_status draw_all(const ranking *r, int clusters, int draws, uint64_t seed, double *drawn) {
    bool short_of_memory = false;
#pragma omp parallel
    {
        unsigned char *times = malloc((size_t)clusters);
        if (!times) {
#pragma omp atomic write
            short_of_memory = true;
        }
#pragma omp for schedule(static)
        for (int d = 0; d < draws; d++) {
            if (!times) continue;
            double value[METRICS];
            draw(r, clusters, (philox_key){.seed = seed, .stream = STREAM_BOOTSTRAP, .step = (uint64_t)d}, times, value);
            for (int m = 0; m < METRICS; m++) drawn[(int64_t)m * draws + d] = value[m];
        }
        free(times);
    }
    return short_of_memory ? foil_fail_memory((size_t)clusters, "a bootstrap draw") : FOIL_OK;
}

static foil_status intervals_of(ranking *r, const int *clip, int draws, uint64_t seed, interval out[METRICS]) {
    int clusters = 0;
    TRY(number_clips(r, clip, &clusters));
    double *drawn = malloc((size_t)METRICS * (size_t)(draws ? draws : 1) * sizeof *drawn);
    if (!drawn) return foil_fail_memory((size_t)METRICS * (size_t)draws * sizeof *drawn, "bootstrap draws");
    foil_status status = draw_all(r, clusters, draws, seed, drawn);
    for (int m = 0; m < METRICS && status == FOIL_OK; m++) percentiles(drawn + (int64_t)m * draws, draws, &out[m]);
    free(drawn);
    return status;
}

foil_status metric_intervals(const metric_input *in, const int *clip, int draws, uint64_t seed, interval out[METRICS]) {
    ranking r;
    TRY(ranking_new(in, &r));
    double value[METRICS];
    ranking_metrics(&r, NULL, value);
    for (int m = 0; m < METRICS; m++) out[m].value = value[m];
    foil_status status = intervals_of(&r, clip, draws, seed, out);
    ranking_free(&r);
    return status;
}
