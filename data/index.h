// The index of a set in many files: a YAML file that names them. Internal to data/ and to whoever writes sets.
//
//     foil_set: 1
//     kind: image
//     size: [64, 64]              # height and width; "native" = each picture has its own
//     channels: 3
//     fit: crop
//     resize: lanczos
//     methods: [camera, gan]
//     labels:                     # the pictures of every shard are in this order
//       - {split: train, class: real, method: camera}
//       - {split: train, class: fake, method: gan}
//     shards:
//       - {file: faces-000.h5, bytes: 1327104, fingerprint: 5f0c…, pictures: [80, 19]}   # of each label
#ifndef FOIL_DATA_INDEX_H
#define FOIL_DATA_INDEX_H

#include "data/shard.h"

typedef struct index_shard {
    const char *file; // in the index as it stands there; as read from it, to be opened
    int64_t bytes;
    const char *fingerprint;
    const int64_t *pictures; // of each label
    int64_t first;           // its first picture's index in the set: read, not written
} index_shard;

typedef struct set_index {
    const char *path;
    set_facts facts;
    int methods, labels, shards;
    const char **method;
    set_label *label;
    index_shard *shard; // [shards + 1]: the last one's `first` is the count
    char fingerprint[65];
    arena memory;
} set_index;

// Whether a file is to be read as an index: .yaml or .yml.
bool index_is(const char *path);
// Errors name the place of what is wrong.
foil_status index_read(const char *path, set_index **out);
void index_free(set_index *x);
foil_status index_write(const char *path, const set_index *x);

// Whether an open shard is the one that the index means: size, channels, names of methods, labels in order. Without its digests, which take longer.
foil_status index_check(const set_index *x, int number, const shard *s);

#endif
