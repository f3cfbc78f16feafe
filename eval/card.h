// The metadata that makes a safetensors file a detector.
#ifndef FOIL_EVAL_CARD_H
#define FOIL_EVAL_CARD_H

#include "base/arena.h"
#include "eval/detector.h"

// Reads and checks a file's metadata; texts go to `texts`. `path` names the file in errors. The caller frees *n, also after a failure (NULL then, or not);
// NULL, too, of a baseline of cues.
foil_status card_read(const safetensors *file, const char *path, arena *texts, detector_card *card, net **n);

// Where metadata goes: safetensors, ONNX.
typedef void card_set(void *to, const char *key, const char *value);

// The part that is calibration: keys temperature, calibration (JSON {"method", "bias", "prior", "shift"}, and "logit" and "score" of isotonic's knots),
// thresholds (JSON {"eer": score, "fpr=0.01": …}), calibrated_on (JSON {"reals", "fakes", "false_alarms": {"eer": n, …}}). Files of format 1 have no
// `calibration`: temperature alone.
foil_status card_set_calibration(const calibration *c, card_set *set, void *to);
foil_status card_read_calibration(const safetensors *file, const char *path, arena *memory, calibration *c);

#endif
