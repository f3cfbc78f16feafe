// A training file with all keys and their defaults: as YAML, which can be trained with, or as JSON.
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/inspect.h"
#include "eval/json.h"
#include "train/config.h"

static bool is_one_of(const char *s, const char *const *words) {
    while (*words && strcmp(s, *words) != 0) words++;
    return *words;
}

static size_t digits(const char *s) {
    return strspn(s, "0123456789");
}

// [-+]?[0-9]+
static bool is_integer(const char *s) {
    s += *s == '-' || *s == '+';
    return *s && !s[digits(s)];
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
static bool is_real(const char *s) {
    s += *s == '-' || *s == '+';
    size_t whole = digits(s);
    s += whole;
    if (*s == '.') {
        size_t fraction = digits(++s);
        if (!whole && !fraction) return false;
        s += fraction;
    } else if (!whole) {
        return false;
    }
    return !*s || ((*s == 'e' || *s == 'E') && is_integer(s + 1));
}

// As YAML 1.2's core schema reads them. Numbers that JSON lacks, and such as Foil itself does not read, in octal or hexadecimal, stay text.
static json_t *scalar_json(const yaml_node *n) {
    static const char *const TRUES[] = {"true", "True", "TRUE", NULL}, *const FALSES[] = {"false", "False", "FALSE", NULL},
                             *const NULLS[] = {"", "Null", "NULL", NULL}; // "null" and "~" are read as ""
    const char *s = yaml_text(n);
    long long whole;
    double number;
    if (!yaml_is_plain(n)) return text_json(s);
    if (is_one_of(s, NULLS)) return json_null();
    if (is_one_of(s, TRUES) || is_one_of(s, FALSES)) return json_boolean(is_one_of(s, TRUES));
    if (is_integer(s) && text_to_int(s, &whole)) return json_integer(whole);
    if (is_real(s) && text_to_float(s, &number)) return json_real(number);
    return text_json(s);
}

static json_t *node_json(const yaml_node *n) {
    if (yaml_kind_of(n) == YAML_SCALAR) return scalar_json(n);
    const bool map = yaml_kind_of(n) == YAML_MAP;
    json_t *all = map ? json_object() : json_array();
    for (int i = 0; i < yaml_length(n); i++) {
        json_t *item = node_json(yaml_item(n, i));
        if ((map ? json_object_set_new(all, yaml_key(n, i), item) : json_array_append_new(all, item)) == 0) continue;
        json_decref(all);
        return NULL;
    }
    return all;
}

int inspect_config(const char *path, bool json) {
    config c;
    char *resolved = NULL;
    if (config_read(path, NULL, 0, &c) != FOIL_OK) return cli_failed("inspect");
    int status = EXIT_DONE;
    if (json)
        status = cli_print_json("inspect", node_json(yaml_root(c.document)), 17);
    else if (config_emit(&c, &resolved) == FOIL_OK)
        fputs(resolved, stdout);
    else
        status = cli_failed("inspect");
    free(resolved);
    config_free(&c);
    return status;
}
