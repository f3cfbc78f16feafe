#include "eval/cues/cue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const cue *const CUES[] = {&CUE_SPECTRUM, &CUE_RESAMPLING, &CUE_BLOCKS, &CUE_JPEG, &CUE_NOISE, &CUE_COLOUR, &CUE_METADATA, NULL};

foil_status cue_scene_open(const image *picture, const uint8_t *file, size_t bytes, cue_scene *out) {
    size_t n = (size_t)picture->height * (size_t)picture->width;
    *out = (cue_scene){.picture = picture, .luma = malloc(n * sizeof(float)), .file = file, .bytes = bytes};
    if (!out->luma) return foil_fail_memory(n * sizeof(float), "a picture's brightness");
    const uint8_t *p = picture->pixels;
    for (size_t i = 0; picture->channels == 1 && i < n; i++) out->luma[i] = p[i];
    for (size_t i = 0; picture->channels == 3 && i < n; i++, p += 3) out->luma[i] = .299F * (float)p[0] + .587F * (float)p[1] + .114F * (float)p[2];
    return FOIL_OK;
}

void cue_scene_close(cue_scene *s) {
    free(s->luma);
    *s = (cue_scene){0};
}

// The features are the numbers that are marked so, cue by cue.
static const cue_number *feature_at(int i, const cue **of) {
    for (int c = 0; CUES[c]; c++)
        for (int k = 0; k < CUE_NUMBERS && CUES[c]->number[k].name; k++) {
            if (!CUES[c]->number[k].feature || i-- > 0) continue;
            *of = CUES[c];
            return &CUES[c]->number[k];
        }
    return NULL;
}

int cue_features(void) {
    const cue *of;
    int n = 0;
    while (feature_at(n, &of)) n++;
    return n;
}

const char *cue_feature_name(int i, char out[64]) {
    const cue *of;
    const cue_number *number = feature_at(i, &of);
    snprintf(out, 64, "%s.%s", number ? of->name : "", number ? number->name : "");
    return out;
}

static foil_status measure_features(const cue_scene *s, double *value, arena *scratch) {
    for (int c = 0; CUES[c]; c++) {
        double all[CUE_NUMBERS];
        bool any = false;
        for (int k = 0; k < CUE_NUMBERS; k++) any = any || CUES[c]->number[k].feature;
        if (!any) continue;
        TRY(CUES[c]->measure(s, all, NULL, scratch));
        for (int k = 0; k < CUE_NUMBERS; k++)
            if (CUES[c]->number[k].feature) *value++ = all[k];
    }
    return FOIL_OK;
}

foil_status cue_features_measure(const image *picture, double *value) {
    cue_scene s;
    arena scratch = {0};
    TRY(cue_scene_open(picture, NULL, 0, &s));
    foil_status status = measure_features(&s, value, &scratch);
    arena_free(&scratch);
    cue_scene_close(&s);
    return status;
}
