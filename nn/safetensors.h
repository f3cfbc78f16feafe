// Weights on disk: huggingface/safetensors, readable and writable by PyTorch's loader.
//
// u64 little-endian length of the header, a JSON header padded with spaces to a multiple of 8, then the data without holes. Readers reject holes, overlaps,
// trailing bytes, duplicate names, shapes that do not fit their bytes: so do we, with the file's name and the tensor's.
#ifndef FOIL_NN_SAFETENSORS_H
#define FOIL_NN_SAFETENSORS_H

#include "nn/store.h"

typedef struct safetensors safetensors; // an open file, mapped

foil_status safetensors_open(const char *path, safetensors **out);
void safetensors_close(safetensors *s);

typedef struct safetensors_entry {
    const char *name;
    const char *type; // as in the file: "F32", "BF16", "U8", "I64" …
    shape shape;
    const void *data;
    size_t bytes;
} safetensors_entry;
int safetensors_count(const safetensors *s);
safetensors_entry safetensors_at(const safetensors *s, int i); // in file order
bool safetensors_find(const safetensors *s, const char *name, safetensors_entry *out);
const char *safetensors_metadata(const safetensors *s, const char *key); // or NULL
int safetensors_metadata_count(const safetensors *s);
void safetensors_metadata_at(const safetensors *s, int i, const char **key, const char **value);

// What is to be written: entries keep pointers to the caller's data until safetensors_write.
typedef struct safetensors_writer safetensors_writer;
safetensors_writer *safetensors_writer_new(void);
void safetensors_writer_free(safetensors_writer *w);
// Errors are kept until the write; one of them is a text that is NULL, because there was no memory for it.
void safetensors_add(safetensors_writer *w, const char *name, const char *type, shape s, const void *data);
void safetensors_set(safetensors_writer *w, const char *key, const char *value); // metadata
// Whole or not at all. The bytes depend on the content alone.
foil_status safetensors_write(safetensors_writer *w, const char *path);

// A whole store under a prefix ("generator."), and back: missing tensors, wrong shapes or types, and values that are not finite are errors.
void safetensors_add_store(safetensors_writer *w, const char *prefix, const store *s);
foil_status safetensors_load_store(const safetensors *f, const char *prefix, store *s);

#endif
