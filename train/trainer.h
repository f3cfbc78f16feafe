// The adversarial training loop, and the supervised one: a run without a generator.
#ifndef FOIL_TRAIN_TRAINER_H
#define FOIL_TRAIN_TRAINER_H

#include <signal.h>

#include "train/config.h"

typedef struct train_progress {
    int64_t step, steps;
    double loss_d, loss_g, loss_detect; // of the last step; NaN = not part of this run
    double real, fake;                  // mean logits D(x), D(G(z))
    double images_per_second, waited;   // real images shown per second; share of the time spent waiting for data
    double metric;                      // last validation metric, NaN before the first
    const char *event;                  // "checkpoint", "evaluate", "best" … or NULL
} train_progress;

typedef struct train_options {
    const char *folder; // of the run
    bool resume;
    const volatile sig_atomic_t *stop; // set by a signal handler: checkpoint and leave with FOIL_INTERRUPTED
    void (*progress)(const train_progress *p, void *context);
    void *context;
} train_options;

// Trains to config->run.steps. Files are as in the design; the last act is the final checkpoint, the detector best.safetensors calibrated on
// validation (if there is a detect head), and the sample grid. The first is cues.safetensors, the baseline of cues (eval/cues/fit.h), if there is a
// detect head and the set has reals and fakes to fit and to calibrate it. FOIL_DIVERGED names the step, what is not a finite number and the last
// checkpoint, which holds none but these.
foil_status train(const config *c, const train_options *o);
// What `train` would fail with before it makes its folder; writes nothing. Of run.from it knows nothing.
foil_status train_check(const config *c);

#endif
