// The page of a run: RUN/report.html, made from what lies in the run's folder (log.jsonl, samples/, config.yaml).
#ifndef FOIL_TRAIN_PAGE_H
#define FOIL_TRAIN_PAGE_H

#include "train/config.h"

// Of the log at most that many lines of each curve are drawn, evenly thinned, the last one kept; of the grids of samples so many.
enum { RUN_PAGE_POINTS = 2000, RUN_PAGE_GRIDS = 20 };

typedef enum run_state { RUN_RUNNING, RUN_FINISHED, RUN_STOPPED } run_state;

// `message` tells why it stopped; NULL = nothing to tell. Reads the whole log: its cost grows with the run, and is some hundred milliseconds at 20 large grids.
foil_status run_page_write(const char *folder, const config *c, int64_t step, run_state state, const char *message);

#endif
