// Inference, and the product that it is held against.
#include <stdlib.h>

#include "cli/bench.h"
#include "nn/net.h"
#include "nn/ops.h"

static const char DETECT[] = "detect";
enum { PEAK_SIZE = 2048, STREAM = 1 << 24, HEADS_MAX = 15 };

typedef struct stage {
    plan *plan;
    profile *profile;
} stage;

static foil_status run_plan(void *context, int i) {
    const stage *s = context;
    plan_run(s->plan, 0, 0, (uint64_t)i);
    if (s->profile) profile_add_plan(s->profile, s->plan, 0, "inference");
    return FOIL_OK;
}

static void fill_input(plan *p, const node *input) {
    int64_t n = shape_count(input->shape);
    void *data = plan_data(p, input);
    for (int64_t i = 0; i < n; i++) {
        float v = (float)(i % 255) / 127.5f - 1; // finite, and not all alike
        if (input->type == F32)
            ((float *)data)[i] = v;
        else
            ((uint16_t *)data)[i] = f32_to_bf16(v);
    }
}

static foil_status time_graph(graph *g, node *const inputs[2], const plan_output *outputs, int n, const bench_options *o, bench_result *out) {
    plan *p;
    TRY(plan_compile(g, (plan_phase[]){{outputs, n}}, 1, NULL, &p));
    for (int i = 0; i < 2; i++)
        if (inputs[i]) fill_input(p, inputs[i]);
    out->memory = plan_memory_of(p);
    out->flops = plan_flops(p);
    if (o->profile) plan_time(p);
    foil_status s = bench_time(run_plan, &(stage){p, o->profile}, o, out);
    plan_free(p);
    return s;
}

static foil_status time_network(const net *n, store *weights, graph *g, const bench_options *o, bench_result *out) {
    shape s = net_input(n), batched = {.n = s.n + 1, .d = {out->batch}};
    for (int i = 0; i < s.n; i++) batched.d[i + 1] = s.d[i];
    node *x = graph_input(g, "x", batched, F32), *y = net_apply(n, g, weights, x, NET_INFER, 0, NULL);
    plan_output outputs[1 + HEADS_MAX] = {{y, NULL}};
    if (net_has_head(n, DETECT)) { // what `foil detect` runs
        outputs[0].node = net_apply_head(n, g, weights, DETECT, y, NET_INFER, 0, NULL);
        return time_graph(g, (node *[]){x, NULL}, outputs, 1, o, out);
    }
    int heads = net_heads(n) > HEADS_MAX ? HEADS_MAX : net_heads(n);
    for (int i = 0; i < heads; i++) outputs[i] = (plan_output){net_apply_head(n, g, weights, net_head_name(n, i), y, NET_INFER, 0, NULL), NULL};
    return time_graph(g, (node *[]){x, NULL}, outputs, heads ? heads : 1, o, out);
}

foil_status bench_network(const char *path, const bench_options *o, bench_result *out) {
    net *n;
    TRY(net_read(path, 0, &n));
    out->what = "inference";
    out->batch = o->batch ? o->batch : 64;
    out->images = out->batch;
    out->precision = o->precision > 0;
    store *weights = store_new();
    graph *g = graph_new(out->precision ? BF16 : F32);
    if (g) g->convolution = o->convolution < 0 ? CONV_FAST : (conv_algorithm)o->convolution;
    foil_status s = weights && g ? net_declare(n, weights) : foil_fail_memory(0, "a graph");
    if (s == FOIL_OK) s = store_allocate(weights);
    if (s == FOIL_OK) {
        store_initialize(weights, 1);
        store_freeze(weights); // as a detector's are
        s = time_network(n, weights, g, o, out);
    }
    graph_free(g);
    store_free(weights);
    net_free(n);
    return s;
}

// Seconds of one operation on two tensors; measured for as long as `seconds` says before.
static foil_status time_pair(shape each, dtype t, node *(*operation)(node *a, node *b), double *seconds) {
    graph *g = graph_new(t);
    if (!g) return foil_fail_memory(0, "a graph");
    node *a = graph_input(g, "a", each, t), *b = graph_input(g, "b", each, t);
    bench_result r = {0};
    foil_status s = time_graph(g, (node *[]){a, b}, &(plan_output){operation(a, b), NULL}, 1, &(bench_options){.seconds = *seconds}, &r);
    graph_free(g);
    *seconds = r.seconds;
    return s;
}

static node *product(node *a, node *b) {
    return nn_matmul(a, b, false, false);
}

foil_status bench_peak(int precision, double at_most, roofline *out) {
    const double each = at_most < 1 ? at_most : 1;
    double seconds = each;
    TRY(time_pair(SHAPE(PEAK_SIZE, PEAK_SIZE), precision ? BF16 : F32, product, &seconds));
    out->flops_per_second = 2.0 * PEAK_SIZE * PEAK_SIZE * PEAK_SIZE / seconds;
    seconds = each;
    TRY(time_pair(SHAPE(STREAM), F32, nn_add, &seconds));
    out->bytes_per_second = 3.0 * STREAM * sizeof(float) / seconds;
    return FOIL_OK;
}
