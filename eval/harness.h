// `foil eval`: the pictures of one set, judged by one detector or by several on the very same pictures, and how sure one can be of it.
#ifndef FOIL_EVAL_HARNESS_H
#define FOIL_EVAL_HARNESS_H

#include "base/text.h"
#include "eval/clips.h"
#include "eval/compare.h"
#include "eval/detector.h"
#include "eval/robustness.h"
#include "eval/rows.h"
#include "eval/scores.h"
#include "eval/tandem.h"

// Who judges: a detector, or scores that another tool gave. Must outlive the evaluation.
typedef struct contestant {
    const char *name;
    foil_detector *detector; // or
    const score_file *scores;
    const char *threshold_name; // that decisions are made at, with its value; NULL = a detector's eer, .5 for scores between 0 and 1
    double threshold;
} contestant;

typedef enum judge_kind { JUDGE_NETWORK, JUDGE_CUES, JUDGE_SCORES } judge_kind;
extern const char *const JUDGE_KINDS[]; // "network", "cues", "scores", NULL

typedef struct judge {
    const char *name;
    judge_kind kind;
    const foil_detector *detector;   // NULL of scores
    bool probabilities;              // all scores are in 0..1
    double threshold;                // NAN: none
    const char *threshold_name;      // "eer", "0.5", "none"
    const double *score;             // [n], higher = more likely fake
    interval (*metric)[METRICS_ALL]; // [rows]
    const robustness *robustness;    // NULL: not asked for, or scores from a file
    double *drawn;                   // [METRICS_ALL][draws], of the row "overall"; draw d is of the same clips for all judges
} judge;

typedef struct evaluation {
    const char *name, *split, *fingerprint; // of the set, or of the file of scores, whose others are ""
    int64_t pictures;                       // that were judged: before clips were made of them
    int clip_rule;                          // of the items, which are clips then, or -1: items are pictures
    int frames;                             // most of each clip; 0 = all
    int64_t n;
    const picture_label *item; // [n]; of a clip: its first frame
    const bool *fake;          // [n], the same as in the items, for metric_input
    const int *clip;
    int rows;
    evaluation_row *row; // the first is "overall"
    int judges;
    judge *judge;
    int differences;
    difference *difference; // of the row "overall": all pairs of judges, in order, of each metric; Holm's family is all pairs and sets of one metric
    const tandem *tandem;   // NULL = none
    int metrics;            // that are known: METRICS, or with a tandem METRICS_ALL
    int draws;
    uint64_t seed;
    arena memory;
} evaluation;

typedef struct evaluation_options {
    int draws; // 1000
    uint64_t seed;
    int rows;      // 1 << kind of those that are wanted; overall always is
    int clip_rule; // -1: pictures are judged
    int frames;    // of each clip at most, spread evenly over it; 0 = all
    const tandem *tandem;
    const perturbation_list *perturb; // what the robustness of detectors is measured with, NULL = nothing
    void (*progress)(int64_t done, int64_t total, void *context);
    void *context;
} evaluation_options;

// `from` NULL: the items are those of the first contestant's scores. Ranks (base/ranks.h) that all call it share the scoring; rank 0 gets the evaluation that
// it would have had alone, to the bit, the others an empty one. Scores from a file are joined by path: each item needs one.
foil_status evaluate(const pictures *from, const contestant *who, int contestants, const evaluation_options *o, evaluation *out);
// The differences of several evaluations, of the same judges on different sets, are one family for Holm's correction.
foil_status evaluations_correct(evaluation *e, int n);
void evaluation_free(evaluation *e);

// Scores of one judge, as CSV: path,score,fake,method,subject,clip.
foil_status evaluation_write_scores(const evaluation *e, const judge *j, const char *path);
// For each set and detector that has a robustness: set,detector,perturbation,library,parameter,value,auc,auc_low,auc_high,relative_loss,loss_low,loss_high; the
// pictures as they are come first, as perturbation "none". What is not known is left empty.
foil_status evaluations_write_robustness(const evaluation *e, int n, const char *path);
// metrics.json. One judge of one set: {"overall": {"auc": {"value","low","high"}, …}, "methods": {…}, "levels": {…}, "subjects": {…}, …}. Several (a network
// with its baseline of cues: both at once): {"sets": […], "detectors": […], "results": [{"set", "detector", "overall": …}, …], "differences": [{"set", "a",
// "b", "metric", "value", "low", "high", "p", "p_holm"}, …]}.
foil_status evaluations_json(const evaluation *e, int n, text *out);
void evaluations_table(const evaluation *e, int n, text *out); // for people: 100 columns

#endif
