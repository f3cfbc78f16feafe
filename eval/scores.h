// Scores that some other tool gave, from a file, and joined with pictures or with another file by path.
#ifndef FOIL_EVAL_SCORES_H
#define FOIL_EVAL_SCORES_H

#include "eval/pictures.h"

typedef struct score_file {
    char *path;
    int64_t n;
    picture_label *item; // [n], the texts inside the file's bytes
    double *score;       // [n], finite; higher = more likely fake
    int32_t *line;       // [n], in the file
    bool probabilities;  // all are in 0..1
    bool labelled;       // it says which are fake
    bool named;          // it says paths
    char *bytes;
} score_file;

// CSV (RFC 4180) with a header: the column score must be there, fake (0 or 1), path, method, subject and clip may be. Or ASVspoof's lines "utterance attack key
// score", whose sign is turned. In memory: the file and 52 bytes for each score; at most twice that while it is read.
foil_status scores_open(const char *path, score_file **out);
void scores_close(score_file *f); // NULL is fine
// Fails unless there are labels, and both of them.
foil_status scores_need_both(const score_file *f);
// out[i] = the score whose path is that of item i. A path that the file or the items have twice, an item that it lacks and a label that is not the item's are
// errors; of more rows than items, `all` makes one, too. `what` has the items.
foil_status scores_join(const score_file *f, const picture_label *item, int64_t n, const char *what, bool all, double *out);

#endif
