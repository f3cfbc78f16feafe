// Forgers: where the detect head's fakes come from. Anything that makes fakes is one: a row {name, keys, open, make, close}, a file each.
#ifndef FOIL_GAN_FORGER_H
#define FOIL_GAN_FORGER_H

#include "base/keys.h"
#include "data/loader.h"
#include "data/portion.h"
#include "nn/net.h"
#include "nn/plan.h"
#include "nn/safetensors.h"

// What forgers may draw on.
typedef struct forger_world {
    const net *generator;   // NULL in a supervised run
    store *generator_store; // the moving one; forgers read it
    workspace *workspace;
    const set *set;
    const portion *portion;      // what of the set may be used; NULL = all
    int height, width, channels; // of the fakes
    image_fit fit;
    int batch, together; // the largest n that make will be asked for, by this rank and by all ranks together
    uint64_t seed;
    dtype compute;
} forger_world;

typedef struct forger forger;

typedef struct forger_type {
    const char *name, *doc; // the method label of its fakes, unless it has better
    const key *keys;
    size_t size; // of the keys' struct; begins with `double share`
    foil_status (*open)(forger *f, const void *keys, const yaml_node *at);
    // The fakes first … first + n - 1 of `step`: fills pixels [n,H,W,C] u8 and methods[n] (texts that live as long as the forger). Each is a pure function of
    // the forger's state, `step` and its number. n <= forger_most.
    foil_status (*make)(forger *f, uint64_t step, int first, int n, uint8_t *pixels, const char **methods);
    // After each optimizer step, `step` counting from 1: the moment to take a snapshot. May be NULL.
    foil_status (*after_step)(forger *f, uint64_t step);
    // State in checkpoints, under `prefix`. May be NULL.
    void (*save)(const forger *f, safetensors_writer *w, const char *prefix);
    foil_status (*load)(forger *f, const safetensors *s, const char *prefix);
    void (*close)(forger *f);
} forger_type;

struct forger {
    const forger_type *type;
    const forger_world *world;
    double share;
    uint32_t stream; // STREAM_FORGER with the forger's place in the list above it
    void *keys, *state;
};

extern const forger_type *const FORGER_TYPES[]; // NULL-terminated

// The largest n that this forger is asked for.
int forger_most(const forger *f);
// The number `step` of its random sequence.
philox_key forger_key(const forger *f, uint64_t step);

// A run's forgers, from the `forgers:` list; shares must sum to 1. `world` is copied; what it points to must outlive the forgery.
typedef struct forgery forgery;
foil_status forgery_open(const yaml_node *list, const forger_world *world, forgery **out);
void forgery_close(forgery *f);
// Of `together` fakes, which the ranks share, those from `first` on, n of them. Each forger gets its share of all; what is left over after whole pictures goes
// round, so that small shares get their turn. Not yet transformed.
foil_status forgery_make(forgery *f, uint64_t step, int together, int first, int n, uint8_t *pixels, const char **methods);
foil_status forgery_after_step(forgery *f, uint64_t step);
void forgery_save(const forgery *f, safetensors_writer *w);
foil_status forgery_load(forgery *f, const safetensors *s);
int forgery_count(const forgery *f);
const forger *forgery_at(const forgery *f, int i);
void forgery_document(text *out);

#endif
