// One training step: what discriminator and generator compute, where their gradients go, and the optimizers' steps between.
#ifndef FOIL_TRAIN_GAME_H
#define FOIL_TRAIN_GAME_H

#include "nn/net.h"
#include "nn/plan.h"
#include "train/config.h"

typedef struct player {
    const net *net; // NULL: not part of this run
    store *store;
    optimizer *optimizer;
} player;

typedef struct game game;

// A run without a generator has no game, only the detect head's loss; `detects` says whether there is that.
// Fails with what the networks lack: a head, a common size. On all ranks at the same time.
foil_status game_new(const config *c, player generator, player discriminator, bool detects, workspace *w, game **out);
void game_free(game *g);

// What a discriminator step looks at: this rank's share of the batch; NULL where the run has no use for it. [N,H,W,C] u8.
typedef struct game_batch {
    const uint8_t *real;   // the game's reals
    const uint8_t *detect; // the detect head's pictures
    const float *label;    // [N], 1 = fake
} game_batch;

// Of the last steps, over the whole batch: the same on all ranks. NaN = not part of this run.
typedef struct game_report {
    double loss_d, loss_g, loss_detect;
    double penalty;        // of the last step that had one; kept as it was until there is such a step
    double real, fake;     // mean logits of the game
    double norm_d, norm_g; // of the gradients, before clipping
} game_report;

// The `draw`-th discriminator step of the run (0-based): new latents, losses, gradients, optimizer. `steps`: how many there will be, for the schedule.
void game_step_discriminator(game *g, uint64_t draw, uint64_t steps, const game_batch *b, game_report *r);
// The generator's step on the fakes of the discriminator step just done.
void game_step_generator(game *g, uint64_t draw, uint64_t steps, game_report *r);

// The plan of the draw-th discriminator step (phase 0) and the generator's answer to it (phase 1): for profiles.
plan *game_plan(const game *g, uint64_t draw);
// Floating-point operations of that many steps of each kind from draw 0 on.
double game_flops(const game *g, uint64_t discriminator_steps, uint64_t generator_steps);
plan_memory game_memory(const game *g);

#endif
