// Inference, and the product that it is held against.
#include <stdlib.h>

#include "cli/bench.h"
#include "nn/micro_batch.h"
#include "nn/net.h"
#include "nn/ops.h"

static const char DETECT[] = "detect";
enum { PEAK_SIZE = 2048, STREAM = 1 << 24 };

typedef struct stage {
    plan *plan;
    int times; // that it runs in one run
    profile *profile;
} stage;

static foil_status run_plan(void *context, int i) {
    const stage *s = context;
    for (int k = 0; k < s->times; k++) {
        plan_run(s->plan, 0, 0, (uint64_t)i);
        if (s->profile) profile_add_plan(s->profile, s->plan, 0, "inference");
    }
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

static foil_status time_plan(plan *p, int times, const bench_options *o, bench_result *out) {
    out->memory = plan_memory_of(p);
    out->flops = plan_flops(p) * times;
    if (o->profile) plan_time(p);
    return bench_time(run_plan, &(stage){p, times, o->profile}, o, out);
}

typedef struct source { // of a network's graph
    const net *net;
    store *weights;
    const bench_options *options;
} source;

static void build(const void *context, micro_batch *m) {
    const source *from = context;
    const net *n = from->net;
    shape s = net_input(n), batched = {.n = s.n + 1, .d = {m->samples}};
    for (int i = 0; i < s.n; i++) batched.d[i + 1] = s.d[i];
    m->graph->convolution = from->options->convolution < 0 ? CONV_FAST : (conv_algorithm)from->options->convolution;
    m->input = graph_input(m->graph, "x", batched, F32);
    node *y = net_apply(n, m->graph, from->weights, m->input, NET_INFER, 0, NULL);
    const bool detects = net_has_head(n, DETECT); // what `foil detect` runs
    const int heads = detects ? 1 : net_heads(n) > MICRO_BATCH_OUTPUTS ? MICRO_BATCH_OUTPUTS : net_heads(n);
    for (int i = 0; i < heads; i++)
        m->output[i].node = net_apply_head(n, m->graph, from->weights, detects ? DETECT : net_head_name(n, i), y, NET_INFER, 0, NULL);
    if (!heads) m->output[0].node = y;
    m->outputs = heads ? heads : 1;
}

static foil_status time_network(const net *n, store *weights, const bench_options *o, bench_result *out) {
    const dtype compute = out->precision ? BF16 : F32;
    const bool whole = net_compares_batch(n, net_has_head(n, DETECT) ? DETECT : NULL);
    micro_batch m;
    TRY(micro_batch_compile(build, &(source){n, weights, o}, compute, out->batch, whole, NULL, &m));
    fill_input(m.plan, m.input);
    out->at_once = m.samples;
    foil_status s = time_plan(m.plan, (out->batch + m.samples - 1) / m.samples, o, out);
    micro_batch_free(&m);
    return s;
}

foil_status bench_network(const char *path, const bench_options *o, bench_result *out) {
    net *n;
    TRY(net_read(path, 0, &n));
    out->what = "inference";
    out->batch = o->batch ? o->batch : 64;
    out->images = out->batch;
    out->precision = o->precision > 0;
    store *weights = store_new();
    foil_status s = weights ? net_declare(n, weights) : foil_fail_memory(sizeof *weights, "the network's weights");
    if (s == FOIL_OK) s = store_allocate(weights);
    if (s == FOIL_OK) {
        store_initialize(weights, 1);
        store_freeze(weights); // as a detector's are
        s = time_network(n, weights, o, out);
    }
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
    plan *p;
    foil_status s = plan_compile(g, &(plan_phase){&(plan_output){operation(a, b), NULL}, 1}, 1, NULL, &p);
    if (s == FOIL_OK) {
        fill_input(p, a);
        fill_input(p, b);
        s = time_plan(p, 1, &(bench_options){.seconds = *seconds}, &r);
    }
    plan_free(p);
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
