// Networks as they come, and their gradients, of second order too, in plans against the reference: what rewriting, fusing, computing again and kernels do
// together. usage: nn_test_random_net [FIRST COUNT]: which networks (0 60)
#include "base/text.h"
#include "base/thread.h"
#include "nn/grad.h"
#include "nn/net.h"
#include "tests/nn/dice.h"
#include "tests/nn/plan_check.h"

// Of a gradient's root mean square, to which a share of the largest gradient's is added, as a gradient may be zero by what the layers are: a bias before batch
// norm. Rounding to bf16 goes through all layers, where norms of few values magnify it and sums cancel: what is seen there is nonsense alone.
static const double TOLERANCE[] = {[F32] = 2e-3, [BF16] = 1}, SHARE[] = {[F32] = 0.1, [BF16] = 0.2};
static const double MOST_WORK = 4e6; // FLOPs of a sample

static int first_net = 0, nets = 60;

// A network file that grows. What the layers so far give: side x side x channels.
typedef struct draft {
    text file;
    int side, channels;
    bool mixes; // may hold layers in which samples influence each other
    bool jumps; // may hold maxima: which of nearly equal values is the largest, rounding to bf16 decides
} draft;

static int width(dice *d) {
    return ONE_OF(d, int, 3, 4, 5, 8, 8, 16, 16, 24, 31, 32, 33, 48, 64, 80);
}

static const char *activation(dice *d) {
    return ONE_OF(d, const char *, "relu", "relu", "leaky_relu: 0.2", "elu", "selu", "gelu", "silu", "softplus", "tanh", "sigmoid");
}

static void add_norm(dice *d, draft *n) {
    if (n->side < 2) return; // of one pixel nothing is left
    switch (roll(d, 9)) {
    case 0:
        text_add(&n->file, "layer_norm, ");
        break;
    case 1:
        text_format(&n->file, "{group_norm: %d}, ", n->channels % 2 ? 1 : 2);
        break;
    case 2:
        text_add(&n->file, "instance_norm, ");
        break;
    case 3:
        text_add(&n->file, "pixel_norm, ");
        break;
    default:
        if (n->mixes) text_add(&n->file, "batch_norm, ");
    }
}

// Whose result is as large as what it takes.
static void add_flat_conv(dice *d, draft *n, int out) {
    const int taps = ONE_OF(d, int, 1, 3, 3, 3, 5);
    text_format(&n->file, "{conv: {out: %d, kernel: %d, pad: %d%s}}, ", out, taps, taps / 2, once_in(d, 5) ? ", spectral_norm: true" : "");
    n->channels = out;
}

static void add_conv(dice *d, draft *n) {
    static const int WINDOWS[][3] = {{3, 1, 1}, {3, 1, 1}, {3, 1, 0}, {1, 1, 0}, {5, 1, 2}, {4, 2, 1}, {4, 2, 1}, {3, 2, 1},
                                     {4, 1, 1}, {2, 2, 0}, {5, 2, 2}, {7, 2, 3}, {1, 2, 0}, {6, 2, 2}, {4, 4, 0}}; // kernel, stride, pad
    const int *w = WINDOWS[roll(d, sizeof WINDOWS / sizeof *WINDOWS)], dilation = once_in(d, 10) ? 2 : 1, out = width(d);
    const int room = n->side + 2 * w[2] - dilation * (w[0] - 1) - 1;
    if (room < 0) return;
    const int groups = once_in(d, 6) && n->channels % 2 == 0 ? 2 : once_in(d, 10) ? n->channels : 1;
    n->channels = (out + groups - 1) / groups * groups;
    n->side = room / w[1] + 1;
    text_format(&n->file, "{conv: {out: %d, kernel: %d, stride: %d, pad: %d, dilation: %d, groups: %d, bias: %s, spectral_norm: %s}}, ", n->channels,
                w[0], w[1], w[2], dilation, groups, once_in(d, 2) ? "true" : "false", once_in(d, 5) ? "true" : "false");
    add_norm(d, n);
    if (!once_in(d, 6)) text_format(&n->file, "{%s}, ", activation(d));
}

static void add_larger(dice *d, draft *n) {
    static const char *const WINDOWS[] = {"kernel: 4, stride: 2, pad: 1", "kernel: 2, stride: 2", "kernel: 3, stride: 2, pad: 1, output_pad: 1"};
    if (n->side > 10) return;
    if (once_in(d, 2))
        text_format(&n->file, "{conv_transpose: {out: %d, %s}}, ", n->channels = width(d), WINDOWS[roll(d, 3)]);
    else
        text_format(&n->file, "{upsample: {scale: 2, mode: %s}}, ", once_in(d, 2) ? "nearest" : "bilinear");
    n->side *= 2;
}

static void add_pool(dice *d, draft *n) {
    static const int WINDOWS[][3] = {{2, 2, 0}, {3, 2, 1}, {3, 1, 1}, {2, 1, 0}, {3, 3, 0}};
    const int *w = WINDOWS[roll(d, sizeof WINDOWS / sizeof *WINDOWS)];
    if (n->side < 4) return;
    n->side = (n->side + 2 * w[2] - w[0]) / w[1] + 1;
    text_format(&n->file, "{%s: {kernel: %d, stride: %d, pad: %d}}, ", n->jumps && once_in(d, 2) ? "max_pool" : "average_pool", w[0], w[1], w[2]);
}

// Perhaps with a smaller or larger picture on both ways, as SNGAN's blocks have.
static void add_residual(dice *d, draft *n) {
    const int before = n->channels, out = once_in(d, 2) ? width(d) : before;
    const char *resized = n->side % 2 == 0 && n->side > 2 && once_in(d, 3) ? "average_pool: 2" : n->side < 9 && once_in(d, 5) ? "upsample: 2" : NULL;
    const bool larger = resized && *resized == 'u';
    text_add(&n->file, "{residual: {body: [");
    if (larger) text_format(&n->file, "{%s}, ", resized);
    add_flat_conv(d, n, width(d));
    add_norm(d, n);
    text_format(&n->file, "{%s}, ", activation(d));
    add_flat_conv(d, n, out);
    add_norm(d, n);
    if (resized && !larger) text_format(&n->file, "{%s}, ", resized);
    text_add(&n->file, "], skip: [");
    if (resized) text_format(&n->file, "{%s}, ", resized);
    if (out != before) text_format(&n->file, "{conv: {out: %d, kernel: 1}}, ", out);
    if (!resized && out == before) text_add(&n->file, "{upsample: 1}, ");
    text_format(&n->file, "]}}, {%s}, ", activation(d));
    if (resized) n->side = larger ? 2 * n->side : n->side / 2;
}

static void add_parallel(dice *d, draft *n) {
    const int before = n->channels;
    text_add(&n->file, "{parallel: {branches: [[");
    add_flat_conv(d, n, width(d));
    const int first = n->channels;
    text_format(&n->file, "{%s}], [", activation(d));
    n->channels = before;
    add_flat_conv(d, n, width(d));
    n->channels += first;
    text_add(&n->file, "]]}}, ");
}

static void add_head(dice *d, draft *n, const char *name) {
    text_format(&n->file, "  %s: {layers: [", name);
    if (once_in(d, 3))
        text_add(&n->file, "flatten");
    else
        text_format(&n->file, "{global_pool: %s}", n->jumps && once_in(d, 2) ? "max" : once_in(d, 2) ? "sum" : "mean");
    text_format(&n->file, ", {linear: {out: 1, spectral_norm: %s}}]}\n", once_in(d, 3) ? "true" : "false");
}

static void draw_net(dice *d, draft *n) {
    static void (*const ADD[])(dice * d, draft * n) = {add_conv, add_conv,     add_conv,     add_conv,    add_larger,
                                                       add_pool, add_residual, add_residual, add_parallel};
    n->side = ONE_OF(d, int, 5, 6, 8, 8, 12, 16);
    n->channels = 3;
    text_format(&n->file, "input: {image: [%d, %d, 3]}\nlayers: [", n->side, n->side);
    for (int layers = 1 + roll(d, 7); layers > 0; layers--) ADD[roll(d, sizeof ADD / sizeof *ADD)](d, n);
    if (once_in(d, 8)) text_add(&n->file, "{dropout: 0.3}, ");
    if (n->mixes && once_in(d, 8)) text_add(&n->file, "minibatch_stddev, ");
    add_flat_conv(d, n, width(d));
    if (once_in(d, 2)) add_norm(d, n);
    text_add(&n->file, "]\nheads:\n");
    add_head(d, n, "game");
    add_head(d, n, "detect");
    assert_false(n->file.failed);
}

// How one network is tried.
typedef struct trial {
    draft draft;
    int64_t batch;
    dtype type;
    conv_algorithm how;
    net_mode mode;
    bool second; // the gradient of a gradient's square
    int threads;
} trial;

enum { MOST = 400 };

typedef struct subject {
    net *n;
    store *s;
    graph *g;
    check_inputs in;                   // x
    node *x, *of[MOST], *wanted[MOST]; // gradients toward all parameters and x, then the loss
    int count;
} subject;

static node *sum_of_all(node *y) {
    return nn_sum(y, nn_all_axes(y), false);
}

static void find_parameters(subject *b) {
    for (int i = 0; i < b->s->n; i++)
        if (b->s->tensor[i].trainable) b->of[b->count++] = graph_param(b->g, b->s, i);
    assert_true(b->count < MOST - 2);
    b->of[b->count++] = b->x;
}

static node *loss_of(subject *b, net_mode mode) {
    node *y = net_apply(b->n, b->g, b->s, b->x, mode, 0, NULL), *loss = NULL;
    for (int i = 0; i < net_heads(b->n); i++) {
        node *h = net_apply_head(b->n, b->g, b->s, net_head_name(b->n, i), y, mode, 0, NULL);
        node *each = sum_of_all(i ? nn_softplus(h) : nn_neg(h)); // one head's gradient is a constant, as Wasserstein's
        loss = loss ? nn_add(loss, each) : each;
    }
    return loss;
}

static void build(subject *b, const trial *t) {
    if (net_parse(t->draft.file.data, "net", 3, &b->n) != FOIL_OK) fail_msg("%s\n%s", foil_error(), t->draft.file.data);
    if (net_flops(b->n) > MOST_WORK) return;
    b->s = store_new();
    b->g = graph_new(t->type);
    assert_true(b->s && b->g);
    b->g->convolution = t->how;
    check_ok(net_declare(b->n, b->s));
    check_ok(store_allocate(b->s));
    store_initialize(b->s, 1);
    const shape in = net_input(b->n);
    b->x = check_input(&b->in, b->g, SHAPE(t->mode == NET_TRAIN_PAIR ? 2 * t->batch : t->batch, in.d[0], in.d[1], in.d[2]), F32, 5);
    node *loss = loss_of(b, t->mode), *slope;
    if (t->second) {
        grad(loss, &b->x, 1, &slope);
        loss = sum_of_all(nn_square(slope));
    }
    find_parameters(b);
    grad(loss, b->of, b->count, b->wanted);
    b->wanted[b->count++] = loss;
    if (graph_status(b->g) != FOIL_OK) fail_msg("%s\n%s", foil_error(), t->draft.file.data);
}

static void close_subject(subject *b) {
    check_free(&b->in);
    graph_free(b->g);
    store_free(b->s);
    net_free(b->n);
}

static double size_of(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum / (double)n);
}

// `expected` holds the errors afterwards.
static void compare(const subject *b, const trial *t, int index, double *const *expected, plan *p) {
    double largest = 0; // of the parameters' gradients
    for (int i = 0; i < b->count - 2; i++) largest = fmax(largest, size_of(expected[i], shape_count(b->wanted[i]->shape)));
    for (int i = 0; i < b->count; i++) {
        const int64_t n = shape_count(b->wanted[i]->shape);
        const float *got = plan_data(p, b->wanted[i]);
        const double size = size_of(expected[i], n);
        for (int64_t j = 0; j < n; j++) expected[i][j] -= (double)got[j];
        const double error = size_of(expected[i], n);
        if (!(error <= TOLERANCE[t->type] * (size + SHARE[t->type] * largest + 1e-6)))
            fail_msg("net %d: result %d of %d errs by %g of %g. batch %d, %s, algorithm %d, mode %d, order %d, %d threads\n%s", index, i, b->count,
                     error, size, (int)t->batch, dtype_name(t->type), (int)t->how, (int)t->mode, t->second + 1, t->threads, t->draft.file.data);
    }
}

static void run(const subject *b, const trial *t, int index) {
    double *expected[MOST];
    plan_output o[MOST];
    plan *p = NULL;
    for (int i = 0; i < b->count; i++) o[i] = (plan_output){b->wanted[i], NULL};
    check_reference(b->g, &b->in, 1, 1, b->wanted, b->count, expected);
    threads_set(t->threads);
    if (plan_compile(b->g, &(plan_phase){o, b->count}, 1, NULL, &p) != FOIL_OK) fail_msg("%s\n%s", foil_error(), t->draft.file.data);
    check_feed(p, &b->in);
    plan_run(p, 0, 1, 1);
    compare(b, t, index, expected, p);
    plan_free(p);
    for (int i = 0; i < b->count; i++) free(expected[i]);
}

static void try(int index) {
    dice d = {.key = {.seed = (uint64_t)index, .stream = STREAM_SHUFFLE}};
    trial t = {.batch = 1 + roll(&d, 4), .type = once_in(&d, 3) ? BF16 : F32};
    t.how = ONE_OF(&d, conv_algorithm, CONV_DIRECT, CONV_FAST, CONV_FAST, CONV_PLAIN);
    t.mode = once_in(&d, 3) ? NET_TRAIN_PAIR : NET_TRAIN;
    t.second = once_in(&d, 4);
    t.threads = 1 + roll(&d, 3);
    t.draft.mixes = !t.second || once_in(&d, 3);
    t.draft.jumps = t.type == F32;
    draw_net(&d, &t.draft);
    subject b = {0};
    build(&b, &t);
    if (b.g) run(&b, &t, index);
    close_subject(&b);
    text_free(&t.draft.file);
}

static void plans_equal_the_reference(void **state) {
    (void)state;
    for (int i = first_net; i < first_net + nets; i++) try(i);
}

int main(int argc, char **argv) {
    if (argc == 3) first_net = atoi(argv[1]), nets = atoi(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(plans_equal_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
