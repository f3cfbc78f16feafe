// How the learning rate moves over a run.
#include <math.h>

#include "train/optimizer.h"

double schedule_lr(const optimizer_options *o, int64_t step, int64_t steps) {
    if (step < o->warmup) return o->lr * (double)(step + 1) / (double)(o->warmup + 1);
    if (o->schedule == SCHEDULE_CONSTANT || steps <= o->warmup) return o->lr;
    double done = (double)(step - o->warmup) / (double)(steps - o->warmup);
    if (done > 1) done = 1;
    double left = o->schedule == SCHEDULE_LINEAR ? 1 - done : 0.5 * (1 + cos(acos(-1.0) * done));
    return o->lr * (o->final_lr + (1 - o->final_lr) * left);
}
