// HDF5 as the sets need it: quiet, one thread at a time, every array checked before it is believed. Internal to data/.
#ifndef FOIL_DATA_H5_H
#define FOIL_DATA_H5_H

#include <hdf5.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/status.h"

// Around every call of HDF5, whose usual build is not for several threads. Its own error printing is off in between.
void h5_lock(void);
void h5_unlock(void);
// Of the first call since h5_lock that failed because the system did: its errno. 0 if there is none.
int h5_errno(void);

typedef enum h5_type { H5_U8, H5_I32, H5_I64 } h5_type;
hid_t h5_native(h5_type t);

enum { H5_MAX_RANK = 4 };

// Opens array `name` of `file` (whose name for errors is `path`). It must be of integers of this type and have `rank` sizes; those given in `size` (not 0) must
// be met, the others are filled in.
foil_status h5_array(hid_t file, const char *path, const char *name, h5_type type, int rank, hsize_t *size, hid_t *out);
// Where its `bytes` bytes are in the map of the file; NULL if they are in chunks, not written, or not at an address for numbers of `align` bytes.
foil_status h5_in_map(hid_t array, const char *path, const char *name, const file_map *map, size_t bytes, size_t align, const void **out);
// Array `name`: where it lies in `map` if it is there in one piece, as this machine has its numbers, else a copy in `a`.
foil_status h5_view(hid_t file, const char *path, const char *name, h5_type type, int rank, hsize_t *size, const file_map *map, arena *a,
                    const void **out);

// A list of texts of fixed width, each with its zero, or of any length.
typedef struct h5_texts {
    const char *bytes;
    size_t width;
    const char **list; // instead, if not NULL
} h5_texts;
const char *h5_text(const h5_texts *t, int64_t i);
// `n` texts (0 = as many as there are, then set), in `map` or copied as above.
foil_status h5_view_texts(hid_t file, const char *path, const char *name, hsize_t *n, const file_map *map, arena *a, h5_texts *out);

bool h5_has(hid_t file, const char *name); // all of a path
// Root attributes; false if there is none of that kind.
bool h5_attribute_text(hid_t file, const char *name, char *to, size_t room);
bool h5_attribute_int(hid_t file, const char *name, long long *out);

#endif
