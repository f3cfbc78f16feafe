// A data set: pictures with labels and splits, in one HDF5 file or in many that an index names. docs/sets.md tells more.
//
// A file: root attributes foil_format=1, kind="image", created_by, source, licence, fit, resize, seed. /image/pixels u8 [N,H,W,C] contiguous and page-aligned
// (read through mmap), or, at native size, /image/bytes u8 + /image/offset i64 [N+1] + /image/shape i32 [N,3]. /label/{fake u8, method i32, subject i32, clip
// i32}, /split u8, /names/{method,subject,split}, /source/{path,sha256} and, where known, /source/file i32 [N,6]: format, colours, width, height, quality,
// bytes (image_file). BigGAN-PyTorch's (imgs NCHW, labels) and StudioGAN's (imgs NHWC) files open as sets of reals, through H5Dread. An index (.yaml,
// data/index.h) names files of this kind, its shards. They are opened when first needed, and at most SET_OPEN of them at a time.
#ifndef FOIL_DATA_SET_H
#define FOIL_DATA_SET_H

#include "base/arena.h"
#include "data/image.h"
#include "data/resize.h"

typedef enum set_split { SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST, SPLIT_ALL } set_split;
extern const char *const SPLIT_NAMES[]; // "train", "val", "test", "all", NULL

typedef struct set_label {
    bool fake;
    int method; // index of set_method_name; -1 = none. A real's is its source
    set_split split;
} set_label;

// Where a picture comes from.
typedef struct set_source {
    const char *path, *subject; // the file's name as packed, "#17" where the set has none; "" = none
    int clip;                   // pictures of one clip have one number; -1 = none
    bool known;                 // whether the set says what follows
    unsigned char sha256[32];   // of the file's bytes
    image_file file;            // .format = FILE_UNKNOWN: the set does not say
} set_source;

// Reading: any number of threads. -----------------------------------------------------------------------------------------------------------
enum { SET_OPEN = 64 }; // shards, mapped; with their tables in memory
typedef struct set set;
// Of a file: checks every array's length and range against the others. Of an index: that its files are there, with the sizes that it says; what is in a shard
// is checked when that is first opened. BigGAN's and StudioGAN's files, which have no splits, get shares of .8, .1 and .1, drawn per picture by Philox with
// seed 0; their method is the file's name.
foil_status set_open(const char *path, set **out);
void set_close(set *s);
int64_t set_count(const set *s);
int set_channels(const set *s);
bool set_size(const set *s, int *height, int *width); // false: native sizes
image_fit set_fit(const set *s);
resize_filter set_filter(const set *s);
set_label set_label_at(const set *s, int64_t i);
// How many pictures from i on, at least, have i's label: to go through them all without asking of each.
int64_t set_label_run(const set *s, int64_t i, set_label *label);
const char *set_method_name(const set *s, int method);
int set_method_find(const set *s, const char *name); // or -1
int set_methods(const set *s);
// Texts are copied to `texts`.
foil_status set_source_at(const set *s, int64_t i, arena *texts, set_source *out);
// A copy of picture i.
foil_status set_read(const set *s, int64_t i, image *out);
// Hex SHA-256 over labels, splits and the pictures' own digests: which data a detector was trained on. Of many shards: over theirs.
const char *set_fingerprint(const set *s);
// What was told of where the pictures come from and of their licence (of shards: the first); "" = nothing.
foil_status set_origin(const set *s, arena *texts, const char **source, const char **licence);
int set_shards(const set *s); // 1: a file
const char *set_shard_path(const set *s, int shard);
int64_t set_shard_first(const set *s, int shard); // its first picture's index; of `set_shards`: the count

// Pictures of a set that were asked for, in its order: at most 16 bytes for each unbroken row of them.
typedef struct selection {
    int64_t n, ranges;
    struct range {
        int64_t first, before; // in the set, in the selection
    } * range;
    int parts;
    int64_t *part; // [parts + 1]: how many are in the shards before
} selection;
// Those in `split` that `keep` accepts (NULL = all).
foil_status set_select(const set *s, set_split split, bool (*keep)(const set *s, set_label label, const void *context), const void *context,
                       selection *out);
// `n` of them, evenly through the selection.
foil_status selection_thin(const set *s, selection *of, int64_t n);
int64_t selection_at(const selection *s, int64_t j);
void selection_free(selection *s);

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
// Before the pictures: a method that the set knows whether or not a picture is by it. The shards of an index know the same ones, in the same order.
foil_status set_name_method(set_writer *w, const char *method);
// Pictures of the description's size and channels; `sha256` of the source bytes.
foil_status set_add(set_writer *w, const image *im, bool fake, const char *method, const char *subject, int clip, set_split split, const char *path,
                    const unsigned char sha256[32]);
// What the file of the picture that was just added was; may be left out.
void set_add_file(set_writer *w, const image_file *file);
// In two steps, where several files appear together or not at all: writes the rest, and says how long the file is and what its fingerprint …
foil_status set_finish(set_writer *w, char fingerprint[65], int64_t *bytes);
foil_status set_commit(set_writer *w); // … and the file appears; frees w either way
void set_abort(set_writer *w);

#endif
