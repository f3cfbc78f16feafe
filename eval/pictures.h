// The pictures that are judged: a split of a set, or a folder with real/ and fake/METHOD/ in it.
#ifndef FOIL_EVAL_PICTURES_H
#define FOIL_EVAL_PICTURES_H

#include "base/arena.h"
#include "data/set.h"

typedef struct pictures pictures;

typedef struct picture_label { // "" = none given
    const char *path, *method, *subject;
    const char *level; // of compression: what follows the last '/' of the method's name, "c23" of "Deepfakes/c23"
    int clip;          // pictures of one clip have one number; -1 = none
    bool fake;
} picture_label;

// A set (.h5, or the .yaml of many), of which `split` is taken, or a folder (layout `folders` of datasets/), of which all is.
foil_status pictures_open(const char *path, set_split split, pictures **out);
void pictures_close(pictures *p);                    // NULL is fine
const char *pictures_name(const pictures *p);        // as `path` was given
const char *pictures_split(const pictures *p);       // "test"; "all" of a folder
const char *pictures_fingerprint(const pictures *p); // of the whole set; "" of a folder
int64_t pictures_count(const pictures *p);
int64_t pictures_fakes(const pictures *p);
// Fails, with both counts, unless there are reals and fakes.
foil_status pictures_need_both(const pictures *p);

// Any thread, for i in [0, pictures_count). The label's texts are in `texts`.
foil_status pictures_label(const pictures *p, int64_t i, arena *texts, picture_label *out);
foil_status pictures_read(const pictures *p, int64_t i, image *out); // decoded, whole; the caller frees
// `status`, whose message names the picture's own file from now on.
foil_status pictures_failed(const pictures *p, int64_t i, foil_status status);

// What follows the last '/' of a method's name, inside it, or "".
const char *method_level(const char *method);

#endif
