// Writing of nn/safetensors.h.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "nn/safetensors.h"
#include "nn/safetensors_type.h"

const safetensors_type SAFETENSORS_TYPES[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
                                              {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}, {0}};

int safetensors_type_find(const char *name) {
    for (int i = 0; SAFETENSORS_TYPES[i].name; i++) {
        if (strcmp(SAFETENSORS_TYPES[i].name, name) == 0) return i;
    }
    return -1;
}

typedef struct entry {
    const char *name;
    int type;
    shape shape;
    const void *data;
    size_t bytes;
} entry;

typedef struct pair {
    const char *key, *value;
} pair;

struct safetensors_writer {
    arena memory;
    entry *entry;
    pair *metadata;
    int n, capacity, metadata_n, metadata_capacity;
    foil_status status; // the first error, with its message
    char *message;
};

safetensors_writer *safetensors_writer_new(void) {
    return calloc(1, sizeof(safetensors_writer));
}

void safetensors_writer_free(safetensors_writer *w) {
    if (!w) return;
    arena_free(&w->memory);
    free(w->entry);
    free(w->metadata);
    free(w);
}

static void keep_error(safetensors_writer *w, foil_status status) {
    if (w->status != FOIL_OK) return;
    w->status = status;
    w->message = arena_text(&w->memory, foil_error());
}

// `items` with room for one more, or NULL with the error kept.
static void *with_room(safetensors_writer *w, void *items, int n, int *capacity, size_t size) {
    if (n < *capacity) return items;
    int wanted = 2 * *capacity + 64;
    void *more = realloc(items, (size_t)wanted * size);
    if (more)
        *capacity = wanted;
    else
        keep_error(w, foil_fail_memory((size_t)wanted * size, "a list of tensors"));
    return more;
}

static const char *keep_text(safetensors_writer *w, const char *s) {
    const char *copy = s ? arena_text(&w->memory, s) : NULL;
    if (!copy) keep_error(w, foil_fail_memory(s ? strlen(s) : 64, "a text in a safetensors file"));
    return copy;
}

void safetensors_add(safetensors_writer *w, const char *name, const char *type, shape s, const void *data) {
    int index = safetensors_type_find(type);
    const char *copy = keep_text(w, name);
    if (!copy) return;
    if (index < 0 || strcmp(name, "__metadata__") == 0) {
        keep_error(w, foil_fail(FOIL_INVALID, "tensor '%s' of type '%s': not something that a safetensors file can hold", name, type));
        return;
    }
    entry *room = with_room(w, w->entry, w->n, &w->capacity, sizeof *w->entry);
    if (room) w->entry = room;
    if (!room) return;
    w->entry[w->n++] = (entry){copy, index, s, data, (size_t)shape_count(s) * SAFETENSORS_TYPES[index].width};
}

void safetensors_set(safetensors_writer *w, const char *key, const char *value) {
    const char *k = keep_text(w, key), *v = keep_text(w, value);
    pair *room = with_room(w, w->metadata, w->metadata_n, &w->metadata_capacity, sizeof *w->metadata);
    if (room) w->metadata = room;
    if (!k || !v || !room) return;
    w->metadata[w->metadata_n++] = (pair){k, v};
}

void safetensors_add_store(safetensors_writer *w, const char *prefix, const store *s) {
    for (int i = 0; i < s->n; i++) {
        const char *name = arena_format(&w->memory, "%s%s", prefix, s->tensor[i].name);
        if (name)
            safetensors_add(w, name, "F32", s->tensor[i].shape, store_data(s, i));
        else
            keep_error(w, foil_fail_memory(strlen(prefix), "the name of a tensor"));
    }
}

// The order of the reference writer, so that every tensor is aligned to its width.
static int by_type_and_name(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->type != y->type ? y->type - x->type : strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const pair *)a)->key, ((const pair *)b)->key);
}

// Takes `value`; a name that is there already is an error.
static foil_status put(json_t *map, const char *key, json_t *value) {
    if (json_object_get(map, key)) {
        json_decref(value);
        return foil_fail(FOIL_INVALID, "'%s' twice in one safetensors file", key);
    }
    if (!value || json_object_set_new(map, key, value) != 0) return foil_fail(FOIL_INVALID, "'%s' is not UTF-8 text, or memory is short", key);
    return FOIL_OK;
}

static foil_status put_metadata(const safetensors_writer *w, json_t *header) {
    if (w->metadata_n == 0) return FOIL_OK;
    qsort(w->metadata, (size_t)w->metadata_n, sizeof *w->metadata, by_key);
    json_t *map = json_object();
    TRY(put(header, "__metadata__", map));
    for (int i = 0; i < w->metadata_n; i++) TRY(put(map, w->metadata[i].key, json_string(w->metadata[i].value)));
    return FOIL_OK;
}

static foil_status put_entries(const safetensors_writer *w, json_t *header) {
    size_t offset = 0;
    if (w->n > 0) qsort(w->entry, (size_t)w->n, sizeof *w->entry, by_type_and_name);
    for (int i = 0; i < w->n; i++) {
        const entry *e = &w->entry[i];
        json_t *dims = json_array();
        for (int d = 0; d < e->shape.n; d++) json_array_append_new(dims, json_integer(e->shape.d[d]));
        size_t end = offset + e->bytes;
        TRY(put(header, e->name,
                json_pack("{s:s, s:o, s:[I, I]}", "dtype", SAFETENSORS_TYPES[e->type].name, "shape", dims, "data_offsets", (json_int_t)offset,
                          (json_int_t)end)));
        offset = end;
    }
    return FOIL_OK;
}

static foil_status make_header(const safetensors_writer *w, char **out) {
    json_t *header = json_object();
    foil_status status = header ? put_metadata(w, header) : foil_fail_memory(0, "the header of a safetensors file");
    if (status == FOIL_OK) status = put_entries(w, header);
    if (status == FOIL_OK) {
        *out = json_dumps(header, JSON_COMPACT);
        if (!*out) status = foil_fail_memory(0, "the header of a safetensors file");
    }
    json_decref(header);
    return status;
}

static void write_all(const safetensors_writer *w, const char *header, file_writer *to) {
    size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    unsigned char little[8];
    for (int i = 0; i < 8; i++) little[i] = (unsigned char)((uint64_t)padded >> 8 * i);
    file_write(to, little, sizeof little);
    file_write(to, header, length);
    file_write(to, "       ", padded - length);
    for (int i = 0; i < w->n; i++) file_write(to, w->entry[i].data, w->entry[i].bytes);
}

foil_status safetensors_write(safetensors_writer *w, const char *path) {
    if (w->status != FOIL_OK) return foil_fail(w->status, "%s: %s", path, w->message ? w->message : "out of memory");
    char *header;
    foil_status status = make_header(w, &header);
    if (status != FOIL_OK) return foil_fail_within(status, "%s", path);
    file_writer *to;
    status = file_create(path, &to);
    if (status == FOIL_OK) {
        write_all(w, header, to);
        status = file_commit(to);
    }
    free(header);
    return status;
}
