// The cells of a study, one after the other.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/harness.h"
#include "train/folder.h"
#include "train/study.h"

typedef struct runner {
    const study *study;
    const study_options *options;
    study_progress now;
} runner;

bool study_has_scores(const study_cell *c) {
    return folder_has(c->folder, "scores.csv");
}

// A study that began differently is another study. ------------------------------------------------------------------------------------------------

static foil_status check_study(const study *s, const char *path) {
    yaml *before;
    TRY(yaml_read(path, &before));
    foil_status status = yaml_same(yaml_root(s->document), yaml_root(before), NULL, "the study");
    yaml_free(before);
    return status == FOIL_OK ? FOIL_OK : foil_fail_within(status, "%s: a study is continued as it began; another one needs another folder", path);
}

// The training file beneath it may have changed as well: cells that have ended would not be what they are said to be.
static foil_status check_cell(const study_cell *c) {
    config now, before;
    char *path = folder_path(c->folder, "config.yaml");
    if (!path) return foil_fail_memory(64, "a path");
    foil_status status = FOIL_OK;
    if (file_exists(path) && (status = config_read(path, NULL, 0, &before)) == FOIL_OK) {
        status = config_read(c->config, c->overrides, c->n, &now);
        if (status == FOIL_OK) {
            status = config_same(&now, &before);
            if (status == FOIL_OK && now.run.steps != before.run.steps)
                status =
                    foil_fail(FOIL_INVALID, "run.steps is %lld, but the run began with %lld", (long long)now.run.steps, (long long)before.run.steps);
            config_free(&now);
        }
        config_free(&before);
        if (status != FOIL_OK) status = foil_fail_within(status, "%s: this cell cannot be continued with other settings", c->folder);
    }
    free(path);
    return status;
}

// What would stop a cell before its first step stops the study before its first cell, while nothing is lost. Seeds make no difference.
static foil_status check_new_cells(const study *s) {
    for (int i = 0; i < s->cells; i++) {
        const study_cell *c = &s->cell[i];
        const study_variant *v = &s->variant[c->variant];
        config read;
        if (c->seed > 0 || folder_has(c->folder, "config.yaml")) continue;
        TRY(config_read(c->config, c->overrides, c->n, &read));
        foil_status status = train_check(&read);
        config_free(&read);
        if (status != FOIL_OK) return foil_fail_within(status, "%s: variant '%s'", v->place, v->name);
    }
    return FOIL_OK;
}

static foil_status prepare(const study *s, const char *folder) {
    char *path = folder_path(folder, "study.yaml"), *document = NULL;
    foil_status status = path ? FOIL_OK : foil_fail_memory(64, "a path");
    if (status == FOIL_OK && file_exists(path)) status = check_study(s, path);
    for (int i = 0; i < s->cells && status == FOIL_OK; i++) status = check_cell(&s->cell[i]);
    if (status == FOIL_OK) status = check_new_cells(s);
    if (status == FOIL_OK) status = file_make_folder(folder);
    if (status == FOIL_OK) file_sweep(folder); // of a study before, if it was killed
    if (status == FOIL_OK) status = yaml_emit(s->document, &document);
    if (status == FOIL_OK) status = folder_write(folder, "study.yaml", document);
    free(document);
    free(path);
    return status;
}

// One cell. -----------------------------------------------------------------------------------------------------------------------------------------

static void tell(runner *r) {
    if (r->options->progress) r->options->progress(&r->now, r->options->context);
}

static void tell_training(const train_progress *p, void *context) {
    runner *r = context;
    r->now.train = p;
    tell(r);
    r->now.train = NULL;
}

static void tell_scoring(int64_t done, int64_t total, void *context) {
    runner *r = context;
    r->now.scored = done;
    r->now.to_score = total;
    tell(r);
}

static foil_status train_cell(runner *r, const study_cell *c) {
    config settings;
    TRY(config_read(c->config, c->overrides, c->n, &settings));
    foil_status status =
        train(&settings, &(train_options){.folder = c->folder, .resume = true, .stop = r->options->stop, .progress = tell_training, .context = r});
    config_free(&settings);
    if (status != FOIL_DIVERGED) return status;
    text reason = {0};
    text_format(&reason, "%s\n", foil_error());
    status = reason.failed ? foil_fail_memory(64, "a reason") : folder_write(c->folder, "diverged.txt", reason.data);
    text_free(&reason);
    return status;
}

static foil_status write_scores(const study_cell *c, const char *name, const evaluation *e, int which) {
    char *path = folder_path(c->folder, "%s", name);
    foil_status status = path ? evaluation_write_scores(e, &e->judge[which], path) : foil_fail_memory(64, "a path");
    free(path);
    return status;
}

// Scores of the baseline come first: a cell that has scores.csv is done.
static foil_status score(runner *r, const study_cell *c, foil_detector *const d[2]) {
    const contestant who[2] = {{.name = "detector", .detector = d[0]}, {.name = "cues", .detector = d[1]}};
    evaluation_options o = {.rows = 1 << ROW_OVERALL, .clip_rule = -1, .progress = tell_scoring, .context = r};
    pictures *test;
    evaluation e;
    TRY(pictures_open(r->study->set[c->set].path, SPLIT_TEST, &test));
    foil_status status = evaluate(test, who, d[1] ? 2 : 1, &o, &e);
    pictures_close(test);
    TRY(status);
    if (d[1]) status = write_scores(c, "scores-cues.csv", &e, 1);
    if (status == FOIL_OK) status = write_scores(c, "scores.csv", &e, 0);
    evaluation_free(&e);
    return status;
}

static foil_status load(const study_cell *c, const char *name, foil_detector **out) {
    char *path = folder_path(c->folder, "%s", name);
    foil_status status = path ? foil_detector_load(path, out) : foil_fail_memory(64, "a path");
    free(path);
    return status;
}

static bool has_baseline(const runner *r, const study_cell *c) {
    return study_baseline(r->study, c->set, c->part) == c && folder_has(c->folder, "cues.safetensors");
}

// The detector chosen on validation, on the whole test split.
static foil_status score_cell(runner *r, const study_cell *c) {
    foil_detector *d[2] = {NULL, NULL};
    foil_status status = load(c, "best.safetensors", &d[0]);
    if (status == FOIL_OK && has_baseline(r, c)) status = load(c, "cues.safetensors", &d[1]);
    if (status == FOIL_OK) status = score(r, c, d);
    foil_detector_free(d[0]);
    foil_detector_free(d[1]);
    return status;
}

static foil_status run_cell(runner *r, const study_cell *c) {
    const study_cell *before = study_before(r->study, c);
    if (folder_has(c->folder, "diverged.txt") || (study_has_scores(c) && (!has_baseline(r, c) || folder_has(c->folder, "scores-cues.csv"))))
        return FOIL_OK;
    if (before && !study_has_scores(before)) return FOIL_OK; // that diverged, so there is nothing to go on from
    TRY(train_cell(r, c));
    if (folder_has(c->folder, "diverged.txt")) return FOIL_OK;
    if (r->options->stop && *r->options->stop) return foil_fail(FOIL_INTERRUPTED, "interrupted");
    return score_cell(r, c);
}

foil_status study_run(const study *s, const study_options *o) {
    runner r = {.study = s, .options = o, .now = {.of = s->cells}};
    TRY(prepare(s, o->folder));
    for (int i = 0; i < s->cells; i++) {
        const study_cell *c = &s->cell[i];
        r.now = (study_progress){.cell = c, .number = i + 1, .of = s->cells};
        foil_status status = run_cell(&r, c);
        if (status == FOIL_INTERRUPTED)
            return foil_fail(status, "interrupted in cell %d of %d, %s: the same command goes on", i + 1, s->cells, c->name);
        if (status != FOIL_OK) return foil_fail_within(status, "cell %s", c->name);
    }
    return FOIL_OK;
}
