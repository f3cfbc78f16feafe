// A study: one question asked of many runs. Configurations × seeds × sets, by a protocol that says what each run may learn from and what it is judged on; each
// run (a cell) is a run of `foil train` in a folder of its own, that anyone can repeat with the command that is printed. docs/study.md tells what is computed.
//
// OUT/study.yaml (the study, resolved), OUT/cells/NAME/ (run folders, each with scores.csv over the whole test split, some with
// scores-cues.csv of its cue-only baseline; or with diverged.txt), OUT/study.json, OUT/study.md.
#ifndef FOIL_TRAIN_STUDY_H
#define FOIL_TRAIN_STUDY_H

#include <signal.h>

#include "base/arena.h"
#include "base/keys.h"
#include "train/trainer.h"

typedef enum study_protocol { STUDY_SUPERVISED, STUDY_METHOD_OUT, STUDY_SOURCE_OUT, STUDY_CURVE, STUDY_CONTINUAL, STUDY_PROTOCOLS } study_protocol;

typedef struct study_variant {
    const char *name, *config; // training file, absolute
    key_texts overrides;       // paths in them absolute
    const char *place;         // in the study file
} study_variant;

typedef struct study_set {
    const char *path, *name; // absolute; for people
    int parts;               // what the cells differ in by the protocol: methods or sources left out, amounts, stages; 1 where nothing does
    const char **part;
    int methods, sources; // of the fakes, of the reals
    const char **method, **source;
} study_set;

typedef struct study_cell {
    const char *name, *folder;
    int set, part, variant, seed; // indices
    const char *config, **overrides;
    int n; // overrides
} study_cell;

typedef struct study {
    yaml *document; // resolved
    arena memory;   // of all texts below that are not the document's
    study_protocol protocol;
    key_texts parts; // as written: methods, sources, amounts or order; none = all
    const yaml_node *parts_at;
    int64_t draws;
    int metric;
    key_ints seeds;
    int variants, sets, cells;
    study_variant *variant;
    study_set *set;
    study_cell *cell; // a stage of a continual study comes after the one that it goes on from
} study;

// Reads the study file, with "KEY=VALUE" for keys of it (a path there is relative to the current directory), and looks into its sets; checks every cell's
// configuration. `folder` is OUT. study_free also after a failure.
foil_status study_read(const char *path, const char *const *overrides, int n, const char *folder, study *out);
void study_free(study *s);
// The cell from whose networks the cell begins, or NULL.
const study_cell *study_before(const study *s, const study_cell *c);
// The cell whose cue-only baseline (cues.safetensors) stands for all of its set and part, since it learns from the data alone: the first of
// them. NULL in a continual study.
const study_cell *study_baseline(const study *s, int which, int part);
// The command that repeats a cell, as a shell takes it: foil train CONFIG KEY=VALUE... --out FOLDER.
void study_command(const study_cell *c, text *out);
const char *study_protocol_name(study_protocol p);
void study_document(text *out); // docs/study-file.md

typedef struct study_progress {
    const study_cell *cell;
    int number, of;              // of cells, from 1
    const train_progress *train; // or NULL:
    int64_t scored, to_score;    // pictures of the test split
} study_progress;

typedef struct study_options {
    const char *folder;
    const volatile sig_atomic_t *stop; // as train's
    void (*progress)(const study_progress *p, void *context);
    void *context;
} study_options;

// Runs the cells that have not ended yet. A study that began differently is refused, with the difference. A cell that diverges gets diverged.txt with the
// reason, and the study goes on; FOIL_INTERRUPTED leaves everything for the next call.
foil_status study_run(const study *s, const study_options *o);
// Whether the cell has ended with scores of the test split.
bool study_has_scores(const study_cell *c);
// Judges the scores of all cells and writes study.json and study.md; `report` gets the latter.
foil_status study_report(const study *s, const char *folder, text *report);

#endif
