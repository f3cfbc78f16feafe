// Shortcuts: what tells a set's fakes from its reals without a look at the content. A detector that is trained on such a set learns them first.
//
// What is compared are properties of the files as they were before packing (data/image.h, image_file). A set that was packed without them can't be checked.
#ifndef FOIL_EVAL_SHORTCUTS_H
#define FOIL_EVAL_SHORTCUTS_H

#include "data/set.h"
#include "eval/metric.h"

enum { SHORTCUT_PICTURES = 200000 }; // at most so many are looked at, evenly through the set

typedef enum file_property { BY_FORMAT, BY_COLOURS, BY_QUALITY, BY_WIDTH, BY_HEIGHT, BY_ASPECT, BY_BYTES, FILE_PROPERTIES } file_property;
extern const struct file_property_type {
    const char *name;
    const char *const *words; // names of its values; NULL = it is a number
} PROPERTY_TYPES[FILE_PROPERTIES];

typedef struct file_row {
    double value[FILE_PROPERTIES]; // NaN: has none, as a PNG has no JPEG quality
    int64_t picture;
    int clip, method;
    bool fake;
} file_row;
typedef struct file_table {
    file_row *row;
    int64_t n, looked; // whose properties are known; of how many
} file_table;
foil_status file_table_read(const set *s, file_table *out);
void file_table_free(file_table *t);

// Of a number the median and the 5 % and 95 % quantiles; of a word the most frequent and, twice, its share.
typedef struct property_side {
    double typical, low, high;
} property_side;
// How well the best single cut (of a number: Kolmogorov and Smirnov's distance), or the best rule by value (of a word: total
// variation), separates fakes from reals.
typedef struct property_difference {
    double all; // balanced accuracy, .5 = not at all; NaN: one class has less than SHORTCUT_LEAST such pictures
    property_side real, fake;
    int worst, methods;    // the method of fakes that differs most from the reals, of those that do notably if there are any, and how many these are
    double worst_accuracy; // NaN if there is none
    property_side worst_side;
    bool notable; // all fakes or some method: an accuracy of .6 or more, and beyond what chance does once in a thousand cases with that many clips
} property_difference;
enum { SHORTCUT_LEAST = 20 };

// AUC, with its 95 % interval by clips, of a logistic regression on all properties, each picture scored by a fit that saw nothing of its clip (5 folds).
// `*judged` = false: less than SHORTCUT_LEAST pictures of a class.
foil_status properties_solve(const file_table *t, bool *judged, interval *auc);

typedef struct shortcut_findings {
    int64_t known, looked; // pictures whose files' properties are known; of how many
    bool judged;           // both classes have SHORTCUT_LEAST: what follows is set
    property_difference difference[FILE_PROPERTIES];
    interval auc;
} shortcut_findings;
foil_status shortcuts_find(const set *s, shortcut_findings *out);

#endif
