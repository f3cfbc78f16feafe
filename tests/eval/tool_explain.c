// DETECTOR PICTURE OUT.safetensors METHOD...: maps of a picture, [H,W], and "facts": integrated gradients' steps and grey's logit, and the picture's logit.
// For check_explain.py.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/maps/explain.h"

static void must(foil_status status) {
    if (status == FOIL_OK) return;
    fprintf(stderr, "%s\n", foil_error());
    exit(1);
}

static explain_method method_named(const char *name) {
    int m = 0;
    while (m < EXPLAIN_METHODS - 1 && strcmp(name, EXPLAIN_NAMES[m]) != 0) m++;
    return (explain_method)m;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    foil_detector *d;
    image picture = {0};
    safetensors_writer *w = safetensors_writer_new();
    must(foil_detector_load(argv[1], &d));
    must(image_read(argv[2], &picture));
    shape in = net_input(detector_net(d));
    size_t places = (size_t)(in.d[0] * in.d[1]);
    uint8_t *pixels = malloc(places * (size_t)in.d[2]);
    float *heat = malloc(EXPLAIN_METHODS * places * sizeof *heat), facts[3] = {0};
    must(pixels && heat ? detector_fit(d, &picture, pixels) : FOIL_MEMORY);
    for (int i = 4; i < argc; i++) {
        const explain_method m = method_named(argv[i]);
        float *map = heat + (size_t)m * places;
        explainer *e;
        explanation about;
        must(explainer_new(d, m, &e));
        must(explainer_run(e, pixels, map, &about));
        explainer_free(e);
        safetensors_add(w, EXPLAIN_NAMES[m], "F32", SHAPE(in.d[0], in.d[1]), map);
        facts[2] = (float)about.logit;
        if (m == EXPLAIN_INTEGRATED) facts[0] = (float)about.passes, facts[1] = (float)about.grey;
    }
    safetensors_add(w, "facts", "F32", SHAPE(3), facts);
    must(safetensors_write(w, argv[3]));
    safetensors_writer_free(w);
    free(heat);
    free(pixels);
    image_free(&picture);
    foil_detector_free(d);
    return 0;
}
