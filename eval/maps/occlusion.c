// Occlusion (Zeiler, Fergus 2014): what the logit loses under a grey rectangle.
#include <stdlib.h>
#include <string.h>

#include "eval/maps/type.h"

enum { BATCH = 16, SHARE = 8 };

// Rectangles along one side: the last one ends where the side does.
typedef struct axis {
    int side, size, stride, n;
} axis;

static axis axis_of(int64_t side) {
    axis a = {.side = (int)side, .size = side < SHARE ? 1 : (int)(side / SHARE)};
    a.stride = (a.size + 1) / 2;
    a.n = (a.side - a.size + a.stride - 1) / a.stride + 1;
    return a;
}

static int start(axis a, int i) {
    int at = i * a.stride;
    return at < a.side - a.size ? at : a.side - a.size;
}

static void place(const explainer *e, const float *x, int sample, axis down, axis across, int i) {
    size_t n = (size_t)shape_count(e->in), channels = (size_t)e->in.d[2], width = (size_t)across.side;
    float *to = (float *)plan_data(e->plan, e->picture) + (size_t)sample * n;
    size_t left = (size_t)start(across, i % across.n), top = (size_t)start(down, i / across.n);
    memcpy(to, x, n * sizeof *to);
    for (size_t row = top; row < top + (size_t)down.size; row++)
        memset(to + (row * width + left) * channels, 0, (size_t)across.size * channels * sizeof *to);
}

// The loss, and one more rectangle, at each place under rectangle i.
static void spread(double *loss, int *covers, axis down, axis across, int i, double lost) {
    int left = start(across, i % across.n), top = start(down, i / across.n);
    for (int row = top; row < top + down.size; row++)
        for (int column = left; column < left + across.size; column++) {
            loss[row * across.side + column] += lost;
            covers[row * across.side + column]++;
        }
}

static void slide(const explainer *e, const float *x, axis down, axis across, double *loss, int *covers, double logit) {
    int all = down.n * across.n;
    for (int at = 0; at < all; at += BATCH) {
        int n = all - at < BATCH ? all - at : BATCH;
        for (int i = 0; i < n; i++) place(e, x, i, down, across, at + i);
        plan_run(e->plan, 0, 0, 0);
        const float *logits = plan_data(e->plan, e->logits);
        for (int i = 0; i < n; i++) spread(loss, covers, down, across, at + i, logit - (double)logits[i]);
    }
}

static foil_status run(explainer *e, const float *x, float *heat, explanation *about) {
    axis down = axis_of(e->in.d[0]), across = axis_of(e->in.d[1]);
    size_t places = (size_t)down.side * (size_t)across.side;
    double *loss = calloc(places, sizeof *loss);
    int *covers = calloc(places, sizeof *covers);
    foil_status status = loss && covers ? FOIL_OK : foil_fail_memory(places * sizeof *loss, "a map");
    if (status == FOIL_OK) {
        for (int i = 0; i < BATCH; i++)
            memcpy((float *)plan_data(e->plan, e->picture) + i * shape_count(e->in), x, (size_t)shape_count(e->in) * sizeof *x);
        plan_run(e->plan, 0, 0, 0);
        about->logit = *(float *)plan_data(e->plan, e->logits);
        about->passes = down.n * across.n;
        about->rows = down.size;
        about->columns = across.size;
        slide(e, x, down, across, loss, covers, about->logit);
        for (size_t i = 0; i < places; i++) heat[i] = (float)(loss[i] / covers[i]);
    }
    free(loss);
    free(covers);
    return status;
}

const explain_type EXPLAIN_BY_OCCLUSION = {"occlusion", BATCH, NULL, run};
