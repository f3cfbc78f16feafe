// Detectors and generators as ONNX models.
#include <string.h>

#include "eval/card.h"
#include "export/export.h"
#include "export/onnx_graph.h"
#include "nn/ops.h"

enum { N = 5 }; // the batch that the graph is built with; any other one works as well afterwards

static const char *with_scalar(onnx_model *m, const char *type, const char *x, double value) {
    return onnx_output_of(onnx_add(m, type, (const char *[]){x, onnx_scalar(m, value)}, 2, NULL));
}

static void add_output(onnx_model *m, const char *name, shape s, const int *order) {
    int64_t dims[MAX_DIMS];
    for (int i = 0; i < s.n; i++) dims[i] = order[i] == 0 ? ONNX_BATCH : s.d[order[i]];
    onnx_graph_output(m, name, dims, s.n);
}

// Starts the graph's input: an ONNX input `name` of the node's shape, with its axes in `order`.
static onnx_value add_input(onnx_model *m, const char *name, shape s, const int *order) {
    onnx_value v = {.name = name, .n = s.n};
    int64_t dims[MAX_DIMS];
    for (int i = 0; i < s.n; i++) {
        dims[i] = order[i] == 0 ? ONNX_BATCH : s.d[order[i]];
        v.dim[i] = s.d[i];
        v.axis[i] = order[i];
    }
    onnx_graph_input(m, name, dims, s.n);
    return v;
}

// The detector. ---------------------------------------------------------------------------------------------------------------------------------

static foil_status detector_graph(const foil_detector *d, graph *g, node **input, node **output) {
    TRY(detector_need_network(d, "an export to ONNX"));
    const shape in = detector_input(d);
    store *s = (store *)detector_store(d); // a graph could write to it, this one only reads
    *input = graph_input(g, "image", SHAPE(N, in.d[0], in.d[1], in.d[2]), F32);
    node *x = nn_add_scalar(nn_mul_scalar(*input, 2), -1);
    *output = net_logits(detector_net(d), g, s, detector_card_of(d)->head, x, NET_INFER, 0, NULL);
    return graph_status(g);
}

static void set_metadata(void *model, const char *key, const char *value) {
    onnx_metadata(model, key, value);
}

static foil_status add_card(onnx_model *m, const foil_detector *d) {
    const detector_card *card = detector_card_of(d);
    onnx_metadata(m, "foil_version", foil_version());
    onnx_metadata(m, "head", card->head);
    onnx_metadata(m, "fit", FIT_NAMES[card->fit]);
    onnx_metadata(m, "resize", RESIZE_NAMES[card->filter]);
    onnx_metadata(m, "provenance", card->provenance);
    return card_set_calibration(&card->calibration, set_metadata, m);
}

// `logit` and `score`, both [N].
static foil_status add_scores(onnx_graph *x, const node *output, const calibration *c) {
    onnx_model *m = x->model;
    const char *y = NULL;
    TRY(onnx_operand(x, output, ONNX_SAME, &y));
    m->label = NULL;
    onnx_node *logit = onnx_add(m, "Reshape", (const char *[]){y, onnx_tensor_i64(m, (int64_t[]){-1}, 1)}, 2, "logit");
    add_output(m, "logit", SHAPE(N), ONNX_SAME);
    add_output(m, "score", SHAPE(N), ONNX_SAME);
    return onnx_add_score(m, onnx_output_of(logit), c);
}

static foil_status build_detector(const foil_detector *d, graph *g, onnx_model *m) {
    node *input, *output;
    TRY(detector_graph(d, g, &input, &output));
    onnx_value value = add_input(m, "image", input->shape, ONNX_NCHW);
    onnx_graph x = {.model = m, .graph = g, .batch = N};
    foil_status status = onnx_translate(&x, input, &value, output);
    if (status == FOIL_OK) status = add_scores(&x, output, &detector_card_of(d)->calibration);
    onnx_graph_free(&x);
    return status == FOIL_OK ? add_card(m, d) : status;
}

foil_status export_onnx_detector(const char *path, const foil_detector *d) {
    graph *g = graph_new(F32);
    if (!g) return foil_fail_memory(sizeof *g, "a graph");
    onnx_model m;
    onnx_model_init(&m, "detector");
    foil_status status = build_detector(d, g, &m);
    if (status == FOIL_OK) status = onnx_write(&m, path);
    onnx_model_free(&m);
    graph_free(g);
    return status;
}

// The generator. --------------------------------------------------------------------------------------------------------------------------------

static foil_status build_generator(const net *n, store *s, graph *g, onnx_model *m) {
    if (!net_takes_latent(n)) return foil_fail(FOIL_INVALID, "the network takes pictures: a generator's takes a latent vector");
    node *latent = graph_input(g, "latent", SHAPE(N, net_input(n).d[0]), F32);
    node *output = net_apply(n, g, s, latent, NET_INFER, 0, NULL);
    TRY(graph_status(g));
    onnx_value value = add_input(m, "latent", latent->shape, ONNX_SAME);
    onnx_graph x = {.model = m, .graph = g, .batch = N};
    const char *y = NULL;
    foil_status status = onnx_translate(&x, latent, &value, output);
    if (status == FOIL_OK) status = onnx_operand(&x, output, ONNX_NCHW, &y);
    if (status == FOIL_OK) {
        m->label = NULL;
        y = with_scalar(m, "Add", with_scalar(m, "Mul", y, .5), .5);
        onnx_add(m, "Clip", (const char *[]){y, onnx_scalar(m, 0), onnx_scalar(m, 1)}, 3, "image");
        add_output(m, "image", output->shape, ONNX_NCHW);
    }
    onnx_graph_free(&x);
    return status;
}

foil_status export_onnx_generator(const char *path, const net *n, store *s) {
    graph *g = graph_new(F32);
    if (!g) return foil_fail_memory(sizeof *g, "a graph");
    onnx_model m;
    onnx_model_init(&m, "generator");
    foil_status status = build_generator(n, s, g, &m);
    if (status == FOIL_OK) status = onnx_write(&m, path);
    onnx_model_free(&m);
    graph_free(g);
    return status;
}
