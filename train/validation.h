// The detect head on pictures it does not learn from: which detector is the best, its temperature and thresholds.
//
// It is judged beside the set's fakes of the split; where it has none, beside as many from the run's forgers. Those of a moving generator get harder: what an
// early detector was worth beside early ones does not compare. So the best detector so far is judged again with each that may take its place, on the same
// fakes, and its calibration is always of the newest.
#ifndef FOIL_TRAIN_VALIDATION_H
#define FOIL_TRAIN_VALIDATION_H

#include "eval/metric.h"
#include "train/run.h"

typedef struct validation validation;

// Gives the run weights of its best detector if they are judged again.
foil_status validation_open(run *r, validation **out);
void validation_close(validation *v);
// Judges the detector of this step, `value`, and tells of the best one up to here in the run. Shared by all ranks, and all get the same. `*write`: it is
// another, or calibrated anew. FOIL_DIVERGED: a logit is no number, or infinite.
foil_status validation_run(validation *v, double value[METRICS], bool *write);
// Writes the best detector. Only if the last validation_run asked for it.
foil_status validation_write(const validation *v, const char *path);

#endif
