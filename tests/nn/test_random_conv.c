// Convolutions and their gradients as they come, in both types and by all algorithms, against the definition: what nobody thought of, in our kernels and in
// oneDNN's. usage: nn_test_random_conv [FIRST COUNT]: which draws (0 100). ONEDNN_MAX_CPU_ISA=AVX2 shows what other processors do.
#include <stdio.h>
#include <stdlib.h>

#include "nn/ops.h"
#include "tests/nn/conv_graph.h"
#include "tests/nn/dice.h"
#include "tests/nn/run_op.h"

// Sums of up to some thousand terms; products of fast bf16 may err twice as much as others (nn/ops/winograd.h).
static const double TOLERANCE[] = {[F32] = 5e-6, [BF16] = 8e-3};
static const double MOST_WORK = 3e6; // multiplications of one

// Which oneDNN 2.6.3 or 3.2 computed wrongly (nn/dnnl_faults.c), the last one with AVX2 alone.
static const conv_example FAULTS[] = {
    {2, 1, 1, 24, 7, 3, 3, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}},   {16, 2, 2, 32, 48, 6, 6, {{4, 4}, {3, 3, 3, 3}, {1, 1}, 1}},
    {8, 7, 1, 16, 8, 7, 7, {{2, 2}, {1, 2, 3, 6}, {1, 1}, 8}},   {1, 32, 32, 33, 32, 3, 3, {{1, 1}, {1, 1, 1, 1}, {3, 1}, 1}},
    {4, 12, 40, 6, 6, 4, 4, {{1, 1}, {1, 1, 1, 1}, {3, 1}, 6}},  {2, 7, 31, 130, 1, 4, 4, {{1, 1}, {2, 2, 2, 2}, {2, 1}, 1}},
    {5, 6, 40, 12, 7, 1, 1, {{2, 2}, {0, 0, 0, 0}, {1, 1}, 1}},  {5, 24, 20, 12, 33, 1, 1, {{4, 4}, {0, 0, 0, 0}, {1, 1}, 1}},
    {2, 9, 9, 12, 2, 5, 5, {{4, 4}, {1, 3, 2, 0}, {1, 1}, 1}},   {8, 3, 40, 16, 3, 1, 1, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
    {5, 12, 20, 96, 5, 1, 1, {{2, 2}, {0, 0, 0, 0}, {1, 1}, 1}}, {16, 24, 24, 4, 80, 1, 1, {{4, 4}, {0, 0, 0, 0}, {1, 1}, 1}},
};

static int64_t first_draw = 0, draws = 100;

static void draw_channels(dice *d, conv_example *c) {
    c->channels = ONE_OF(d, int64_t, 1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 31, 32, 33, 48, 64, 80, 96, 128, 130);
    c->out = ONE_OF(d, int64_t, 1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 31, 32, 33, 48, 64, 80, 96, 128, 130, 160);
    if (!once_in(d, 6)) return;
    const int64_t groups = c->params.groups = once_in(d, 3) ? c->channels : ONE_OF(d, int64_t, 2, 3, 4, 8, 16);
    c->channels = (c->channels + groups - 1) / groups * groups;
    c->out = (c->out + groups - 1) / groups * groups;
}

static void draw_window(dice *d, conv_example *c) {
    conv_params *p = &c->params;
    c->rows = ONE_OF(d, int64_t, 1, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7);
    c->cols = once_in(d, 5) ? ONE_OF(d, int64_t, 1, 2, 3, 4, 5) : c->rows;
    p->stride[0] = ONE_OF(d, int64_t, 1, 1, 2, 2, 3, 4);
    p->stride[1] = once_in(d, 6) ? ONE_OF(d, int64_t, 1, 2, 3) : p->stride[0];
    if (once_in(d, 8)) p->dilation[0] = ONE_OF(d, int64_t, 2, 3), p->dilation[1] = ONE_OF(d, int64_t, 1, 2);
    const int64_t even = ONE_OF(d, int64_t, 0, 1, (c->rows - 1) / 2, c->rows / 2);
    const bool odd = once_in(d, 5);
    for (int i = 0; i < 4; i++) p->pad[i] = odd ? roll(d, (int)c->rows + 1) : even;
}

static bool fits(const conv_example *c) {
    const conv_params *p = &c->params;
    const int64_t rows = c->height + p->pad[0] + p->pad[2], cols = c->width + p->pad[1] + p->pad[3];
    const double work = (double)(c->n * c->height * c->width) * (double)(c->channels * c->out * c->rows * c->cols) / (double)p->groups;
    return rows > p->dilation[0] * (c->rows - 1) && cols > p->dilation[1] * (c->cols - 1) &&
           work / (double)(p->stride[0] * p->stride[1]) <= MOST_WORK;
}

static conv_example nth_draw(int64_t index) {
    dice d = {.key = {.seed = (uint64_t)index, .stream = STREAM_LATENT}};
    conv_example c;
    do {
        c = (conv_example){.params = {.dilation = {1, 1}, .groups = 1}};
        c.n = ONE_OF(&d, int64_t, 1, 2, 3, 4, 5, 8, 16);
        c.height = ONE_OF(&d, int64_t, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 24, 32, 33);
        c.width = once_in(&d, 3) ? ONE_OF(&d, int64_t, 1, 2, 3, 5, 8, 11, 16, 20, 31, 40) : c.height;
        draw_channels(&d, &c);
        draw_window(&d, &c);
    } while (!fits(&c));
    return c;
}

static void complain(const char *what, const conv_example *c, const char *kind, dtype t, int how, double difference) {
    static const char *const algorithm[] = {[CONV_DIRECT] = "direct", [CONV_FAST] = "fast", [CONV_PLAIN] = "plain"};
    const conv_params *p = &c->params;
    fail_msg("%s, %s, %s, %s: %g. {%d, %d, %d, %d, %d, %d, %d, {{%d, %d}, {%d, %d, %d, %d}, {%d, %d}, %d}}", what, kind, dtype_name(t),
             algorithm[how], difference, (int)c->n, (int)c->height, (int)c->width, (int)c->channels, (int)c->out, (int)c->rows, (int)c->cols,
             (int)p->stride[0], (int)p->stride[1], (int)p->pad[0], (int)p->pad[1], (int)p->pad[2], (int)p->pad[3], (int)p->dilation[0],
             (int)p->dilation[1], (int)p->groups);
}

static void check_as(const char *what, const conv_example *c, dtype t, conv_algorithm how) {
    const conv_graph of = conv_graph_of(c, t, how, false);
    node *results[] = {of.conv, of.data, of.weights};
    for (int i = 0; i < 3; i++) {
        const double difference = difference_from_reference(results[i]);
        if (!(difference <= TOLERANCE[t])) complain(what, c, results[i]->op->name, t, how, difference);
    }
    graph_free(of.g);
}

static void check(const char *what, const conv_example *c) {
    static const conv_algorithm EACH[] = {CONV_DIRECT, CONV_FAST, CONV_PLAIN};
    for (dtype t = F32; t <= BF16; t++)
        for (int i = 0; i < 3; i++) check_as(what, c, t, EACH[i]);
}

static void known_faults_are_avoided(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) check("a known fault", &FAULTS[i]);
}

static void draws_equal_the_definition(void **state) {
    (void)state;
    for (int64_t i = first_draw; i < first_draw + draws; i++) {
        const conv_example c = nth_draw(i);
        char what[32];
        snprintf(what, sizeof what, "draw %lld", (long long)i);
        check(what, &c);
    }
}

int main(int argc, char **argv) {
    if (argc == 3) first_draw = strtoll(argv[1], NULL, 10), draws = strtoll(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_faults_are_avoided), cmocka_unit_test(draws_equal_the_definition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
