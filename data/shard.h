// One HDF5 file: a whole set, or one of the many that an index names. Internal to data/.
//
// Arrays that lie in the file in one piece are read where they are, through the page cache: an open shard of ours keeps nothing
// per picture in memory of its own.
#ifndef FOIL_DATA_SHARD_H
#define FOIL_DATA_SHARD_H

#include "data/h5.h"
#include "data/set.h"

// What all files of a set have in common.
typedef struct set_facts {
    int height, width, channels; // height = 0: native sizes
    image_fit fit;
    resize_filter filter;
} set_facts;

typedef struct shard shard;
struct shard {
    char *path;
    file_map map;
    set_facts facts;
    int64_t count;
    const char *source, *licence; // what `foil pack` was told of them; "" = nothing

    // Where the pictures are: `pixels` in the map if the file has them in one piece, else `array` of `h5`, whose pictures may be [C,H,W].
    const uint8_t *pixels;
    hid_t h5, array;
    bool planar;
    const int64_t *offset; // native sizes: [count + 1] and [count, 3]
    const int32_t *shape;

    const uint8_t *fake, *split, *sha256; // sha256: NULL = the file does not say
    const int32_t *method, *subject, *clip;
    const image_file *file; // NULL = the file does not say
    int methods, subjects;
    h5_texts method_name, subject_name, name;
    bool named; // the pictures have names
    arena memory;
};

// Checks every array's length and range against the others.
foil_status shard_open(const char *path, shard **out);
void shard_close(shard *s);
foil_status shard_read(const shard *s, int64_t i, image *out);
foil_status shard_source_at(const shard *s, int64_t i, arena *texts, set_source *out);

// Hex SHA-256 over names of methods, labels, splits and the pictures' own digests. Reads 38 bytes per picture.
foil_status shard_fingerprint(const shard *s, char hex[65]);

#endif
