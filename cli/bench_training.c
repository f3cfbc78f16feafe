// Whole training steps: the trainer's own, on made-up pictures. Loading, forging and checkpoints are not part of it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ranks.h"
#include "cli/bench.h"
#include "train/game.h"

// Everything that a step works on; zeroed, it may be closed at any time.
typedef struct stage {
    config config;
    net *generator_net, *discriminator_net; // generator: NULL = supervised
    player generator, discriminator;
    workspace *workspace;
    game *game;
    uint8_t *pixels;
    float *labels;
    uint64_t draws;   // discriminator steps of one run
    uint64_t steps;   // generator steps of one run
    profile *profile; // or NULL
} stage;

static foil_status open_player(const char *path, const optimizer_options *options, net **n, player *p) {
    if (!path) return FOIL_OK;
    TRY(net_read(path, 0, n));
    p->net = *n;
    if (!(p->store = store_new())) return foil_fail_memory(sizeof(store), "a store");
    TRY(net_declare(*n, p->store));
    TRY(store_allocate(p->store));
    store_initialize(p->store, 1);
    return optimizer_new(options, p->store, &p->optimizer);
}

static void close_player(player *p) {
    optimizer_free(p->optimizer);
    store_free(p->store);
}

static void close_stage(stage *s) {
    game_free(s->game);
    workspace_free(s->workspace);
    close_player(&s->generator);
    close_player(&s->discriminator);
    net_free(s->generator_net);
    net_free(s->discriminator_net);
    free(s->pixels);
    free(s->labels);
    config_free(&s->config);
}

static foil_status make_up_pictures(stage *s) {
    size_t n = (size_t)s->config.run.share, pixels = n * (size_t)shape_count(net_input(s->discriminator_net));
    s->pixels = malloc(pixels);
    s->labels = malloc(n * sizeof *s->labels);
    if (!s->pixels || !s->labels) return foil_fail_memory(pixels, "pictures");
    for (size_t i = 0; i < pixels; i++) s->pixels[i] = (uint8_t)(i * 2654435761U >> 13);
    for (size_t i = 0; i < n; i++) s->labels[i] = (float)(i % 2);
    return FOIL_OK;
}

static foil_status read_config(const char *path, const bench_options *o, config *c) {
    char batch[32], precision[32], convolution[32];
    int n = o->n_overrides;
    const char **overrides = malloc(((size_t)n + 3) * sizeof *overrides);
    if (!overrides) return foil_fail_memory((size_t)n, "settings");
    for (int i = 0; i < n; i++) overrides[i] = o->overrides[i];
    snprintf(batch, sizeof batch, "run.batch=%d", o->batch);
    snprintf(precision, sizeof precision, "run.precision=%s", o->precision > 0 ? "bf16" : "f32");
    static const char *const CONVOLUTIONS[] = {[CONV_DIRECT] = "direct", [CONV_FAST] = "fast", [CONV_PLAIN] = "plain"};
    snprintf(convolution, sizeof convolution, "run.convolution=%s", CONVOLUTIONS[o->convolution < 0 ? CONV_FAST : o->convolution]);
    if (o->batch) overrides[n++] = batch;
    if (o->precision >= 0) overrides[n++] = precision;
    if (o->convolution >= 0) overrides[n++] = convolution;
    foil_status status = config_read(path, overrides, n, c);
    free(overrides);
    return status;
}

static foil_status open_players(const char *path, const bench_options *o, stage *s) {
    const config *c = &s->config;
    TRY(read_config(path, o, &s->config));
    TRY(open_player(c->generator, &c->generator_optimizer, &s->generator_net, &s->generator));
    return open_player(c->discriminator, &c->discriminator_optimizer, &s->discriminator_net, &s->discriminator);
}

static foil_status open_stage(const char *path, const bench_options *o, stage *s) {
    const config *c = &s->config;
    TRY(ranks_agree(open_players(path, o, s)));
    if (!(s->workspace = workspace_new())) return foil_fail_memory(64, "a workspace");
    TRY(game_new(c, s->generator, s->discriminator, c->forgers != NULL, s->workspace, &s->game));
    enum { MOST_ROUNDS = 1024 };
    if (c->game.r1_weight > 0 && c->game.r1_every > MOST_ROUNDS)
        return foil_fail(FOIL_INVALID,
                         "game.penalty.r1.every is %" PRId64 ": a run is that long, to hold steps of either kind, and at most %d are measured",
                         c->game.r1_every, (int)MOST_ROUNDS);
    // A run is as long as it takes until every kind of step, lazy penalties included, has had its share.
    uint64_t rounds = c->game.r1_weight > 0 ? (uint64_t)c->game.r1_every : 1;
    s->draws = rounds * (s->generator_net ? (uint64_t)c->game.d_steps : 1);
    s->steps = s->generator_net ? rounds : 0;
    s->profile = o->profile;
    for (uint64_t k = 0; s->profile && k < s->draws; k++) plan_time(game_plan(s->game, k));
    return make_up_pictures(s);
}

// A phase, and the optimizer's step after it.
static void profile_step(const stage *s, uint64_t draw, int phase) {
    static const char *const PHASES[] = {"discriminator", "generator"};
    const player *p = phase ? &s->generator : &s->discriminator;
    if (!s->profile) return;
    profile_add_plan(s->profile, game_plan(s->game, draw), phase, PHASES[phase]);
    profile_add_rest(s->profile, PHASES[phase], "optimizer", SHAPE((int64_t)p->store->value_count), (double)optimizer_traffic(p->optimizer));
}

static foil_status run_steps(void *context, int i) {
    stage *s = context;
    game_batch b = {s->pixels, s->pixels, s->labels};
    game_report report;
    uint64_t first = (uint64_t)i * s->draws, total = (uint64_t)s->config.run.steps;
    for (uint64_t k = 0; k < s->draws; k++) {
        TRY(ranks_agree(FOIL_OK)); // as on a batch of the feed's
        game_step_discriminator(s->game, first + k, total, &b, &report);
        profile_step(s, first + k, 0);
        if (!s->steps || (k + 1) % (s->draws / s->steps)) continue;
        game_step_generator(s->game, first + k, total, &report);
        profile_step(s, first + k, 1);
    }
    return FOIL_OK;
}

// Everything is there but the pages of the workspace, which the first run touches.
static void predict_memory(const stage *s, bench_result *out) {
    double resident = bench_resident_mb();
    const player *players[] = {&s->generator, &s->discriminator};
    for (int i = 0; i < 2; i++) {
        const store *values = players[i]->store;
        if (values)
            out->parameters_mb +=
                (double)((values->value_count + values->buffer_count) * sizeof(float) + optimizer_bytes(players[i]->optimizer)) / 1e6;
    }
    if (resident > 0) out->predicted_mb = resident + (double)workspace_bytes(s->workspace) / 1e6;
}

foil_status bench_training(const char *path, const bench_options *o, bench_result *out) {
    stage s = {0};
    foil_status status = open_stage(path, o, &s);
    if (status == FOIL_OK) predict_memory(&s, out);
    if (status == FOIL_OK) status = bench_time(run_steps, &s, o, out);
    if (status == FOIL_OK) {
        out->what = s.generator_net ? "adversarial step" : "supervised step";
        out->batch = out->at_once = (int)s.config.run.batch;
        out->images = (double)s.draws * out->batch;
        out->precision = s.config.run.precision;
        out->flops = game_flops(s.game, s.draws, s.steps);
        out->memory = game_memory(s.game);
    }
    close_stage(&s);
    return status;
}
