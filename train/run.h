// A run in memory: the networks, what they have learnt, and how far they are.
#ifndef FOIL_TRAIN_RUN_H
#define FOIL_TRAIN_RUN_H

#include "data/set.h"
#include "gan/forger.h"
#include "train/config.h"
#include "train/game.h"

// The best detector so far, best.safetensors.
typedef struct best_detector {
    int64_t step;   // of its weights
    double metric;  // on validation; NaN = there is none yet
    store *weights; // NULL = they need not be judged again (validation.h)
} best_detector;

typedef struct run {
    const config *config;
    set *set;
    selection real;                         // pictures of the training split
    net *generator_net, *discriminator_net; // generator: NULL = supervised
    player generator, discriminator;        // with nets, stores and optimizers
    store *average;                         // of the generator; NULL = none is kept
    workspace *workspace;
    forgery *forgery; // NULL = no detect head trained
    int64_t step;     // steps done
    best_detector best;
} run;

// At step 0, with initial weights. `r` must not move afterwards.
foil_status run_open(const config *c, run *r);
void run_close(run *r);
// The weights of run.from's networks instead, if the configuration has one: the first thing a new run does.
foil_status run_begin(run *r);
// Of all weights and buffers: equal if they are the same bits.
uint64_t run_digest(const run *r);
// The name of a tensor that holds something else than finite numbers, and `whose` it is: "the generator's"; NULL = none does.
const char *run_not_finite(const run *r, const char **whose);
foil_status run_save(const run *r, const char *folder);
// Takes over all of a checkpoint's state; fails if networks or data are not what they were.
foil_status run_restore(run *r, const safetensors *s, const char *path);

#endif
