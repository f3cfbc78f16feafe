#include "train/page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sort.h"
#include "data/resize.h"
#include "eval/metric.h"
#include "eval/pages/page.h"
#include "train/folder.h"

// How often a page of a run that goes on loads itself again, in seconds; and how large a grid of samples may be there, in pixels.
enum { REFRESH = 20, GRID_SIDE = 640 };

// The curves of the log. --------------------------------------------------------------------------------------------------------------------------

// A curve of at most RUN_PAGE_POINTS points: each `every`-th that came, twice as sparse whenever it is full; and the last.
typedef struct curve {
    char *name;
    int64_t seen, every, n;
    double x[RUN_PAGE_POINTS], y[RUN_PAGE_POINTS]; // NaN = no number
    double last_x, last_y;
} curve;

typedef struct curves {
    curve **at;
    int n;
} curves;

static void curves_free(curves *c) {
    for (int i = 0; i < c->n; i++) {
        free(c->at[i]->name);
        free(c->at[i]);
    }
    free(c->at);
}

static curve *curve_named(curves *c, const char *name) {
    for (int i = 0; i < c->n; i++)
        if (!strcmp(c->at[i]->name, name)) return c->at[i];
    curve **more = realloc(c->at, ((size_t)c->n + 1) * sizeof(curve *));
    if (!more) return NULL;
    c->at = more;
    curve *one = calloc(1, sizeof *one);
    if (!one || !(one->name = strdup(name))) {
        free(one);
        return NULL;
    }
    one->every = 1;
    return c->at[c->n++] = one;
}

static void curve_add(curve *c, double x, double y) {
    c->last_x = x;
    c->last_y = y;
    if (c->seen++ % c->every != 0) return;
    if (c->n == RUN_PAGE_POINTS - 1) { // one place stays for the last
        for (int64_t i = 0; 2 * i < c->n; i++) {
            c->x[i] = c->x[2 * i];
            c->y[i] = c->y[2 * i];
        }
        c->n = (c->n + 1) / 2;
        c->every *= 2;
        if ((c->seen - 1) % c->every != 0) return;
    }
    c->x[c->n] = x;
    c->y[c->n++] = y;
}

// A line {"step": 12, "loss/d": 0.5, "val/auc": null}. A kill may have left half a line: that one is not of the log yet.
static foil_status add_line(curves *c, const char *line, size_t n) {
    json_t *object = json_loadb(line, n, 0, NULL), *value;
    const char *name;
    double step = json_number_value(json_object_get(object, "step"));
    foil_status status = FOIL_OK;
    json_object_foreach(object, name, value) {
        if (status != FOIL_OK || !strcmp(name, "step")) continue;
        curve *one = curve_named(c, name);
        if (one)
            curve_add(one, step, json_is_number(value) ? json_number_value(value) : NAN);
        else
            status = foil_fail_memory(sizeof *one, "a run's curves");
    }
    json_decref(object);
    return status;
}

static foil_status read_log(const char *folder, curves *c) {
    char *path = folder_path(folder, "log.jsonl"), *line = NULL;
    if (!path) return foil_fail_memory(64, "a path");
    FILE *f = fopen(path, "rb");
    foil_status status = f || errno == ENOENT ? FOIL_OK : foil_fail_errno(errno, "%s: cannot be read", path);
    size_t capacity = 0;
    for (ssize_t n; f && status == FOIL_OK && (n = getline(&line, &capacity, f)) > 0;) status = add_line(c, line, (size_t)n);
    if (f) fclose(f);
    free(line);
    free(path);
    return status;
}

static json_t *curve_json(curve *c) {
    if (c->n == 0 || c->x[c->n - 1] < c->last_x) {
        c->x[c->n] = c->last_x;
        c->y[c->n++] = c->last_y;
    }
    json_t *x = json_array(), *y = json_array();
    for (int64_t i = 0; i < c->n; i++) {
        json_push(x, json_integer((json_int_t)c->x[i]));
        json_push(y, number_json(c->y[i]));
    }
    return json_pack("{s:o, s:o, s:o}", "name", text_json(c->name), "x", x, "y", y);
}

static foil_status add_curves(json_t *page, const char *folder) {
    curves c = {0};
    foil_status status = read_log(folder, &c);
    json_t *series = json_array();
    int64_t every = 1;
    for (int i = 0; status == FOIL_OK && i < c.n; i++) {
        if (c.at[i]->every > every) every = c.at[i]->every;
        json_push(series, curve_json(c.at[i]));
    }
    json_put(page, "series", series);
    json_put(page, "every", json_integer(every));
    curves_free(&c);
    return status;
}

// The grids of samples. ---------------------------------------------------------------------------------------------------------------------------

typedef struct grids {
    int64_t *step, n, capacity, last;
} grids;

static foil_status note_grid(const char *path, void *context) {
    grids *g = context;
    int64_t step;
    char rest[8];
    if (sscanf(file_name(path), "step-%" SCNd64 "%7s", &step, rest) != 2 || strcmp(rest, ".png") != 0 || step > g->last) return FOIL_OK;
    if (g->n == g->capacity) {
        int64_t capacity = 2 * g->capacity + 64;
        int64_t *more = realloc(g->step, (size_t)capacity * sizeof *more);
        if (!more) return foil_fail_memory((size_t)capacity * sizeof *more, "a run's samples");
        g->step = more;
        g->capacity = capacity;
    }
    g->step[g->n++] = step;
    return FOIL_OK;
}

static foil_status shrink(image *im) {
    const int side = im->width > im->height ? im->width : im->height;
    if (side <= GRID_SIDE) return FOIL_OK;
    image small;
    TRY(image_resize(im, im->height * GRID_SIDE / side, im->width * GRID_SIDE / side, RESIZE_BILINEAR, &small));
    image_free(im);
    *im = small;
    return FOIL_OK;
}

static foil_status add_grid(json_t *samples, const char *folder, int64_t step) {
    char *path = folder_path(folder, "samples/step-%06" PRId64 ".png", step);
    if (!path) return foil_fail_memory(64, "a path");
    image im = {0};
    json_t *picture = NULL;
    foil_status status = image_read(path, &im);
    if (status == FOIL_OK) status = shrink(&im);
    if (status == FOIL_OK) status = page_picture(&im, &picture);
    if (status == FOIL_OK) json_push(samples, json_pack("{s:I, s:o}", "step", (json_int_t)step, "picture", picture));
    image_free(&im);
    free(path);
    return status;
}

static foil_status add_samples(json_t *page, const char *folder, int64_t last) {
    char *path = folder_path(folder, "samples");
    if (!path) return foil_fail_memory(64, "a path");
    grids g = {.last = last};
    foil_status status = file_is_folder(path) ? file_walk(path, note_grid, &g) : FOIL_OK;
    free(path);
    sort_integers(g.step, (size_t)g.n);
    const int64_t shown = g.n < RUN_PAGE_GRIDS ? g.n : RUN_PAGE_GRIDS;
    json_t *samples = json_array();
    for (int64_t i = 0; status == FOIL_OK && i < shown; i++) status = add_grid(samples, folder, g.step[shown > 1 ? i * (g.n - 1) / (shown - 1) : 0]);
    json_put(page, "samples", samples);
    json_put(page, "grids", json_integer(g.n));
    free(g.step);
    return status;
}

// All of it. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status add_config(json_t *page, const config *c) {
    char *document;
    TRY(config_emit_portable(c, &document));
    json_put(page, "config", text_json(document));
    free(document);
    text chosen = {0};
    text_format(&chosen, "%s/%s", SPLIT_NAMES[c->evaluate.split], METRIC_NAMES[c->evaluate.metric]);
    json_put(page, "metric", chosen.failed ? NULL : json_string(chosen.data));
    json_put(page, "lower_is_better", json_boolean(METRIC_LOWER_IS_BETTER[c->evaluate.metric]));
    text_free(&chosen);
    return FOIL_OK;
}

foil_status run_page_write(const char *folder, const config *c, int64_t step, run_state state, const char *message) {
    json_start();
    static const char *const STATES[] = {[RUN_RUNNING] = "running", [RUN_FINISHED] = "finished", [RUN_STOPPED] = "stopped"};
    json_t *run = json_pack("{s:o, s:s, s:I, s:I, s:i}", "name", text_json(c->run.name), "state", STATES[state], "step", (json_int_t)step, "steps",
                            (json_int_t)c->run.steps, "refresh", REFRESH);
    json_t *page = json_pack("{s:s, s:o}", "foil", foil_version(), "run", run);
    if (!page) return foil_fail_memory(4096, "a run's page");
    if (message) json_put(run, "message", text_json(message));
    char *path = folder_path(folder, "report.html");
    foil_status status = path ? add_config(page, c) : foil_fail_memory(64, "a path");
    if (status == FOIL_OK) status = add_curves(page, folder);
    if (status == FOIL_OK) status = add_samples(page, folder, step);
    if (status == FOIL_OK) status = page_write(path, PAGE_RUN, page);
    json_decref(page);
    free(path);
    return status;
}
