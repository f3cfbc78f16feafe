// The cue-only baseline of a set: measured, fitted, calibrated, written.
#ifndef FOIL_EVAL_CUES_FIT_H
#define FOIL_EVAL_CUES_FIT_H

#include "data/portion.h"
#include "eval/cues/model.h"

// As `foil cues --fit` and `foil train` do: fitted on its train split, ridge and calibration from its val split, written to `path` as a detector. Of the reals
// and of the fakes of a split at most CUE_PICTURES, and CUE_PIXELS pixels, are looked at, evenly through it.
enum { CUE_PICTURES = 4096, CUE_PIXELS = 1 << 25 };
typedef struct cue_fitting {
    const set *set;
    const portion *portion; // what of the set may be used; NULL = all
    shape input;
    image_fit fit;
} cue_fitting;
foil_status cue_detector_fit(const cue_fitting *from, const char *path);
// Whether both splits have reals and fakes.
foil_status cue_detector_possible(const cue_fitting *from, bool *out);

#endif
