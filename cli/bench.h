// What `foil bench` measures and how it says so.
#ifndef FOIL_CLI_BENCH_H
#define FOIL_CLI_BENCH_H

#include "base/status.h"
#include "nn/plan.h"

typedef struct bench_options {
    int batch;                    // 0 = the training file's, or 64
    int precision;                // 0 f32, 1 bf16, -1 = the training file's, or f32
    double seconds;               // to measure for
    const char *const *overrides; // "game.d_steps=1": keys of a training file
    int n_overrides;
} bench_options;

typedef struct bench_result {
    const char *what;   // "inference", "adversarial step"
    int batch, runs;    // runs: how many were timed
    double images;      // that one run shows to the network; of a training run, real ones
    int precision;      // as above
    double seconds;     // of one run, the median
    double flops;       // of one run
    plan_memory memory; // of the plans; activations lie in one workspace
} bench_result;

// Times `run` until `seconds` have passed, at least five times after a warm-up, and keeps the median.
foil_status bench_time(foil_status (*run)(void *context, int i), void *context, double seconds, double *median, int *runs);

foil_status bench_network(const char *path, const bench_options *o, bench_result *out);  // bench_network.c
foil_status bench_training(const char *path, const bench_options *o, bench_result *out); // bench_training.c
// FLOP/s of a 2048³ product in the same precision on the same threads: what the machine can give.
foil_status bench_peak(int precision, double *flops_per_second); // bench_network.c

#endif
