// What `foil bench` measures and how it says so.
#ifndef FOIL_CLI_BENCH_H
#define FOIL_CLI_BENCH_H

#include "base/ranks.h"
#include "cli/profile.h"

typedef struct bench_options {
    int batch;                    // 0 = the training file's, or 64
    int precision;                // 0 f32, 1 bf16, -1 = the training file's, or f32
    int convolution;              // conv_algorithm, -1 = the training file's, or fast
    double seconds;               // to measure for
    const char *const *overrides; // "game.d_steps=1": keys of a training file
    int n_overrides;
    profile *profile; // filled if there is one
} bench_options;

typedef struct bench_result {
    const char *what;   // "inference", "adversarial step"
    int batch, runs;    // runs: how many were timed
    int at_once;        // pictures at a time: the batch, or less (nn/micro_batch.h)
    double images;      // that one run shows to the network; of a training run, real ones, of all ranks
    int precision;      // as above
    double seconds;     // of one run, the median
    double flops;       // of one run, of this rank
    plan_memory memory; // of the plans; activations lie in one workspace
    double resident_mb; // the most so far
    double predicted_mb,
        parameters_mb;  // of a training step: what resident_mb was expected to be, and of it values, gradients and moments; 0 = not known
    ranks_traffic sums; // over ranks, in one run
} bench_result;

// Times `run` until o->seconds have passed (on any rank), at least three times after a warm-up, and keeps the median.
foil_status bench_time(foil_status (*run)(void *context, int i), void *context, const bench_options *o, bench_result *out);

// Bytes of memory that the process has now, in MB; 0 where the system does not tell.
double bench_resident_mb(void);

foil_status bench_network(const char *path, const bench_options *o, bench_result *out);  // bench_network.c
foil_status bench_training(const char *path, const bench_options *o, bench_result *out); // bench_training.c
// What the machine can give on the same threads: FLOP/s of a 2048³ product in the same precision, and bytes/s of z = x + y on 64 MB each; measured for
// `at_most` seconds each, one if that is more.
foil_status bench_peak(int precision, double at_most, roofline *out); // bench_network.c

#endif
