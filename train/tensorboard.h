// TensorBoard's event file: records of a length, its CRC, a serialized Event, its CRC.
#ifndef FOIL_TRAIN_TENSORBOARD_H
#define FOIL_TRAIN_TENSORBOARD_H

#include "data/image.h"
#include "train/log.h"

typedef struct events events;

// Opens `path`, cut back to the whole records up to `step`.
foil_status events_open(const char *path, int64_t step, events **out);
void events_close(events *e);
foil_status events_values(events *e, int64_t step, const log_value *v, int n); // not-a-numbers are left out
foil_status events_image(events *e, int64_t step, const char *name, const image *im);

#endif
