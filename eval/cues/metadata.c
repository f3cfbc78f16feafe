// What the file says about itself (eval/metadata.h), as a cue. Sets do not keep it: it takes no part in the cue-only baseline.
#include <math.h>

#include "eval/cues/cue.h"
#include "eval/metadata.h"

enum { CAMERA, GENERATOR, ORIGIN, C2PA, ITEMS };

static int count(const metadata *m, metadata_kind kind) {
    int n = 0;
    for (int i = 0; i < m->n; i++) n += m->item[i].kind == kind;
    return n;
}

static foil_status measure(const cue_scene *s, double *value, cue_plot *plot, arena *scratch) {
    (void)scratch;
    (void)plot;
    for (int i = 0; i < CUE_NUMBERS; i++) value[i] = NAN;
    if (!s->file) return FOIL_OK;
    metadata m;
    metadata_read(s->file, s->bytes, &m);
    value[CAMERA] = count(&m, METADATA_CAMERA);
    value[GENERATOR] = count(&m, METADATA_GENERATOR);
    value[ORIGIN] = count(&m, METADATA_ORIGIN);
    value[C2PA] = count(&m, METADATA_C2PA);
    value[ITEMS] = m.n;
    return FOIL_OK;
}

static void words(const cue_scene *s, const double *value, text *out) {
    if (isnan(value[ITEMS])) {
        text_add(out, "Only pixels are at hand: there is no file to ask.");
        return;
    }
    metadata m;
    metadata_read(s->file, s->bytes, &m);
    if (m.n == 0) text_add(out, "The file says nothing about where it comes from; most that went through the web do not. ");
    for (int i = 0; i < m.n; i++) {
        text_format(out, "%s (%s): %s. ", METADATA_NAMES[m.item[i].kind], m.item[i].where, m.item[i].text);
    }
    if (value[GENERATOR] > 0) text_add(out, "A generator says that it made this picture, or someone wrote that in its name. ");
    if (value[C2PA] > 0) text_add(out, "Whether the manifest's signatures hold was not checked; a C2PA tool does that. ");
    text_add(out, "Anyone can write, copy or remove all of this.");
}

const cue CUE_METADATA = {"metadata",
                          "what the file says about itself: EXIF, XMP, C2PA, texts of generators",
                          "EXIF 2.32, XMP, C2PA 2.1, IPTC digital source type",
                          {[CAMERA] = {"camera", "", "entries that name a camera", false},
                           [GENERATOR] = {"generator", "", "entries that a generator of pictures leaves", false},
                           [ORIGIN] = {"origin", "", "digital source types", false},
                           [C2PA] = {"c2pa", "", "manifests of content credentials", false},
                           [ITEMS] = {"items", "", "entries in all", false}},
                          measure,
                          words};
