// bench_loops [batch]: the passes over memory of batch norm, activations and their gradients beside a plain copy: GB/s of what each must read and
// write. The best of several runs, so that a busy machine disturbs little.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "nn/grad.h"
#include "nn/ops.h"
#include "nn/plan.h"

enum { RUNS = 40, MAX_STEPS = 64, MANY = 1 << 20 };

static void stop(const char *what) {
    fprintf(stderr, "bench_loops: %s\n", what);
    exit(1);
}

static void check(foil_status s) {
    if (s != FOIL_OK) stop(foil_error());
}

// Every input holds ones: times do not depend on values.
static void fill(plan *p, const node *input) {
    uint16_t *half = plan_data(p, input);
    float *whole = plan_data(p, input);
    for (int64_t i = 0; whole && i < shape_count(input->shape); i++) {
        if (input->type == F32)
            whole[i] = 1;
        else
            half[i] = f32_to_bf16(1);
    }
}

// `copy`: GB/s that the others are compared with; where it is 0, the first pass measured is the copy and sets it.
static void report(graph *g, const char *what, node *const *inputs, int n_inputs, const plan_output *outputs, int n, double *copy) {
    plan *p;
    check(plan_compile(g, &(plan_phase){outputs, n}, 1, NULL, &p));
    for (int i = 0; i < n_inputs; i++) fill(p, inputs[i]);
    double best[MAX_STEPS], total = 0;
    int steps = plan_steps(p);
    if (steps > MAX_STEPS) stop("more steps than expected");
    for (int i = 0; i < steps; i++) best[i] = 1e9;
    plan_time(p);
    for (int run = 0; run < RUNS; run++) {
        plan_run(p, 0, 1, 1);
        for (int i = 0; i < steps; i++) best[i] = plan_step_at(p, i).seconds < best[i] ? plan_step_at(p, i).seconds : best[i];
    }
    for (int i = 0; i < steps; i++) total += best[i];
    printf("%s: %.2f ms\n", what, 1e3 * total);
    for (int i = 0; i < steps; i++) {
        plan_step s = plan_step_at(p, i);
        if (s.bytes < MANY) continue; // vectors of one number per channel
        double rate = s.bytes / best[i] * 1e-9;
        if (!*copy) *copy = rate;
        printf("    %7.2f ms %6.1f GB/s %4.0f %%  %s\n", 1e3 * best[i], rate, 100 * rate / *copy, s.name);
    }
    plan_free(p);
}

static void bench(shape s, dtype t, double *copy) {
    shape row = SHAPE(s.d[3]);
    graph *g = graph_new(t);
    if (!g) stop("out of memory");
    node *x = graph_input(g, "x", s, t), *dy = graph_input(g, "dy", s, t), *gamma = graph_input(g, "gamma", row, F32);
    node *beta = graph_input(g, "beta", row, F32), *inputs[] = {x, dy, gamma, beta}, *d[3];
    printf("%s %s\n", dtype_name(t), shape_text(s));
    report(g, "  copy", inputs, 1, &(plan_output){nn_cast(nn_mul_scalar(x, 2), t), NULL}, 1, copy);
    node *y = nn_leaky_relu(nn_batch_norm(x, nn_batch_stats(x, 1), gamma, beta, 1e-5), 0.2);
    grad_from(y, dy, (node *const[]){x, gamma, beta}, 3, d);
    report(g, "  batch norm, leaky ReLU", inputs, 4, &(plan_output){y, NULL}, 1, copy);
    plan_output both[] = {{y, NULL}, {d[0], NULL}, {d[1], NULL}, {d[2], NULL}};
    report(g, "  the same with gradients", inputs, 4, both, 4, copy);
    node *z = nn_tanh(nn_add(x, beta)), *dz;
    grad_from(z, dy, &x, 1, &dz);
    plan_output tanh_outputs[] = {{z, NULL}, {dz, NULL}};
    report(g, "  bias, tanh, gradient", inputs, 4, tanh_outputs, 2, copy);
    graph_free(g);
}

int main(int argc, char **argv) {
    int64_t batch = argc > 1 ? atoi(argv[1]) : 64;
    if (batch < 1) stop("the batch must be a positive number");
    threads_set(0);
    static const int64_t SIZES[][2] = {{64, 3}, {32, 64}, {16, 128}, {8, 256}};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        for (dtype t = F32; t <= BF16; t++) {
            double copy = 0;
            bench(SHAPE(batch, SIZES[i][0], SIZES[i][0], SIZES[i][1]), t, &copy);
        }
    }
    return 0;
}
