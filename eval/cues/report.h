// The cues of one picture as JSON, for `foil cues --json` and for pages.
#ifndef FOIL_EVAL_CUES_REPORT_H
#define FOIL_EVAL_CUES_REPORT_H

#include <jansson.h>

#include "eval/cues/cue.h"

// What no cue says, in a sentence.
extern const char CUE_CAUTION[];

// {path, width, height, channels, cues: [{name, about, source, words, numbers: [{name, unit, about, value}], plot}]}; a number that is missing is null.
// With `drawn` each cue has its plot ("<svg …", or null where there is nothing to see) and the picture a `picture`, a data URI.
foil_status cue_report(const char *path, bool drawn, json_t **out);

#endif
