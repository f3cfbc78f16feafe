// Training files: one table per section parses, checks, documents (docs/config.md) and resolves them.
#ifndef FOIL_TRAIN_CONFIG_H
#define FOIL_TRAIN_CONFIG_H

#include "base/keys.h"
#include "data/portion.h"
#include "data/resize.h"
#include "data/set.h"
#include "gan/loss.h"
#include "nn/tensor.h"
#include "train/optimizer.h"

// Reals and fakes go through the discriminator one after the other, or as one batch.
typedef enum game_batches { BATCHES_AUTO, BATCHES_APART, BATCHES_TOGETHER } game_batches;

typedef struct config {
    yaml *document; // the resolved file, with every default written out; owns all texts below
    struct {
        const char *name;
        int64_t seed, steps, batch;
        int64_t share;    // of a batch: this rank's pictures
        int precision;    // 0 f32, 1 bf16
        int convolution;  // conv_algorithm
        int batch_norm;   // of several ranks: 0 local, 1 synchronised
        const char *from; // run or checkpoint whose weights the networks begin with, absolute; NULL = none
    } run;
    struct {
        const char *set;          // path, absolute; NULL = none given
        portion portion;          // what of the set is used
        int fit;                  // image_fit, when the set's size is not the network's
        const yaml_node *augment; // what the game's reals go through
        int64_t threads;          // of each loader
    } data;
    const char *generator, *discriminator; // paths, absolute; generator NULL = supervised
    struct {
        int loss; // gan_loss
        int64_t d_steps;
        int batches;                       // game_batches
        const yaml_node *penalty, *ema;    // as written
        double r1_weight, gradient_weight; // 0 = none
        int64_t r1_every;
        double ema_decay; // 0 = none
        int64_t ema_start;
    } game;
    struct {
        double weight;
        const yaml_node *augment; // what both classes of the detect head go through; NULL = data.augment
    } detect;
    optimizer_options generator_optimizer, discriminator_optimizer;
    const yaml_node *forgers; // NULL = no detect head trained
    struct {
        int64_t every; // steps
    } checkpoint;
    struct {
        int64_t every, samples; // steps between lines of the log, between grids
    } log;
    struct {
        int64_t every, max; // validation pictures at most, 0 = all
        int split, metric;
        int calibration; // calibration_method
        key_floats fpr;  // thresholds
    } evaluate;
} config;

// Reads `path`, applies `overrides` ("run.steps=500"; a path in an override is relative to the current directory), makes paths absolute, writes defaults out.
foil_status config_read(const char *path, const char *const *overrides, int n, config *out);
void config_free(config *c);
// The resolved file: what the run folder keeps. The caller frees.
foil_status config_emit(const config *c, char **document);
// The same as a detector tells it: files by their names alone, without the folders of this machine.
foil_status config_emit_portable(const config *c, char **document);
// FOIL_INVALID naming the first key in which two configurations differ: a run is continued with the settings it began with. run.steps may differ.
foil_status config_same(const config *now, const config *before);
// The same, files by their names alone: what is in them, the checkpoint tells (run_restore).
foil_status config_same_moved(const config *now, const config *before);
// Whether the key's value is the path of a file or folder, and setting one: `value` as written in the file `base`, made absolute.
bool config_is_path(const char *key_path);
foil_status config_set_path(yaml *document, const char *key_path, const char *base, const char *value);
void config_document(text *out); // docs/config.md

#endif
