// The pages that people read: one HTML file with data, plots and pictures in it, that opens anywhere without a network.
#ifndef FOIL_EVAL_PAGES_PAGE_H
#define FOIL_EVAL_PAGES_PAGE_H

#include "data/image.h"
#include "eval/json.h"

typedef enum page_kind { PAGE_EVALUATION, PAGE_RUN, PAGE_CUES } page_kind;

// `data` is what eval/pages/parts/evaluation.js, run.js or cues.js says at its top. The file is eval/pages/parts/page.html with its parts in it; no text of the
// data can get out of the place that is meant for data.
foil_status page_write(const char *path, page_kind kind, const json_t *data);

// A picture as data URI: PNG up to 128² pixels, where every one counts; larger ones as JPEG of quality 88.
foil_status page_picture(const image *im, json_t **out);

#endif
