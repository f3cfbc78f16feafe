#include "gan/forger.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"

extern const forger_type FORGER_GENERATOR, FORGER_REPLAY, FORGER_DATASET;
const forger_type *const FORGER_TYPES[] = {&FORGER_GENERATOR, &FORGER_REPLAY, &FORGER_DATASET, NULL};

enum { MAX_FORGERS = 32 };

struct forgery {
    forger_world world;
    int n;
    forger at[MAX_FORGERS];
};

int forger_most(const forger *f) {
    int most = (int)floor(f->share * f->world->together) + 1;
    return most < f->world->batch ? most : f->world->batch;
}

philox_key forger_key(const forger *f, uint64_t step) {
    return (philox_key){.seed = f->world->seed, .stream = f->stream, .step = step};
}

static const forger_type *find(const char *name) {
    for (const forger_type *const *t = FORGER_TYPES; *t; t++) {
        if (strcmp((*t)->name, name) == 0) return *t;
    }
    return NULL;
}

static foil_status unknown(const yaml_node *at, const char *name) {
    const char *names[MAX_FORGERS] = {0};
    for (int i = 0; FORGER_TYPES[i]; i++) names[i] = FORGER_TYPES[i]->name;
    return yaml_unknown(at, "forger", name, names);
}

// `- replay: {share: 0.5}`, or `- replay` with defaults.
static foil_status read_item(forgery *f, const yaml_node *item) {
    bool word = yaml_kind_of(item) == YAML_SCALAR;
    if (!word && (yaml_kind_of(item) != YAML_MAP || yaml_length(item) != 1))
        return yaml_fail(item, "expected one forger with its keys, as in {generator: {share: 0.5}}");
    const char *name = word ? yaml_text(item) : yaml_key(item, 0);
    const forger_type *type = find(name);
    if (!type) return unknown(word ? item : yaml_key_node(item, 0), name);
    forger *new = &f->at[f->n];
    *new = (forger){.type = type, .world = &f->world, .stream = STREAM_FORGER | (uint32_t)(f->n + 1) << 8, .keys = calloc(1, type->size)};
    if (!new->keys) return foil_fail_memory(type->size, "a forger");
    f->n++;
    yaml *nothing = NULL;
    if (word) TRY(yaml_parse("{}", name, &nothing));
    foil_status status = keys_read(word ? yaml_root(nothing) : yaml_item(item, 0), type->keys, new->keys, name);
    yaml_free(nothing);
    new->share = *(const double *)new->keys;
    return status;
}

static foil_status open_list(forgery *f, const yaml_node *list) {
    if (yaml_kind_of(list) != YAML_LIST || yaml_length(list) == 0)
        return yaml_fail(list, "expected a list of forgers, as in [generator: {share: 0.5}, dataset: {share: 0.5}]");
    if (yaml_length(list) > MAX_FORGERS) return yaml_fail(list, "%d forgers, expected at most %d", yaml_length(list), MAX_FORGERS);
    double sum = 0;
    for (int i = 0; i < yaml_length(list); i++) {
        TRY(read_item(f, yaml_item(list, i)));
        sum += f->at[i].share;
    }
    if (fabs(sum - 1) > 1e-6) return yaml_fail(list, "the forgers' shares sum to %g, expected 1", sum);
    for (int i = 0; i < f->n; i++) {
        forger *opened = &f->at[i];
        opened->share /= sum; // 0.333333 three times: else the last one would get two more than its share of a batch at times
        TRY(opened->type->open(opened, opened->keys, yaml_item(list, i)));
    }
    return FOIL_OK;
}

foil_status forgery_open(const yaml_node *list, const forger_world *world, forgery **out) {
    *out = NULL;
    forgery *f = calloc(1, sizeof *f);
    if (!f) return foil_fail_memory(sizeof *f, "the forgers");
    f->world = *world;
    foil_status status = open_list(f, list);
    if (status == FOIL_OK) {
        *out = f;
    } else {
        forgery_close(f);
    }
    return status;
}

void forgery_close(forgery *f) {
    if (!f) return;
    for (int i = 0; i < f->n; i++) {
        if (f->at[i].state) f->at[i].type->close(&f->at[i]);
        free(f->at[i].keys);
    }
    free(f);
}

// Whole pictures first; the remainders, which sum to `left`, are served by systematic sampling: forger i gets one more if an integer lies in its stretch of
// the running sum of remainders, moved by an offset that goes round with the step. Over many steps each forger gets its share exactly.
static void divide(const forgery *f, uint64_t step, int n, int *count) {
    static const double GOLDEN = 0.6180339887498949;
    int left = n;
    for (int i = 0; i < f->n; i++) left -= count[i] = (int)floor(f->at[i].share * n + 1e-9);
    double offset = fmod((double)(step + 1) * GOLDEN, 1), sum = offset;
    int given = 0;
    for (int i = 0; i < f->n; i++) {
        sum += f->at[i].share * n - floor(f->at[i].share * n + 1e-9);
        int due = i == f->n - 1 ? left : (int)floor(sum + 1e-9);
        if (due > left) due = left;
        count[i] += due - given;
        given = due;
    }
}

foil_status forgery_make(forgery *f, uint64_t step, int together, int first, int n, uint8_t *pixels, const char **methods) {
    int count[MAX_FORGERS] = {0};
    size_t bytes = (size_t)f->world.height * (size_t)f->world.width * (size_t)f->world.channels;
    divide(f, step, together, count);
    for (int i = 0, from = 0; i < f->n; from += count[i++]) { // this forger's are from … from + count - 1 of all
        int begin = first > from ? first : from, end = first + n < from + count[i] ? first + n : from + count[i];
        if (begin >= end) continue;
        TRY(f->at[i].type->make(&f->at[i], step, begin - from, end - begin, pixels, methods));
        pixels += (size_t)(end - begin) * bytes;
        methods += end - begin;
    }
    return FOIL_OK;
}

foil_status forgery_after_step(forgery *f, uint64_t step) {
    for (int i = 0; i < f->n; i++) {
        if (f->at[i].type->after_step) TRY(f->at[i].type->after_step(&f->at[i], step));
    }
    return FOIL_OK;
}

enum { PREFIX = 64 };
static void prefix_of(const forgery *f, int i, char *out) {
    snprintf(out, PREFIX, "forgers.%d.%s.", i, f->at[i].type->name);
}

void forgery_save(const forgery *f, safetensors_writer *w) {
    for (int i = 0; i < f->n; i++) {
        char prefix[PREFIX];
        prefix_of(f, i, prefix);
        if (f->at[i].type->save) f->at[i].type->save(&f->at[i], w, prefix);
    }
}

foil_status forgery_load(forgery *f, const safetensors *s) {
    for (int i = 0; i < f->n; i++) {
        char prefix[PREFIX];
        prefix_of(f, i, prefix);
        if (f->at[i].type->load) TRY(f->at[i].type->load(&f->at[i], s, prefix));
    }
    return FOIL_OK;
}

int forgery_count(const forgery *f) {
    return f->n;
}

const forger *forgery_at(const forgery *f, int i) {
    return &f->at[i];
}

void forgery_document(text *out) {
    for (const forger_type *const *t = FORGER_TYPES; *t; t++) {
        text_format(out, "\n### `%s`\n\n%s\n\n", (*t)->name, (*t)->doc);
        keys_document((*t)->keys, out);
    }
}
