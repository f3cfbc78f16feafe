// The study file: what it may hold, and how it is read.
#include "train/study.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/metric.h"
#include "train/study_cells.h"

typedef struct root {
    const yaml_node *protocol, *variants;
    const char *config;
    key_texts sets, overrides;
    key_ints seeds;
    int64_t draws;
    int metric;
} root;

static const key ROOT_KEYS[] = {
    {"protocol", KEY_NODE, offsetof(root, protocol), .fallback = NULL,
     .doc = "what the cells learn from and are judged on: one of those below, with its keys"},
    {"config", KEY_TEXT, offsetof(root, config), .fallback = "", .doc = "training file of the variants that name none"},
    {"sets", KEY_TEXTS, offsetof(root, sets), .fallback = NULL, .doc = "files made by `foil pack`; each is a table of the report"},
    {"seeds", KEY_INTS, offsetof(root, seeds), .fallback = NULL, .min = 0, .max = 9e15, .doc = "a cell for each"},
    {"overrides", KEY_TEXTS, offsetof(root, overrides), .fallback = "",
     .doc = "KEY=VALUE of the training file, for all cells; paths are relative to the study"},
    {"variants", KEY_NODE, offsetof(root, variants), .fallback = NULL,
     .doc = "what is compared: names, each with a list of overrides of its own, or with a map"},
    {"metric", KEY_CHOICE, offsetof(root, metric), .fallback = "auc", .choices = METRIC_NAMES, .doc = "what the tests and the verdict are about"},
    {"draws", KEY_INT, offsetof(root, draws), .fallback = "2000", .min = 100, .max = 1e6,
     .doc = "of the bootstrap: p-values are never below 2 / (draws + 1)"},
    {0}};

typedef struct variant_keys {
    key_texts overrides;
    const char *config;
} variant_keys;
static const key VARIANT_KEYS[] = {
    {"overrides", KEY_TEXTS, offsetof(variant_keys, overrides), .fallback = "", .doc = "KEY=VALUE, after those of the study"},
    {"config", KEY_TEXT, offsetof(variant_keys, config), .fallback = "", .doc = "training file, if not the study's"},
    {0}};

#define PARTS(name_, fallback_, doc_)                                                                                                                \
    (const key[]) {                                                                                                                                  \
        {name_, KEY_TEXTS, offsetof(study, parts), .fallback = fallback_, .doc = doc_}, {                                                            \
            0                                                                                                                                        \
        }                                                                                                                                            \
    }
static const struct {
    const char *name, *doc;
    const key *keys;
} PROTOCOLS[STUDY_PROTOCOLS] = {
    [STUDY_SUPERVISED] = {"supervised", "Learns from all methods and sources, and is judged on all.", (const key[]){{0}}},
    [STUDY_METHOD_OUT] =
        {"leave_one_method_out",
         "Learns from all methods of forgery but one (`data.without`), is validated without it, and is judged on it against all reals.",
         PARTS("methods", "", "to be left out in turn; none = all")},
    [STUDY_SOURCE_OUT] = {"leave_one_source_out", "The same with sources of reals: judged on the reals of the one left out against all fakes.",
                          PARTS("sources", "", "to be left out in turn; none = all")},
    [STUDY_CURVE] = {"learning_curve", "Learns from part of the training pictures (`data.amount`); validation and test stay whole.",
                     PARTS("amounts", NULL, "shares up to 1 of the reals and of the fakes, or numbers of pictures of each; ascending")},
    [STUDY_CONTINUAL] =
        {"continual",
         "Methods come one after the other: each stage has the fakes of one alone (`data.without`) and begins with the networks of the "
         "stage before (`run.from`). Judged on all methods that are in the order, after each stage.",
         PARTS("order", NULL, "of the methods")},
};

static foil_status unknown_protocol(const yaml_node *at, const char *name) {
    const char *names[STUDY_PROTOCOLS + 1] = {0};
    for (int i = 0; i < STUDY_PROTOCOLS; i++) names[i] = PROTOCOLS[i].name;
    return yaml_unknown(at, "protocol", name, names);
}

static foil_status read_protocol(const yaml_node *at, study *s) {
    bool map = yaml_kind_of(at) == YAML_MAP;
    if (yaml_kind_of(at) == YAML_LIST || (map && yaml_length(at) != 1))
        return yaml_fail(at, "one protocol was expected, as a word or as a map with one key");
    const char *name = map ? yaml_key(at, 0) : yaml_text(at);
    int p = 0;
    while (p < STUDY_PROTOCOLS && strcmp(name, PROTOCOLS[p].name) != 0) p++;
    if (p == STUDY_PROTOCOLS) return unknown_protocol(map ? yaml_key_node(at, 0) : at, name);
    s->protocol = (study_protocol)p;
    s->parts_at = map ? yaml_item(at, 0) : at;
    if (map) return keys_read(s->parts_at, PROTOCOLS[p].keys, s, name);
    const key *needed = PROTOCOLS[p].keys;
    return needed->name && !needed->fallback ? yaml_fail(at, "%s lacks the key '%s' (%s)", name, needed->name, needed->doc) : FOIL_OK;
}

// Variants. ----------------------------------------------------------------------------------------------------------------------------------------

static foil_status no_memory(void) {
    return foil_fail_memory(256, "a study");
}

// `value` as written in the study file, absolute where it is there.
static foil_status resolve_path(study *s, const char *file, const char *value, const char **out) {
    char *beside = file_beside(file, value), *absolute = beside ? realpath(beside, NULL) : NULL;
    *out = beside ? arena_text(&s->memory, absolute ? absolute : beside) : NULL;
    free(beside);
    free(absolute);
    return *out ? FOIL_OK : no_memory();
}

// Keys that tell cells apart: no variant may set them.
static const char *const OWN_KEYS[STUDY_PROTOCOLS][5] = {
    [STUDY_SUPERVISED] = {"run.seed", "data.set"},
    [STUDY_METHOD_OUT] = {"run.seed", "data.set", "data.without"},
    [STUDY_SOURCE_OUT] = {"run.seed", "data.set", "data.without"},
    [STUDY_CURVE] = {"run.seed", "data.set", "data.amount"},
    [STUDY_CONTINUAL] = {"run.seed", "data.set", "data.without", "run.from"},
};

static foil_status read_override(study *s, const char *file, const yaml_node *at, const char **override) {
    const char *equals = strchr(*override, '='), *path;
    if (!equals || equals == *override) return yaml_fail(at, "'%s': expected KEY=VALUE, as in run.steps=500", *override);
    char *name = arena_format(&s->memory, "%.*s", (int)(equals - *override), *override);
    if (!name) return no_memory();
    for (const char *const *own = OWN_KEYS[s->protocol]; *own; own++)
        if (strcmp(name, *own) == 0) return yaml_fail(at, "'%s': the study sets %s itself, for each cell", *override, name);
    if (!config_is_path(name) || !equals[1]) return FOIL_OK;
    TRY(resolve_path(s, file, equals + 1, &path));
    *override = arena_format(&s->memory, "%s=%s", name, path);
    return *override ? FOIL_OK : no_memory();
}

static foil_status read_overrides(study *s, const char *file, const yaml_node *at, key_texts *overrides) {
    for (int i = 0; i < overrides->n; i++) TRY(read_override(s, file, at, &overrides->at[i]));
    return FOIL_OK;
}

static foil_status read_variant(study *s, const char *file, const root *r, const yaml_node *list, int i) {
    study_variant *v = &s->variant[i];
    const yaml_node *at = yaml_item(list, i);
    const char *name = yaml_key(list, i);
    variant_keys k = {0};
    if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
        return yaml_fail(yaml_key_node(list, i), "variant '%s': expected a name of letters, digits, '_' and '-': folders are named after it", name);
    TRY(keys_read(at, VARIANT_KEYS, &k, "a variant"));
    if (!k.config && !r->config) return yaml_fail(at, "variant '%s' has no training file, and the study names none for all: expected 'config'", name);
    if (r->overrides.n + k.overrides.n > (int)(sizeof v->overrides.at / sizeof *v->overrides.at))
        return yaml_fail(at, "variant '%s' has %d overrides with those of the study, expected at most 32", name, r->overrides.n + k.overrides.n);
    TRY(resolve_path(s, file, k.config ? k.config : r->config, &v->config));
    v->name = name;
    v->place = yaml_place(at);
    v->overrides = r->overrides;
    for (int j = 0; j < k.overrides.n; j++) v->overrides.at[v->overrides.n++] = k.overrides.at[j];
    return read_overrides(s, file, at, &v->overrides);
}

static foil_status read_variants(study *s, const char *file, const root *r) {
    if (yaml_kind_of(r->variants) != YAML_MAP || yaml_length(r->variants) == 0)
        return yaml_fail(r->variants, "'variants' is a %s, expected a map of at least one name with a list of overrides, as in plain: []",
                         yaml_kind_of(r->variants) == YAML_MAP ? "map of none" : yaml_kind_name(r->variants));
    s->variants = yaml_length(r->variants);
    s->variant = arena_alloc(&s->memory, (size_t)s->variants * sizeof *s->variant);
    if (!s->variant) return no_memory();
    for (int i = 0; i < s->variants; i++) TRY(read_variant(s, file, r, r->variants, i));
    return FOIL_OK;
}

// The whole file. ----------------------------------------------------------------------------------------------------------------------------------

static foil_status check_seeds(const study *s) {
    const yaml_node *at = yaml_get(yaml_root(s->document), "seeds");
    if (s->seeds.n == 0) return yaml_fail(at, "'seeds' is empty, expected at least one");
    for (int i = 0; i < s->seeds.n; i++)
        for (int j = 0; j < i; j++)
            if (s->seeds.at[i] == s->seeds.at[j])
                return yaml_fail(at, "seed %" PRId64 " is there twice: one run says nothing about another that is the same", s->seeds.at[i]);
    return FOIL_OK;
}

static foil_status read_sets(study *s, const char *file, const root *r) {
    if (r->sets.n == 0) return yaml_fail(yaml_get(yaml_root(s->document), "sets"), "'sets' is empty, expected at least one");
    s->sets = r->sets.n;
    s->set = arena_alloc(&s->memory, (size_t)s->sets * sizeof *s->set);
    if (!s->set) return no_memory();
    for (int i = 0; i < s->sets; i++) TRY(resolve_path(s, file, r->sets.at[i], &s->set[i].path));
    return FOIL_OK;
}

// What the study began with is kept with every default and with paths that do not depend on where it lies.
static foil_status resolve(yaml *document, const char *file) {
    for (const key *k = ROOT_KEYS; k->name; k++)
        if (k->fallback && *k->fallback && !yaml_get(yaml_root(document), k->name)) TRY(yaml_set(document, k->name, k->fallback));
    const yaml_node *base = yaml_get(yaml_root(document), "config");
    if (base && yaml_kind_of(base) == YAML_SCALAR && *yaml_text(base)) TRY(config_set_path(document, "config", file, yaml_text(base)));
    const yaml_node *sets = yaml_get(yaml_root(document), "sets");
    if (sets && yaml_kind_of(sets) == YAML_SCALAR && *yaml_text(sets)) return config_set_path(document, "sets", file, yaml_text(sets));
    int n = sets && yaml_kind_of(sets) == YAML_LIST ? yaml_length(sets) : 0;
    for (int i = 0; i < n; i++) {
        const yaml_node *item = yaml_item(yaml_get(yaml_root(document), "sets"), i);
        char place[32];
        snprintf(place, sizeof place, "sets.%d", i);
        if (yaml_kind_of(item) == YAML_SCALAR && *yaml_text(item)) TRY(config_set_path(document, place, file, yaml_text(item)));
    }
    return FOIL_OK;
}

static foil_status read_document(study *s, const char *file) {
    root r = {0};
    if (yaml_kind_of(yaml_root(s->document)) == YAML_MAP) TRY(resolve(s->document, file));
    TRY(keys_read(yaml_root(s->document), ROOT_KEYS, &r, "a study"));
    s->seeds = r.seeds;
    s->draws = r.draws;
    s->metric = r.metric;
    TRY(check_seeds(s));
    TRY(read_protocol(r.protocol, s));
    TRY(read_sets(s, file, &r));
    return read_variants(s, file, &r);
}

static foil_status apply(yaml *document, const char *word) {
    const char *equals = strchr(word, '=');
    if (!equals || equals == word) return foil_fail(FOIL_INVALID, "'%s': expected KEY=VALUE, as in draws=5000", word);
    char *name = strndup(word, (size_t)(equals - word));
    if (!name) return no_memory();
    bool path = (strcmp(name, "sets") == 0 || strcmp(name, "config") == 0) && equals[1] && equals[1] != '[';
    foil_status status = path ? config_set_path(document, name, "here", equals + 1) : yaml_set(document, name, equals + 1);
    free(name);
    return status;
}

foil_status study_read(const char *path, const char *const *overrides, int n, const char *folder, study *out) {
    *out = (study){0};
    TRY(yaml_read(path, &out->document));
    for (int i = 0; i < n; i++) TRY(apply(out->document, overrides[i]));
    TRY(read_document(out, path));
    return study_make_cells(out, folder);
}

void study_free(study *s) {
    yaml_free(s->document);
    arena_free(&s->memory);
    *s = (study){0};
}

const char *study_protocol_name(study_protocol p) {
    return PROTOCOLS[p].name;
}

void study_document(text *out) {
    text_add(out, "# Study files\n\n`foil study STUDY.yaml --out DIR`; [study.md](study.md) tells what it is for and how it judges. A map with these "
                  "keys:\n\n");
    keys_document(ROOT_KEYS, out);
    text_add(out, "\n## `variants`\n\nA map of names. A list stands for `{overrides: [...]}`; an empty one changes nothing.\n\n");
    keys_document(VARIANT_KEYS, out);
    text_add(out, "\n## `protocol`\n\nA word, or a map with one key where the protocol has keys of its own.\n");
    for (int i = 0; i < STUDY_PROTOCOLS; i++) {
        text_format(out, "\n### `%s`\n\n%s\n", PROTOCOLS[i].name, PROTOCOLS[i].doc);
        if (PROTOCOLS[i].keys->name) text_add(out, "\n");
        keys_document(PROTOCOLS[i].keys, out);
    }
}
