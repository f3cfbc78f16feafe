// The detect head on pictures it does not learn from: which detector is the best, its temperature and thresholds.
#ifndef FOIL_TRAIN_VALIDATION_H
#define FOIL_TRAIN_VALIDATION_H

#include "eval/calibrate.h"
#include "eval/metric.h"
#include "train/run.h"

typedef struct validation validation;

// Judges on the set's fakes of the split; where it has none, on as many fakes from the run's forgers.
foil_status validation_open(run *r, validation **out);
void validation_close(validation *v);
// Shared by all ranks, and all get the same. The calibration is valid until the next run. FOIL_DIVERGED: a logit is no number, or infinite.
foil_status validation_run(validation *v, double value[METRICS], calibration *c);
// Writes the detector as it is now.
foil_status validation_write(const validation *v, const double value[METRICS], const calibration *c, const char *path);
// Whether the configured metric says that `now` beats `before` (NaN = nothing yet).
bool validation_is_better(const config *c, double now, double before);

#endif
