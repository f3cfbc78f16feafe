#include "train/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ranks.h"
#include "data/transform.h"
#include "eval/calibrate.h"
#include "eval/metric.h"
#include "gan/forger.h"

typedef struct root {
    const yaml_node *run, *data, *game, *detect, *optimizer, *discriminator_optimizer, *forgers, *checkpoint, *log, *evaluate;
    const char *generator, *discriminator;
} root;

typedef struct penalty {
    const yaml_node *r1, *gradient;
} penalty;

static const char *const PRECISIONS[] = {"f32", "bf16", NULL};
static const char *const BATCH_NORMS[] = {"local", "synchronised", NULL};
static const char *const BATCHES[] = {"auto", "apart", "together", NULL};    // as game_batches
static const char *const CONVOLUTIONS[] = {"direct", "fast", "plain", NULL}; // as conv_algorithm of nn/graph.h
static const char *const SPLITS[] = {"train", "val", NULL};                  // never test: what is chosen on it says nothing about the unseen

#define SECTION(name, fallback_, doc_)                                                                                                               \
    { #name, KEY_NODE, offsetof(root, name), .fallback = fallback_, .doc = doc_ }
static const key ROOT_KEYS[] = {
    SECTION(run, NULL, "how long, how much at a time"),
    SECTION(data, NULL, "the pictures"),
    {"generator", KEY_TEXT, offsetof(root, generator), .fallback = "",
     .doc = "network file of the forger that learns; without one the run is supervised"},
    {"discriminator", KEY_TEXT, offsetof(root, discriminator), .fallback = NULL,
     .doc = "network file of the discriminator, whose `detect` head becomes the detector"},
    SECTION(game, "", "how the two play"),
    SECTION(detect, "", "how the detect head learns"),
    SECTION(optimizer, NULL, "one of sgd, adam, adamw with its keys; for both networks"),
    SECTION(discriminator_optimizer, "",
            "the discriminator's own, if it differs: what it lacks has its default, "
            "not the value of `optimizer`"),
    SECTION(forgers, "",
            "where the detect head's fakes come from; shares sum to 1. Without a list the head is not trained, "
            "except in a supervised run, which takes the set's fakes"),
    SECTION(checkpoint, "", "what a killed run goes on from"),
    SECTION(log, "", "what the run says about itself"),
    SECTION(evaluate, "",
            "how the best detector is chosen. If the split has no fakes, the forgers make them anew each time; the best so far is "
            "then judged again, beside the new one, and calibrated on the same fakes"),
    {0}};

#define AT(field) offsetof(config, field)
static const key RUN_KEYS[] = {
    {"name", KEY_TEXT, AT(run.name), .fallback = "run", .doc = "for people"},
    {"seed", KEY_INT, AT(run.seed), .fallback = "1", .min = 0, .max = 9e15, .doc = "of every random number"},
    {"steps", KEY_INT, AT(run.steps), .fallback = NULL, .min = 0, .max = 1e12, .doc = "generator steps (supervised: detector steps)"},
    {"batch", KEY_INT, AT(run.batch), .fallback = "64", .min = 1, .max = 1e6,
     .doc = "pictures per step, of reals and of fakes each; several ranks share them"},
    {"precision", KEY_CHOICE, AT(run.precision), .fallback = "f32", .choices = PRECISIONS,
     .doc = "of what layers hand on, and of products where the processor multiplies bf16 faster than f32; weights and sums are always f32"},
    {"convolution", KEY_CHOICE, AT(run.convolution), .fallback = "fast", .choices = CONVOLUTIONS,
     .doc = "direct, or with fewer multiplications where that pays (errors are then up to five times larger); "
            "plain: by oneDNN's kernels alone, each layer as it is written"},
    {"batch_norm", KEY_CHOICE, AT(run.batch_norm), .fallback = "local", .choices = BATCH_NORMS,
     .doc = "of several ranks: over each rank's share of the batch, or over the whole of it"},
    {"from", KEY_TEXT, AT(run.from), .fallback = "",
     .doc = "another run, or its checkpoint, with whose networks this one begins; nothing else of it is taken over"},
    {0}};
static const key DATA_KEYS[] = {
    {"set", KEY_TEXT, AT(data.set), .fallback = "", .doc = "a file made by `foil pack`; training needs one"},
    {"without", KEY_TEXTS, AT(data.portion.without), .fallback = "",
     .doc = "methods of fakes and sources of reals to leave out: neither learnt from nor validated on"},
    {"amount", KEY_FLOAT, AT(data.portion.amount), .fallback = "1", .min = 1e-9, .max = 1e12,
     .doc = "of the reals and of the fakes to learn from: a share up to 1, or so many pictures of each; taken evenly through the set"},
    {"fit", KEY_CHOICE, AT(data.fit), .fallback = "crop", .choices = FIT_NAMES, .doc = "how pictures of another size than the network's come to it"},
    {"augment", KEY_NODE, AT(data.augment), .fallback = "[flip]",
     .doc = "transforms of the reals in the game: the generator learns to make what they give"},
    {"threads", KEY_INT, AT(data.threads), .fallback = "1", .min = 1, .max = 64, .doc = "that prepare batches ahead, for each stream of pictures"},
    {0}};
static const key GAME_KEYS[] = {
    {"loss", KEY_CHOICE, AT(game.loss), .fallback = "non_saturating", .choices = GAN_LOSS_NAMES, .doc = "what the two minimise"},
    {"d_steps", KEY_INT, AT(game.d_steps), .fallback = "1", .min = 1, .max = 1000, .doc = "discriminator steps before each generator step"},
    {"batches", KEY_CHOICE, AT(game.batches), .fallback = "auto", .choices = BATCHES,
     .doc = "reals and fakes go through the discriminator one after the other, or together as one batch in which each keeps statistics of its own: "
            "the same but for rounding. auto: together where the batch is small beside the weights, which is faster then; apart "
            "takes less memory. Steps with a penalty take them apart"},
    {"penalty", KEY_NODE, AT(game.penalty), .fallback = "", .doc = "r1 or gradient, with its keys"},
    {"ema", KEY_NODE, AT(game.ema), .fallback = "", .doc = "running average of the generator: what is shown and shipped"},
    {0}};
static const key PENALTY_KEYS[] = {
    {"r1", KEY_NODE, offsetof(penalty, r1), .fallback = "", .doc = "on the slope at the reals (Mescheder, Geiger, Nowozin 2018)"},
    {"gradient", KEY_NODE, offsetof(penalty, gradient), .fallback = "", .doc = "WGAN-GP's (Gulrajani et al. 2017)"},
    {0}};
static const key R1_KEYS[] = {
    {"weight", KEY_FLOAT, AT(game.r1_weight), .fallback = "10", .min = 0, .max = 1e9, .doc = "gamma; rule of thumb: 0.0002 · side² / batch and up"},
    {"every", KEY_INT, AT(game.r1_every), .fallback = "1", .min = 1, .max = 1e6, .doc = "lazily: only on each so many-th step, times so many"},
    {0}};
static const key GRADIENT_KEYS[] = {{"weight", KEY_FLOAT, AT(game.gradient_weight), .fallback = "10", .min = 0, .max = 1e9, .doc = "lambda"}, {0}};
static const key EMA_KEYS[] = {
    {"decay", KEY_FLOAT, AT(game.ema_decay), .fallback = "0.999", .min = 0, .max = 1, .doc = "kept of the average at each step; 0 = no average"},
    {"start", KEY_INT, AT(game.ema_start), .fallback = "500", .min = 0, .max = 1e12, .doc = "until this step the average is a copy"},
    {0}};
static const key DETECT_KEYS[] = {
    {"weight", KEY_FLOAT, AT(detect.weight), .fallback = "1", .min = 0, .max = 1e6, .doc = "of its loss beside the game's"},
    {"augment", KEY_NODE, AT(detect.augment), .fallback = "", .doc = "transforms of its reals and fakes alike; default: data.augment"},
    {0}};
static const key CHECKPOINT_KEYS[] = {{"every", KEY_INT, AT(checkpoint.every), .fallback = "1000", .min = 1, .max = 1e12, .doc = "steps"}, {0}};
static const key LOG_KEYS[] = {{"every", KEY_INT, AT(log.every), .fallback = "10", .min = 1, .max = 1e12, .doc = "steps between lines"},
                               {"samples", KEY_INT, AT(log.samples), .fallback = "500", .min = 1, .max = 1e12, .doc = "steps between sample grids"},
                               {0}};
static const key EVALUATE_KEYS[] = {
    {"every", KEY_INT, AT(evaluate.every), .fallback = "1000", .min = 1, .max = 1e12, .doc = "steps"},
    {"max", KEY_INT, AT(evaluate.max), .fallback = "0", .min = 0, .max = 1e12, .doc = "pictures of the split at most; 0 = all"},
    {"split", KEY_CHOICE, AT(evaluate.split), .fallback = "val", .choices = SPLITS, .doc = "never test"},
    {"metric", KEY_CHOICE, AT(evaluate.metric), .fallback = "auc", .choices = METRIC_NAMES, .doc = "what the best detector is best at"},
    {"calibration", KEY_CHOICE, AT(evaluate.calibration), .fallback = "temperature", .choices = CALIBRATION_NAMES,
     .doc = "how the detector's logits become probabilities, on this split"},
    {"fpr", KEY_FLOATS, AT(evaluate.fpr), .fallback = "[0.1, 0.01, 0.001]", .min = 1e-6, .max = .5,
     .doc = "thresholds of the detector, beside eer: the share of the split's reals that may pass for fakes; those that its reals can't back are "
            "left out"},
    {0}};

// Every section with a fixed table, as read into a config. An optional one has no defaults unless the file has it.
static const struct {
    const char *path;
    const key *keys;
    bool optional;
} SECTIONS[] = {
    {"run", RUN_KEYS, false},
    {"data", DATA_KEYS, false},
    {"game", GAME_KEYS, false},
    {"game.penalty.r1", R1_KEYS, true},
    {"game.penalty.gradient", GRADIENT_KEYS, true},
    {"game.ema", EMA_KEYS, false},
    {"detect", DETECT_KEYS, false},
    {"checkpoint", CHECKPOINT_KEYS, false},
    {"log", LOG_KEYS, false},
    {"evaluate", EVALUATE_KEYS, false},
};
enum { SECTION_COUNT = sizeof SECTIONS / sizeof *SECTIONS };
static const char *const PATHS[] = {"data.set", "generator", "discriminator", "run.from"};
enum { PATH_COUNT = sizeof PATHS / sizeof *PATHS };

// Resolving: the document says everything before it is read. -----------------------------------------------------------------------------------

// The node at "game.penalty.r1", or NULL.
static const yaml_node *find(const yaml *document, const char *path) {
    const yaml_node *at = yaml_root(document);
    while (at && *path) {
        char name[64];
        size_t n = strcspn(path, ".");
        if (n >= sizeof name || yaml_kind_of(at) != YAML_MAP) return NULL;
        memcpy(name, path, n);
        name[n] = 0;
        at = yaml_get(at, name);
        path += n + (path[n] == '.');
    }
    return at;
}

static bool is_empty(const yaml_node *n) {
    return !n || (yaml_kind_of(n) == YAML_SCALAR && !*yaml_text(n));
}

// A section may be a value instead of a map: that of its first key. In full it has room for the others, and its paths are found.
static foil_status write_in_full(const yaml_node *section, const key *keys) {
    return is_empty(section) || yaml_kind_of(section) == YAML_MAP ? FOIL_OK : yaml_nest(section, keys->name);
}

static foil_status write_sections_in_full(const yaml *document) {
    for (int i = 0; i < SECTION_COUNT; i++) TRY(write_in_full(find(document, SECTIONS[i].path), SECTIONS[i].keys));
    return FOIL_OK;
}

static foil_status write_defaults(yaml *document, const char *section, const key *keys) {
    for (const key *k = keys; k->name; k++) {
        const yaml_node *at = find(document, section);
        if (!k->fallback || !*k->fallback || (!is_empty(at) && yaml_get(at, k->name))) continue;
        text path = {0};
        text_format(&path, "%s.%s", section, k->name);
        foil_status status = path.failed ? foil_fail_memory(64, "a key") : yaml_set(document, path.data, k->fallback);
        text_free(&path);
        TRY(status);
    }
    return FOIL_OK;
}

static foil_status write_optimizer_defaults(yaml *document, const char *section) {
    const yaml_node *at = find(document, section);
    if (is_empty(at)) return FOIL_OK;
    optimizer_kind kind;
    const key *keys;
    TRY(optimizer_find(at, &kind, &keys));
    TRY(write_in_full(yaml_item(at, 0), keys));
    text path = {0};
    text_format(&path, "%s.%s", section, yaml_key(at, 0));
    foil_status status = path.failed ? foil_fail_memory(64, "a key") : write_defaults(document, path.data, keys);
    text_free(&path);
    return status;
}

foil_status config_set_path(yaml *document, const char *key_path, const char *base, const char *value) {
    char *beside = file_beside(base, value), *absolute = beside ? realpath(beside, NULL) : NULL;
    char *cwd = absolute || (beside && *beside == '/') ? NULL : getcwd(NULL, 0);
    text t = {0};
    text_add(&t, "\"");
    if (!absolute && cwd) text_format(&t, "%s/", cwd);
    for (const char *c = absolute ? absolute : beside ? beside : ""; *c; c++) {
        if (*c == '"' || *c == '\\') text_add(&t, "\\");
        text_add_bytes(&t, c, 1);
    }
    text_add(&t, "\"");
    foil_status status = !beside || t.failed ? foil_fail_memory(64, "a path") : yaml_set(document, key_path, t.data);
    text_free(&t);
    free(cwd);
    free(absolute);
    free(beside);
    return status;
}

bool config_is_path(const char *key_path) {
    for (int i = 0; i < PATH_COUNT; i++) {
        if (strcmp(key_path, PATHS[i]) == 0) return true;
    }
    return false;
}

// Paths within a map that was set, as in data={set: SET.h5}.
static foil_status resolve_within(yaml *document, const char *section) {
    const size_t n = strlen(section);
    for (int i = 0; i < PATH_COUNT; i++) {
        if (strncmp(PATHS[i], section, n) != 0 || PATHS[i][n] != '.') continue;
        const yaml_node *at = find(document, PATHS[i]);
        if (!is_empty(at) && yaml_kind_of(at) == YAML_SCALAR) TRY(config_set_path(document, PATHS[i], "here", yaml_text(at)));
    }
    return FOIL_OK;
}

static foil_status apply_override(yaml *document, const char *override) {
    const char *equals = strchr(override, '=');
    if (!equals || equals == override) return foil_fail(FOIL_INVALID, "'%s': expected KEY=VALUE, as in run.steps=500", override);
    char *path = strndup(override, (size_t)(equals - override));
    if (!path) return foil_fail_memory(strlen(override), "an override");
    foil_status status =
        config_is_path(path) && equals[1] ? config_set_path(document, path, "here", equals + 1) : yaml_set(document, path, equals + 1);
    if (status == FOIL_OK) status = write_sections_in_full(document);
    if (status == FOIL_OK) status = resolve_within(document, path);
    free(path);
    return status;
}

static foil_status write_section_defaults(yaml *document) {
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (SECTIONS[i].optional && !find(document, SECTIONS[i].path)) continue;
        TRY(write_defaults(document, SECTIONS[i].path, SECTIONS[i].keys));
    }
    return FOIL_OK;
}

static foil_status resolve(yaml *document, const char *file, const char *const *overrides, int n) {
    if (yaml_kind_of(yaml_root(document)) != YAML_MAP) return FOIL_OK; // reading says what is wrong
    TRY(write_sections_in_full(document));
    for (int i = 0; i < PATH_COUNT; i++) {
        const yaml_node *at = find(document, PATHS[i]);
        if (!is_empty(at) && yaml_kind_of(at) == YAML_SCALAR) TRY(config_set_path(document, PATHS[i], file, yaml_text(at)));
    }
    TRY(write_section_defaults(document)); // of lists, whose items have no place in a list that is not there
    for (int i = 0; i < n; i++) TRY(apply_override(document, overrides[i]));
    TRY(write_section_defaults(document)); // of sections that came or were replaced
    TRY(write_optimizer_defaults(document, "optimizer"));
    TRY(write_optimizer_defaults(document, "discriminator_optimizer"));
    if (is_empty(find(document, "generator")) && is_empty(find(document, "forgers"))) TRY(yaml_set(document, "forgers", "[dataset]"));
    return FOIL_OK;
}

// Reading. -----------------------------------------------------------------------------------------------------------------------------------------

static foil_status read_optimizers(const root *r, config *c) {
    TRY(optimizer_parse(r->optimizer, &c->generator_optimizer));
    c->discriminator_optimizer = c->generator_optimizer;
    return is_empty(r->discriminator_optimizer) ? FOIL_OK : optimizer_parse(r->discriminator_optimizer, &c->discriminator_optimizer);
}

static foil_status check(const config *c) {
    const yaml_node *at = c->game.penalty;
    if (!is_empty(at) && yaml_kind_of(at) != YAML_MAP) return yaml_fail(at, "expected one penalty with its keys, as in {r1: {weight: 10}}");
    if (c->game.r1_weight > 0 && c->game.gradient_weight > 0) return yaml_fail(at, "expected one penalty: r1 or gradient");
    if (!c->generator && !is_empty(at)) return yaml_fail(at, "a penalty belongs to the game with a generator, and this run has none");
    return FOIL_OK;
}

// Those that this run has no use for, too: a mistake is one.
static foil_status check_transforms(const config *c) {
    const yaml_node *lists[] = {c->data.augment, c->detect.augment};
    for (int i = 0; i < 2; i++) {
        transform *t;
        TRY(transform_parse(lists[i], &t));
        transform_free(t);
    }
    return FOIL_OK;
}

// Equal shares, or means over them would not be means over the batch.
static foil_status share(config *c) {
    const int ranks = ranks_count();
    const yaml_node *at = find(c->document, "run.batch");
    c->run.share = c->run.batch / ranks;
    if (c->run.batch % ranks != 0)
        return yaml_fail(at, "%d ranks share batches of %" PRId64 ", expected a multiple of %d", ranks, c->run.batch, ranks);
    if (ranks > 1 && c->forgers && c->run.share % 2 != 0)
        return yaml_fail(at,
                         "%d ranks share batches of %" PRId64 ", expected a multiple of %d: each rank shows its detect head as many fakes as reals",
                         ranks, c->run.batch, 2 * ranks);
    return FOIL_OK;
}

static foil_status read_document(config *c) {
    root r = {0};
    penalty p = {0};
    TRY(keys_read(yaml_root(c->document), ROOT_KEYS, &r, "a training file"));
    c->generator = r.generator;
    c->discriminator = r.discriminator;
    c->forgers = is_empty(r.forgers) ? NULL : r.forgers;
    for (int i = 0; i < SECTION_COUNT; i++) {
        const yaml_node *at = find(c->document, SECTIONS[i].path);
        if (at) TRY(keys_read(at, SECTIONS[i].keys, c, SECTIONS[i].path));
    }
    if (!is_empty(c->game.penalty)) TRY(keys_read(c->game.penalty, PENALTY_KEYS, &p, "game.penalty"));
    TRY(read_optimizers(&r, c));
    TRY(check(c));
    TRY(check_transforms(c));
    return share(c);
}

foil_status config_read(const char *path, const char *const *overrides, int n, config *out) {
    *out = (config){0};
    TRY(yaml_read(path, &out->document));
    foil_status status = resolve(out->document, path, overrides, n);
    if (status == FOIL_OK) status = read_document(out);
    if (status != FOIL_OK) config_free(out);
    return status;
}

void config_free(config *c) {
    yaml_free(c->document);
    *c = (config){0};
}

foil_status config_emit(const config *c, char **document) {
    return yaml_emit(c->document, document);
}

// Replaces a path of the document by its last component, single-quoted.
static foil_status shorten(yaml *doc, const char *place, const char *path) {
    text name = {0};
    text_add(&name, "'");
    for (const char *at = file_name(path); *at; at++) {
        if (*at == '\'') text_add(&name, "'");
        text_add_bytes(&name, at, 1);
    }
    text_add(&name, "'");
    foil_status status = name.failed ? foil_fail_memory(strlen(path), "a file's name") : yaml_set(doc, place, name.data);
    text_free(&name);
    return status;
}

// A copy of the document with files by their names alone.
static foil_status copy_portable(const config *c, yaml **out) {
    const struct {
        const char *key, *path;
    } files[] = {{"data.set", c->data.set}, {"generator", c->generator}, {"discriminator", c->discriminator}, {"run.from", c->run.from}};
    char *whole;
    TRY(config_emit(c, &whole));
    foil_status status = yaml_parse(whole, "the training file", out);
    free(whole);
    TRY(status);
    for (size_t i = 0; status == FOIL_OK && i < sizeof files / sizeof *files; i++)
        if (files[i].path) status = shorten(*out, files[i].key, files[i].path);
    if (status != FOIL_OK) yaml_free(*out);
    return status;
}

foil_status config_emit_portable(const config *c, char **document) {
    yaml *copy;
    TRY(copy_portable(c, &copy));
    foil_status status = yaml_emit(copy, document);
    yaml_free(copy);
    return status;
}

static foil_status same(const yaml *now, const yaml *before) {
    return yaml_same(yaml_root(now), yaml_root(before), "run.steps", "the run");
}

foil_status config_same(const config *now, const config *before) {
    return same(now->document, before->document);
}

foil_status config_same_moved(const config *now, const config *before) {
    yaml *a, *b;
    TRY(copy_portable(now, &a));
    foil_status status = copy_portable(before, &b);
    if (status == FOIL_OK) {
        status = same(a, b);
        yaml_free(b);
    }
    yaml_free(a);
    return status;
}

void config_document(text *out) {
    text_add(out, "# Training files\n\nA map with these sections; the run folder keeps the file with every default written out.\n\n");
    keys_document(ROOT_KEYS, out);
    for (int i = 0; i < SECTION_COUNT; i++) {
        text_format(out, "\n## `%s`\n\n", SECTIONS[i].path);
        keys_document(SECTIONS[i].keys, out);
    }
    text_add(out, "\n## `optimizer`, `discriminator_optimizer`\n");
    optimizer_document(out);
    text_add(out, "\n## `forgers`\n\nA list of maps with one key each.\n");
    forgery_document(out);
    text_add(out, "\n## `data.augment`, `detect.augment`\n\nA list; the transforms follow one another.\n\n");
    transform_document(out);
}
