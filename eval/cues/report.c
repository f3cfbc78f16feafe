#include "eval/cues/report.h"

#include <stdlib.h>

#include "base/file.h"
#include "data/resize.h"
#include "eval/pages/page.h"

const char CUE_CAUTION[] = "A cue is a reason to look closer, never a verdict: each has innocent explanations, most vanish when a picture is resized "
                           "or saved again, and a picture "
                           "without any may still be a fake.";

static json_t *numbers_json(const cue *c, const double *value) {
    json_t *list = json_array();
    for (int k = 0; k < CUE_NUMBERS && c->number[k].name; k++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name", c->number[k].name, "unit", c->number[k].unit, "about", c->number[k].doc,
                                              "value", number_json(value[k])));
    return list;
}

static foil_status cue_json(const cue *c, const cue_scene *s, cue_plot *plot, arena *scratch, json_t **out) {
    double value[CUE_NUMBERS];
    text words = {0}, svg = {0};
    if (plot) *plot = (cue_plot){0};
    TRY(c->measure(s, value, plot, scratch));
    c->words(s, value, &words);
    if (plot) cue_plot_svg(plot, &svg);
    *out = words.failed || svg.failed ? NULL
                                      : json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", c->name, "about", c->doc, "source", c->source, "words",
                                                  text_json(words.data), "numbers", numbers_json(c, value));
    if (*out && plot) json_object_set_new(*out, "plot", svg.length ? json_string(svg.data) : json_null());
    text_free(&words);
    text_free(&svg);
    return *out ? FOIL_OK : foil_fail_memory(4096, "a report on cues");
}

// As a thumbnail.
static foil_status add_picture(const image *im, json_t *to) {
    const int longest = im->height > im->width ? im->height : im->width;
    const double scale = longest > 256 ? 256. / longest : 1;
    image small = {0};
    json_t *uri = NULL;
    int height = (int)(im->height * scale), width = (int)(im->width * scale);
    foil_status status = image_resize(im, height ? height : 1, width ? width : 1, RESIZE_LANCZOS, &small);
    if (status == FOIL_OK) status = page_picture(&small, &uri);
    if (status == FOIL_OK) json_object_set_new(to, "picture", uri);
    image_free(&small);
    return status;
}

static foil_status report(const char *path, const file_map *file, const image *im, cue_plot *plot, json_t **out) {
    cue_scene s = {0};
    arena scratch = {0};
    json_t *cues = json_array();
    foil_status status = cue_scene_open(im, file->bytes, file->n, &s);
    for (int c = 0; status == FOIL_OK && CUES[c]; c++) {
        json_t *one;
        status = cue_json(CUES[c], &s, plot, &scratch, &one);
        if (status == FOIL_OK) json_array_append_new(cues, one);
    }
    arena_free(&scratch);
    cue_scene_close(&s);
    *out = json_pack("{s:o, s:i, s:i, s:i, s:o}", "path", text_json(path), "width", im->width, "height", im->height, "channels", im->channels, "cues",
                     cues);
    if (status == FOIL_OK && !*out) status = foil_fail_memory(4096, "a report on cues");
    if (status == FOIL_OK && plot) status = add_picture(im, *out);
    return status;
}

foil_status cue_report(const char *path, bool drawn, json_t **out) {
    file_map file = {0};
    image im = {0};
    *out = NULL;
    cue_plot *plot = drawn ? malloc(sizeof *plot) : NULL;
    foil_status status = drawn && !plot ? foil_fail_memory(sizeof *plot, "a plot") : file_map_open(path, &file);
    if (status == FOIL_OK) status = image_decode(file.bytes, file.n, path, &im);
    if (status == FOIL_OK) status = report(path, &file, &im, plot, out);
    if (status != FOIL_OK) {
        json_decref(*out);
        *out = NULL;
    }
    image_free(&im);
    file_map_close(&file);
    free(plot);
    return status;
}
