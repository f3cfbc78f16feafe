#include "base/keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Where a value comes from and what is said when it is wrong.
typedef struct value {
    const yaml_node *node;
    const key *key;
} value;

static foil_status wrong(value v, const char *expected) {
    if (yaml_kind_of(v.node) == YAML_SCALAR) return yaml_fail(v.node, "'%s' is '%s', expected %s", v.key->name, yaml_text(v.node), expected);
    return yaml_fail(v.node, "'%s' is a %s, expected %s", v.key->name, yaml_kind_name(v.node), expected);
}

static foil_status check_bounds(value v, double number) {
    const key *k = v.key;
    if ((k->min == 0 && k->max == 0) || (number >= k->min && number <= k->max)) return FOIL_OK;
    return yaml_fail(v.node, "'%s' is %s, expected %g to %g", k->name, yaml_text(v.node), k->min, k->max);
}

static foil_status to_int(value v, int64_t *out) {
    const char *s = yaml_text(v.node);
    long long number;
    if (!s || !text_to_int(s, &number)) return wrong(v, "a whole number");
    *out = number;
    return check_bounds(v, (double)number);
}

static foil_status to_float(value v, double *out) {
    const char *s = yaml_text(v.node);
    if (!s || !text_to_float(s, out)) return wrong(v, "a number");
    return check_bounds(v, *out);
}

// One function per key_type. ----------------------------------------------------------------------------------------------------------------

static foil_status read_int(value v, void *field) {
    return to_int(v, field);
}

static foil_status read_float(value v, void *field) {
    return to_float(v, field);
}

static foil_status read_bool(value v, void *field) {
    const char *s = yaml_text(v.node);
    bool yes = s && strcmp(s, "true") == 0;
    if (!yes && !(s && strcmp(s, "false") == 0)) return wrong(v, "true or false");
    *(bool *)field = yes;
    return FOIL_OK;
}

static foil_status read_text(value v, void *field) {
    const char *s = yaml_text(v.node);
    if (!s || !*s) return wrong(v, "text");
    *(const char **)field = s;
    return FOIL_OK;
}

static void add_words(text *t, const char *const *words) {
    for (int i = 0; words[i]; i++) text_format(t, "%s%s", i > 0 ? ", " : "", words[i]);
}

static foil_status read_choice(value v, void *field) {
    const char *s = yaml_text(v.node);
    for (int i = 0; s && v.key->choices[i]; i++) {
        if (strcmp(s, v.key->choices[i]) == 0) {
            *(int *)field = i;
            return FOIL_OK;
        }
    }
    text expected = {0};
    text_add(&expected, "one of ");
    add_words(&expected, v.key->choices);
    const char *near = s ? text_nearest(s, v.key->choices) : NULL;
    if (near) text_format(&expected, " (did you mean '%s'?)", near);
    foil_status status = wrong(v, expected.failed ? "another word" : expected.data);
    text_free(&expected);
    return status;
}

// One item, or each of a list of `least` to `most`.
static foil_status each(value v, int least, int most, foil_status (*read)(value, void *), void *first, size_t size, int *count,
                        const char *expected) {
    if (yaml_kind_of(v.node) == YAML_MAP) return wrong(v, expected);
    if (yaml_kind_of(v.node) == YAML_SCALAR) {
        *count = 1;
        return read(v, first);
    }
    int n = yaml_length(v.node);
    if (n < least || n > most) return yaml_fail(v.node, "'%s' has %d items, expected %s", v.key->name, n, expected);
    for (int i = 0; i < n; i++) TRY(read((value){yaml_item(v.node, i), v.key}, (char *)first + (size_t)i * size));
    *count = n;
    return FOIL_OK;
}

static foil_status read_pair(value v, void *field) {
    int64_t *pair = field;
    int n;
    TRY(each(v, 2, 2, read_int, pair, sizeof *pair, &n, "a whole number or a pair of them"));
    if (n == 1) pair[1] = pair[0];
    return FOIL_OK;
}

static foil_status read_range(value v, void *field) {
    double *range = field;
    int n;
    TRY(each(v, 2, 2, read_float, range, sizeof *range, &n, "a number or a pair [low, high]"));
    if (n == 1) range[1] = range[0];
    if (range[0] > range[1]) return yaml_fail(v.node, "'%s' is [%g, %g], expected [low, high]", v.key->name, range[0], range[1]);
    return FOIL_OK;
}

static foil_status read_ints(value v, void *field) {
    key_ints *ints = field;
    return each(v, 0, (int)(sizeof ints->at / sizeof *ints->at), read_int, ints->at, sizeof *ints->at, &ints->n,
                "a list of at most 16 whole numbers");
}

static foil_status read_floats(value v, void *field) {
    key_floats *floats = field;
    return each(v, 0, (int)(sizeof floats->at / sizeof *floats->at), read_float, floats->at, sizeof *floats->at, &floats->n,
                "a list of at most 16 numbers");
}

static foil_status read_texts(value v, void *field) {
    key_texts *texts = field;
    return each(v, 0, (int)(sizeof texts->at / sizeof *texts->at), read_text, texts->at, sizeof *texts->at, &texts->n, "a list of at most 32 words");
}

static foil_status read_node(value v, void *field) {
    *(const yaml_node **)field = v.node;
    return FOIL_OK;
}

static const struct {
    foil_status (*read)(value v, void *field);
    const char *name; // in the documentation
} TYPES[] = {
    [KEY_INT] = {read_int, "whole number"},
    [KEY_FLOAT] = {read_float, "number"},
    [KEY_BOOL] = {read_bool, "true or false"},
    [KEY_TEXT] = {read_text, "text"},
    [KEY_CHOICE] = {read_choice, "choice"},
    [KEY_PAIR] = {read_pair, "whole number or pair"},
    [KEY_RANGE] = {read_range, "number or [low, high]"},
    [KEY_INTS] = {read_ints, "list of whole numbers"},
    [KEY_FLOATS] = {read_floats, "list of numbers"},
    [KEY_TEXTS] = {read_texts, "list of words"},
    [KEY_NODE] = {read_node, "as described"},
};

// Tables --------------------------------------------------------------------------------------------------------------------------------------

static foil_status use_fallback(const key *k, void *field) {
    if (k->type == KEY_NODE || (k->type == KEY_TEXT && !*k->fallback)) {
        *(const void **)field = NULL;
        return FOIL_OK;
    }
    if (k->type == KEY_TEXT) { // static memory: outlives the document below
        *(const char **)field = k->fallback;
        return FOIL_OK;
    }
    if (k->type == KEY_TEXTS) {
        *(key_texts *)field = (key_texts){.n = *k->fallback != '\0', .at = {k->fallback}};
        return FOIL_OK;
    }
    yaml *doc;
    TRY(yaml_parse(k->fallback, "default", &doc));
    foil_status status = TYPES[k->type].read((value){yaml_root(doc), k}, field);
    yaml_free(doc);
    return status;
}

static foil_status unknown_key(const yaml_node *map, int i, const key *keys, const char *what) {
    const char *names[64];
    int n = 0;
    for (const key *k = keys; k->name && n < 63; k++) names[n++] = k->name;
    names[n] = NULL;
    const char *near = text_nearest(yaml_key(map, i), names);
    text t = {0};
    if (near) text_format(&t, " (did you mean '%s'?)", near);
    text_add(&t, n > 0 ? "; known: " : "; it takes none");
    add_words(&t, names);
    foil_status status = yaml_fail(yaml_key_node(map, i), "unknown key '%s' in %s%s", yaml_key(map, i), what, t.failed ? "" : t.data);
    text_free(&t);
    return status;
}

static foil_status check_known(const yaml_node *map, const key *keys, const char *what) {
    for (int i = 0; i < yaml_length(map); i++) {
        const key *k = keys;
        while (k->name && strcmp(k->name, yaml_key(map, i)) != 0) k++;
        if (!k->name) return unknown_key(map, i, keys, what);
    }
    return FOIL_OK;
}

foil_status keys_read(const yaml_node *map, const key *keys, void *into, const char *what) {
    bool is_map = yaml_kind_of(map) == YAML_MAP;
    bool shorthand = !is_map && !(yaml_kind_of(map) == YAML_SCALAR && !*yaml_text(map));
    if (shorthand && !keys->name) return yaml_fail(map, "%s takes no value", what);
    if (is_map) TRY(check_known(map, keys, what));
    for (const key *k = keys; k->name; k++) {
        const yaml_node *node = is_map ? yaml_get(map, k->name) : NULL;
        if (shorthand && k == keys) node = map;
        void *field = (char *)into + k->offset;
        if (node) {
            TRY(TYPES[k->type].read((value){node, k}, field));
        } else if (k->fallback) {
            TRY(use_fallback(k, field));
        } else {
            return yaml_fail(map, "%s lacks the key '%s' (%s)", what, k->name, k->doc);
        }
    }
    return FOIL_OK;
}

void keys_document(const key *keys, text *out) {
    if (!keys->name) return;
    text_add(out, "| key | type | default | what |\n|---|---|---|---|\n");
    for (const key *k = keys; k->name; k++) {
        text_format(out, "| `%s` | ", k->name);
        if (k->type == KEY_CHOICE)
            add_words(out, k->choices);
        else
            text_add(out, TYPES[k->type].name);
        if (k->min != 0 || k->max != 0) text_format(out, ", %g to %g", k->min, k->max);
        if (!k->fallback)
            text_add(out, " | required | ");
        else if (!*k->fallback)
            text_add(out, " | – | ");
        else
            text_format(out, " | `%s` | ", k->fallback);
        text_format(out, "%s |\n", k->doc);
    }
}
