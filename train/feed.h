// What the steps of a run look at: the game's reals, and the detect head's reals and fakes through one chain of transforms.
#ifndef FOIL_TRAIN_FEED_H
#define FOIL_TRAIN_FEED_H

#include "train/run.h"

typedef struct feed feed;

// From discriminator step `draw` on.
foil_status feed_open(run *r, uint64_t draw, feed **out);
void feed_close(feed *f);
// The batch of step `draw`, which counts up from the one given at opening. Valid until the next call.
foil_status feed_next(feed *f, uint64_t draw, game_batch *out);
// Seconds spent so far waiting for pictures or preparing them in the training thread.
double feed_waited(const feed *f);

#endif
