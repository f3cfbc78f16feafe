#include "eval/maps/explain.h"

#include <math.h>
#include <stdlib.h>

#include "eval/maps/type.h"

static const explain_type *const TYPES[EXPLAIN_METHODS] = {&EXPLAIN_BY_GRADCAM, &EXPLAIN_BY_INTEGRATED, &EXPLAIN_BY_OCCLUSION};
const char *const EXPLAIN_NAMES[] = {"gradcam", "integrated", "occlusion", NULL};

static foil_status build(explainer *e, const foil_detector *d) {
    const net *n = detector_net(d);
    const char *head = detector_card_of(d)->head;
    store *s = (store *)detector_store(d); // a graph could write to it, this one only reads
    graph *g = e->graph;
    e->picture = graph_input(g, "picture", SHAPE(e->type->batch, e->in.d[0], e->in.d[1], e->in.d[2]), F32);
    e->logits = net_logits(n, g, s, head, e->picture, NET_INFER, 0, NULL);
    TRY(graph_status(g));
    if (e->type->build) TRY(e->type->build(e));
    const plan_output outputs[] = {{e->logits, NULL}, {e->wanted, NULL}};
    return plan_compile(g, &(plan_phase){outputs, e->wanted ? 2 : 1}, 1, NULL, &e->plan);
}

foil_status explainer_new(const foil_detector *d, explain_method m, explainer **out) {
    *out = NULL;
    if (!detector_net(d)) return foil_fail(FOIL_UNSUPPORTED, "a detector without a network has no maps: 'foil cues' shows what it judges by");
    explainer *e = calloc(1, sizeof *e);
    if (!e) return foil_fail_memory(sizeof *e, "a map");
    e->type = TYPES[m];
    e->in = detector_input(d);
    size_t values = (size_t)shape_count(e->in);
    e->graph = graph_new(F32);
    e->x = malloc(values * sizeof *e->x);
    foil_status status = e->graph && e->x ? build(e, d) : foil_fail_memory(values * sizeof *e->x, "a map");
    if (status == FOIL_OK)
        *out = e;
    else
        explainer_free(e);
    return status;
}

void explainer_free(explainer *e) {
    if (!e) return;
    plan_free(e->plan);
    graph_free(e->graph);
    free(e->x);
    free(e);
}

static foil_status check_finite(const explainer *e, const float *heat, const explanation *about) {
    bool finite = isfinite(about->logit) && isfinite(about->grey);
    for (int64_t i = 0; i < e->in.d[0] * e->in.d[1]; i++) finite &= isfinite(heat[i]) != 0;
    return finite ? FOIL_OK : foil_fail(FOIL_INVALID, "the network's output for this picture, or its gradient, is not a number");
}

foil_status explainer_run(explainer *e, const uint8_t *pixels, float *heat, explanation *about) {
    *about = (explanation){0};
    for (int64_t i = 0; i < shape_count(e->in); i++) e->x[i] = (float)pixels[i] * (float)(1 / 127.5) - 1; // as the scorer does
    TRY(e->type->run(e, e->x, heat, about));
    for (int64_t i = 0; i < e->in.d[0] * e->in.d[1]; i++) about->sum += heat[i];
    about->gap = fabs(about->sum - (about->logit - about->grey));
    return check_finite(e, heat, about);
}

static foil_status run_one(const foil_detector *d, explainer *e, const image *picture, float *heat) {
    explanation about;
    uint8_t *pixels = malloc((size_t)shape_count(e->in));
    if (!pixels) return foil_fail_memory((size_t)shape_count(e->in), "a picture");
    foil_status status = detector_fit(d, picture, pixels);
    if (status == FOIL_OK) status = explainer_run(e, pixels, heat, &about);
    free(pixels);
    return status;
}

foil_status explain(foil_detector *d, const image *picture, explain_method m, float *heat) {
    explainer *e;
    TRY(explainer_new(d, m, &e));
    foil_status status = run_one(d, e, picture, heat);
    explainer_free(e);
    return status;
}
