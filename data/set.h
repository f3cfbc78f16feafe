// A data set: one HDF5 file of pictures with labels and splits.
//
// Root attributes foil_format=1, kind="image", created_by, source, licence, fit, resize, seed. /image/pixels u8 [N,H,W,C] contiguous and page-aligned
// (read through mmap), or, at native size, /image/bytes u8 + /image/offset i64 [N+1] + /image/shape i32 [N,3]. /label/{fake u8, method i32, subject i32, clip i32}, /split u8,
// /names/{method,subject,split}, /source/{path,sha256}. BigGAN-PyTorch's (imgs NCHW, labels) and StudioGAN's (imgs NHWC) files open as sets of reals, through H5Dread.
#ifndef FOIL_DATA_SET_H
#define FOIL_DATA_SET_H

#include "data/image.h"
#include "data/resize.h"

typedef enum set_split { SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST, SPLIT_ALL } set_split;
extern const char *const SPLIT_NAMES[]; // "train", "val", "test", "all", NULL

typedef struct set_label {
    bool fake;
    int method, subject, clip; // index of set_method_name, set_subject_name; -1 = none. Method 0 of reals is their source
    set_split split;
} set_label;

// Reading: any number of threads. -----------------------------------------------------------------------------------------------------------
typedef struct set set;
// Checks every array's length and range against the others. BigGAN's and StudioGAN's files, which have no splits, get shares of .8, .1 and .1, drawn per
// picture by Philox with seed 0; their method is the file's name.
foil_status set_open(const char *path, set **out);
void set_close(set *s);
int64_t set_count(const set *s);
int set_channels(const set *s);
bool set_size(const set *s, int *height, int *width); // false: native sizes
image_fit set_fit(const set *s);
resize_filter set_filter(const set *s);
set_label set_label_at(const set *s, int64_t i);
const char *set_path_at(const set *s, int64_t i);            // the source file's name as packed; "#17" where the file has none
const unsigned char *set_sha256_at(const set *s, int64_t i); // of the source file's bytes; NULL where the set does not say
const char *set_method_name(const set *s, int method);
int set_method_find(const set *s, const char *name); // or -1
int set_methods(const set *s);
const char *set_subject_name(const set *s, int subject);
// A copy of picture i.
foil_status set_read(const set *s, int64_t i, image *out);
// Hex SHA-256 over labels, splits and the pictures' own digests: which data a detector was trained on.
const char *set_fingerprint(const set *s);
// Indices, ascending, of pictures in `split` that `keep` accepts (NULL = all); the caller frees.
foil_status set_select(const set *s, set_split split, bool (*keep)(const set *s, int64_t i, const void *context), const void *context,
                       int64_t **index, int64_t *n);

// Writing. ------------------------------------------------------------------------------------------------------------------------------------
typedef struct set_description {
    int height, width, channels; // height = 0: native
    image_fit fit;
    resize_filter filter;
    uint64_t seed;
    int64_t count; // pictures that will be added
    const char *source, *licence;
} set_description;
typedef struct set_writer set_writer;
foil_status set_create(const char *path, const set_description *d, set_writer **out);
// Pictures of the description's size and channels; `sha256` of the source bytes.
foil_status set_add(set_writer *w, const image *im, bool fake, const char *method, const char *subject, int clip, set_split split, const char *path,
                    const unsigned char sha256[32]);
foil_status set_commit(set_writer *w); // the file appears; frees w either way
void set_abort(set_writer *w);

#endif
