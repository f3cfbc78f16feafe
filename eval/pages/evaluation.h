// An evaluation's page, report.html: the verdict in a sentence, curves with bands, histograms, reliability, rows, robustness, mistakes
// with maps, the detectors' cards.
#ifndef FOIL_EVAL_PAGES_EVALUATION_H
#define FOIL_EVAL_PAGES_EVALUATION_H

#include "eval/harness.h"
#include "eval/pages/page.h"

typedef struct evaluation_page {
    const char *command;         // that does it again
    const evaluation *e;         // [sets], of the same judges
    const pictures *const *from; // [sets]; NULL in it: there were scores alone, and mistakes have no pictures
    int sets;
} evaluation_page;

// Reads again those pictures that are mistakes, at most 12 of each class for each judge and set, fewer of many; curves take a bootstrap each.
foil_status evaluation_page_write(const evaluation_page *p, const char *path);

// Its parts.

// What a judge's scores look like, into `result`: threshold, decisions, roc, histogram, reliability.
foil_status page_add_scores(json_t *result, const evaluation *e, const judge *j);
// Into `result`: mistakes, the most confident first, and how their maps were made.
foil_status page_add_mistakes(json_t *result, const evaluation *e, const judge *j, const pictures *from, int most);
// {} of scores; else what is known of the detector: input, training data, forgers, calibration, thresholds, limits.
json_t *page_card(const judge *j);
// How the pictures relate to those that the detector was made with: "train", "val", "test" or "all" of its own set, "other" set; NULL = not known.
const char *page_seen(const evaluation *e, const judge *j);
// Whether it was calibrated, and given its thresholds, on some of these pictures, of whatever set, after its training.
bool page_calibrated(const evaluation *e, const judge *j);

#endif
