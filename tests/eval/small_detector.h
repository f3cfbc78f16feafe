// A detector small enough to think about: the mean of the picture's red channel decides.
#ifndef FOIL_TESTS_EVAL_SMALL_DETECTOR_H
#define FOIL_TESTS_EVAL_SMALL_DETECTOR_H

#include <stdio.h>
#include <stdlib.h>

#include "eval/detector.h"

// logit = 4 · mean over pixels of red in -1..1, + 0.5
static const char SMALL_NETWORK[] = "input: {image: [8, 8, 3]}\n"
                                    "layers: [{conv: {out: 2, kernel: 1}}]\n"
                                    "heads: {detect: {layers: [{global_pool: mean}, {linear: {out: 1}}]}}\n";

static const detector_card SMALL_CARD = {
    .fit = FIT_CROP,
    .filter = RESIZE_BICUBIC,
    .calibration =
        {.temperature = 1.7000000000000002, .reals = 5, .fakes = 6, .prior = 6. / 11, .thresholds = 2, .threshold = {{0, .5, 2}, {.01, .1 + .2, 0}}},
    .head = "detect",
    .provenance = "{\"set\": \"faces.h5\"}"};

static inline void small_check(foil_status status) {
    if (status == FOIL_OK) return;
    fprintf(stderr, "%s\n", foil_error());
    abort();
}

static inline void small_network(net **n, store **s) {
    small_check(net_parse(SMALL_NETWORK, "small.yaml", 0, n));
    *s = store_new();
    small_check(net_declare(*n, *s));
    small_check(store_allocate(*s));
    store_data(*s, store_find(*s, "layers.0.weight"))[0] = 1; // red to the first channel
    store_data(*s, store_find(*s, "heads.detect.1.weight"))[0] = 4;
    store_data(*s, store_find(*s, "heads.detect.1.bias"))[0] = .5f;
}

static inline void small_detector(const char *path) {
    net *n;
    store *s;
    small_network(&n, &s);
    small_check(detector_write(path, n, s, &SMALL_CARD));
    store_free(s);
    net_free(n);
}

#endif
