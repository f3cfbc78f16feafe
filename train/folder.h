// The run folder: who may write into it, and where its files lie.
#ifndef FOIL_TRAIN_FOLDER_H
#define FOIL_TRAIN_FOLDER_H

#include "train/config.h"

// "folder/name" by printf's rules; the caller frees, NULL when out of memory.
char *folder_path(const char *folder, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Writes a file of text in it.
foil_status folder_write(const char *folder, const char *name, const char *content);

// Makes the folder. One that holds a run is refused unless `resume`, and then unless its config.yaml agrees with `c`. Of a run with a
// checkpoint, files may have moved to other folders.
foil_status folder_prepare(const char *folder, const config *c, bool resume);
// config.yaml, once nothing refuses the run: until then it says what the run in the folder began with.
foil_status folder_write_config(const char *folder, const config *c);
bool folder_has(const char *folder, const char *name); // a file
// Whether there is a checkpoint to go on from; a run killed before its first has none.
bool folder_has_checkpoint(const char *folder);

#endif
