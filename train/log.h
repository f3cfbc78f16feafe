// What a run says about itself: log.jsonl and TensorBoard events, both cut back to the checkpoint's step on resume.
#ifndef FOIL_TRAIN_LOG_H
#define FOIL_TRAIN_LOG_H

#include "data/image.h"

typedef struct run_log run_log;

typedef struct log_value {
    const char *name; // "loss/d", "val/auc"
    double value;
} log_value;

// Opens (or continues, dropping entries after `step`) the logs in `folder`.
foil_status log_open(const char *folder, int64_t step, run_log **out);
void log_close(run_log *l);
foil_status log_values(run_log *l, int64_t step, const log_value *v, int n);        // one line, flushed; NaN as null
foil_status log_image(run_log *l, int64_t step, const char *name, const image *im); // TensorBoard only

#endif
