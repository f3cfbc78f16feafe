// YAML documents that remember where everything stood. The only file that knows libfyaml is base/yaml.c.
//
// Errors read `faces64.yaml:7:3: unknown key 'optimiser' (did you mean 'optimizer'?)`. Duplicate keys are errors.
#ifndef FOIL_BASE_YAML_H
#define FOIL_BASE_YAML_H

#include <stdbool.h>

#include "base/status.h"

typedef struct yaml yaml;           // a document; owns its nodes
typedef struct yaml_node yaml_node; // a scalar, a list or a map in it

typedef enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP } yaml_kind;

// The caller frees the document. `name` stands for the file in errors.
foil_status yaml_read(const char *path, yaml **out);
foil_status yaml_parse(const char *text, const char *name, yaml **out);
void yaml_free(yaml *doc);

// The root (an empty document gives an empty map).
const yaml_node *yaml_root(const yaml *doc);
yaml_kind yaml_kind_of(const yaml_node *n);
const char *yaml_kind_name(const yaml_node *n); // "text", "list" or "map", for errors
// A scalar's text ("" for null); NULL for lists and maps. Lives as long as the document.
const char *yaml_text(const yaml_node *n);
bool yaml_is_plain(const yaml_node *n); // whether a scalar was written without quotes, so that it may be a number or null
// Lists and maps: the number of items, and the i-th (for maps: its value; yaml_key gives its name and yaml_key_node the place of it).
int yaml_length(const yaml_node *n);
const yaml_node *yaml_item(const yaml_node *n, int i);
const char *yaml_key(const yaml_node *n, int i);
const yaml_node *yaml_key_node(const yaml_node *n, int i);
// A map's value by name, or NULL.
const yaml_node *yaml_get(const yaml_node *map, const char *key);

// "file:line:column" of a node, as kept text of the document.
const char *yaml_place(const yaml_node *n);
// FOIL_INVALID with the place in front.
foil_status yaml_fail(const yaml_node *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
// FOIL_INVALID: "unknown forger 'xyz' (did you mean …?); known: generator, replay", where `what` is "forger". `known` ends with NULL.
foil_status yaml_unknown(const yaml_node *at, const char *what, const char *word, const char *const *known);
#if defined(__clang_analyzer__) && !defined(FOIL_YAML_DEFINED_HERE) // static analysis sees one file at a time
#define yaml_fail(...) ((yaml_fail)(__VA_ARGS__), FOIL_INVALID)
#define yaml_unknown(...) ((yaml_unknown)(__VA_ARGS__), FOIL_INVALID)
#endif

// Sets `run.steps` to `value` (YAML text: "500", "[1, 2]"), making the maps on the way; in a list the index stands for a key: `forgers.0.share`. Later errors
// about it name "run.steps=500". Nodes fetched before may no longer be valid.
foil_status yaml_set(yaml *doc, const char *path, const char *value);
// `n` becomes a map whose one key, `key`, has as its value what `n` was: `game: hinge` is then `game: {loss: hinge}`. Places stay.
foil_status yaml_nest(const yaml_node *n, const char *key);
// A copy of `n`, in its document, in which each text "$name" is item `i` of the list `name` in the map `lists` (a single value stands for all its items).
foil_status yaml_substitute(const yaml_node *n, const yaml_node *lists, int i, const yaml_node **out);
// FOIL_INVALID naming the first key in which two nodes differ: "run.seed is '3', but the run began with '2'", where `what` is "the run". The
// value at `free` (NULL = none) may.
foil_status yaml_same(const yaml_node *now, const yaml_node *before, const char *free, const char *what);
// The document as YAML text; the caller frees.
foil_status yaml_emit(const yaml *doc, char **text);

#endif
