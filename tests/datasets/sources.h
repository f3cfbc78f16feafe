// Collections for tests of importing and packing: made, not found.
#ifndef FOIL_TESTS_DATASETS_SOURCES_H
#define FOIL_TESTS_DATASETS_SOURCES_H

#include "datasets/importer.h"
#include "tests/data/pictures.h"

// A picture of its own for each seed, in a folder that is made.
static inline void write_sized(const char *path, int height, int width, uint64_t seed) {
    char above[512];
    snprintf(above, sizeof above, "%.*s", (int)(file_name(path) - path), path);
    if (*above) OK(file_make_folder(above));
    image im = picture(height, width, 3, seed);
    OK(image_write_png(path, &im));
    image_free(&im);
}

static inline void write_picture(const char *path, uint64_t seed) {
    write_sized(path, 12, 10, seed);
}

static inline void write_words(const char *path, const char *words) {
    write_bytes(path, words, strlen(words));
}

static inline import_list *listed(const char *source, const import_options *o) {
    import_list *l;
    OK(import_sources(&source, 1, o, &l));
    return l;
}

static inline void not_listed(const char *source, const import_options *o, const char *words) {
    import_list *l;
    REFUSED(import_sources(&source, 1, o, &l), words);
    assert_null(l);
}

static inline void assert_item(const import_list *l, int64_t i, const char *path, bool fake, const char *method) {
    assert_true(i < import_count(l));
    assert_string_equal(import_at(l, i)->path, path);
    assert_int_equal(import_at(l, i)->fake, fake);
    assert_string_equal(import_at(l, i)->method, method);
}

static const import_options BY_LOOKING = {NULL, -1, NULL}, AS_REAL = {NULL, 0, NULL}, AS_FAKE = {NULL, 1, NULL};

#endif
