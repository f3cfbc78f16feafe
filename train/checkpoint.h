// All that a run needs to go on bit-identically, in one safetensors file without any time of day.
//
// `checkpoint.safetensors` and the one before, `checkpoint-previous.safetensors`; there is a whole one at every moment.
#ifndef FOIL_TRAIN_CHECKPOINT_H
#define FOIL_TRAIN_CHECKPOINT_H

#include "nn/safetensors.h"

// Writes `w` as the folder's new checkpoint, keeping the last as previous.
foil_status checkpoint_write(const char *folder, safetensors_writer *w);
// The newest: the one before takes the place of one that is missing or damaged, not of one that the system cannot read now. FOIL_IO with both reasons if
// neither serves. `*path` (caller frees) says which.
foil_status checkpoint_open(const char *folder, safetensors **out, char **path);

#endif
