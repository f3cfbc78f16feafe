// The rows of an evaluation's table: which items each is about.
#ifndef FOIL_EVAL_ROWS_H
#define FOIL_EVAL_ROWS_H

#include "base/arena.h"
#include "eval/pictures.h"

typedef enum row_kind { ROW_OVERALL, ROW_METHOD, ROW_LEVEL, ROW_SUBJECT, ROW_KINDS } row_kind;
extern const char *const ROW_KIND_NAMES[]; // "overall", "method", "level", "subject", NULL

// overall  all fakes and all reals
// method   the fakes of a method; where methods come in levels ("Deepfakes/c23", "Deepfakes/c40") "Deepfakes" is all of them
// level    the fakes of a level of compression
// subject  the fakes of a subject, a person
// each against all reals, except that a level, and a method of one level, meets the reals of that level, and a subject his own reals, where there are any.
typedef struct evaluation_row {
    row_kind kind;
    const char *name; // "overall", "unnamed" for a method without a name
    int64_t reals, fakes;
    int64_t real_clips, fake_clips; // that these are in, which is what intervals rest on; an item without a clip is one of its own
    bool own_reals;                 // not all reals
} evaluation_row;

// Those that have fakes, in the order of kinds and names; of the kinds k with kinds & (1 << k), and overall always.
foil_status rows_find(const picture_label *item, int64_t n, int kinds, arena *memory, evaluation_row **out, int *rows);
// Indices of the row's items, in their order: index[0 … reals + fakes - 1].
void row_items(const evaluation_row *row, const picture_label *item, int64_t n, int64_t *index);

#endif
