// The moving adversary: what the generator makes right now.
#include "gan/forger.h"
#include "gan/sampler.h"

typedef struct generator_keys {
    double share;
} generator_keys;

static const key KEYS[] = {
    {"share", KEY_FLOAT, offsetof(generator_keys, share), .fallback = "1", .min = 0, .max = 1, .doc = "of the fakes"},
    {0},
};

static foil_status open_generator(forger *f, const void *keys, const yaml_node *at) {
    (void)keys;
    const forger_world *w = f->world;
    if (!w->generator) return yaml_fail(at, "the forger 'generator' needs a generator, and this run has none");
    sampler *s;
    TRY(sampler_new(w->generator, w->generator_store, forger_most(f), w->compute, w->workspace, &s));
    f->state = s;
    return FOIL_OK;
}

static foil_status make(forger *f, uint64_t step, int first, int n, uint8_t *pixels, const char **methods) {
    sampler_run(f->state, forger_key(f, step), (uint64_t)first, n, pixels);
    for (int i = 0; i < n; i++) methods[i] = f->type->name;
    return FOIL_OK;
}

static void close_generator(forger *f) {
    sampler_free(f->state);
}

extern const forger_type FORGER_GENERATOR;
const forger_type FORGER_GENERATOR = {
    .name = "generator",
    .doc = "What the generator makes right now.",
    .keys = KEYS,
    .size = sizeof(generator_keys),
    .open = open_generator,
    .make = make,
    .close = close_generator,
};
