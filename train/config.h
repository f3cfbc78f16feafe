// Training files: one table per section parses, checks, documents (docs/config.md) and resolves them.
#ifndef FOIL_TRAIN_CONFIG_H
#define FOIL_TRAIN_CONFIG_H

#include "base/keys.h"
#include "data/resize.h"
#include "data/set.h"
#include "gan/loss.h"
#include "nn/tensor.h"
#include "train/optimizer.h"

typedef struct config {
    yaml *document; // owns all texts below
    const char *path;
    struct {
        const char *name;
        int64_t seed, steps, batch;
        int precision; // 0 f32, 1 bf16
    } run;
    struct {
        const char *set;          // path, resolved
        int fit;                  // image_fit, when the set's size is not the network's
        const yaml_node *augment; // for the game's reals and for both classes of the detect head
        int64_t threads;          // of each loader
    } data;
    const char *generator, *discriminator; // paths, resolved; generator NULL = supervised
    struct {
        int loss; // gan_loss
        int64_t d_steps;
        double r1_weight, gradient_weight; // 0 = none
        int64_t r1_every;
        double detect_weight;
        double ema_decay; // 0 = none
        int64_t ema_start;
    } game;
    optimizer_options generator_optimizer, discriminator_optimizer;
    const yaml_node *forgers; // NULL = no detect head trained
    struct {
        int64_t every, samples_every;
    } checkpoint;
    struct {
        int64_t every, max; // validation pictures at most, 0 = all
        int split, metric;
    } evaluate;
} config;

// Reads `path`, applies `overrides` ("run.steps=500"; a path in an override is relative to the current directory), resolves paths.
foil_status config_read(const char *path, const char *const *overrides, int n, config *out);
void config_free(config *c);
// The resolved file, with absolute paths and every default written out: what the run folder keeps.
foil_status config_emit(const config *c, char **text);
void config_document(text *out); // docs/config.md

#endif
