// Integrated gradients (Sundararajan, Taly, Yan 2017) from grey.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/maps/type.h"
#include "nn/grad.h"

enum { BATCH = 8 };
static const int STEPS[] = {32, 128, 512}; // multiples of BATCH
enum { TRIES = sizeof STEPS / sizeof *STEPS };

static foil_status build(explainer *e) {
    grad_from(e->logits, NULL, &e->picture, 1, &e->wanted); // samples do not see each other: each has its own gradient
    return graph_status(e->graph);
}

// The picture at `far` from grey, as sample i.
static void place(const explainer *e, const float *x, int i, double far) {
    int64_t n = shape_count(e->in);
    float *to = (float *)plan_data(e->plan, e->picture) + i * n;
    for (int64_t k = 0; k < n; k++) to[k] = (float)(far * (double)x[k]);
}

// What `steps` say, and the map's sum.
static double integrate(const explainer *e, const float *x, int steps, double *total, float *heat) {
    int64_t n = shape_count(e->in), channels = e->in.d[2];
    double sum = 0;
    memset(total, 0, (size_t)n * sizeof *total);
    for (int at = 0; at < steps; at += BATCH) {
        for (int i = 0; i < BATCH; i++) place(e, x, i, (at + i + .5) / steps);
        plan_run(e->plan, 0, 0, 0);
        const float *toward = plan_data(e->plan, e->wanted);
        for (int64_t k = 0; k < BATCH * n; k++) total[k % n] += (double)toward[k];
    }
    for (int64_t p = 0; p < n / channels; p++) {
        double here = 0;
        for (int64_t k = p * channels; k < (p + 1) * channels; k++) here += (double)x[k] * total[k] / steps;
        heat[p] = (float)here;
        sum += here;
    }
    return sum;
}

static foil_status run(explainer *e, const float *x, float *heat, explanation *about) {
    double *total = malloc((size_t)shape_count(e->in) * sizeof *total);
    if (!total) return foil_fail_memory((size_t)shape_count(e->in) * sizeof *total, "a map");
    for (int i = 0; i < BATCH; i++) place(e, x, i, i == 0);
    plan_run(e->plan, 0, 0, 0);
    const float *logits = plan_data(e->plan, e->logits);
    about->logit = logits[0];
    about->grey = logits[1];
    double all = about->logit - about->grey, bound = fmax(.01 * fabs(all), .001);
    about->incomplete = true;
    for (int i = 0; about->incomplete && i < TRIES; i++) {
        about->passes = STEPS[i];
        about->incomplete = fabs(integrate(e, x, STEPS[i], total, heat) - all) > bound;
    }
    free(total);
    return FOIL_OK;
}

const explain_type EXPLAIN_BY_INTEGRATED = {"integrated", BATCH, build, run};
