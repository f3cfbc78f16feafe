#include "data/h5.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static H5E_auto2_t printer; // of the program around us, put back in between
static void *printer_data;
static int system_error;

// HDF5 has the errno in the words of the innermost of its functions, which comes first.
static herr_t find_errno(unsigned n, const H5E_error2_t *e, void *found) {
    const char *at = n == 0 && e->desc ? strstr(e->desc, "errno = ") : NULL;
    if (at) *(int *)found = (int)strtol(at + strlen("errno = "), NULL, 10);
    return 0;
}

static herr_t note_errno(hid_t stack, void *unused) {
    (void)unused;
    if (!system_error) H5Ewalk2(stack, H5E_WALK_UPWARD, find_errno, &system_error);
    return 0;
}

int h5_errno(void) {
    return system_error;
}

void h5_lock(void) {
    static bool begun;
    pthread_mutex_lock(&lock);
    // After a disk was full HDF5 can't close the file, and would crash at the end of the program, when it tries again. Nothing of ours stays open until then.
    if (!begun) H5dont_atexit();
    begun = true;
    H5Eget_auto2(H5E_DEFAULT, &printer, &printer_data);
    H5Eset_auto2(H5E_DEFAULT, note_errno, NULL);
    system_error = 0;
}

void h5_unlock(void) {
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, printer, printer_data);
    pthread_mutex_unlock(&lock);
}

static const struct {
    const char *name;
    size_t size;
    H5T_sign_t sign;
} TYPES[] = {{"u8", 1, H5T_SGN_NONE}, {"i32", 4, H5T_SGN_2}, {"i64", 8, H5T_SGN_2}};

hid_t h5_native(h5_type t) {
    return t == H5_U8 ? H5T_NATIVE_UINT8 : t == H5_I32 ? H5T_NATIVE_INT32 : H5T_NATIVE_INT64;
}

static bool is_of_type(hid_t array, h5_type type) {
    hid_t t = H5Dget_type(array);
    bool is = H5Tget_class(t) == H5T_INTEGER && H5Tget_size(t) == TYPES[type].size && H5Tget_sign(t) == TYPES[type].sign;
    H5Tclose(t);
    return is;
}

// The sizes of `array`; its rank, or -1 above H5_MAX_RANK.
static int sizes(hid_t array, hsize_t *size) {
    hid_t space = H5Dget_space(array);
    int rank = H5Sget_simple_extent_ndims(space);
    if (rank > H5_MAX_RANK) rank = -1;
    if (rank >= 0) H5Sget_simple_extent_dims(space, size, NULL);
    H5Sclose(space);
    return rank;
}

static foil_status check(hid_t array, const char *path, const char *name, h5_type type, int rank, hsize_t *size) {
    hsize_t is[H5_MAX_RANK];
    if (!is_of_type(array, type)) return foil_fail(FOIL_INVALID, "%s: /%s is not an array of %s", path, name, TYPES[type].name);
    int has = sizes(array, is);
    if (has != rank) return foil_fail(FOIL_INVALID, "%s: /%s has %d dimensions, expected %d", path, name, has, rank);
    for (int i = 0; i < rank; i++) {
        if (size[i] != 0 && size[i] != is[i])
            return foil_fail(FOIL_INVALID, "%s: /%s has size %llu in dimension %d, expected %llu", path, name, (unsigned long long)is[i], i,
                             (unsigned long long)size[i]);
        size[i] = is[i];
    }
    return FOIL_OK;
}

foil_status h5_array(hid_t file, const char *path, const char *name, h5_type type, int rank, hsize_t *size, hid_t *out) {
    hid_t array = h5_has(file, name) ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
    if (array < 0) return foil_fail(FOIL_INVALID, "%s: array /%s is missing or damaged", path, name);
    foil_status s = check(array, path, name, type, rank, size);
    if (s != FOIL_OK)
        H5Dclose(array);
    else
        *out = array;
    return s;
}

foil_status h5_in_map(hid_t array, const char *path, const char *name, const file_map *map, size_t bytes, size_t align, const void **out) {
    haddr_t at = H5Dget_offset(array);
    *out = NULL;
    if (at == HADDR_UNDEF) return FOIL_OK;
    if (at > map->n || map->n - at < bytes)
        return foil_fail(FOIL_INVALID, "%s: truncated: /%s ends at byte %llu of %llu", path, name, (unsigned long long)(at + bytes),
                         (unsigned long long)map->n);
    if (at % align == 0) *out = map->bytes + at;
    return FOIL_OK;
}

static bool is_native(hid_t array, h5_type type) {
    hid_t t = H5Dget_type(array);
    bool is = H5Tequal(t, h5_native(type)) > 0;
    H5Tclose(t);
    return is;
}

static foil_status view(hid_t array, const char *path, const char *name, h5_type type, size_t n, const file_map *map, arena *a, const void **out) {
    size_t bytes = n * TYPES[type].size;
    *out = NULL;
    if (is_native(array, type)) TRY(h5_in_map(array, path, name, map, bytes, TYPES[type].size, out));
    if (*out) return FOIL_OK;
    void *copy = arena_alloc(a, bytes);
    if (!copy) return foil_fail_memory(bytes, name);
    if (H5Dread(array, h5_native(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, copy) < 0)
        return foil_fail(FOIL_INVALID, "%s: /%s cannot be read, the file is damaged", path, name);
    *out = copy;
    return FOIL_OK;
}

foil_status h5_view(hid_t file, const char *path, const char *name, h5_type type, int rank, hsize_t *size, const file_map *map, arena *a,
                    const void **out) {
    hid_t array;
    TRY(h5_array(file, path, name, type, rank, size, &array));
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= size[i];
    foil_status s = view(array, path, name, type, n, map, a, out);
    H5Dclose(array);
    return s;
}

static bool texts_of_variable_length(hid_t array, hid_t type, size_t n, arena *a, h5_texts *out) {
    hid_t space = H5Dget_space(array);
    char **lent = calloc(n, sizeof *lent);
    out->list = arena_alloc(a, n * sizeof *out->list);
    bool ok = lent && out->list && H5Dread(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, lent) >= 0;
    for (size_t i = 0; ok && i < n; i++) ok = (out->list[i] = arena_text(a, lent[i] ? lent[i] : "")) != NULL;
    if (lent) H5Dvlen_reclaim(type, space, H5P_DEFAULT, lent);
    free(lent);
    H5Sclose(space);
    return ok;
}

static bool texts_of_fixed_length(hid_t array, hid_t type, size_t n, arena *a, h5_texts *out) {
    size_t width = H5Tget_size(type);
    if (width == 0 || n > SIZE_MAX / 2 / (width + 1)) return false;
    char *all = malloc(n * width), *to = arena_alloc(a, n * (width + 1)); // zeroed
    bool ok = all && to && H5Dread(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0;
    for (size_t i = 0; ok && i < n; i++) memcpy(to + i * (width + 1), all + i * width, width);
    free(all);
    *out = (h5_texts){.bytes = to, .width = width + 1};
    return ok;
}

// Texts that end with zeros, as ours do, stay where they are.
static foil_status texts_in_map(hid_t array, hid_t type, const char *path, const char *name, size_t n, const file_map *map, h5_texts *out) {
    size_t width = H5Tget_size(type);
    const void *bytes;
    if (H5Tis_variable_str(type) != 0 || H5Tget_strpad(type) != H5T_STR_NULLTERM || width == 0 || n > SIZE_MAX / width) return FOIL_OK;
    TRY(h5_in_map(array, path, name, map, n * width, 1, &bytes));
    if (bytes && !((const char *)bytes)[n * width - 1]) *out = (h5_texts){.bytes = bytes, .width = width};
    return FOIL_OK;
}

static foil_status view_texts(hid_t array, hid_t type, const char *path, const char *name, size_t n, const file_map *map, arena *a, h5_texts *out) {
    if (H5Tget_class(type) != H5T_STRING) return foil_fail(FOIL_INVALID, "%s: /%s is not a list of texts", path, name);
    if (n == 0) return FOIL_OK;
    TRY(texts_in_map(array, type, path, name, n, map, out));
    if (out->bytes || (H5Tis_variable_str(type) > 0 ? texts_of_variable_length : texts_of_fixed_length)(array, type, n, a, out)) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: /%s cannot be read, the file is damaged", path, name);
}

foil_status h5_view_texts(hid_t file, const char *path, const char *name, hsize_t *n, const file_map *map, arena *a, h5_texts *out) {
    hsize_t size[H5_MAX_RANK];
    *out = (h5_texts){0};
    hid_t array = h5_has(file, name) ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
    if (array < 0) return foil_fail(FOIL_INVALID, "%s: array /%s is missing or damaged", path, name);
    foil_status s = FOIL_OK;
    if (sizes(array, size) != 1)
        s = foil_fail(FOIL_INVALID, "%s: /%s is not a list", path, name);
    else if (*n != 0 && *n != size[0])
        s = foil_fail(FOIL_INVALID, "%s: /%s has %llu texts, expected %llu", path, name, (unsigned long long)size[0], (unsigned long long)*n);
    if (s == FOIL_OK) {
        hid_t type = H5Dget_type(array);
        s = view_texts(array, type, path, name, *n = size[0], map, a, out);
        H5Tclose(type);
    }
    H5Dclose(array);
    return s;
}

const char *h5_text(const h5_texts *t, int64_t i) {
    return t->list ? t->list[i] : t->bytes + (size_t)i * t->width;
}

bool h5_has(hid_t file, const char *name) {
    char part[64];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - name);
        if (n >= sizeof part) return false;
        memcpy(part, name, n);
        part[n] = 0;
        if (H5Lexists(file, part, H5P_DEFAULT) <= 0) return false;
    }
    return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

static bool attribute_text(hid_t attribute, hid_t type, char *to, size_t room) {
    if (H5Tget_class(type) != H5T_STRING) return false;
    if (H5Tis_variable_str(type) > 0) {
        char *lent = NULL;
        if (H5Aread(attribute, type, &lent) < 0 || !lent) return false;
        strncpy(to, lent, room - 1);
        to[room - 1] = 0;
        H5free_memory(lent);
        return true;
    }
    memset(to, 0, room);
    return H5Tget_size(type) < room && H5Aread(attribute, type, to) >= 0;
}

bool h5_attribute_text(hid_t file, const char *name, char *to, size_t room) {
    if (H5Aexists(file, name) <= 0) return false;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    bool ok = attribute >= 0 && attribute_text(attribute, type, to, room);
    H5Tclose(type);
    H5Aclose(attribute);
    return ok;
}

bool h5_attribute_int(hid_t file, const char *name, long long *out) {
    if (H5Aexists(file, name) <= 0) return false;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    bool ok = attribute >= 0 && H5Tget_class(type) == H5T_INTEGER && H5Aread(attribute, H5T_NATIVE_LLONG, out) >= 0;
    H5Tclose(type);
    H5Aclose(attribute);
    return ok;
}
