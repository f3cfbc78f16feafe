#include "train/game.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/ranks.h"
#include "gan/penalty.h"
#include "nn/grad.h"
#include "train/exchange.h"

// Random streams of the applications of one step's networks. Fakes follow reals: see NET_TRAIN_PAIR.
enum { PASS_GENERATOR, PASS_REAL, PASS_FAKE, PASS_DETECT, PASS_ANSWER, PASS_PENALTY };
enum { STREAM_INTERPOLATE = 0xFFFF };

// What a plan is asked for: grows while the graph is built.
typedef struct wanted {
    plan_output *at;
    int n, capacity;
    bool failed;
} wanted;

// A graph of one discriminator step (phase 0) and the generator's answer (phase 1).
typedef struct round_plan {
    graph *graph;
    plan *plan;
    node *latent, *real, *detect, *label;                                  // inputs
    node *loss_d, *loss_g, *penalty, *loss_detect, *mean_real, *mean_fake; // scalars; NULL = not part of it
    exchange *exchange[2];                                                 // of the phases' gradients; NULL = one rank alone
} round_plan;

// The numbers that a step reports: each rank has those of its own share of the batch, and all get the mean.
enum { LOSS_D, PENALTY, LOSS_DETECT, MEAN_REAL, MEAN_FAKE, REPORTED };

struct game {
    const config *config;
    player generator, discriminator;
    bool detects;
    size_t latent_count;
    float *shares;     // [REPORTED + own_buffers of both] of this rank, then their means over all
    int penalty_every; // 0 = no penalty
    round_plan plain, penalised;
    round_plan *last; // whose fakes the generator answers with
};

static void want(wanted *w, node *n, float *to) {
    if (!n || w->failed) return;
    if (w->n == w->capacity) {
        int capacity = w->capacity ? 2 * w->capacity : 64;
        plan_output *grown = realloc(w->at, (size_t)capacity * sizeof *grown);
        if (!grown) {
            w->failed = true;
            return;
        }
        w->at = grown;
        w->capacity = capacity;
    }
    w->at[w->n++] = (plan_output){n, to};
}

static bool updates_tensor(const net_updates *u, const store *of, int tensor) {
    for (int i = 0; u && i < u->n; i++)
        if (u->of[i] == of && u->tensor[i] == tensor) return true;
    return false;
}

// But for those of tensors that `but`, or NULL, updates: state may advance only once a step.
static void want_updates(wanted *w, const net_updates *u, const net_updates *but) {
    for (int i = 0; i < u->n; i++)
        if (!updates_tensor(but, u->of[i], u->tensor[i])) want(w, u->at[i], NULL);
}

static node *sum_of(node *a, node *b) {
    return a && b ? nn_add(a, b) : a ? a : b;
}

// The gradients of a player's losses toward all of its parameters: the sum of those of several passes.
typedef struct slopes {
    const player *of;
    int n;
    node **x, **dx;
    float **to; // where the optimizer reads them
    bool failed;
} slopes;

// They are written where the optimizer reads them.
static slopes slopes_of(const player *p, graph *g) {
    const size_t room = (size_t)p->store->n + 1;
    slopes s = {.of = p, .x = calloc(room, sizeof *s.x), .dx = calloc(room, sizeof *s.dx), .to = calloc(room, sizeof *s.to)};
    s.failed = !s.x || !s.dx || !s.to;
    for (int i = 0; !s.failed && i < p->store->n; i++) {
        if (!p->store->tensor[i].trainable) continue;
        s.x[s.n] = graph_param(g, p->store, i);
        s.to[s.n++] = optimizer_gradient(p->optimizer) + p->store->tensor[i].offset;
    }
    return s;
}

// Of a loss of all ranks' mean this rank's part.
static void add_slopes(slopes *s, node *loss) {
    node **dx = s->failed ? NULL : calloc((size_t)s->n + 1, sizeof *dx);
    s->failed |= !dx;
    if (!dx) return;
    grad(nn_mul_scalar(loss, 1.0 / ranks_count()), s->x, s->n, dx);
    for (int i = 0; i < s->n; i++)
        if (!graph_is_constant(dx[i], 0))
            s->dx[i] = sum_of(s->dx[i], dx[i]); // else the zeros that a slab begins with: a penalty reaches no parameter that the loss doesn't
    free(dx);
}

// Asks for them, and forgets them.
static void want_slopes(wanted *w, slopes *s) {
    w->failed |= s->failed;
    for (int i = 0; !w->failed && i < s->n; i++) want(w, s->dx[i], s->to[i]);
    free(s->x);
    free(s->dx);
    free(s->to);
}

static node *mean(node *x) {
    return x ? nn_mean(x, nn_all_axes(x), false) : NULL;
}

// u8 0..255 as -1..1.
static node *to_signal(node *pixels) {
    return nn_add_scalar(nn_mul_scalar(nn_cast(pixels, F32), 2.0 / 255), -1);
}

// The logits [N] of a head.
static node *judge(const game *g, graph *at, node *x, const char *head, net_mode mode, uint32_t pass, net_updates *updates) {
    const player *d = &g->discriminator;
    return net_logits(d->net, at, d->store, head, x, mode, pass, updates);
}

// The discriminator's passes come one after the other, each with its gradients, so that what one of them keeps is gone when the next one needs memory; those
// that do without fakes come before the generator's pass, which keeps much for the generator's step.
static void build_detect(const game *g, round_plan *p, wanted *w, slopes *s, net_updates *updates) {
    shape picture = net_input(g->discriminator.net);
    int64_t n = g->config->run.share;
    p->detect = graph_input(p->graph, "detect", SHAPE(n, picture.d[0], picture.d[1], picture.d[2]), U8);
    p->label = graph_input(p->graph, "label", SHAPE(n), F32);
    p->loss_detect = detect_loss(judge(g, p->graph, to_signal(p->detect), "detect", NET_TRAIN, PASS_DETECT, updates), p->label);
    want_updates(w, updates, NULL);
    add_slopes(s, nn_mul_scalar(p->loss_detect, g->generator.net ? g->config->detect.weight : 1));
}

static node *feed_reals(const game *g, round_plan *p) {
    const shape picture = net_input(g->discriminator.net);
    p->real = graph_input(p->graph, "real", SHAPE(g->config->run.share, picture.d[0], picture.d[1], picture.d[2]), U8);
    return nn_cast(to_signal(p->real), p->graph->compute);
}

static node *generate(const game *g, round_plan *p, net_updates *updates) {
    p->latent = graph_input(p->graph, "latent", SHAPE(g->config->run.share, net_input(g->generator.net).d[0]), F32);
    return net_apply(g->generator.net, p->graph, g->generator.store, p->latent, NET_TRAIN, PASS_GENERATOR, updates);
}

// Running statistics are of the reals, but for what a detect pass has `detected`: those are what the shipped detector works with. Gives the reals.
static node *build_reals(const game *g, round_plan *p, bool penalised, wanted *w, slopes *s, const net_updates *detected) {
    const config *c = g->config;
    net_updates updates = {0};
    node *real = feed_reals(g, p);
    node *logits = judge(g, p->graph, real, "game", NET_TRAIN, PASS_REAL, &updates);
    p->loss_d = gan_real_loss((gan_loss)c->game.loss, logits);
    p->mean_real = mean(logits);
    if (penalised && c->game.r1_weight > 0) p->penalty = penalty_r1(logits, real, c->game.r1_weight * (double)c->game.r1_every);
    want_updates(w, &updates, detected);
    add_slopes(s, sum_of(p->loss_d, p->penalty));
    return real;
}

// Gives the fakes.
static node *build_fakes(const game *g, round_plan *p, wanted *w, slopes *s) {
    net_updates updates = {0};
    node *fake = generate(g, p, &updates);
    node *logits = judge(g, p->graph, fake, "game", NET_TRAIN_STILL, PASS_FAKE, NULL);
    node *loss = gan_fake_loss((gan_loss)g->config->game.loss, logits);
    p->mean_fake = mean(logits);
    p->loss_d = nn_add(p->loss_d, loss);
    want_updates(w, &updates, NULL);
    add_slopes(s, loss);
    return fake;
}

// Both in one pass. Gives the fakes.
static node *build_both(const game *g, round_plan *p, wanted *w, slopes *s, const net_updates *detected) {
    const gan_loss loss = (gan_loss)g->config->game.loss;
    const int64_t n = g->config->run.share;
    net_updates updates = {0};
    node *real = feed_reals(g, p), *fake = generate(g, p, &updates);
    node *both = nn_concat((node *const[]){real, nn_stop_gradient(fake)}, 2, 0);
    node *logits = judge(g, p->graph, both, "game", NET_TRAIN_PAIR, PASS_REAL, &updates);
    node *of_reals = nn_samples(logits, 0, n), *of_fakes = nn_samples(logits, n, 2 * n);
    p->mean_real = mean(of_reals);
    p->mean_fake = mean(of_fakes);
    p->loss_d = nn_add(gan_real_loss(loss, of_reals), gan_fake_loss(loss, of_fakes));
    want_updates(w, &updates, detected);
    add_slopes(s, p->loss_d);
    return fake;
}

// In one batch filters are read, transformed and multiplied once for both, which pays while they outweigh the pictures; later it is memory that counts.
static bool go_together(const game *g, bool penalised) {
    enum { WORTH = 8 };
    const game_batches batches = (game_batches)g->config->game.batches;
    const net *d = g->discriminator.net;
    if (penalised || batches == BATCHES_APART) return false;
    return batches == BATCHES_TOGETHER || (double)net_activations(d) * (double)g->config->run.share <= WORTH * (double)net_parameters(d);
}

static void build_gradient_penalty(const game *g, round_plan *p, node *real, node *fake, slopes *s) {
    node *between = gan_interpolate(real, nn_stop_gradient(fake), STREAM_INTERPOLATE);
    node *logits = judge(g, p->graph, between, "game", NET_TRAIN_STILL, PASS_PENALTY, NULL);
    p->penalty = penalty_gradient(logits, between, g->config->game.gradient_weight);
    add_slopes(s, p->penalty);
}

static void build_discriminator(const game *g, round_plan *p, bool penalised, wanted *w, node **fake) {
    slopes s = slopes_of(&g->discriminator, p->graph);
    net_updates detected = {0};
    if (g->detects) build_detect(g, p, w, &s, &detected);
    if (g->generator.net && go_together(g, penalised)) {
        *fake = build_both(g, p, w, &s, &detected);
    } else if (g->generator.net) {
        node *real = build_reals(g, p, penalised, w, &s, &detected);
        *fake = build_fakes(g, p, w, &s);
        if (penalised && g->config->game.gradient_weight > 0) build_gradient_penalty(g, p, real, *fake, &s);
    }
    node *reported[] = {p->loss_d, p->penalty, p->loss_detect, p->mean_real, p->mean_fake};
    for (size_t i = 0; i < sizeof reported / sizeof *reported; i++) want(w, reported[i], NULL);
    want_slopes(w, &s);
}

static void build_answer(const game *g, round_plan *p, node *fake, wanted *w) {
    slopes s = slopes_of(&g->generator, p->graph);
    p->loss_g = gan_generator_loss((gan_loss)g->config->game.loss, judge(g, p->graph, fake, "game", NET_TRAIN_STILL, PASS_ANSWER, NULL));
    want(w, p->loss_g, NULL);
    add_slopes(&s, p->loss_g);
    want_slopes(w, &s);
}

static foil_status build(const game *g, round_plan *p, bool penalised, wanted phase[2], workspace *space) {
    if (!(p->graph = graph_new(g->config->run.precision ? BF16 : F32))) return foil_fail_memory(sizeof(graph), "a training step's graph");
    p->graph->part = (graph_part){ranks_self(), ranks_count(), g->config->run.share};
    p->graph->synchronised = ranks_count() > 1 && g->config->run.batch_norm;
    p->graph->convolution = (conv_algorithm)g->config->run.convolution;
    p->graph->steady = g->generator.store;
    node *fake = NULL;
    build_discriminator(g, p, penalised, &phase[0], &fake);
    if (fake) build_answer(g, p, fake, &phase[1]);
    if (phase[0].failed || phase[1].failed) return foil_fail_memory(sizeof(plan_output) * 1024, "a training step's outputs");
    plan_phase phases[] = {{phase[0].at, phase[0].n}, {phase[1].at, phase[1].n}};
    return plan_compile(p->graph, phases, fake ? 2 : 1, space, &p->plan);
}

// The plan knows the squares of what it writes: that is what the optimizer reads, if nothing of other ranks is added.
static void ask_squares(plan *p, const player *of) {
    for (int i = 0; i < of->store->n; i++)
        if (of->store->tensor[i].trainable)
            plan_sum_squares(p, optimizer_gradient(of->optimizer) + of->store->tensor[i].offset, optimizer_squares(of->optimizer, i));
}

static foil_status new_plan(const game *g, round_plan *p, bool penalised, workspace *space) {
    wanted phase[2] = {0};
    foil_status status = build(g, p, penalised, phase, space);
    free(phase[0].at);
    free(phase[1].at);
    if (status == FOIL_MEMORY) // nearly all of it is a batch's activations
        return foil_fail_within(status, "a training step with run.batch=%" PRId64 " (a smaller one takes less)", g->config->run.batch);
    const player *players[2] = {&g->discriminator, &g->generator};
    for (int i = 0; status == FOIL_OK && i < 2; i++) {
        if (!players[i]->net) continue;
        if (ranks_count() > 1)
            status = exchange_new(p->plan, i, players[i]->store, optimizer_gradient(players[i]->optimizer), &p->exchange[i]);
        else
            ask_squares(p->plan, players[i]);
    }
    return status;
}

static foil_status check_players(const game *g) {
    const net *d = g->discriminator.net, *m = g->generator.net;
    const config *c = g->config;
    if (net_takes_latent(d))
        return foil_fail(FOIL_INVALID, "%s takes a latent vector, expected a discriminator: one that takes pictures", c->discriminator);
    if (g->detects && !net_has_head(d, "detect"))
        return foil_fail(FOIL_INVALID, "%s has no head 'detect', which `forgers` would train", c->discriminator);
    if (!m) return FOIL_OK;
    const char *mixing = net_mixes_batch(d, "game");
    if (g->penalty_every > 0 && mixing)
        return foil_fail(
            FOIL_INVALID,
            "%s lets the samples of a batch influence each other, expected no such layer before the head 'game' or in it for game.penalty: it "
            "takes each sample's own slope",
            mixing);
    if (!net_takes_latent(m)) return foil_fail(FOIL_INVALID, "%s takes pictures, expected a generator: one that takes a latent vector", c->generator);
    if (!net_has_head(d, "game")) return foil_fail(FOIL_INVALID, "%s has no head 'game' to play against a generator", c->discriminator);
    if (!shape_equal(net_output(m), net_input(d)))
        return foil_fail(FOIL_INVALID, "%s makes %s, but %s takes %s", c->generator, shape_text(net_output(m)), c->discriminator,
                         shape_text(net_input(d)));
    return FOIL_OK;
}

// Running statistics are of each rank's own share. Other buffers come from weights, and are the same everywhere.
static size_t own_buffers(const game *g, const player *p) {
    return ranks_count() > 1 && p->net && net_mixes_batch(p->net, NULL) && !g->config->run.batch_norm ? p->store->buffer_count : 0;
}

// Together with all ranks: nothing may fail before on one of them alone.
static foil_status share_gradients(const player *generator, const player *discriminator) {
    if (ranks_count() == 1) return FOIL_OK;
    foil_status d = optimizer_share(discriminator->optimizer), m = generator->net ? optimizer_share(generator->optimizer) : FOIL_OK;
    return d == FOIL_OK ? m : d;
}

static foil_status open_shares(game *g) {
    const size_t n = REPORTED + own_buffers(g, &g->discriminator) + own_buffers(g, &g->generator);
    g->shares = calloc(n, sizeof *g->shares);
    return g->shares ? FOIL_OK : foil_fail_memory(n * sizeof *g->shares, "what ranks share");
}

foil_status game_new(const config *c, player generator, player discriminator, bool detects, workspace *w, game **out) {
    *out = NULL;
    TRY(share_gradients(&generator, &discriminator));
    game *g = calloc(1, sizeof *g);
    if (!g) return foil_fail_memory(sizeof *g, "a game");
    *g = (game){.config = c, .generator = generator, .discriminator = discriminator, .detects = detects};
    if (c->game.r1_weight > 0) g->penalty_every = (int)c->game.r1_every;
    if (c->game.gradient_weight > 0) g->penalty_every = 1;
    foil_status status = check_players(g);
    if (generator.net) g->latent_count = (size_t)(c->run.share * net_input(generator.net).d[0]);
    if (status == FOIL_OK) status = open_shares(g);
    if (status == FOIL_OK && g->penalty_every != 1) status = new_plan(g, &g->plain, false, w);
    if (status == FOIL_OK && g->penalty_every > 0) status = new_plan(g, &g->penalised, true, w);
    if (status == FOIL_OK) {
        *out = g;
    } else {
        game_free(g);
    }
    return status;
}

static void free_plan(round_plan *p) {
    exchange_free(p->exchange[0]);
    exchange_free(p->exchange[1]);
    plan_free(p->plan);
    graph_free(p->graph);
}

void game_free(game *g) {
    if (!g) return;
    free_plan(&g->plain);
    free_plan(&g->penalised);
    free(g->shares);
    free(g);
}

static float value(const round_plan *p, const node *n) {
    return n ? *(const float *)plan_data(p->plan, n) : NAN;
}

static void run_phase(round_plan *p, int phase, uint64_t seed, uint64_t draw) {
    if (p->exchange[phase])
        exchange_run(p->exchange[phase], seed, draw);
    else
        plan_run(p->plan, phase, seed, draw);
}

// What differs between ranks that each look at a share becomes the mean; and all sums that were begun end.
static void average(float *x, size_t n) {
    ranks_sum_begin(x, n);
    ranks_sum_end();
    for (size_t i = 0; ranks_count() > 1 && i < n; i++) x[i] /= (float)ranks_count();
}

// Numbers and buffers in one sum: on a network it is the number of sums that takes time.
static void average_shares(const game *g, const round_plan *p) {
    const player *players[] = {&g->discriminator, &g->generator};
    float *x = g->shares;
    x[LOSS_D] = value(p, p->loss_d);
    x[PENALTY] = value(p, p->penalty);
    x[LOSS_DETECT] = value(p, p->loss_detect);
    x[MEAN_REAL] = value(p, p->mean_real);
    x[MEAN_FAKE] = value(p, p->mean_fake);
    size_t n[2], at = REPORTED;
    for (int i = 0; i < 2; at += n[i++])
        if ((n[i] = own_buffers(g, players[i]))) memcpy(x + at, players[i]->store->buffers, n[i] * sizeof *x);
    average(x, at);
    at = REPORTED;
    for (int i = 0; i < 2; at += n[i++])
        if (n[i]) memcpy(players[i]->store->buffers, x + at, n[i] * sizeof *x);
}

static bool is_penalised(const game *g, uint64_t draw) {
    return g->penalty_every > 0 && draw % (uint64_t)g->penalty_every == 0;
}

void game_step_discriminator(game *g, uint64_t draw, uint64_t steps, const game_batch *b, game_report *r) {
    round_plan *p = g->last = is_penalised(g, draw) ? &g->penalised : &g->plain;
    uint64_t seed = (uint64_t)g->config->run.seed;
    const uint64_t first = (uint64_t)ranks_self() * g->latent_count;
    if (p->latent) philox_fill_normal((philox_key){seed, STREAM_LATENT, draw}, first, plan_data(p->plan, p->latent), g->latent_count);
    if (p->real) plan_feed(p->plan, p->real, b->real);
    if (p->detect) plan_feed(p->plan, p->detect, b->detect);
    if (p->label) plan_feed(p->plan, p->label, b->label);
    run_phase(p, 0, seed, draw);
    average_shares(g, p);
    r->loss_d = (double)g->shares[LOSS_D];
    if (p->penalty) r->penalty = (double)g->shares[PENALTY];
    r->loss_detect = (double)g->shares[LOSS_DETECT];
    r->real = (double)g->shares[MEAN_REAL];
    r->fake = (double)g->shares[MEAN_FAKE];
    r->norm_d = optimizer_step(g->discriminator.optimizer, (int64_t)steps);
}

void game_step_generator(game *g, uint64_t draw, uint64_t steps, game_report *r) {
    assert(g->last && g->generator.net);
    round_plan *p = g->last;
    run_phase(p, 1, (uint64_t)g->config->run.seed, draw);
    float loss = value(p, p->loss_g);
    average(&loss, 1);
    r->loss_g = (double)loss;
    r->norm_g = optimizer_step(g->generator.optimizer, (int64_t)steps);
}

// What a run would cost. -------------------------------------------------------------------------------------------------------------------------

plan *game_plan(const game *g, uint64_t draw) {
    return (is_penalised(g, draw) ? &g->penalised : &g->plain)->plan;
}

static double phase_flops(const round_plan *p, int phase) {
    double flops = 0;
    for (int i = 0; i < plan_steps(p->plan); i++) {
        plan_step step = plan_step_at(p->plan, i);
        if (step.phase == phase) flops += step.flops;
    }
    return flops;
}

double game_flops(const game *g, uint64_t discriminator_steps, uint64_t generator_steps) {
    double flops = 0;
    for (uint64_t draw = 0; draw < discriminator_steps; draw++) flops += phase_flops(is_penalised(g, draw) ? &g->penalised : &g->plain, 0);
    // The generator's answer is the same in both plans.
    return flops + (double)generator_steps * phase_flops(g->plain.plan ? &g->plain : &g->penalised, 1);
}

plan_memory game_memory(const game *g) {
    const plan *plans[] = {g->plain.plan, g->penalised.plan};
    plan_memory all = {0};
    for (int i = 0; i < 2; i++) {
        if (!plans[i]) continue;
        plan_memory m = plan_memory_of(plans[i]);
        if (m.activations > all.activations) all.activations = m.activations; // these two share a workspace
        if (m.scratch > all.scratch) all.scratch = m.scratch;
        all.weights += m.weights;
    }
    return all;
}
