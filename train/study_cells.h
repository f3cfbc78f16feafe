// From a study's keys and its sets to its cells.
#ifndef FOIL_TRAIN_STUDY_CELLS_H
#define FOIL_TRAIN_STUDY_CELLS_H

#include "train/study.h"

// Fills sets and cells of a study whose keys were read; every cell's configuration is read once, to see that it can be.
foil_status study_make_cells(study *s, const char *folder);

#endif
