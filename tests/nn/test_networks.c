// The shipped networks in plans: they compile and run in each mode, for colour and grey, on implementations that oneDNN means for use.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/thread.h"
#include "nn/grad.h"
#include "nn/net.h"
#include "nn/ops.h"
#include "nn/plan.h"
#include "nn/reference.h"
#include "tests/cmocka.h"

static const char *const NAMES[] = {"dcgan32-g", "dcgan32-d", "dcgan64-g", "dcgan64-d", "sngan32-g", "sngan32-d",
                                    "sngan64-g", "sngan64-d", "resnet18",  "meso4",     "npr",       NULL};

// One network in one plan.
typedef struct bench {
    net *n;
    store *s;
    graph *g;
    node *x;
    plan *p;
    plan_output out[1200];
    int wanted;
} bench;

static void want(bench *b, node *y) {
    assert_true(b->wanted < 1200);
    b->out[b->wanted++] = (plan_output){y, NULL};
}

static void open_network(bench *b, const char *name, int channels, int64_t batch, dtype compute) {
    char path[512];
    *b = (bench){0};
    snprintf(path, sizeof path, "%s/configs/nets/%s.yaml", SOURCE_DIR, name);
    if (net_read(path, channels, &b->n) != FOIL_OK) fail_msg("%s", foil_error());
    b->s = store_new();
    b->g = graph_new(compute);
    assert_true(b->s && b->g);
    if (net_declare(b->n, b->s) != FOIL_OK || store_allocate(b->s) != FOIL_OK) fail_msg("%s", foil_error());
    store_initialize(b->s, 1);
    shape in = net_input(b->n), s = {.n = in.n + 1, .d = {batch}};
    memcpy(s.d + 1, in.d, (size_t)in.n * sizeof *in.d);
    b->x = graph_input(b->g, "x", s, F32);
}

static void close_network(bench *b) {
    plan_free(b->p);
    graph_free(b->g);
    store_free(b->s);
    net_free(b->n);
}

// The body's output and every head's; their mean square.
static node *apply(bench *b, net_mode mode, net_updates *updates) {
    node *y = net_apply(b->n, b->g, b->s, b->x, mode, 0, updates);
    node *loss = nn_mean(nn_square(nn_cast(y, F32)), nn_all_axes(y), false);
    want(b, nn_cast(y, F32));
    for (int i = 0; i < net_heads(b->n); i++) {
        node *logits = net_apply_head(b->n, b->g, b->s, net_head_name(b->n, i), y, mode, 0, updates);
        want(b, logits);
        loss = nn_add(loss, nn_mean(nn_square(logits), nn_all_axes(logits), false));
    }
    return loss;
}

static void want_gradients(bench *b, node *loss) {
    node *x[600] = {NULL}, *dx[600] = {NULL};
    int n = 0;
    for (int i = 0; i < b->s->n; i++) {
        if (b->s->tensor[i].trainable) x[n++] = graph_param(b->g, b->s, i);
    }
    grad(loss, x, n, dx);
    if (graph_status(b->g) != FOIL_OK) fail_msg("%s", foil_error());
    for (int i = 0; i < n; i++) want(b, dx[i]);
}

static void compile_and_run(bench *b, const char *name) {
    if (plan_compile(b->g, &(plan_phase){b->out, b->wanted}, 1, NULL, &b->p) != FOIL_OK) fail_msg("%s: %s", name, foil_error());
    for (int i = 0; i < plan_steps(b->p); i++) {
        plan_step step = plan_step_at(b->p, i);
        if (strncmp(step.implementation, "ref", 3) == 0)
            fail_msg("%s: %s of %s runs on %s", name, step.name, step.label ? step.label : "-", step.implementation);
    }
    philox_fill_normal((philox_key){.seed = 1}, 0, plan_data(b->p, b->x), (size_t)shape_count(b->x->shape));
    plan_run(b->p, 0, 1, 1);
    for (int i = 0; i < b->wanted; i++) {
        const node *y = b->out[i].node;
        const float *value = plan_data(b->p, y);
        for (int64_t k = 0; value && k < shape_count(y->shape); k++) {
            if (!isfinite(value[k])) fail_msg("%s: output %d is not finite", name, i);
        }
    }
}

static void inference(void **state) {
    (void)state;
    for (int i = 0; NAMES[i]; i++) {
        bench b;
        open_network(&b, NAMES[i], 0, 2, F32);
        apply(&b, NET_INFER, NULL);
        compile_and_run(&b, NAMES[i]);
        close_network(&b);
    }
}

// The whole way through planner and oneDNN against plain C in f64.
static void values_are_the_references(void **state) {
    (void)state;
    static const char *const some[] = {"dcgan64-g", "dcgan64-d", "dcgan32-d", "sngan32-d", NULL};
    for (int i = 0; some[i]; i++) {
        bench b;
        open_network(&b, some[i], 0, 2, F32);
        apply(&b, NET_TRAIN_STILL, NULL);
        compile_and_run(&b, some[i]);
        const float *x = plan_data(b.p, b.x);
        double in[2 * 64 * 64 * 3];
        for (int64_t k = 0; k < shape_count(b.x->shape); k++) in[k] = (double)x[k];
        for (int o = 0; o < b.wanted; o++) {
            node *y = b.out[o].node;
            int64_t count = shape_count(y->shape);
            double *expected = malloc((size_t)count * sizeof *expected), largest = 0, worst = 0;
            assert_non_null(expected);
            assert_int_equal(reference_run(b.g, &(reference_leaf){b.x, in}, 1, 1, 1, &y, 1, &expected), FOIL_OK);
            const float *value = plan_data(b.p, y);
            for (int64_t k = 0; k < count; k++) {
                largest = fmax(largest, fabs(expected[k]));
                const double off = fabs(expected[k] - (double)value[k]);
                worst = off > worst ? off : worst; // gcc 12 for AArch64 fails on an fmax of floats in double
            }
            if (worst > 2e-5 * largest) fail_msg("%s: output %d is off by %g of %g", some[i], o, worst, largest);
            free(expected);
        }
        close_network(&b);
    }
}

static void training(dtype compute) {
    static net_updates updates;
    for (int i = 0; NAMES[i]; i++) {
        bench b;
        open_network(&b, NAMES[i], 0, 4, compute);
        updates.n = 0;
        node *loss = apply(&b, NET_TRAIN, &updates);
        want_gradients(&b, loss);
        for (int k = 0; k < updates.n; k++) b.out[b.wanted++] = (plan_output){updates.at[k], NULL};
        compile_and_run(&b, NAMES[i]);
        close_network(&b);
    }
}

static void training_f32(void **state) {
    (void)state;
    training(F32);
}

static void training_bf16(void **state) {
    (void)state;
    training(BF16);
}

static void grey_images(void **state) {
    (void)state;
    for (int i = 0; NAMES[i]; i++) {
        bench b;
        open_network(&b, NAMES[i], 1, 2, F32);
        shape in = net_input(b.n), out = net_output(b.n);
        assert_int_equal(net_takes_latent(b.n) ? out.d[2] : in.d[2], 1);
        node *loss = apply(&b, NET_TRAIN, NULL);
        want_gradients(&b, loss);
        compile_and_run(&b, NAMES[i]);
        close_network(&b);
    }
}

static void state_advances(void **state) {
    (void)state;
    bench b;
    net_updates updates = {0};
    open_network(&b, "sngan32-d", 0, 2, F32);
    apply(&b, NET_TRAIN, &updates);
    assert_int_equal(updates.n, 2 * 11); // u and v of ten convolutions and the head
    for (int k = 0; k < updates.n; k++) want(&b, updates.at[k]);
    float *before = malloc(b.s->buffer_count * sizeof *before);
    assert_non_null(before);
    memcpy(before, b.s->buffers, b.s->buffer_count * sizeof *before);
    compile_and_run(&b, "sngan32-d");
    assert_memory_not_equal(before, b.s->buffers, b.s->buffer_count * sizeof *before);
    for (int k = 0; k < updates.n; k++) { // unit vectors
        const float *v = store_data(b.s, updates.tensor[k]);
        double norm = 0;
        for (int64_t i = 0; i < shape_count(b.s->tensor[updates.tensor[k]].shape); i++) norm += (double)v[i] * (double)v[i];
        assert_true(fabs(norm - 1) < 1e-4);
    }
    free(before);
    close_network(&b);
}

// Between two phases an optimizer changes the parameters: the same network on the same input is another result.
static void a_later_phase_meets_new_parameters(void **state) {
    (void)state;
    bench b;
    open_network(&b, "dcgan64-d", 0, 2, F32);
    node *y[2];
    plan_output out[2];
    for (int i = 0; i < 2; i++) {
        node *features = net_apply(b.n, b.g, b.s, b.x, NET_TRAIN_STILL, 0, NULL);
        y[i] = net_apply_head(b.n, b.g, b.s, "game", features, NET_TRAIN_STILL, 0, NULL);
        out[i] = (plan_output){y[i], NULL};
    }
    if (plan_compile(b.g, (plan_phase[]){{&out[0], 1}, {&out[1], 1}}, 2, NULL, &b.p) != FOIL_OK) fail_msg("%s", foil_error());
    philox_fill_normal((philox_key){.seed = 1}, 0, plan_data(b.p, b.x), (size_t)shape_count(b.x->shape));
    plan_run(b.p, 0, 1, 1);
    float first[2], second[2];
    memcpy(first, plan_data(b.p, y[0]), sizeof first);
    float *head = store_data(b.s, store_find(b.s, "heads.game.0.weight"));
    for (int i = 0; i < 512 * 16; i++) head[i] *= 2;
    plan_run(b.p, 1, 1, 1);
    memcpy(second, plan_data(b.p, y[1]), sizeof second);
    for (int i = 0; i < 2; i++) assert_true(fabsf(second[i] - 2 * first[i]) < 1e-4f * fabsf(first[i]) + 1e-6f);
    close_network(&b);
}

int main(void) {
    threads_set(0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference),
        cmocka_unit_test(values_are_the_references),
        cmocka_unit_test(training_f32),
        cmocka_unit_test(training_bf16),
        cmocka_unit_test(grey_images),
        cmocka_unit_test(state_advances),
        cmocka_unit_test(a_later_phase_meets_new_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
