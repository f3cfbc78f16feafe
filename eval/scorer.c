// A network with one head, or a baseline of cues, as a function from pixels to logits.
#include <stdlib.h>
#include <string.h>

#include "eval/detector.h"
#include "nn/micro_batch.h"
#include "nn/ops.h"

struct scorer {
    micro_batch at_once;   // u8 pixels to f32 logits
    const cue_model *cues; // NULL: a network
    int batch;
};

typedef struct source { // of a scorer's graph
    const net *net;
    store *store;
    const char *head;
} source;

// u8 pixels to -1..1, through the network and the head, one number per picture.
static void build(const void *context, micro_batch *m) {
    const source *from = context;
    shape in = net_input(from->net);
    m->graph->convolution = CONV_FAST;
    m->input = graph_input(m->graph, "pixels", SHAPE(m->samples, in.d[0], in.d[1], in.d[2]), U8);
    node *x = nn_add_scalar(nn_mul_scalar(nn_cast(m->input, F32), 1 / 127.5), -1);
    m->output[0].node = net_logits(from->net, m->graph, from->store, from->head, x, NET_INFER, 0, NULL);
    m->outputs = 1;
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
    micro_batch m = {.graph = graph_new(F32), .samples = 1};
    if (!m.graph) return foil_fail_memory(sizeof *m.graph, "a graph");
    build(&(source){n, s, head}, &m);
    foil_status status = graph_status(m.graph);
    micro_batch_free(&m);
    return status;
}

foil_status scorer_new(const net *n, store *s, const char *head, int batch, workspace *w, scorer **out) {
    *out = NULL;
    TRY(check_network(n, head));
    scorer *sc = calloc(1, sizeof *sc);
    if (!sc) return foil_fail_memory(sizeof *sc, "a scorer");
    sc->batch = batch;
    foil_status status = micro_batch_compile(build, &(source){n, s, head}, F32, batch, false, w, &sc->at_once);
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
    const micro_batch *m = &s->at_once;
    const size_t one = (size_t)shape_count(m->input->shape) / (size_t)m->samples;
    for (int done = 0; done < n; done += m->samples) {
        const int count = n - done < m->samples ? n - done : m->samples;
        uint8_t *into = plan_data(m->plan, m->input);
        memcpy(into, pixels + (size_t)done * one, (size_t)count * one);
        memset(into + (size_t)count * one, 0, (size_t)(m->samples - count) * one);
        plan_run(m->plan, 0, 0, 0);
        memcpy(logit + done, plan_data(m->plan, m->output[0].node), (size_t)count * sizeof *logit);
    }
    return FOIL_OK;
}
