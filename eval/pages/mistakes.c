// The mistakes that a detector is most sure of: which they are, what they look like, and where it looked.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/resize.h"
#include "eval/maps/explain.h"
#include "eval/pages/evaluation.h"

enum { MOST = 12, SIDE = 192 }; // of each class; pixels of a thumbnail

// Items of one class on the wrong side of the threshold (without one: any), the worst first.
typedef struct worst {
    int n, most;
    int64_t item[MOST];
} worst;

static void consider(worst *w, const judge *j, int64_t i, double sign) {
    if (!isnan(j->threshold) && (j->score[i] >= j->threshold) != (sign > 0)) return;
    int at = w->n < w->most ? w->n++ : w->n;
    for (; at > 0 && sign * j->score[i] > sign * j->score[w->item[at - 1]]; at--)
        if (at < w->most) w->item[at] = w->item[at - 1];
    if (at < w->most) w->item[at] = i;
}

// Looking. ----------------------------------------------------------------------------------------------------------------------------------------

typedef struct look {
    const foil_detector *detector;
    explainer *explainer; // NULL = there is no map: of scores, of cues
    shape input;
    uint8_t *pixels;
    float *heat;
} look;

static void look_close(look *l) {
    explainer_free(l->explainer);
    free(l->pixels);
    free(l->heat);
}

static foil_status look_open(look *l, const foil_detector *d, explain_method *m) {
    *l = (look){.detector = d};
    if (!d || !detector_net(d)) return FOIL_OK;
    *m = EXPLAIN_GRADCAM;
    foil_status status = explainer_new(d, *m, &l->explainer);
    if (status == FOIL_UNSUPPORTED) {
        *m = EXPLAIN_OCCLUSION;
        status = explainer_new(d, *m, &l->explainer);
    }
    TRY(status);
    l->input = detector_input(d);
    l->pixels = malloc((size_t)shape_count(l->input));
    l->heat = malloc((size_t)(l->input.d[0] * l->input.d[1]) * sizeof *l->heat);
    return l->pixels && l->heat ? FOIL_OK : foil_fail_memory((size_t)shape_count(l->input), "a map");
}

static foil_status add_picture(json_t *to, const char *key, const image *im) {
    json_t *uri;
    TRY(page_picture(im, &uri));
    json_put(to, key, uri);
    return FOIL_OK;
}

static foil_status add_map(json_t *to, look *l, const image *im) {
    explanation about;
    if (!l->explainer) return FOIL_OK;
    TRY(detector_fit(l->detector, im, l->pixels));
    TRY(explainer_run(l->explainer, l->pixels, l->heat, &about));
    const image fitted = {.height = (int)l->input.d[0], .width = (int)l->input.d[1], .channels = (int)l->input.d[2], .pixels = l->pixels};
    image over = {0};
    foil_status status = explain_overlay(&fitted, l->heat, &over);
    if (status == FOIL_OK) status = add_picture(to, "map", &over);
    image_free(&over);
    return status;
}

static foil_status add_thumbnail(json_t *to, const image *im) {
    const int side = im->width > im->height ? im->width : im->height;
    if (side <= SIDE) return add_picture(to, "picture", im);
    const int height = im->height * SIDE / side, width = im->width * SIDE / side;
    image small = {0};
    foil_status status = image_resize(im, height > 0 ? height : 1, width > 0 ? width : 1, RESIZE_BILINEAR, &small);
    if (status == FOIL_OK) status = add_picture(to, "picture", &small);
    image_free(&small);
    return status;
}

// Items are pictures in their order, unless some were left out or taken together: then by path.
static foil_status find_picture(const evaluation *e, const pictures *from, int64_t item, int64_t *at) {
    *at = item;
    if (e->clip_rule < 0 && !e->frames) return FOIL_OK;
    arena texts = {0};
    foil_status status = FOIL_OK;
    for (*at = 0; *at < pictures_count(from); ++*at) {
        picture_label label;
        arena_free(&texts);
        status = pictures_label(from, *at, &texts, &label);
        if (status != FOIL_OK || !strcmp(label.path, e->item[item].path)) break;
    }
    arena_free(&texts);
    return status;
}

static foil_status look_at(json_t *to, look *l, const evaluation *e, const pictures *from, int64_t item) {
    int64_t at;
    TRY(find_picture(e, from, item, &at));
    if (at == pictures_count(from)) return FOIL_OK;
    image im = {0};
    foil_status status = pictures_read(from, at, &im);
    if (status == FOIL_OK) status = add_thumbnail(to, &im);
    if (status == FOIL_OK) status = add_map(to, l, &im);
    image_free(&im);
    return status;
}

static foil_status add_worst(json_t *list, look *l, const evaluation *e, const judge *j, const pictures *from, const worst *w) {
    for (int k = 0; k < w->n; k++) {
        const picture_label *label = &e->item[w->item[k]];
        json_t *one = json_pack("{s:o, s:f, s:b, s:o}", "path", text_json(label->path), "score", j->score[w->item[k]], "fake", label->fake, "method",
                                text_json(label->method));
        json_push(list, one);
        if (!one) return foil_fail_memory(4096, "a page's mistakes");
        if (from) TRY(look_at(one, l, e, from, w->item[k]));
    }
    return FOIL_OK;
}

foil_status page_add_mistakes(json_t *result, const evaluation *e, const judge *j, const pictures *from, int most) {
    worst real = {.most = most < MOST ? most : MOST}, fake = real;
    for (int64_t i = 0; i < e->n; i++) consider(e->fake[i] ? &fake : &real, j, i, e->fake[i] ? -1 : 1);
    json_t *list = json_array();
    json_put(result, "mistakes", list);
    look l = {0};
    explain_method m = EXPLAIN_GRADCAM;
    foil_status status = from && real.n + fake.n > 0 ? look_open(&l, j->detector, &m) : FOIL_OK;
    if (l.explainer) json_put(result, "map", json_string(EXPLAIN_NAMES[m]));
    if (status == FOIL_OK) status = add_worst(list, &l, e, j, from, &real);
    if (status == FOIL_OK) status = add_worst(list, &l, e, j, from, &fake);
    look_close(&l);
    return status;
}
