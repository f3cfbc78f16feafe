// `foil eval`: one detector, one set or folder, one honest table.
#ifndef FOIL_EVAL_HARNESS_H
#define FOIL_EVAL_HARNESS_H

#include "base/arena.h"
#include "base/text.h"
#include "eval/detector.h"
#include "eval/metric.h"
#include "eval/pictures.h"

typedef struct scored {
    const char *path, *method, *subject; // "" = none given
    int clip;
    bool fake;
    double logit, score;
} scored;

typedef struct evaluation {
    int64_t n;
    scored *item;
    struct {
        const char *name; // "overall", or the fakes' method: its fakes against all reals
        int64_t reals, fakes;
        interval metric[METRICS];
    } * row;
    int rows;
    double threshold;
    const char *threshold_name; // "eer"
    int draws;
    uint64_t seed;
    arena memory;
} evaluation;

typedef struct evaluation_options {
    int draws; // 1000
    uint64_t seed;
    void (*progress)(int64_t done, int64_t total, void *context);
    void *context;
} evaluation_options;

// Ranks (base/ranks.h) that all call it share the scoring; rank 0 gets the evaluation that it would have had alone, to the bit, the others an empty one.
foil_status evaluate(foil_detector *d, const pictures *from, const evaluation_options *o, evaluation *out);
// Fills the rows of an evaluation that has items, threshold, draws and seed.
foil_status evaluation_judge(evaluation *e);
// Scores that another tool gave: CSV with the columns score and fake (and path, method, subject, clip), or ASVspoof's "utterance attack key score", whose sign is
// turned. They live while `use` runs. In memory: the file, 48 bytes for each score, at most twice that while reading, and 90 more while it is judged.
foil_status with_scores(const char *path, const evaluation_options *o, foil_status (*use)(const evaluation *e));
void evaluation_free(evaluation *e);

// scores.csv: path,score,fake,method,subject,clip (RFC 4180 quoting). metrics.json: {"overall": {"auc": {"value","low","high"}, …}, "methods": {…}}.
foil_status evaluation_write_scores(const evaluation *e, const char *path);
foil_status evaluation_json(const evaluation *e, text *out);
void evaluation_table(const evaluation *e, text *out); // for people

#endif
