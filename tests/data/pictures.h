// Pictures for tests: made, not found.
#ifndef FOIL_TESTS_DATA_PICTURES_H
#define FOIL_TESTS_DATA_PICTURES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/philox.h"
#include "data/image.h"
#include "tests/cmocka.h"

// Fails with the message of what went wrong.
#define OK(expression)                                                                                                                               \
    do {                                                                                                                                             \
        if ((expression) != FOIL_OK) fail_msg("%s", foil_error());                                                                                   \
    } while (0)
// Fails unless `expression` fails with a message that has `words`.
#define REFUSED(expression, words)                                                                                                                   \
    do {                                                                                                                                             \
        if ((expression) == FOIL_OK) fail_msg("accepted, expected '%s'", words);                                                                     \
        if (!strstr(foil_error(), words)) fail_msg("'%s' lacks '%s'", foil_error(), words);                                                          \
    } while (0)

// A smooth slope with noise on it, different for each seed.
static inline image picture(int height, int width, int channels, uint64_t seed) {
    image im;
    OK(image_new(height, width, channels, &im));
    philox_key k = {seed, 99, 0};
    for (size_t i = 0; i < image_bytes(&im); i++) {
        size_t y = i / (size_t)(width * channels), x = i / (size_t)channels % (size_t)width, c = i % (size_t)channels;
        im.pixels[i] = (uint8_t)((y * 3 + x * 2 + c * 40 + seed * 17) % 200 + philox_below(k, i, 20));
    }
    return im;
}

// A new folder under the current one, empty; what a previous run left there is removed.
static inline const char *folder(const char *name) {
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", name);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a fixed name
    OK(file_make_folder(name));
    return name;
}

static inline void write_bytes(const char *path, const void *bytes, size_t n) {
    file_writer *w;
    OK(file_create(path, &w));
    file_write(w, bytes, n);
    OK(file_commit(w));
}

static inline void assert_same(const image *a, const image *b) {
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->channels, b->channels);
    assert_memory_equal(a->pixels, b->pixels, image_bytes(a));
}

#endif
