// A network with one head, or a baseline of cues, as a function from pixels to logits.
#include <stdlib.h>
#include <string.h>

#include "eval/detector.h"
#include "nn/ops.h"

struct scorer {
    graph *graph;
    plan *plan;
    node *pixels, *logits;
    const cue_model *cues; // NULL: a network
    int batch;
};

// u8 pixels to -1..1, through the network and the head, one number per picture.
static foil_status build(scorer *sc, const net *n, store *s, const char *head) {
    shape in = net_input(n);
    graph *g = sc->graph;
    sc->pixels = graph_input(g, "pixels", SHAPE(sc->batch, in.d[0], in.d[1], in.d[2]), U8);
    node *x = nn_add_scalar(nn_mul_scalar(nn_cast(sc->pixels, F32), 1 / 127.5), -1);
    sc->logits = net_logits(n, g, s, head, x, NET_INFER, 0, NULL);
    return graph_status(g);
}

static foil_status check_network(const net *n, const char *head) {
    if (net_takes_latent(n)) return foil_fail(FOIL_INVALID, "the network takes a latent vector: a detector's takes pictures");
    const long long channels = net_input(n).d[2];
    if (channels != 1 && channels != 3)
        return foil_fail(FOIL_INVALID, "the network takes pictures of %lld channels: a detector's have 1 (grey) or 3 (RGB)", channels);
    if (!net_has_head(n, head)) return foil_fail(FOIL_INVALID, "the network has no head '%s'", head);
    const char *comparing = net_compares_batch(n, head);
    if (comparing)
        return foil_fail(
            FOIL_INVALID,
            "%s compares the pictures of a batch, but a detector judges each for itself: expected no such layer before the head '%s' or in it",
            comparing, head);
    return FOIL_OK;
}

static foil_status open_graph(const net *n, store *s, const char *head, int batch, scorer **out) {
    *out = NULL;
    TRY(check_network(n, head));
    scorer *sc = calloc(1, sizeof *sc);
    if (!sc) return foil_fail_memory(sizeof *sc, "a scorer");
    sc->batch = batch;
    sc->graph = graph_new(F32);
    if (sc->graph) sc->graph->convolution = CONV_FAST;
    foil_status status = sc->graph ? build(sc, n, s, head) : foil_fail_memory(sizeof *sc->graph, "a graph");
    if (status == FOIL_OK)
        *out = sc;
    else
        scorer_free(sc);
    return status;
}

foil_status scorer_check(const net *n, store *s, const char *head) {
    scorer *sc;
    TRY(open_graph(n, s, head, 1, &sc));
    scorer_free(sc);
    return FOIL_OK;
}

foil_status scorer_new(const net *n, store *s, const char *head, int batch, workspace *w, scorer **out) {
    *out = NULL;
    scorer *sc;
    TRY(open_graph(n, s, head, batch, &sc));
    foil_status status = plan_compile(sc->graph, &(plan_phase){&(plan_output){sc->logits, NULL}, 1}, 1, w, &sc->plan);
    if (status == FOIL_OK)
        *out = sc;
    else
        scorer_free(sc);
    return status;
}

foil_status scorer_new_cues(const cue_model *m, int batch, scorer **out) {
    *out = calloc(1, sizeof **out);
    if (!*out) return foil_fail_memory(sizeof **out, "a scorer");
    **out = (scorer){.cues = m, .batch = batch};
    return FOIL_OK;
}

void scorer_free(scorer *s) {
    if (!s) return;
    plan_free(s->plan);
    graph_free(s->graph);
    free(s);
}

foil_status scorer_run(scorer *s, const uint8_t *pixels, int n, float *logit) {
    if (n < 0 || n > s->batch) return foil_fail(FOIL_INVALID, "%d pictures for a batch of %d", n, s->batch);
    if (s->cues) {
        for (int i = 0; i < n; i++) TRY(cue_model_score(s->cues, pixels + (size_t)i * (size_t)shape_count(s->cues->input), logit + i));
        return FOIL_OK;
    }
    size_t one = (size_t)(shape_count(s->pixels->shape) / s->batch);
    uint8_t *into = plan_data(s->plan, s->pixels);
    memcpy(into, pixels, (size_t)n * one);
    memset(into + (size_t)n * one, 0, (size_t)(s->batch - n) * one);
    plan_run(s->plan, 0, 0, 0);
    memcpy(logit, plan_data(s->plan, s->logits), (size_t)n * sizeof *logit);
    return FOIL_OK;
}
