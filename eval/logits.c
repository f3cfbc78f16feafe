#include "eval/logits.h"

#include <stdlib.h>

#include "base/ranks.h"
#include "eval/scoring.h"

// One rank's part of the pictures.
typedef struct part {
    const logits_job *job;
    int64_t first, n;
    int variants;
    float *logit; // [n, variants, detectors]
} part;

static int64_t number_of(const part *p, int64_t i) {
    int64_t at = p->first + i;
    return p->job->chosen ? p->job->chosen[at] : at;
}

static foil_status read_picture(const void *from, int64_t i, image *out) {
    const part *p = from;
    return pictures_read(p->job->from, number_of(p, i), out);
}

static foil_status vary_picture(const void *from, int64_t i, int variant, const image *picture, image *out) {
    const part *p = from;
    const perturbation *by = p->job->perturb->of[(variant - 1) / STRENGTHS];
    return perturb(by, by->strength[(variant - 1) % STRENGTHS], p->job->seed, number_of(p, i), picture, out);
}

static foil_status take_logits(void *to, int64_t i, foil_status read, const double *logit) {
    const part *p = to;
    int64_t each = (int64_t)p->variants * p->job->detectors;
    if (read != FOIL_OK) return pictures_failed(p->job->from, number_of(p, i), read);
    for (int64_t k = 0; k < each; k++) p->logit[i * each + k] = (float)logit[k];
    if (p->job->progress) p->job->progress(i + 1, p->n, p->job->context);
    return FOIL_OK;
}

// The first picture of a rank: at a whole row, so that scores are those of a process alone.
static int64_t first_of(int64_t n, int64_t rank) {
    int64_t rows = n < SCORING_ROW ? 1 : n / SCORING_ROW;
    return rank == ranks_count() ? n : rows * rank / ranks_count() * SCORING_ROW;
}

static foil_status score_part(part *p) {
    return score_pictures(&(scoring){.detector = p->job->detector,
                                     .detectors = p->job->detectors,
                                     .n = p->n,
                                     .read = read_picture,
                                     .vary = vary_picture,
                                     .variants = p->variants - 1,
                                     .from = p,
                                     .take = take_logits,
                                     .to = p});
}

foil_status logits_compute(const logits_job *job, logits *out) {
    part p = {.job = job, .first = first_of(job->n, ranks_self()), .variants = 1 + (job->perturb ? STRENGTHS * job->perturb->n : 0)};
    p.n = first_of(job->n, ranks_self() + 1) - p.first;
    *out = (logits){.n = job->n, .variants = p.variants, .detectors = job->detectors};
    size_t bytes = (size_t)p.n * (size_t)p.variants * (size_t)job->detectors * sizeof *p.logit;
    size_t *sizes = calloc((size_t)ranks_count(), sizeof *sizes);
    p.logit = malloc(bytes + 1);
    foil_status status = ranks_agree(p.logit && sizes ? score_part(&p) : foil_fail_memory(bytes, "scores"));
    char *all = NULL;
    if (status == FOIL_OK) status = ranks_gather(p.logit, bytes, &all, sizes);
    out->value = (float *)(void *)all;
    free(p.logit);
    free(sizes);
    return status;
}

void logits_free(logits *l) {
    free(l->value);
    *l = (logits){0};
}

void logits_scores(const logits *l, const foil_detector *d, int at, int variant, double *out) {
    int64_t each = (int64_t)l->variants * l->detectors;
    const float *logit = l->value + (int64_t)variant * l->detectors + at;
    for (int64_t i = 0; i < l->n; i++) out[i] = detector_score(d, (double)logit[i * each]);
}
