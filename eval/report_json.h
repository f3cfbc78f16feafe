// Pieces of an evaluation as JSON, for metrics.json and the page; what is no number is null.
#ifndef FOIL_EVAL_REPORT_JSON_H
#define FOIL_EVAL_REPORT_JSON_H

#include "eval/harness.h"
#include "eval/json.h"

json_t *interval_json(const interval *v);     // {"value", "low", "high"}
json_t *robustness_json(const robustness *r); // {"clean", "perturbations": [{"name", "parameter", "library", "strengths"}], "mean_relative_loss"}

#endif
