// The metadata that makes a safetensors file a detector.
#ifndef FOIL_EVAL_CARD_H
#define FOIL_EVAL_CARD_H

#include "base/arena.h"
#include "eval/detector.h"

// Reads and checks a file's metadata; texts go to `texts`. `path` names the file in errors. The caller frees *n, also after a failure (NULL then, or not).
foil_status card_read(const safetensors *file, const char *path, arena *texts, detector_card *card, net **n);

#endif
