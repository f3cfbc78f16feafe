// A network with one head, or a baseline of cues, as a function from pixels to logits.
#include <stdlib.h>
#include <string.h>

#include "eval/detector.h"
#include "nn/micro_batch.h"
#include "nn/ops.h"

struct scorer {
    micro_batch at_once;
    node *pixels, *logits;
    const cue_model *cues; // NULL: a network
    int batch;
};

typedef struct source { // of a scorer's graph
    const net *net;
    store *store;
    const char *head;
    scorer *scorer;
    plan_output logits;
} source;

// u8 pixels to -1..1, through the network and the head, one number per picture.
static plan_phase build(void *context, graph *g, int samples) {
    source *from = context;
    scorer *sc = from->scorer;
    shape in = net_input(from->net);
    g->convolution = CONV_FAST;
    sc->pixels = graph_input(g, "pixels", SHAPE(samples, in.d[0], in.d[1], in.d[2]), U8);
    node *x = nn_add_scalar(nn_mul_scalar(nn_cast(sc->pixels, F32), 1 / 127.5), -1);
    sc->logits = net_logits(from->net, g, from->store, from->head, x, NET_INFER, 0, NULL);
    from->logits = (plan_output){sc->logits, NULL};
    return (plan_phase){&from->logits, 1};
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

foil_status scorer_check(const net *n, store *s, const char *head) {
    TRY(check_network(n, head));
    graph *g = graph_new(F32);
    if (!g) return foil_fail_memory(sizeof *g, "a graph");
    build(&(source){.net = n, .store = s, .head = head, .scorer = &(scorer){.batch = 1}}, g, 1);
    foil_status status = graph_status(g);
    graph_free(g);
    return status;
}

foil_status scorer_new(const net *n, store *s, const char *head, int batch, workspace *w, scorer **out) {
    *out = NULL;
    TRY(check_network(n, head));
    scorer *sc = calloc(1, sizeof *sc);
    if (!sc) return foil_fail_memory(sizeof *sc, "a scorer");
    sc->batch = batch;
    foil_status status = micro_batch_compile(build, &(source){.net = n, .store = s, .head = head, .scorer = sc}, F32, batch, false, w, &sc->at_once);
    if (status == FOIL_OK)
        *out = sc;
    else
        free(sc);
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
    micro_batch_free(&s->at_once);
    free(s);
}

static foil_status run_cues(const scorer *s, const uint8_t *pixels, int n, float *logit) {
    const size_t one = (size_t)shape_count(s->cues->input);
    for (int i = 0; i < n; i++) TRY(cue_model_score(s->cues, pixels + (size_t)i * one, logit + i));
    return FOIL_OK;
}

foil_status scorer_run(scorer *s, const uint8_t *pixels, int n, float *logit) {
    if (n < 0 || n > s->batch) return foil_fail(FOIL_INVALID, "%d pictures for a batch of %d", n, s->batch);
    if (s->cues) return run_cues(s, pixels, n, logit);
    const size_t one = (size_t)shape_count(s->pixels->shape) / (size_t)s->at_once.samples;
    for (int done = 0; done < n; done += s->at_once.samples) {
        const int count = n - done < s->at_once.samples ? n - done : s->at_once.samples;
        uint8_t *into = plan_data(s->at_once.plan, s->pixels);
        memcpy(into, pixels + (size_t)done * one, (size_t)count * one);
        memset(into + (size_t)count * one, 0, (size_t)(s->at_once.samples - count) * one);
        plan_run(s->at_once.plan, 0, 0, 0);
        memcpy(logit + done, plan_data(s->at_once.plan, s->logits), (size_t)count * sizeof *logit);
    }
    return FOIL_OK;
}
