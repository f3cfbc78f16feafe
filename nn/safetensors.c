// Reading. Writing is nn/safetensors_write.c.
#include "nn/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "nn/safetensors_type.h"

struct safetensors {
    char *path;
    file_map file;
    json_t *header; // owns names and metadata
    int n, metadata_n;
    safetensors_entry *entry; // in file order
    const char **metadata;    // key, value, key, value …
};

// The reference implementation's limit: more is an attack or not a safetensors file.
static const uint64_t MAX_HEADER = 100000000;

static foil_status wrong(const safetensors *s, const char *name, const char *what) {
    return foil_fail(FOIL_INVALID, "%s: tensor '%.200s': %s", s->path, name, what);
}

// Data -------------------------------------------------------------------------------------------------------------------------------------------

static foil_status read_shape(const safetensors *s, const char *name, const json_t *list, shape *out) {
    size_t n = json_array_size(list);
    if (!json_is_array(list)) return wrong(s, name, "no list 'shape'");
    if (n > MAX_DIMS) return foil_fail(FOIL_UNSUPPORTED, "%s: tensor '%.200s': %zu dimensions, expected at most %d", s->path, name, n, MAX_DIMS);
    *out = (shape){.n = (int)n};
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(list, i);
        if (!json_is_integer(d) || json_integer_value(d) < 0) return wrong(s, name, "a dimension that is not a whole number");
        out->d[i] = json_integer_value(d);
    }
    return FOIL_OK;
}

static foil_status read_range(const safetensors *s, const char *name, const json_t *list, size_t data_bytes, size_t *first, size_t *last) {
    const json_t *a = json_array_get(list, 0), *b = json_array_get(list, 1);
    if (json_array_size(list) != 2 || !json_is_integer(a) || !json_is_integer(b)) return wrong(s, name, "no pair 'data_offsets'");
    json_int_t from = json_integer_value(a), to = json_integer_value(b);
    if (from < 0 || to < from || (uint64_t)to > data_bytes) return wrong(s, name, "'data_offsets' outside the file (truncated?)");
    *first = (size_t)from;
    *last = (size_t)to;
    return FOIL_OK;
}

// shape_count · width without overflow.
static bool byte_count(shape s, size_t width, size_t *out) {
    *out = width;
    for (int i = 0; i < s.n; i++) {
        if (__builtin_mul_overflow(*out, (size_t)s.d[i], out)) return false;
    }
    return true;
}

static foil_status read_entry(safetensors *s, const char *name, const json_t *value, const unsigned char *data, size_t data_bytes) {
    const char *type = json_string_value(json_object_get(value, "dtype"));
    if (!type || json_object_size(value) != 3) return wrong(s, name, "expected the keys dtype, shape and data_offsets");
    int index = safetensors_type_find(type);
    if (index < 0) return wrong(s, name, "an unknown type");
    shape dims;
    size_t first = 0, last = 0, bytes;
    TRY(read_shape(s, name, json_object_get(value, "shape"), &dims));
    TRY(read_range(s, name, json_object_get(value, "data_offsets"), data_bytes, &first, &last));
    if (!byte_count(dims, SAFETENSORS_TYPES[index].width, &bytes)) return wrong(s, name, "a shape too large for any file");
    if (bytes != last - first) return wrong(s, name, "its shape does not fit its bytes");
    s->entry[s->n++] = (safetensors_entry){name, SAFETENSORS_TYPES[index].name, dims, data + first, bytes};
    return FOIL_OK;
}

static int by_place(const void *a, const void *b) {
    const safetensors_entry *x = a, *y = b;
    const unsigned char *p = x->data, *q = y->data;
    if (p != q) return p < q ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1; // empty tensors lie before what begins at the same place
    return strcmp(x->name, y->name);
}

// Every byte belongs to one tensor.
static foil_status check_coverage(const safetensors *s, const unsigned char *data, size_t data_bytes) {
    const unsigned char *end = data;
    for (int i = 0; i < s->n; i++) {
        const unsigned char *begin = s->entry[i].data;
        if (begin != end) return wrong(s, s->entry[i].name, begin < end ? "overlaps the one before it" : "a hole before it");
        end = begin + s->entry[i].bytes;
    }
    size_t rest = data_bytes - (size_t)(end - data);
    return rest ? foil_fail(FOIL_INVALID, "%s: %zu bytes after the last tensor", s->path, rest) : FOIL_OK;
}

// Header -----------------------------------------------------------------------------------------------------------------------------------------

static foil_status read_metadata(safetensors *s, json_t *map) {
    if (!json_is_object(map)) return foil_fail(FOIL_INVALID, "%s: __metadata__ is not a map", s->path);
    s->metadata = calloc(json_object_size(map) + 1, 2 * sizeof *s->metadata);
    if (!s->metadata) return foil_fail_memory(json_object_size(map) * 16, s->path);
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        if (!json_is_string(value)) return foil_fail(FOIL_INVALID, "%s: metadata '%.200s' is not text", s->path, key);
        s->metadata[2 * s->metadata_n] = key;
        s->metadata[2 * s->metadata_n++ + 1] = json_string_value(value);
    }
    return FOIL_OK;
}

static foil_status read_header(safetensors *s, size_t *length) {
    uint64_t n = 0;
    if (s->file.n < 8) return foil_fail(FOIL_INVALID, "%s: %zu bytes, too short for a safetensors file", s->path, s->file.n);
    for (int i = 7; i >= 0; i--) n = n << 8 | s->file.bytes[i];
    if (n > MAX_HEADER || n > s->file.n - 8)
        return foil_fail(FOIL_INVALID, "%s: not a safetensors file, or truncated (its header would take %llu bytes)", s->path, (unsigned long long)n);
    if (n == 0 || s->file.bytes[8] != '{') return foil_fail(FOIL_INVALID, "%s: not a safetensors file (the header is no JSON map)", s->path);
    json_error_t e;
    s->header = json_loadb((const char *)s->file.bytes + 8, (size_t)n, JSON_REJECT_DUPLICATES, &e);
    if (!s->header) return foil_fail(FOIL_INVALID, "%s: header: %s (byte %d)", s->path, e.text, e.position);
    *length = (size_t)n;
    return FOIL_OK;
}

static foil_status read_file(safetensors *s) {
    TRY(file_map_open(s->path, &s->file));
    size_t length;
    TRY(read_header(s, &length));
    const unsigned char *data = s->file.bytes + 8 + length;
    size_t data_bytes = s->file.n - 8 - length;
    s->entry = calloc(json_object_size(s->header) + 1, sizeof *s->entry);
    if (!s->entry) return foil_fail_memory(json_object_size(s->header) * sizeof *s->entry, s->path);
    const char *name;
    json_t *value;
    json_object_foreach(s->header, name, value) {
        if (strcmp(name, "__metadata__") == 0)
            TRY(read_metadata(s, value));
        else
            TRY(read_entry(s, name, value, data, data_bytes));
    }
    qsort(s->entry, (size_t)s->n, sizeof *s->entry, by_place);
    return check_coverage(s, data, data_bytes);
}

foil_status safetensors_open(const char *path, safetensors **out) {
    *out = NULL;
    safetensors *s = calloc(1, sizeof *s);
    if (s) s->path = strdup(path);
    if (!s || !s->path) {
        free(s);
        return foil_fail_memory(sizeof *s, path);
    }
    foil_status status = read_file(s);
    if (status != FOIL_OK) {
        safetensors_close(s);
        return status;
    }
    *out = s;
    return FOIL_OK;
}

void safetensors_close(safetensors *s) {
    if (!s) return;
    file_map_close(&s->file);
    json_decref(s->header);
    free(s->entry);
    free(s->metadata);
    free(s->path);
    free(s);
}

int safetensors_count(const safetensors *s) {
    return s->n;
}

safetensors_entry safetensors_at(const safetensors *s, int i) {
    return s->entry[i];
}

bool safetensors_find(const safetensors *s, const char *name, safetensors_entry *out) {
    for (int i = 0; i < s->n; i++) {
        if (strcmp(s->entry[i].name, name) == 0) {
            *out = s->entry[i];
            return true;
        }
    }
    return false;
}

const char *safetensors_metadata(const safetensors *s, const char *key) {
    return json_string_value(json_object_get(json_object_get(s->header, "__metadata__"), key));
}

int safetensors_metadata_count(const safetensors *s) {
    return s->metadata_n;
}

void safetensors_metadata_at(const safetensors *s, int i, const char **key, const char **value) {
    *key = s->metadata[2 * i];
    *value = s->metadata[2 * i + 1];
}

// Stores -----------------------------------------------------------------------------------------------------------------------------------------

static foil_status load_tensor(const safetensors *f, const char *name, const store_tensor *t, float *to) {
    safetensors_entry e;
    if (!safetensors_find(f, name, &e)) return foil_fail(FOIL_INVALID, "%s: no tensor '%s'", f->path, name);
    if (strcmp(e.type, "F32") != 0) return foil_fail(FOIL_INVALID, "%s: tensor '%s' is %s, expected F32", f->path, name, e.type);
    if (!shape_equal(e.shape, t->shape))
        return foil_fail(FOIL_INVALID, "%s: tensor '%s' is %s, expected %s", f->path, name, shape_text(e.shape), shape_text(t->shape));
    memcpy(to, e.data, e.bytes); // the file may hold it unaligned
    return FOIL_OK;
}

foil_status safetensors_load_store(const safetensors *f, const char *prefix, store *s) {
    foil_status status = FOIL_OK;
    for (int i = 0; status == FOIL_OK && i < s->n; i++) {
        arena names = {0};
        const char *name = arena_format(&names, "%s%s", prefix, s->tensor[i].name);
        status = name ? load_tensor(f, name, &s->tensor[i], store_data(s, i)) : foil_fail_memory(strlen(prefix), "the name of a tensor");
        arena_free(&names);
    }
    const char *broken = status == FOIL_OK ? store_not_finite(s) : NULL;
    return broken ? foil_fail(FOIL_INVALID, "%s: tensor '%s%s' holds a value that is not finite", f->path, prefix, broken) : status;
}
