// The first steps of a run, with all that went in: tool_trace CONFIG.yaml OUT.safetensors STEPS [KEY=VALUE...].
// OUT holds the settings in full (metadata config), the initial weights (generator.*, discriminator.*), latents (latent.<draw> [N,Z]), reals (real.<draw> u8
// [N,H,W,C]) and losses [STEPS, 3] (d, penalty, g): with more than one discriminator step, the last one's.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/thread.h"
#include "train/feed.h"

typedef struct trace {
    safetensors_writer *writer;
    arena memory; // everything written lives until the end
    float *losses;
} trace;

static void *keep(trace *t, const void *bytes, size_t n) {
    void *copy = arena_alloc(&t->memory, n);
    if (copy) memcpy(copy, bytes, n);
    return copy;
}

static foil_status keep_inputs(trace *t, const run *r, uint64_t draw, const game_batch *b) {
    shape latent = SHAPE(r->config->run.batch, net_input(r->generator_net).d[0]), picture = net_input(r->discriminator_net);
    shape pictures = SHAPE(r->config->run.batch, picture.d[0], picture.d[1], picture.d[2]);
    size_t count = (size_t)shape_count(latent);
    float *z = arena_alloc(&t->memory, count * sizeof *z);
    uint8_t *real = keep(t, b->real, (size_t)shape_count(pictures));
    if (!z || !real) return foil_fail_memory(count, "a trace");
    philox_fill_normal((philox_key){(uint64_t)r->config->run.seed, STREAM_LATENT, draw}, 0, z, count);
    safetensors_add(t->writer, arena_format(&t->memory, "latent.%llu", (unsigned long long)draw), "F32", latent, z);
    safetensors_add(t->writer, arena_format(&t->memory, "real.%llu", (unsigned long long)draw), "U8", pictures, real);
    return FOIL_OK;
}

static foil_status run_steps(trace *t, run *r, game *g, feed *f, int steps) {
    uint64_t draws = (uint64_t)r->config->game.d_steps, draw = 0;
    for (int i = 0; i < steps; i++) {
        game_report report = {.penalty = NAN};
        for (uint64_t k = 0; k < draws; k++, draw++) {
            game_batch b;
            TRY(feed_next(f, draw, &b));
            TRY(keep_inputs(t, r, draw, &b));
            game_step_discriminator(g, draw, (uint64_t)r->config->run.steps * draws, &b, &report);
        }
        game_step_generator(g, draw - 1, (uint64_t)r->config->run.steps, &report);
        const double losses[] = {report.loss_d, report.penalty, report.loss_g};
        for (int k = 0; k < 3; k++) t->losses[3 * i + k] = (float)losses[k];
    }
    return FOIL_OK;
}

static foil_status make(const config *c, const char *path, int steps) {
    run r;
    game *g = NULL;
    feed *f = NULL;
    TRY(run_open(c, &r));
    trace t = {.writer = safetensors_writer_new(), .losses = calloc((size_t)steps * 3, sizeof(float))};
    store *initial[] = {store_clone(r.generator.store), store_clone(r.discriminator.store)};
    safetensors_add_store(t.writer, "generator.", initial[0]);
    safetensors_add_store(t.writer, "discriminator.", initial[1]);
    char *document = NULL;
    if (config_emit(c, &document) == FOIL_OK) safetensors_set(t.writer, "config", document);
    free(document);
    safetensors_add(t.writer, "losses", "F32", SHAPE(steps, 3), t.losses);
    foil_status status = game_new(c, r.generator, r.discriminator, false, r.workspace, &g);
    if (status == FOIL_OK) status = feed_open(&r, 0, &f);
    if (status == FOIL_OK) status = run_steps(&t, &r, g, f, steps);
    if (status == FOIL_OK) status = safetensors_write(t.writer, path);
    feed_close(f);
    game_free(g);
    run_close(&r);
    for (int i = 0; i < 2; i++) store_free(initial[i]);
    safetensors_writer_free(t.writer);
    arena_free(&t.memory);
    free(t.losses);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    threads_set(0);
    config c;
    foil_status status = config_read(argv[1], (const char *const *)argv + 4, argc - 4, &c);
    if (status == FOIL_OK) {
        status = make(&c, argv[2], atoi(argv[3]));
        config_free(&c);
    }
    if (status != FOIL_OK) fprintf(stderr, "tool_trace: %s\n", foil_error());
    return status == FOIL_OK ? 0 : 1;
}
