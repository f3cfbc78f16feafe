#include "eval/clips.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

const char *const CLIP_RULES[] = {"mean", "max", "median", "mean_logit", NULL};

typedef struct sorted {
    const picture_label *label;
    int64_t at, first; // first item of its clip
} sorted;

static int by_clip(const sorted *x, const sorted *y) {
    if (x->label->clip != y->label->clip) return x->label->clip < y->label->clip ? -1 : 1;
    if (x->label->clip < 0) return 0;
    if (x->label->fake != y->label->fake) return x->label->fake ? 1 : -1;
    return strcmp(x->label->method, y->label->method);
}

static bool same_clip(const sorted *x, const sorted *y) {
    return x->label->clip >= 0 && by_clip(x, y) == 0;
}

static int by_place(const void *a, const void *b) {
    const sorted *x = a, *y = b;
    int order = by_clip(x, y);
    if (!order && x->label->clip >= 0) order = strverscmp(x->label->path, y->label->path);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int by_first(const void *a, const void *b) { // stable: frames of a clip keep their order through `first` and the place that `by_place` gave
    const sorted *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return by_place(a, b);
}

static void number(sorted *s, int64_t n) {
    for (int64_t i = 0, end; i < n; i = end) {
        int64_t first = s[i].at;
        for (end = i + 1; end < n && same_clip(&s[i], &s[end]); end++) first = s[end].at < first ? s[end].at : first;
        for (int64_t k = i; k < end; k++) s[k].first = first;
    }
}

foil_status clips_find(const picture_label *item, int64_t n, clips *out) {
    sorted *s = malloc(((size_t)n + 1) * sizeof *s);
    *out = (clips){.first = malloc(((size_t)n + 1) * sizeof *out->first), .frame = malloc(((size_t)n + 1) * sizeof *out->frame)};
    if (!s || !out->first || !out->frame) {
        free(s);
        clips_free(out);
        return foil_fail_memory((size_t)n * sizeof *s, "clips");
    }
    for (int64_t i = 0; i < n; i++) s[i] = (sorted){.label = &item[i], .at = i};
    qsort(s, (size_t)n, sizeof *s, by_place);
    number(s, n);
    qsort(s, (size_t)n, sizeof *s, by_first);
    for (int64_t i = 0; i < n; i++) {
        if (!i || s[i].first != s[i - 1].first) out->first[out->n++] = i;
        out->frame[i] = s[i].at;
    }
    out->first[out->n] = n;
    free(s);
    return FOIL_OK;
}

void clips_free(clips *c) {
    free(c->first);
    free(c->frame);
    *c = (clips){0};
}

void clips_thin(clips *c, int most) {
    int64_t kept = 0, begin = 0;
    for (int64_t i = 0; i < c->n; i++) {
        int64_t end = c->first[i + 1], frames = end - begin, wanted = frames < most ? frames : most;
        c->first[i] = kept;
        for (int64_t k = 0; k < wanted; k++) c->frame[kept++] = c->frame[begin + (2 * k + 1) * frames / (2 * wanted)];
        begin = end;
    }
    c->first[c->n] = kept;
}

// One score from those of a clip's frames. --------------------------------------------------------------------------------------------------------

static double mean(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

static double mean_logit(double *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double p = fmin(fmax(x[i], DBL_EPSILON), 1 - DBL_EPSILON);
        x[i] = log(p / (1 - p));
    }
    return 1 / (1 + exp(-mean(x, n)));
}

static double pool(clip_rule rule, double *x, int64_t n, bool probabilities) {
    if (n == 1) return *x;
    if (rule == CLIP_MEAN_LOGIT && probabilities) return mean_logit(x, n);
    if (rule == CLIP_MEAN || rule == CLIP_MEAN_LOGIT) return mean(x, n);
    sort_numbers(x, (size_t)n);
    return rule == CLIP_MAX ? x[n - 1] : (x[(n - 1) / 2] + x[n / 2]) / 2;
}

foil_status clips_pool(const clips *c, clip_rule rule, const double *score, double *out) {
    int64_t most = 0;
    bool probabilities = true;
    for (int64_t i = 0; i < c->n; i++) {
        int64_t frames = c->first[i + 1] - c->first[i];
        most = frames > most ? frames : most;
        for (int64_t k = c->first[i]; k < c->first[i + 1]; k++) {
            double s = score[c->frame[k]];
            if (s < 0 || s > 1) probabilities = false;
        }
    }
    double *x = malloc(((size_t)most + 1) * sizeof *x);
    if (!x) return foil_fail_memory((size_t)most * sizeof *x, "the scores of a clip");
    for (int64_t i = 0; i < c->n; i++) {
        int64_t frames = c->first[i + 1] - c->first[i];
        for (int64_t k = 0; k < frames; k++) x[k] = score[c->frame[c->first[i] + k]];
        out[i] = pool(rule, x, frames, probabilities);
    }
    free(x);
    return FOIL_OK;
}
