// A study's cells, judged from their scores, and what a study asks of them.
#ifndef FOIL_TRAIN_STUDY_JUDGE_H
#define FOIL_TRAIN_STUDY_JUDGE_H

#include "eval/compare.h"
#include "train/study.h"

enum { STUDY_SEEDS = 16 }; // at most: key_ints

// Part of a test split, on which a cell is judged. Views: of the protocols that leave something out 0 = what was left out, 1 = the rest; of a continual study
// one for each method; otherwise one.
typedef struct study_view {
    interval metric[METRICS];
    double *drawn; // [draws] of the study's metric; draw d is of the same clips in all cells and views of a set
} study_view;

typedef struct study_judged {
    bool ended, diverged;
    const char *why; // it diverged
    study_view *view;
    study_view *cues; // of its cue-only baseline; NULL = none
} study_judged;

typedef struct study_test { // the test split of a set
    const char *fingerprint;
    int64_t n, reals, fakes;
} study_test;

// What is said of one variant, or of the cue-only baseline: a number for each seed, from the cells of that seed.
typedef struct study_answer {
    int seeds;  // whose cells all ended
    bool fixed; // the baseline's: no seed changes it
    bool there[STUDY_SEEDS];
    double value[STUDY_SEEDS];  // of the study's metric
    double *drawn[STUDY_SEEDS]; // the same from the draws
    double mean, deviation;     // over seeds; the deviation of one is NAN
    double low, high;           // 95 %: draws of clips and of seeds
    double other[METRICS];      // means over seeds
} study_answer;

typedef struct study_question {
    const char *name;     // "sd14", "mean"
    int view;             // which kind of number: of the table that it stands in
    study_answer *answer; // [result->answers]
} study_question;

// Answers of two (variants, or the last the baseline) to one question, or of one variant to two.
typedef struct study_difference {
    int question_a, variant_a, question_b, variant_b;
    difference of;    // a - b, over the seeds that both have
    int seeds, agree; // seeds whose own difference has the sign of the mean's
} study_difference;

typedef struct study_result { // of one set
    study_test test;
    int answers; // variants, and the baseline where every part has one
    int questions, differences;
    study_question *question;
    study_difference *difference;
    const char *verdict; // sentences, one a line
} study_result;

typedef struct study_results {
    const study *study;
    study_judged *cell; // [cells]
    study_result *set;  // [sets]
    arena memory;
} study_results;

foil_status study_judge(const study *s, study_results *out);
void study_results_free(study_results *r);
int study_views(const study *s, int which);
// Of a variant, or of the baseline that follows them: "cues alone".
const char *study_answer_name(const study *s, int variant);
// How a question's numbers are named at the head of a table, by question->view.
const char *study_view_title(const study *s, int view);

// study_questions.c: fills questions and differences of one set from its cells; study_verdict.c: the sentences.
foil_status study_ask(study_results *r, int which);
foil_status study_conclude(study_results *r, int which);

foil_status study_json(const study_results *r, text *out);

#endif
