// Sorting scores, and what of each can be known before any walk.
#include "eval/ranking.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef struct sort_key {
    double score;
    int64_t source;
} sort_key;

static int by_score_downward(const void *a, const void *b) {
    const sort_key *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->source > y->source) - (x->source < y->source); // sums are then the same whatever qsort does with ties
}

static foil_status check_scores(const metric_input *in, bool *probabilities) {
    double weight[2] = {0, 0};
    *probabilities = !in->logits;
    for (int64_t i = 0; i < in->n; i++) {
        if (isnan(in->score[i])) return foil_fail(FOIL_INVALID, "score %lld is not a number", (long long)i + 1);
        if (in->score[i] < 0 || in->score[i] > 1) *probabilities = false;
        weight[in->fake[i]] += in->weight ? in->weight[i] : 1;
    }
    if (weight[0] > 0 && weight[1] > 0) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "metrics need both classes, but there are %.0f reals and %.0f fakes", weight[0], weight[1]);
}

// Probabilities are kept a rounding error away from 0 and 1, as scikit-learn's log_loss keeps them; other scores are logarithms of the odds.
static double surprise_of(const ranking *r, double score, bool fake) {
    if (r->probabilities) {
        double p = fmin(fmax(score, DBL_EPSILON), 1 - DBL_EPSILON);
        return fake ? -log(p) : -log1p(-p);
    }
    double z = fake ? -score : score;
    return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

// All of it is monotone in the score, so that there are few segments.
static segment segment_of(const ranking *r, double score) {
    static const double LOG_BETA = 0.64185388617239469; // ln 1.9: ASVspoof 5's costs and prior
    segment s = {.flagged = score >= r->threshold};
    if (!r->probabilities) {
        s.rejected = score > LOG_BETA;
        return s;
    }
    s.rejected = score / (1 - score) > 1.9;
    s.bin = (int)(score * ECE_BINS);
    if (s.bin == ECE_BINS) s.bin--; // the score 1
    return s;
}

// Item i goes into the last segment, or begins the next.
static void extend_segments(ranking *r, int64_t i, segment s) {
    const segment *last = r->segments ? &r->segment[r->segments - 1] : NULL;
    if (!last || s.bin != last->bin || s.flagged != last->flagged || s.rejected != last->rejected) r->segment[r->segments++] = s;
    r->segment[r->segments - 1].end = i + 1;
}

static void fill(const metric_input *in, const sort_key *key, ranking *r) {
    for (int64_t i = 0; i < r->n; i++) {
        int64_t source = key[i].source;
        bool fake = in->fake[source], last = i + 1 == r->n || key[i + 1].score != key[i].score;
        r->score[i] = key[i].score;
        r->source[i] = source;
        r->surprise[i] = surprise_of(r, key[i].score, fake);
        r->kind[i] = (unsigned char)((fake ? RANKED_FAKE : 0) | (last ? RANKED_LAST : 0));
        if (in->weight) r->weight[i] = in->weight[source];
        extend_segments(r, i, segment_of(r, key[i].score));
    }
}

foil_status ranking_new(const metric_input *in, ranking *out) {
    *out = (ranking){.n = in->n, .threshold = in->threshold, .tandem = in->tandem};
    TRY(check_scores(in, &out->probabilities));
    size_t n = (size_t)in->n;
    sort_key *key = malloc(n * sizeof *key);
    out->score = malloc(n * sizeof *out->score);
    out->surprise = malloc(n * sizeof *out->surprise);
    out->source = malloc(n * sizeof *out->source);
    out->kind = malloc(n);
    if (in->weight) out->weight = malloc(n * sizeof *out->weight);
    bool allocated = key && out->score && out->surprise && out->source && out->kind && (!in->weight || out->weight);
    if (allocated) {
        for (int64_t i = 0; i < in->n; i++) key[i] = (sort_key){in->score[i], i};
        qsort(key, n, sizeof *key, by_score_downward);
        fill(in, key, out);
    }
    free(key);
    if (allocated) return FOIL_OK;
    ranking_free(out);
    return foil_fail_memory(n * (sizeof *key + 25), "sorted scores");
}

void ranking_free(ranking *r) {
    free(r->score);
    free(r->surprise);
    free(r->weight);
    free(r->source);
    free(r->kind);
    *r = (ranking){0};
}
