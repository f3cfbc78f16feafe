#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/ranks.h"
#include "eval/cues/fit.h"
#include "gan/ema.h"
#include "gan/sampler.h"
#include "train/checkpoint.h"
#include "train/feed.h"
#include "train/folder.h"
#include "train/log.h"
#include "train/page.h"
#include "train/validation.h"

enum { GRID = 64, GRID_COLUMNS = 8 };

typedef struct trainer {
    const config *config;
    const train_options *options;
    run run;
    game *game;
    feed *feed;
    validation *validation; // NULL = no detect head trained
    sampler *sampler;       // NULL = no generator
    run_log *log;           // of the rank that writes
    game_report report;
    int64_t checkpoint; // step of the last one, -1 before the first
    double metric;
    double since, waited; // clock and waiting at the last measurement
    int64_t since_step;
    double images_per_second, waited_share;
    double page_due; // clock
} trainer;

// The others only compute: whatever they would write is the same.
static bool writes(void) {
    return ranks_self() == 0;
}

// Discriminator steps in one of the run.
static int64_t draws_per_step(const trainer *t) {
    return t->config->generator ? t->config->game.d_steps : 1;
}

// Telling. ------------------------------------------------------------------------------------------------------------------------------------------

static void tell(const trainer *t, const char *event) {
    if (!t->options->progress) return;
    const game_report *r = &t->report;
    train_progress p = {
        .step = t->run.step,
        .steps = t->config->run.steps,
        .loss_d = r->loss_d,
        .loss_g = r->loss_g,
        .loss_detect = r->loss_detect,
        .real = r->real,
        .fake = r->fake,
        .images_per_second = t->images_per_second,
        .waited = t->waited_share,
        .metric = t->metric,
        .event = event,
    };
    t->options->progress(&p, t->options->context);
}

// Rate and share of waiting since the last time.
static void measure(trainer *t) {
    double at = clock_now(), waited = feed_waited(t->feed), seconds = at - t->since;
    double pictures = (double)((t->run.step - t->since_step) * t->config->run.batch * draws_per_step(t));
    if (seconds <= 0) return;
    t->images_per_second = pictures / seconds;
    t->waited_share = (waited - t->waited) / seconds;
    t->since = at;
    t->since_step = t->run.step;
    t->waited = waited;
}

static foil_status write_log(trainer *t) {
    const game_report *last = &t->report;
    const run *r = &t->run;
    int64_t d_done = optimizer_steps_done(r->discriminator.optimizer) - 1, steps = t->config->run.steps;
    log_value v[12];
    int n = 0;
    if (r->generator.net) {
        v[n++] = (log_value){"loss/d", last->loss_d};
        v[n++] = (log_value){"loss/g", last->loss_g};
        if (!isnan(last->penalty)) v[n++] = (log_value){"loss/penalty", last->penalty};
    }
    if (r->forgery) v[n++] = (log_value){"loss/detect", last->loss_detect};
    if (r->generator.net) {
        v[n++] = (log_value){"logit/real", last->real};
        v[n++] = (log_value){"logit/fake", last->fake};
        v[n++] = (log_value){"gradient/g", last->norm_g};
        v[n++] = (log_value){"lr/g", schedule_lr(&t->config->generator_optimizer, r->step - 1, steps)};
    }
    v[n++] = (log_value){"gradient/d", last->norm_d};
    v[n++] = (log_value){"lr/d", schedule_lr(&t->config->discriminator_optimizer, d_done, steps * draws_per_step(t))};
    v[n++] = (log_value){"images_per_second", t->images_per_second};
    v[n++] = (log_value){"waited", t->waited_share};
    return log_values(t->log, r->step, v, n);
}

__attribute__((format(printf, 3, 4))) static foil_status diverged(const trainer *t, int64_t step, const char *format, ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (t->checkpoint < 0) return foil_fail(FOIL_DIVERGED, "step %" PRId64 ": %s; there is no checkpoint yet", step, what);
    return foil_fail(FOIL_DIVERGED, "step %" PRId64 ": %s; the last good checkpoint is of step %" PRId64 " in %s", step, what, t->checkpoint,
                     t->options->folder);
}

// Writing. ------------------------------------------------------------------------------------------------------------------------------------------

// Every rank makes the same steps on its own copy of the weights. Processors that round in different ways would let the copies part, unnoticed.
static foil_status check_copies(const trainer *t) {
    if (ranks_count() == 1) return FOIL_OK;
    uint64_t mine = run_digest(&t->run), first = mine;
    ranks_broadcast(&first, sizeof first);
    if (mine == first) return FOIL_OK;
    return foil_fail(FOIL_DIVERGED, "step %" PRId64 ": the weights are not those of rank 0: expected machines with the same kind of processor",
                     t->run.step);
}

// A loss may be a number, and the weights after its step are not.
static foil_status check_weights(const trainer *t) {
    const char *whose, *tensor = run_not_finite(&t->run, &whose);
    return tensor ? diverged(t, t->run.step, "%s tensor '%s' holds a value that is not finite", whose, tensor) : FOIL_OK;
}

static foil_status write_checkpoint(trainer *t) {
    if (t->checkpoint == t->run.step) return FOIL_OK;
    TRY(ranks_agree(check_weights(t)));
    TRY(ranks_agree(check_copies(t)));
    TRY(ranks_agree(writes() ? run_save(&t->run, t->options->folder) : FOIL_OK));
    t->checkpoint = t->run.step;
    tell(t, "checkpoint");
    return FOIL_OK;
}

static foil_status write_samples(trainer *t) {
    char *path = folder_path(t->options->folder, "samples/step-%06" PRId64 ".png", t->run.step);
    if (!path) return foil_fail_memory(64, "a path");
    image grid = {0};
    philox_key k = {(uint64_t)t->config->run.seed, STREAM_SAMPLES, 0}; // the same latents each time
    foil_status status = sampler_grid(t->sampler, k, GRID, GRID_COLUMNS, &grid);
    if (status == FOIL_OK) status = image_write_png(path, &grid);
    if (status == FOIL_OK) status = log_image(t->log, t->run.step, "samples", &grid);
    image_free(&grid);
    free(path);
    return status;
}

static foil_status write_best(const trainer *t) {
    char *path = folder_path(t->options->folder, "best.safetensors");
    foil_status status = path ? validation_write(t->validation, path) : foil_fail_memory(64, "a path");
    free(path);
    return status;
}

// The metrics of this step's detector, and which one is the best.
static foil_status log_validation(const trainer *t, const double value[METRICS]) {
    const best_detector *best = &t->run.best;
    char name[METRICS + 1][32];
    log_value v[METRICS + 2];
    for (int m = 0; m < METRICS; m++) {
        snprintf(name[m], sizeof name[m], "%s/%s", SPLIT_NAMES[t->config->evaluate.split], METRIC_NAMES[m]);
        v[m] = (log_value){name[m], value[m]};
    }
    snprintf(name[METRICS], sizeof name[METRICS], "best/%s", METRIC_NAMES[t->config->evaluate.metric]);
    v[METRICS] = (log_value){name[METRICS], best->metric};
    v[METRICS + 1] = (log_value){"best/step", (double)best->step};
    return log_values(t->log, t->run.step, v, METRICS + 2);
}

static foil_status evaluate(trainer *t) {
    if (!t->validation) return FOIL_OK;
    double value[METRICS];
    bool write;
    foil_status status = validation_run(t->validation, value, &write);
    if (status == FOIL_DIVERGED) return diverged(t, t->run.step, "%s", foil_error());
    TRY(status);
    t->metric = value[t->config->evaluate.metric];
    TRY(ranks_agree(writes() ? log_validation(t, value) : FOIL_OK));
    TRY(ranks_agree(writes() && write ? write_best(t) : FOIL_OK));
    tell(t, t->run.best.step == t->run.step ? "best" : "evaluate");
    return FOIL_OK;
}

// At most each 20 seconds, and for at most a fiftieth of the time.
static foil_status write_page(trainer *t) {
    double begin = clock_now();
    if (begin < t->page_due) return FOIL_OK;
    TRY(run_page_write(t->options->folder, t->config, t->run.step, RUN_RUNNING, NULL));
    double end = clock_now(), pause = 50 * (end - begin);
    t->page_due = end + (pause > 20 ? pause : 20);
    return FOIL_OK;
}

// However the run ended, its page says so; and that ending is what the caller hears of.
static foil_status write_last_page(const trainer *t, foil_status ended) {
    if (ended == FOIL_OK) return run_page_write(t->options->folder, t->config, t->run.step, RUN_FINISHED, NULL);
    failure f = {0};
    failure_note(&f, 0, ended);
    (void)run_page_write(t->options->folder, t->config, t->run.step, RUN_STOPPED, f.message);
    return failure_status(&f);
}

// Stepping. -----------------------------------------------------------------------------------------------------------------------------------------

static foil_status check_finite(const trainer *t, const char *what, double value) {
    if (isfinite(value)) return FOIL_OK;
    return diverged(t, t->run.step + 1, "%s is %s", what, isnan(value) ? "not a number" : "infinite");
}

static foil_status check_discriminator(const trainer *t) {
    const game_report *r = &t->report;
    if (t->run.generator.net) TRY(check_finite(t, "the discriminator's loss", r->loss_d));
    if (t->run.forgery) TRY(check_finite(t, "the detect head's loss", r->loss_detect));
    return check_finite(t, "the norm of the discriminator's gradient", r->norm_d);
}

static foil_status check_generator(const trainer *t) {
    TRY(check_finite(t, "the generator's loss", t->report.loss_g));
    return check_finite(t, "the norm of the generator's gradient", t->report.norm_g);
}

static foil_status step(trainer *t) {
    const config *c = t->config;
    run *r = &t->run;
    const int64_t draws = draws_per_step(t);
    uint64_t draw = (uint64_t)(r->step * draws);
    for (int64_t i = 0; i < draws; i++, draw++) {
        game_batch b;
        TRY(ranks_agree(feed_next(t->feed, draw, &b)));
        game_step_discriminator(t->game, draw, (uint64_t)(c->run.steps * draws), &b, &t->report);
        TRY(check_discriminator(t));
    }
    if (r->generator.net) {
        game_step_generator(t->game, draw - 1, (uint64_t)c->run.steps, &t->report);
        TRY(check_generator(t));
        if (r->average) ema_update(r->average, r->generator.store, c->game.ema_decay, r->step, c->game.ema_start);
    }
    r->step++;
    return r->forgery ? ranks_agree(forgery_after_step(r->forgery, (uint64_t)r->step)) : FOIL_OK;
}

// What is due after a step; at the last one, everything. The checkpoint comes last, so that one of step n knows all that was done at n.
static foil_status after_step(trainer *t) {
    const config *c = t->config;
    const int64_t done = t->run.step;
    const bool last = done == c->run.steps;
    if (last || done % c->log.every == 0) {
        measure(t);
        TRY(ranks_agree(writes() ? write_log(t) : FOIL_OK));
    }
    if (t->sampler && (last || done % c->log.samples == 0)) TRY(ranks_agree(writes() ? write_samples(t) : FOIL_OK));
    if (last || done % c->evaluate.every == 0) TRY(evaluate(t));
    if (last || done % c->checkpoint.every == 0) TRY(write_checkpoint(t));
    if (!last && (done % c->log.every == 0 || done % c->evaluate.every == 0)) TRY(ranks_agree(writes() ? write_page(t) : FOIL_OK));
    tell(t, NULL);
    return FOIL_OK;
}

static foil_status loop(trainer *t) {
    while (t->run.step < t->config->run.steps) {
        TRY(step(t));
        TRY(after_step(t));
        if (ranks_any(t->options->stop && *t->options->stop) && t->run.step < t->config->run.steps) {
            TRY(write_checkpoint(t));
            return foil_fail(FOIL_INTERRUPTED, "interrupted at step %" PRId64 ": continue with --resume", t->run.step);
        }
    }
    return write_checkpoint(t); // a run of no steps keeps its initial weights
}

// Opening. ------------------------------------------------------------------------------------------------------------------------------------------

static foil_status restore(trainer *t) {
    safetensors *s;
    char *path;
    TRY(checkpoint_open(t->options->folder, &s, &path));
    foil_status status = run_restore(&t->run, s, path);
    safetensors_close(s);
    free(path);
    TRY(status);
    t->checkpoint = t->run.step;
    if (t->run.step > t->config->run.steps)
        return foil_fail(FOIL_INVALID, "%s is at step %" PRId64 " already, expected run.steps to be at least that, not %" PRId64, t->options->folder,
                         t->run.step, t->config->run.steps);
    return FOIL_OK;
}

// All ranks must have gone on from the same checkpoint: from one folder that they share.
static foil_status check_folder(const trainer *t) {
    int64_t step = t->run.step;
    ranks_broadcast(&step, sizeof step);
    if (step == t->run.step) return FOIL_OK;
    return foil_fail(FOIL_IO,
                     "%s holds a checkpoint of step %" PRId64 " here, but of step %" PRId64 " on rank 0: expected a folder that all ranks share",
                     t->options->folder, t->run.step, step);
}

static foil_status open_parts(trainer *t) {
    const config *c = t->config;
    run *r = &t->run;
    TRY(game_new(c, r->generator, r->discriminator, r->forgery != NULL, r->workspace, &t->game));
    if (r->forgery) TRY(validation_open(r, &t->validation));
    if (r->generator.net)
        TRY(sampler_new(r->generator.net, r->average ? r->average : r->generator.store, GRID_COLUMNS, F32, r->workspace, &t->sampler));
    return FOIL_OK;
}

static foil_status open_all(trainer *t) {
    const char *folder = t->options->folder;
    run *r = &t->run;
    TRY(ranks_agree(run_open(t->config, r)));
    TRY(ranks_agree(open_parts(t)));
    TRY(ranks_agree(folder_has_checkpoint(folder) ? FOIL_OK : run_begin(r)));
    TRY(ranks_agree(writes() ? folder_prepare(folder, t->config, t->options->resume) : FOIL_OK));
    TRY(ranks_agree(folder_has_checkpoint(folder) ? restore(t) : FOIL_OK));
    TRY(ranks_agree(check_folder(t)));
    TRY(ranks_agree(writes() ? folder_write_config(folder, t->config) : FOIL_OK));
    TRY(ranks_agree(writes() ? log_open(folder, r->step, &t->log) : FOIL_OK));
    return ranks_agree(feed_open(r, (uint64_t)(r->step * draws_per_step(t)), &t->feed));
}

static void close_all(trainer *t) {
    feed_close(t->feed);
    log_close(t->log);
    sampler_free(t->sampler);
    validation_close(t->validation);
    game_free(t->game);
    run_close(&t->run);
}

// What the cues alone can do on this data (eval/cues/fit.h), for `foil eval` to put beside the detector. It depends on the data alone,
// so that a resumed run keeps it.
static foil_status write_baseline(const trainer *t) {
    const run *r = &t->run;
    const cue_fitting f = {
        .set = r->set, .portion = &t->config->data.portion, .input = net_input(r->discriminator_net), .fit = (image_fit)t->config->data.fit};
    bool possible = false;
    char *path = folder_path(t->options->folder, "cues.safetensors");
    foil_status status = path ? FOIL_OK : foil_fail_memory(64, "a path");
    if (status == FOIL_OK && !file_exists(path)) status = cue_detector_possible(&f, &possible);
    if (possible) status = cue_detector_fit(&f, path);
    free(path);
    return status == FOIL_OK ? FOIL_OK : foil_fail_within(status, "the baseline of cues");
}

foil_status train_check(const config *c) {
    trainer t = {.config = c};
    foil_status status = run_open(c, &t.run);
    if (status == FOIL_OK) status = open_parts(&t);
    close_all(&t);
    return status;
}

foil_status train(const config *c, const train_options *o) {
    trainer t = {.config = c, .options = o, .checkpoint = -1, .metric = NAN};
    t.report = (game_report){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    foil_status status = open_all(&t);
    if (status == FOIL_OK && t.validation) status = ranks_agree(writes() ? write_baseline(&t) : FOIL_OK);
    t.since = clock_now();
    t.since_step = t.run.step;
    if (status == FOIL_OK) status = loop(&t);
    status = ranks_agree(status); // what all met alike: a loss that is no number, an interruption
    if (t.log) status = write_last_page(&t, status);
    close_all(&t);
    return status;
}
