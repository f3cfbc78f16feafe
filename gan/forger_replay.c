// The past of the generator: a detector that forgets what it once saw through is beaten by old tricks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gan/forger.h"
#include "gan/sampler.h"

typedef struct replay_keys {
    double share;
    int64_t keep, every;
} replay_keys;

static const key KEYS[] = {
    {"share", KEY_FLOAT, offsetof(replay_keys, share), .fallback = "1", .min = 0, .max = 1, .doc = "of the fakes"},
    {"keep", KEY_INT, offsetof(replay_keys, keep), .fallback = "8", .min = 1, .max = 1000, .doc = "snapshots, the newest"},
    {"every", KEY_INT, offsetof(replay_keys, every), .fallback = "500", .min = 1, .max = 1e12, .doc = "steps between snapshots"},
    {0},
};

typedef struct replay {
    store *player; // the sampler reads this one; a snapshot is copied in before each run
    sampler *sampler;
    int n;
    store *snapshot[]; // oldest first
} replay;

static void close_replay(forger *f) {
    replay *r = f->state;
    sampler_free(r->sampler);
    store_free(r->player);
    for (int i = 0; i < r->n; i++) store_free(r->snapshot[i]);
    free(r);
}

static foil_status open_replay(forger *f, const void *keys, const yaml_node *at) {
    const replay_keys *k = keys;
    const forger_world *w = f->world;
    if (!w->generator) return yaml_fail(at, "the forger 'replay' needs a generator, and this run has none");
    replay *r = calloc(1, sizeof *r + (size_t)k->keep * sizeof *r->snapshot);
    if (!r) return foil_fail_memory(sizeof *r, "a forger");
    f->state = r;
    if (!(r->player = store_clone(w->generator_store))) return foil_fail_memory(w->generator_store->value_count * sizeof(float), "a generator");
    return sampler_new(w->generator, r->player, forger_most(f), w->compute, w->workspace, &r->sampler);
}

// One snapshot per call; until there is one, the generator as it is now.
static foil_status make(forger *f, uint64_t step, int first, int n, uint8_t *pixels, const char **methods) {
    replay *r = f->state;
    philox_key choice = forger_key(f, step);
    choice.stream |= 1U << 31; // apart from the latents
    store_copy(r->player, r->n ? r->snapshot[philox_below(choice, 0, (uint32_t)r->n)] : f->world->generator_store);
    sampler_run(r->sampler, forger_key(f, step), (uint64_t)first, n, pixels);
    for (int i = 0; i < n; i++) methods[i] = f->type->name;
    return FOIL_OK;
}

static foil_status after_step(forger *f, uint64_t step) {
    const replay_keys *k = f->keys;
    replay *r = f->state;
    if (step % (uint64_t)k->every != 0) return FOIL_OK;
    store *newest;
    if (r->n < k->keep) {
        newest = store_clone(f->world->generator_store);
        if (!newest) return foil_fail_memory(f->world->generator_store->value_count * sizeof(float), "a snapshot of the generator");
    } else { // the oldest makes room
        newest = r->snapshot[0];
        memmove(r->snapshot, r->snapshot + 1, (size_t)(--r->n) * sizeof *r->snapshot);
        store_copy(newest, f->world->generator_store);
    }
    r->snapshot[r->n++] = newest;
    return FOIL_OK;
}

enum { PREFIX = 96 };

static void save(const forger *f, safetensors_writer *w, const char *prefix) {
    const replay *r = f->state;
    for (int i = 0; i < r->n; i++) {
        char name[PREFIX];
        snprintf(name, sizeof name, "%s%d.", prefix, i);
        safetensors_add_store(w, name, r->snapshot[i]);
    }
}

static bool has_tensors(const safetensors *s, const char *prefix) {
    for (int i = 0; i < safetensors_count(s); i++)
        if (text_starts(safetensors_at(s, i).name, prefix)) return true;
    return false;
}

static foil_status load(forger *f, const safetensors *s, const char *prefix) {
    const replay_keys *k = f->keys;
    replay *r = f->state;
    for (int i = 0; i < k->keep; i++) {
        char name[PREFIX];
        snprintf(name, sizeof name, "%s%d.", prefix, i);
        if (!has_tensors(s, name)) return FOIL_OK; // as many as were taken so far
        store *snapshot = store_clone(r->player);
        if (!snapshot) return foil_fail_memory(r->player->value_count * sizeof(float), "a snapshot of the generator");
        r->snapshot[r->n++] = snapshot;
        TRY(safetensors_load_store(s, name, snapshot));
    }
    return FOIL_OK;
}

extern const forger_type FORGER_REPLAY;
const forger_type FORGER_REPLAY = {
    .name = "replay",
    .doc = "What the generator made at past steps.",
    .keys = KEYS,
    .size = sizeof(replay_keys),
    .open = open_replay,
    .make = make,
    .after_step = after_step,
    .save = save,
    .load = load,
    .close = close_replay,
};
