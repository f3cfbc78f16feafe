#include "eval/tandem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/text.h"

enum { TARGET, NONTARGET, SPOOF, KINDS };
static const char *const KEYS[] = {"target", "nontarget", "spoof", NULL};
static const double P_SPOOF = .05, P_TARGET = .95 * .99, P_NONTARGET = .95 * .01, C_ACCEPT = 10;

typedef struct trial {
    double score;
    int kind;
} trial;

typedef struct trials {
    trial *trial;
    int64_t n, capacity, of[KINDS];
} trials;

static foil_status add(trials *t, double score, int kind) {
    if (t->n == t->capacity) {
        int64_t capacity = t->capacity ? 2 * t->capacity : 4096;
        trial *more = realloc(t->trial, (size_t)capacity * sizeof *more);
        if (!more) return foil_fail_memory((size_t)capacity * sizeof *more, "scores of speaker verification");
        t->trial = more;
        t->capacity = capacity;
    }
    t->trial[t->n++] = (trial){score, kind};
    t->of[kind]++;
    return FOIL_OK;
}

static foil_status add_line(csv_reader *c, trials *t) {
    char *word[4], *rest = NULL;
    int n = 0, kind = 0;
    double score;
    for (char *w = strtok_r(c->field[0], " \t", &rest); w && n < 4; w = strtok_r(NULL, " \t", &rest)) word[n++] = w;
    if (n != 3 || c->fields != 1) return csv_wrong(c, "three words were expected: source target|nontarget|spoof score");
    while (KEYS[kind] && strcmp(KEYS[kind], word[1]) != 0) kind++;
    if (!KEYS[kind]) return foil_fail(FOIL_INVALID, "%s:%d: key '%.80s'; target, nontarget or spoof was expected", c->path, c->record, word[1]);
    if (!text_to_float(word[2], &score) || !isfinite(score))
        return foil_fail(FOIL_INVALID, "%s:%d: score '%.80s'; a finite number was expected", c->path, c->record, word[2]);
    return add(t, score, kind);
}

static foil_status read_trials(csv_reader *c, trials *t) {
    for (bool more;;) {
        TRY(csv_next(c, &more));
        if (!more) break;
        TRY(add_line(c, t));
    }
    if (t->of[TARGET] && t->of[NONTARGET] && t->of[SPOOF]) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s has %lld targets, %lld nontargets and %lld spoofs: a tandem needs all three", c->path,
                     (long long)t->of[TARGET], (long long)t->of[NONTARGET], (long long)t->of[SPOOF]);
}

static int by_score(const void *a, const void *b) {
    const trial *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return x->kind - y->kind; // targets first
}

// The first score, from the lowest on, that leaves the rates of rejected targets and accepted nontargets nearest.
static double equal_error_threshold(const trials *t) {
    double targets = 0, nontargets = 0, nearest = 1, threshold = NAN;
    bool any = false;
    for (int64_t i = 0; i < t->n; i++) {
        if (t->trial[i].kind == SPOOF) continue;
        if (!any) threshold = t->trial[i].score - .001; // nothing is rejected
        any = true;
        targets += t->trial[i].kind == TARGET;
        nontargets += t->trial[i].kind == NONTARGET;
        // Rounded as ASVspoof's own code rounds it, or ties would fall otherwise.
        double gap = fabs(targets / (double)t->of[TARGET] - ((double)t->of[NONTARGET] - nontargets) / (double)t->of[NONTARGET]);
        if (!(gap < nearest)) continue;
        nearest = gap;
        threshold = t->trial[i].score;
    }
    return threshold;
}

static double accepted(const trials *t, int kind, double threshold) {
    int64_t n = 0;
    for (int64_t i = 0; i < t->n; i++) n += t->trial[i].kind == kind && t->trial[i].score >= threshold;
    return (double)n / (double)t->of[kind];
}

static foil_status weigh(const char *path, tandem *out) {
    double lost = P_TARGET * out->miss + C_ACCEPT * P_NONTARGET * out->false_alarm; // what the ASV costs by itself
    double miss = P_TARGET - lost, accept = C_ACCEPT * P_SPOOF * out->spoof_accepted, least = fmin(miss, accept);
    if (!(least > 0))
        return foil_fail(
            FOIL_INVALID,
            "%s: at its equal error rate this ASV rejects %.3g of targets and accepts %.3g of nontargets and %.3g of spoofs: a tandem with it "
            "cannot be judged; scores that are higher for targets were expected",
            path, out->miss, out->false_alarm, out->spoof_accepted);
    out->cost[METRIC_TDCF_2019 - METRICS] = (decision_cost){0, miss / least, accept / least};
    double all = lost + least;
    out->cost[METRIC_TDCF_2021 - METRICS] = (decision_cost){lost / all, miss / all, accept / all};
    return FOIL_OK;
}

static foil_status rate(const trials *t, const char *path, tandem *out) {
    qsort(t->trial, (size_t)t->n, sizeof *t->trial, by_score);
    *out = (tandem){.targets = t->of[TARGET], .nontargets = t->of[NONTARGET], .spoofs = t->of[SPOOF], .threshold = equal_error_threshold(t)};
    out->miss = 1 - accepted(t, TARGET, out->threshold);
    out->false_alarm = accepted(t, NONTARGET, out->threshold);
    out->spoof_accepted = accepted(t, SPOOF, out->threshold);
    return weigh(path, out);
}

foil_status tandem_read(const char *path, tandem *out) {
    csv_reader c;
    trials t = {0};
    TRY(csv_open(path, &c));
    foil_status status = read_trials(&c, &t);
    if (status == FOIL_OK) status = rate(&t, path, out);
    free(t.trial);
    csv_close(&c);
    return status;
}
