// Cues: what a person can check about a picture without any trained network. docs/cues.md explains each with formula, source and limits.
//
// A cue measures a few numbers, draws one small plot and says in plain words what its numbers may and may not mean. No cue proves anything: each has innocent
// explanations, which its words name. A number that a picture cannot give (it is too small, has no colour, no knee was found) is NaN.
#ifndef FOIL_EVAL_CUES_CUE_H
#define FOIL_EVAL_CUES_CUE_H

#include "base/arena.h"
#include "base/text.h"
#include "data/image.h"

// What is looked at. Zero-initialise; cue_scene_close.
typedef struct cue_scene {
    const image *picture;
    float *luma;         // [height, width], 0 to 255: ITU-R BT.601
    const uint8_t *file; // the bytes that the picture was decoded from; NULL = not known
    size_t bytes;
} cue_scene;
foil_status cue_scene_open(const image *picture, const uint8_t *file, size_t bytes, cue_scene *out); // keeps both pointers
void cue_scene_close(cue_scene *s);

enum { CUE_NUMBERS = 8, CUE_POINTS = 513, CUE_SERIES = 3, CUE_MARKS = 8 };

// One to three curves over one axis, with places marked on it. Labels are static texts.
typedef struct cue_plot {
    const char *title, *x, *y;
    int series, n; // n = 0: nothing to see
    bool bars;
    const char *name[CUE_SERIES]; // NULL: one curve needs none
    double at[CUE_POINTS], value[CUE_SERIES][CUE_POINTS];
    int marks;
    struct {
        double at;
        const char *label;
    } mark[CUE_MARKS];
} cue_plot;
void cue_plot_mark(cue_plot *p, double at, const char *label); // ignored for NaN, and when there is no room
void cue_plot_svg(const cue_plot *p, text *out);               // one <svg> element for a page or a file, in the page's own text colour

typedef struct cue_number {
    const char *name, *unit, *doc; // unit "" = a plain number
    bool feature;                  // of the cue-only baseline: more or less of it means something, and it comes from the pixels alone
} cue_number;

typedef struct cue {
    const char *name, *doc, *source;
    cue_number number[CUE_NUMBERS]; // {0} ends
    // value[CUE_NUMBERS]: every number or NaN. The plot, zeroed before, only if it is wanted (NULL: not). Nothing in `scratch` is needed afterwards.
    foil_status (*measure)(const cue_scene *s, double *value, cue_plot *plot, arena *scratch);
    void (*words)(const cue_scene *s, const double *value, text *out); // of what was measured: a sentence or a few
} cue;
extern const cue CUE_SPECTRUM, CUE_RESAMPLING, CUE_BLOCKS, CUE_JPEG, CUE_NOISE, CUE_COLOUR, CUE_METADATA;
extern const cue *const CUES[]; // all, NULL ends

// The numbers of the cue-only baseline, in their order: "spectrum.slope" … Their list and what they mean are one version: detectors name it.
enum { CUE_FEATURES_MOST = 31, CUE_VERSION = 2 };
int cue_features(void);
const char *cue_feature_name(int i, char out[64]);
foil_status cue_features_measure(const image *picture, double *value); // [cue_features()], NaN = missing

#endif
