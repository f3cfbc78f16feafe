// A small set of made-up pictures for checks of the program: tool_set OUT.h5 SIDE COUNT CHANNELS [reals|fakes|scans].
// Reals are soft coloured blobs, fakes of method "noise" the same with noise, of "stripes" with stripes; 70 % train, 15 % val, 15 % test. Scans
// are other reals, of a source of that name.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "data/set.h"

static void paint(image *im, int i, int method) {
    philox_key k = {11, STREAM_INIT, (uint64_t)i};
    float u[16];
    philox_fill_uniform(k, 0, u, 16);
    const float side = (float)im->width;
    for (int y = 0; y < im->height; y++) {
        for (int x = 0; x < im->width; x++) {
            float dx = (float)x / side - u[0], dy = (float)y / side - u[1], blob = expf(-(dx * dx + dy * dy) * (4 + 20 * u[2]));
            for (int c = 0; c < im->channels; c++) {
                float v = 255 * (u[3 + c] * blob + u[6 + c] * (1 - blob));
                if (method == 1) v += 60 * (philox_uniform(k, (uint64_t)(16 + (y * im->width + x) * 3 + c)) - 0.5F);
                if (method == 2 && x % 2) v += 25;
                im->pixels[(y * im->width + x) * im->channels + c] = (uint8_t)fminf(255, fmaxf(0, v));
            }
        }
    }
}

static foil_status make(const char *path, int side, int count, int channels, const char *only) {
    static const char *const METHODS[] = {"blobs", "noise", "stripes"};
    set_writer *w;
    image im;
    TRY(set_create(path, &(set_description){side, side, channels, FIT_RESIZE, RESIZE_BICUBIC, 1, count, "made up", "none"}, &w));
    const bool scans = only && strcmp(only, "scans") == 0;
    foil_status status = image_new(side, side, channels, &im);
    for (int i = 0; status == FOIL_OK && i < count; i++) {
        int method = i % 2 ? 1 + i / 2 % 2 : 0;
        if (only) method = strcmp(only, "fakes") == 0 ? 1 : 0;
        unsigned char digest[32] = {(unsigned char)i, (unsigned char)(i >> 8), scans};
        char name[32];
        snprintf(name, sizeof name, "%d.png", i);
        paint(&im, scans ? i + 100000 : i, method);
        int place = i / 2 % 20;
        set_split split = place < 14 ? SPLIT_TRAIN : place < 17 ? SPLIT_VAL : SPLIT_TEST;
        status = set_add(w, &im, method > 0, scans ? "scans" : METHODS[method], NULL, -1, split, name, digest);
    }
    image_free(&im);
    if (status == FOIL_OK) return set_commit(w);
    set_abort(w);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    foil_status status = make(argv[1], atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argc > 5 ? argv[5] : NULL);
    if (status != FOIL_OK) fprintf(stderr, "tool_set: %s\n", foil_error());
    return status == FOIL_OK ? 0 : 1;
}
