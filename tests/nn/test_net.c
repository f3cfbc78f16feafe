#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/grad.h"
#include "nn/net.h"
#include "nn/ops.h"
#include "nn/reference.h"
#include "nn/safetensors.h"
#include "tests/cmocka.h"

static net *must_parse(const char *source, int channels) {
    net *n;
    if (net_parse(source, "n.yaml", channels, &n) != FOIL_OK) fail_msg("%s", foil_error());
    return n;
}

static store *store_of(const net *n) {
    store *s = store_new();
    assert_non_null(s);
    if (net_declare(n, s) != FOIL_OK || store_allocate(s) != FOIL_OK) fail_msg("%s", foil_error());
    store_initialize(s, 1);
    return s;
}

static const char *const TINY = "input: {image: [4, 6, $channels]}\n"
                                "layers:\n"
                                "  - conv: {out: 5, kernel: 3, pad: 1}\n"
                                "  - batch_norm\n"
                                "  - residual:\n"
                                "      body: [{conv: {out: 7, kernel: 1, bias: false, name: shrink}}, relu]\n"
                                "      skip: [{conv: {out: 7, kernel: 1, spectral_norm: true}}]\n"
                                "  - repeat: {for: {w: [2, 3]}, layers: [{conv: {out: $w, kernel: [1, 3], pad: [0, 1]}}, {leaky_relu: 0.1}]}\n"
                                "  - parallel: {branches: [[{conv: {out: 2, kernel: 1}}], [relu]], join: concat}\n"
                                "heads:\n"
                                "  game: {layers: [{conv: {out: 1, kernel: [4, 6]}}]}\n"
                                "  detect: {layers: [{global_pool: mean}, {linear: 1}]}\n";

static void names_are_pytorchs(void **state) {
    (void)state;
    net *n = must_parse(TINY, 0);
    store *s = store_of(n);
    static const struct {
        const char *name, *dims;
        bool trainable;
    } expected[] = {
        {"layers.0.weight", "[5, 3, 3, 3]", true},
        {"layers.0.bias", "[5]", true},
        {"layers.1.weight", "[5]", true},
        {"layers.1.bias", "[5]", true},
        {"layers.1.running_mean", "[5]", false},
        {"layers.1.running_var", "[5]", false},
        {"layers.2.body.shrink.weight", "[7, 5, 1, 1]", true},
        {"layers.2.skip.0.weight_orig", "[7, 5, 1, 1]", true},
        {"layers.2.skip.0.weight_u", "[7]", false},
        {"layers.2.skip.0.weight_v", "[5]", false},
        {"layers.2.skip.0.bias", "[7]", true},
        {"layers.3.weight", "[2, 7, 1, 3]", true},
        {"layers.3.bias", "[2]", true},
        {"layers.5.weight", "[3, 2, 1, 3]", true},
        {"layers.5.bias", "[3]", true},
        {"layers.7.branches.0.0.weight", "[2, 3, 1, 1]", true},
        {"layers.7.branches.0.0.bias", "[2]", true},
        {"heads.game.0.weight", "[1, 5, 4, 6]", true},
        {"heads.game.0.bias", "[1]", true},
        {"heads.detect.1.weight", "[1, 5]", true},
        {"heads.detect.1.bias", "[1]", true},
    };
    int count = sizeof expected / sizeof *expected;
    assert_int_equal(s->n, count);
    for (int i = 0; i < count; i++) {
        assert_string_equal(s->tensor[i].name, expected[i].name);
        assert_string_equal(shape_text(s->tensor[i].shape), expected[i].dims);
        assert_int_equal(s->tensor[i].trainable, expected[i].trainable);
    }
    assert_int_equal(net_parameters(n), (int64_t)s->value_count);
    assert_non_null(net_mixes_batch(n, NULL));
    assert_false(net_takes_latent(n));
    assert_int_equal(net_heads(n), 2);
    assert_string_equal(net_head_name(n, 1), "detect");
    assert_true(net_has_head(n, "game") && !net_has_head(n, "gam"));
    assert_true(shape_equal(net_input(n), SHAPE(4, 6, 3)) && shape_equal(net_output(n), SHAPE(4, 6, 5)));
    store_free(s);
    net_free(n);
}

static void where_samples_meet(void **state) {
    (void)state;
    net *n = must_parse("input: {image: [4, 4, 3]}\n"
                        "layers: [relu]\n"
                        "heads:\n"
                        "  game: [flatten, {linear: 1}]\n"
                        "  detect: [{residual: {body: [batch_norm]}}, flatten, {linear: 1}]\n"
                        "  other: [{minibatch_stddev: 2}]\n",
                        0);
    assert_null(net_mixes_batch(n, "game"));
    assert_string_equal(net_mixes_batch(n, "detect"), "n.yaml:5:31 batch_norm");
    assert_string_equal(net_mixes_batch(n, "other"), "n.yaml:6:11 minibatch_stddev");
    assert_string_equal(net_mixes_batch(n, NULL), "n.yaml:5:31 batch_norm");
    assert_null(net_compares_batch(n, "detect"));
    assert_string_equal(net_compares_batch(n, NULL), "n.yaml:6:11 minibatch_stddev");
    net_free(n);
}

static void rows_add_up(void **state) {
    (void)state;
    net *n = must_parse(TINY, 0);
    net_row *rows;
    int count;
    assert_int_equal(net_rows(n, &rows, &count), FOIL_OK);
    int64_t parameters = 0;
    double flops = 0;
    for (int i = 0; i < count; i++) {
        parameters += rows[i].parameters;
        flops += rows[i].flops;
        assert_true(rows[i].flops >= 0);
    }
    assert_int_equal(parameters, net_parameters(n));
    assert_true(fabs(flops - net_flops(n)) < 1e-6);
    assert_string_equal(rows[0].path, "layers.0");
    assert_string_equal(rows[0].type, "conv");
    assert_int_equal(rows[0].parameters, 5 * 27 + 5);
    // 4 x 6 pixels, two for each multiply-add and one for the bias; taps outside the image may be counted or not
    assert_true(rows[0].flops > 24 * 5 * 27 && rows[0].flops <= 24 * 5 * (2 * 27 + 1));
    assert_string_equal(rows[2].path, "layers.2");
    assert_int_equal(rows[2].parameters, 0);
    assert_true(shape_equal(rows[2].out, SHAPE(4, 6, 7)));
    assert_true(rows[2].flops == 24 * 7); // the addition; the branches have rows of their own
    assert_string_equal(rows[3].path, "layers.2.body.shrink");
    free(rows);
    net_free(n);
}

static void channels_and_text(void **state) {
    (void)state;
    net *grey = must_parse(TINY, 1);
    assert_int_equal(net_channels(grey), 1);
    assert_true(shape_equal(net_input(grey), SHAPE(4, 6, 1)));
    net *again = must_parse(net_text(grey), 0); // the text holds the number of channels
    assert_int_equal(net_channels(again), 1);
    assert_int_equal(net_parameters(again), net_parameters(grey));
    assert_string_equal(net_text(again), net_text(grey));
    net *colour = must_parse(net_text(grey), 3);
    assert_int_equal(net_parameters(colour), net_parameters(grey) + 2 * 5 * 9);
    net_free(grey);
    net_free(again);
    net_free(colour);
    net_free(must_parse(
        "input: {latent: 3}\nlayers: [{repeat: {for: {w: [4, 5]}, layers: [{linear: $w}]}}, {repeat: {for: {w: [6]}, layers: [{linear: $w}]}}]", 0));
    net *two = must_parse("channels: 2\ninput: {image: [4, 4, $channels]}\nlayers: []\n", 0);
    assert_true(shape_equal(net_output(two), SHAPE(4, 4, 2)));
    net_free(two);
}

static void same_padding_divides_by_the_stride(void **state) {
    (void)state;
    for (int size = 5; size < 12; size++) {
        for (int kernel = 1; kernel < 5; kernel++) {
            for (int stride = 1; stride < 4; stride++) {
                char source[200];
                snprintf(source, sizeof source, "input: {image: [%d, 9, 1]}\nlayers: [{conv: {out: 2, kernel: %d, stride: [%d, 1], pad: same}}]\n",
                         size, kernel, stride);
                net *n = must_parse(source, 0);
                assert_true(shape_equal(net_output(n), SHAPE((size + stride - 1) / stride, 9, 2)));
                net_free(n);
            }
        }
    }
}

static void mistakes(void **state) {
    (void)state;
#define L(layers) "input: {image: [8, 8, 3]}\nlayers:\n" layers
    static const struct {
        const char *source, *message;
    } wrong[] = {
        {"", "n.yaml:1:1: a network file lacks the key 'input'"},
        {"- a", "n.yaml:1:1: a list, expected a map with 'input' and 'layers'"},
        {"input: {image: [8, 8, 3]}\nlayer: []", "n.yaml:2:1: unknown key 'layer' in a network file (did you mean 'layers'?)"},
        {"input: {picture: [8, 8, 3]}\nlayers: []", "n.yaml:1:9: unknown key 'picture' in input"},
        {"input: {image: [8, 8]}\nlayers: []", "n.yaml:1:8: input is neither"},
        {"input: {image: [8, 8, 3], latent: 3}\nlayers: []", "n.yaml:1:8: input is neither"},
        {"input: {latent: 3}\nlayers: {relu: }", "n.yaml:2:9: a map, expected a list of layers"},
        {L("  - cnov: {out: 3}"), "n.yaml:3:5: unknown layer 'cnov' (did you mean 'conv'?); known: conv, conv_transpose, linear, "},
        {L("  - zzzzzz"), "n.yaml:3:5: unknown layer 'zzzzzz'; known: "},
        {L("  - conv: {out: 3, kernl: 3}"), "n.yaml:3:20: unknown key 'kernl' in conv (did you mean 'kernel'?)"},
        {L("  - conv: {out: 3}"), "n.yaml:3:11: conv lacks the key 'kernel'"},
        {L("  - conv"), "n.yaml:3:5: conv needs keys, of which 'out' is required"},
        {L("  - conv: {out: 0, kernel: 3}"), "n.yaml:3:17: 'out' is 0, expected 1 to 65536"},
        {L("  - conv: {out: $w, kernel: 3}"), "n.yaml:3:17: 'out' is '$w', expected a whole number"},
        {L("  - relu: 3"), "n.yaml:3:11: relu takes no value"},
        {L("  - conv: {out: 3, kernel: 3}\n    relu:"), "n.yaml:3:5: expected a layer: a map with one key"},
        {L("  - conv: {out: 3, kernel: 9}"), "n.yaml:3:5 conv: "},
        {L("  - conv: {out: 3, kernel: 3, groups: 2}"), "n.yaml:3:5 conv: 2 groups, expected a divisor of the 3 channels"},
        {L("  - conv: {out: 3, kernel: 3, pad: some}"), "n.yaml:3:5 conv: n.yaml:3:36: 'pad' is 'some', expected a whole number, or 'same'"},
        {L("  - conv_transpose: {out: 3, kernel: 1, pad: 4}"), "n.yaml:3:5 conv_transpose: nothing is left of [1, 8, 8, 3]"},
        {L("  - conv_transpose: {out: 3, kernel: 3, stride: [3, 2], output_pad: 2}"),
         "n.yaml:3:5 conv_transpose: an output_pad of 2, expected one below the stride of 2"},
        {L("  - repeat: {times: 9, layers: [upsample: 64]}"), "n.yaml:3:33 upsample: the output would be [1, 2097152, 2097152, 3]"},
        {L("  - flatten\n  - linear: 16777216\n  - linear: 16777216"), "n.yaml:5:5 linear: 'layers.2.weight' would be [16777216, 16777216]"},
        {"input: {image: [65536, 65536, 3]}\nlayers: []", "n.yaml:1:8: an image of more than 2^30 values"},
        {L("  - linear: 3"), "n.yaml:3:5 linear: expected [N, features], got [1, 8, 8, 3]"},
        {L("  - global_pool: men"), "n.yaml:3:18: 'kind' is 'men', expected one of mean, sum, max (did you mean 'mean'?)"},
        {L("  - global_pool\n  - global_pool"), "n.yaml:4:5 global_pool: expected images [N, H, W, C], got [1, 3]"},
        {L("  - reshape: [3, 8, 9]"), "n.yaml:3:5 reshape: a sample of [1, 8, 8, 3] has 192 values, the shape wants 216"},
        {L("  - max_pool: {kernel: [4, 3], pad: 2}"), "n.yaml:3:5 max_pool: a padding of 2, expected at most half of the kernel's 3"},
        {L("  - average_pool: {kernel: 1, pad: 1}"), "n.yaml:3:5 average_pool: a padding of 1, expected at most half of the kernel's 1"},
        {L("  - npr: {factor: 3}"), "n.yaml:3:5 npr: images of 8 x 8, expected multiples of 3"},
        {L("  - npr: {scale: 0}"), "n.yaml:3:5 npr: a scale of 0 leaves nothing of the images"},
        {L("  - residual: {body: [{conv: {out: 4, kernel: 1}}]}"), "n.yaml:3:5 residual: the body gives [1, 8, 8, 4], the skip [1, 8, 8, 3]"},
        {L("  - residual: {body: [cnov]}"), "n.yaml:3:23: unknown layer 'cnov'"},
        {L("  - residual: [[{conv: {out: 3, kernel: 1}}], [relu]]"),
         "n.yaml:3:16: expected a layer: a map with one key, its type; this is a list of 1"},
        {L("  - parallel: {branches: []}"), "n.yaml:3:26: 'branches' is a list of 0, expected a list of lists of layers"},
        {L("  - parallel: [relu, tanh]"), "n.yaml:3:16: a text, expected a list of layers"},
        {L("  - parallel: {branches: [[relu], [flatten]], join: add}"), "n.yaml:3:5 parallel: branch 1 gives [1, 192], branch 0 [1, 8, 8, 3]"},
        {L("  - repeat: {layers: [relu]}"), "n.yaml:3:5: repeat needs 'times'"},
        {L("  - repeat: {times: 2, for: {w: [1, 2, 3]}, layers: [relu]}"), "n.yaml:3:33: 'w' has 3 items, expected 2"},
        {L("  - repeat: {for: {channels: [4]}, layers: [relu]}"), "n.yaml:3:20: '$channels' has a value here already, expected another name"},
        {L("  - repeat: {for: {w: [4]}, layers: [{repeat: {times: 1, layers: [{repeat: {for: {w: [5]}, layers: [relu]}}]}}]}"),
         "n.yaml:3:83: '$w' has a value here already"},
        {L("  - repeat: {times: 2, layers: [{conv: {out: 3, kernel: 1, name: a}}]}"), "n.yaml:3:33: a second layer by the name 'layers.a'"},
        {L("  - relu\n  - conv: {out: 3, kernel: 1, name: 0.body.1}"), "n.yaml:4:5: the name '0.body.1': expected one or more characters and no dot"},
        {L("  - relu\nheads: {'': {layers: [flatten]}}"), "n.yaml:4:13: the name '': expected"},
        {L("  - relu\nheads: {a.b: {layers: [flatten]}}"), "n.yaml:4:14: the name 'a.b': expected one or more characters and no dot"},
        {L("  - repeat: {times: 200, layers: [{repeat: {times: 200, layers: [relu]}}]}"), "n.yaml:3:66: more than 4096 layers"},
        {L("  - relu\nheads: [a]"), "n.yaml:4:8: a list, expected a map of heads by name"},
        {L("  - relu\nheads: {game: {layers: [{linear: 1}]}}"), "n.yaml:4:25 linear: expected [N, features]"},
        {L("  - relu\nheads: {game: [{linear: 1}], detct: {layer: []}}"), "n.yaml:4:38: unknown key 'layer' in a head"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        net *n;
        if (net_parse(wrong[i].source, "n.yaml", 0, &n) != FOIL_INVALID) fail_msg("%s: accepted", wrong[i].source);
        assert_null(n);
        if (strncmp(foil_error(), wrong[i].message, strlen(wrong[i].message)) != 0)
            fail_msg("%s\n%s\nexpected %s", wrong[i].source, foil_error(), wrong[i].message);
    }
    net *n;
    assert_int_equal(net_read("/nowhere/n.yaml", 0, &n), FOIL_IO);
}

// Whatever the file says, an answer comes.
static void mutated_files(void **state) {
    (void)state;
    static const char marks[] = "0:{}[],-$\" \n#&*x9";
    size_t length = strlen(TINY);
    char *copy = strdup(TINY);
    assert_non_null(copy);
    for (size_t i = 0; i < length; i++) {
        for (size_t k = 0; k < sizeof marks - 1; k++) {
            net *n;
            copy[i] = marks[k];
            if (net_parse(copy, "n.yaml", 0, &n) == FOIL_OK)
                net_free(n);
            else
                assert_null(n);
        }
        copy[i] = TINY[i];
    }
    free(copy);
}

static void wrong_use_fails_in_the_graph(void **state) {
    (void)state;
    net *n = must_parse(TINY, 0);
    store *s = store_of(n), *other = store_new();
    assert_int_equal(store_allocate(other), FOIL_OK);
    graph *g = graph_new(F32);
    net_apply(n, g, s, graph_input(g, "x", SHAPE(2, 6, 4, 3), F32), NET_INFER, 0, NULL);
    assert_int_equal(graph_status(g), FOIL_INVALID);
    assert_string_equal(foil_error(), "the network takes samples of [4, 6, 3], got [2, 6, 4, 3]");
    graph_free(g);
    g = graph_new(F32);
    net_apply(n, g, other, graph_input(g, "x", SHAPE(2, 4, 6, 3), F32), NET_TRAIN, 0, &(net_updates){0});
    assert_int_equal(graph_status(g), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "the store has no 'layers.0.weight'"));
    graph_free(g);
    g = graph_new(F32);
    net_apply_head(n, g, s, "gaem", graph_input(g, "x", SHAPE(2, 4, 6, 5), F32), NET_INFER, 0, NULL);
    assert_int_equal(graph_status(g), FOIL_INVALID);
    graph_free(g);
    store_free(s);
    store_free(other);
    net_free(n);
}

static void modes(void **state) {
    (void)state;
    net *n = must_parse(TINY, 0);
    store *s = store_of(n);
    static const struct {
        net_mode mode;
        int updates;
    } modes[] = {{NET_INFER, 0}, {NET_TRAIN, 4}, {NET_TRAIN_STILL, 0}};
    node *y[3];
    graph *g = graph_new(F32);
    node *x = graph_input(g, "x", SHAPE(3, 4, 6, 3), F32);
    for (int i = 0; i < 3; i++) {
        net_updates u = {0};
        y[i] = net_apply(n, g, s, x, modes[i].mode, (uint32_t)i, &u);
        node *logits = net_apply_head(n, g, s, "detect", y[i], modes[i].mode, (uint32_t)i, &u);
        assert_int_equal(graph_status(g), FOIL_OK);
        assert_true(shape_equal(logits->shape, SHAPE(3)) && logits->type == F32);
        assert_int_equal(u.n, modes[i].updates);
        for (int k = 0; k < u.n; k++) assert_false(s->tensor[u.tensor[k]].trainable);
    }
    assert_ptr_not_equal(y[1], y[2]); // in another phase of a plan the parameters may be others
    graph_free(g);
    store_free(s);
    net_free(n);
}

// One pass over two batches gives what two passes give: samples, gradients, and the first one's running statistics.
static const char *const MIXING = "input: {image: [4, 6, 3]}\n"
                                  "layers:\n"
                                  "  - conv: {out: 4, kernel: 3, pad: 1, spectral_norm: true}\n"
                                  "  - batch_norm\n"
                                  "  - leaky_relu: 0.2\n"
                                  "  - minibatch_stddev: {group: 2}\n"
                                  "  - dropout: 0.3\n"
                                  "heads:\n"
                                  "  game: {layers: [{conv: {out: 3, kernel: 2, stride: 2}}, batch_norm, {global_pool: mean}, {linear: 1}]}\n";

static node *logits_of(const net *n, graph *g, store *s, node *x, net_mode mode, uint32_t pass, net_updates *updates) {
    return net_apply_head(n, g, s, "game", net_apply(n, g, s, x, mode, pass, updates), mode, pass, updates);
}

static void two_batches_in_one(void **state) {
    (void)state;
    enum { BATCH = 4, MOST = 64 };
    net *n = must_parse(MIXING, 0);
    store *s = store_of(n);
    graph *g = graph_new(F32);
    net_updates together = {0}, apart = {0};
    node *x[2] = {graph_normal(g, SHAPE(BATCH, 4, 6, 3), 1), nn_exp(graph_normal(g, SHAPE(BATCH, 4, 6, 3), 2))};
    node *both = logits_of(n, g, s, nn_concat(x, 2, 0), NET_TRAIN_PAIR, 5, &together);
    node *each = nn_concat((node *[]){logits_of(n, g, s, x[0], NET_TRAIN, 5, &apart), logits_of(n, g, s, x[1], NET_TRAIN_STILL, 6, NULL)}, 2, 0);
    node *weight = graph_normal(g, SHAPE(2 * BATCH), 3), *parameter[MOST], *wanted[2 * MOST] = {both, each};
    int parameters = 0, pairs = 1;
    for (int i = 0; i < s->n; i++)
        if (s->tensor[i].trainable) parameter[parameters++] = graph_param(g, s, i);
    for (int k = 0; k < 2; k++) {
        node *d[MOST];
        grad(nn_sum(nn_mul(k ? each : both, weight), AXIS(0), false), parameter, parameters, d);
        for (int i = 0; i < parameters; i++) wanted[2 * (pairs + i) + k] = d[i];
    }
    pairs += parameters;
    assert_int_equal(together.n, apart.n);
    assert_int_equal(apart.n, 6); // two running means and variances, u and v
    for (int i = 0; i < apart.n; i++, pairs++) {
        assert_int_equal(together.tensor[i], apart.tensor[i]);
        wanted[2 * pairs] = together.at[i];
        wanted[2 * pairs + 1] = apart.at[i];
    }
    assert_int_equal(graph_status(g), FOIL_OK);
    double *value[2 * MOST];
    for (int i = 0; i < 2 * pairs; i++) value[i] = test_calloc((size_t)shape_count(wanted[i]->shape), sizeof(double));
    assert_int_equal(reference_run(g, NULL, 0, 1, 2, wanted, 2 * pairs, value), FOIL_OK);
    for (int i = 0; i < 2 * pairs; i += 2) {
        assert_true(shape_equal(wanted[i]->shape, wanted[i + 1]->shape));
        for (int64_t j = 0; j < shape_count(wanted[i]->shape); j++)
            assert_true(fabs(value[i][j] - value[i + 1][j]) <= 1e-10 * (1 + fabs(value[i][j])));
    }
    for (int i = 0; i < 2 * pairs; i++) test_free(value[i]);
    graph_free(g);
    store_free(s);
    net_free(n);
}

static void random_streams(void **state) {
    (void)state;
    net *n = must_parse("input: {latent: 64}\nlayers: [dropout, dropout: 0.3]\n", 0);
    graph *g = graph_new(F32);
    store *s = store_of(n);
    node *x = graph_input(g, "x", SHAPE(2, 64), F32);
    static double ones[128], a[128], b[128], c[128], none[128];
    for (int i = 0; i < 128; i++) ones[i] = 1;
    node *y[4] = {net_apply(n, g, s, x, NET_TRAIN, 1, NULL), net_apply(n, g, s, x, NET_TRAIN, 1, NULL), net_apply(n, g, s, x, NET_TRAIN, 2, NULL),
                  net_apply(n, g, s, x, NET_INFER, 1, NULL)};
    assert_int_equal(reference_run(g, &(reference_leaf){x, ones}, 1, 7, 8, y, 4, (double *[]){a, b, c, none}), FOIL_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    assert_memory_equal(none, ones, sizeof ones);
    int kept = 0; // by both: .5 · .7, scaled up
    for (int i = 0; i < 128; i++) {
        assert_true(a[i] == 0 || fabs(a[i] - 1 / 0.35) < 1e-6);
        kept += a[i] > 0;
    }
    assert_in_range(kept, 25, 65);
    graph_free(g);
    store_free(s);
    net_free(n);
}

static void documentation(void **state) {
    (void)state;
    text t = {0};
    net_document_layers(&t);
    assert_false(t.failed);
    assert_non_null(strstr(t.data, "\n## conv\n"));
    assert_non_null(strstr(t.data, "| `kernel` | whole number or pair, 1 to 4096 | required | rows, columns |\n"));
    assert_non_null(strstr(t.data, "\n## repeat\n"));
    text_free(&t);
}

static const struct {
    const char *name;
    int64_t published; // without the head `detect`, unless that is the only one
    int64_t detect;
} NETWORKS[] = {
    {"dcgan64-g", 3576704, 0},     // PyTorch's example
    {"dcgan64-d", 2765568, 513},   //
    {"dcgan32-g", 3811907, 0},     // our own count
    {"dcgan32-d", 2929601, 513},   //
    {"sngan32-g", 4276739, 0},     // mimicry; check_networks.py counts its modules
    {"sngan32-d", 1053825, 129},   //
    {"sngan64-g", 12220675, 0},    //
    {"sngan64-d", 10141441, 1025}, //
    {"resnet18", 11689512, 513},   // torchvision, with a thousand classes: 513,000
    {"meso4", 27977, 16417},       // Afchar et al.
    {"npr", 1437761, 513},         // "1.44M"
};

static void parameter_counts_are_the_published_ones(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof NETWORKS / sizeof *NETWORKS; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/configs/nets/%s.yaml", SOURCE_DIR, NETWORKS[i].name);
        net *n;
        if (net_read(path, 0, &n) != FOIL_OK) fail_msg("%s", foil_error());
        net_row *rows;
        int count;
        int64_t detect = 0;
        assert_int_equal(net_rows(n, &rows, &count), FOIL_OK);
        for (int k = 0; k < count; k++) {
            if (text_starts(rows[k].path, "heads.detect.")) detect += rows[k].parameters;
        }
        int64_t total = net_parameters(n);
        if (strcmp(NETWORKS[i].name, "resnet18") == 0) total += 513000 - detect; // a thousand classes in place of one
        if (net_has_head(n, "game")) total -= detect;
        if (total != NETWORKS[i].published || detect != NETWORKS[i].detect)
            fail_msg("%s: %lld and %lld in the head", NETWORKS[i].name, (long long)total, (long long)detect);
        assert_int_equal(net_has_head(n, "detect"), NETWORKS[i].detect > 0);
        free(rows);
        net_free(n);
    }
}

// The FLOPs that the literature quotes are multiply-adds of convolutions: ResNet-18 has 1.8 G of them.
static void flops_of_resnet(void **state) {
    (void)state;
    net *n;
    assert_int_equal(net_read(SOURCE_DIR "/configs/nets/resnet18.yaml", 0, &n), FOIL_OK);
    assert_true(fabs(net_flops(n) / 2 / 1.82e9 - 1) < 0.02);
    net_free(n);
}

// For check_layers.py: `test_net NET WEIGHTS INPUT OUTPUT infer|train` computes the body and all heads for the tensors x0, x1 … of INPUT, one application
// after the other with one net_updates, in f64 with the reference; writes y0, <head>0, y1 … and what would be assigned. WEIGHTS "-" = as initialised.
typedef struct run {
    net *n;
    store *s;
    graph *g;
    net_updates updates;
    int wanted, leaves;
    node *node[600];
    char name[600][128];
    reference_leaf leaf[8];
} run;

static void want(run *r, node *y, const char *format, const char *name, int i) {
    r->node[r->wanted] = y;
    snprintf(r->name[r->wanted++], sizeof r->name[0], format, name, i);
}

static foil_status apply(run *r, const safetensors *in, net_mode mode) {
    char name[16];
    for (int i = 0; i < 8; i++) {
        safetensors_entry e;
        snprintf(name, sizeof name, "x%d", i);
        if (!safetensors_find(in, name, &e)) break;
        node *x = graph_input(r->g, name, e.shape, F32);
        double *value = calloc((size_t)shape_count(e.shape), sizeof *value);
        if (!value) return foil_fail_memory(0, "a test");
        for (int64_t k = 0; k < shape_count(e.shape); k++) value[k] = (double)((const float *)e.data)[k];
        r->leaf[r->leaves++] = (reference_leaf){x, value};
        node *y = net_apply(r->n, r->g, r->s, x, mode, 0, &r->updates);
        want(r, y, "%s%d", "y", i);
        for (int h = 0; h < net_heads(r->n); h++) {
            const char *head = net_head_name(r->n, h);
            want(r, net_apply_head(r->n, r->g, r->s, head, y, mode, 0, &r->updates), "%s%d", head, i);
        }
    }
    for (int i = 0; i < r->updates.n; i++) want(r, r->updates.at[i], "update.%s", r->s->tensor[r->updates.tensor[i]].name, 0);
    return graph_status(r->g);
}

static foil_status compute(run *r, const char *to) {
    static double *out[600];
    safetensors_writer *w = safetensors_writer_new();
    for (int i = 0; i < r->wanted; i++) out[i] = calloc((size_t)shape_count(r->node[i]->shape), sizeof(double));
    foil_status status = reference_run(r->g, r->leaf, r->leaves, 0, 0, r->node, r->wanted, out);
    for (int i = 0; status == FOIL_OK && i < r->wanted; i++) safetensors_add(w, r->name[i], "F64", r->node[i]->shape, out[i]);
    if (status == FOIL_OK) status = safetensors_write(w, to);
    safetensors_writer_free(w);
    for (int i = 0; i < r->wanted; i++) free(out[i]);
    return status;
}

static foil_status prepare(run *r, const char *path, const char *weights) {
    TRY(net_read(path, 0, &r->n));
    TRY(net_declare(r->n, r->s));
    TRY(store_allocate(r->s));
    store_initialize(r->s, 1);
    if (strcmp(weights, "-") == 0) return FOIL_OK;
    safetensors *f;
    TRY(safetensors_open(weights, &f));
    foil_status status = safetensors_load_store(f, "", r->s);
    safetensors_close(f);
    return status;
}

static int run_network(char **argv) {
    static run r;
    r.s = store_new();
    r.g = graph_new(F32);
    safetensors *in = NULL;
    foil_status status = prepare(&r, argv[1], argv[2]);
    if (status == FOIL_OK) status = safetensors_open(argv[3], &in);
    if (status == FOIL_OK) status = apply(&r, in, strcmp(argv[5], "train") == 0 ? NET_TRAIN : NET_INFER);
    if (status == FOIL_OK) status = compute(&r, argv[4]);
    if (status != FOIL_OK) fprintf(stderr, "%s\n", foil_error());
    for (int i = 0; i < r.leaves; i++) free((void *)(uintptr_t)r.leaf[i].value);
    safetensors_close(in);
    graph_free(r.g);
    store_free(r.s);
    net_free(r.n);
    return status != FOIL_OK;
}

int main(int argc, char **argv) {
    if (argc == 6) return run_network(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_pytorchs),
        cmocka_unit_test(where_samples_meet),
        cmocka_unit_test(rows_add_up),
        cmocka_unit_test(channels_and_text),
        cmocka_unit_test(same_padding_divides_by_the_stride),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(mutated_files),
        cmocka_unit_test(wrong_use_fails_in_the_graph),
        cmocka_unit_test(modes),
        cmocka_unit_test(two_batches_in_one),
        cmocka_unit_test(random_streams),
        cmocka_unit_test(documentation),
        cmocka_unit_test(parameter_counts_are_the_published_ones),
        cmocka_unit_test(flops_of_resnet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
