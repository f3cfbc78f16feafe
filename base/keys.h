// Maps of a configuration file, described by tables: one table parses, checks and documents.
//
//     typedef struct dropout { float p; } dropout;
//     static const key KEYS[] = {
//         {"p", KEY_FLOAT, offsetof(dropout, p), .fallback = "0.5", .min = 0, .max = 0.95, .doc = "share of values set to zero"},
//         {0}};
//     dropout d;
//     TRY(keys_read(map, KEYS, &d, "dropout"));
#ifndef FOIL_BASE_KEYS_H
#define FOIL_BASE_KEYS_H

#include <stdint.h>

#include "base/text.h"
#include "base/yaml.h"

typedef enum key_type {
    KEY_INT,    // int64_t
    KEY_FLOAT,  // double
    KEY_BOOL,   // bool
    KEY_TEXT,   // const char *, owned by the document
    KEY_CHOICE, // int: index into `choices`
    KEY_PAIR,   // int64_t[2]; one number stands for both: `kernel: 3` is [3, 3]
    KEY_RANGE,  // double[2], low <= high; one number is both ends
    KEY_INTS,   // key_ints; one number is a list of one
    KEY_FLOATS, // key_floats; one number is a list of one
    KEY_TEXTS,  // key_texts; one word is a list of one
    KEY_NODE,   // const yaml_node *: read by someone else; NULL if absent
} key_type;

typedef struct key_ints {
    int n;
    int64_t at[16];
} key_ints;

typedef struct key_floats {
    int n;
    double at[16];
} key_floats;

typedef struct key_texts {
    int n;
    const char *at[32];
} key_texts;

typedef struct key {
    const char *name; // NULL ends the table
    key_type type;
    size_t offset;              // of the field in the struct
    const char *fallback;       // the default as YAML text; NULL = the key is required (KEY_NODE and KEY_TEXT: "" = may be absent, then NULL)
    double min, max;            // inclusive bounds for numbers; both 0 = none
    const char *const *choices; // KEY_CHOICE: NULL-terminated
    const char *doc;            // one phrase
} key;

// Reads `map` (a YAML map, or an empty scalar for "all defaults") into the struct `into`. Unknown key (with the nearest known one), missing key, wrong type
// and value out of bounds are errors at their place, naming `what`. Texts of defaults are those of the table, all others the document's.
// A scalar or a list where a map is expected is read as the value of the first key: `dropout: 0.5` is `dropout: {p: 0.5}`.
foil_status keys_read(const yaml_node *map, const key *keys, void *into, const char *what);

// The table as Markdown: | key | type | default | what |.
void keys_document(const key *keys, text *out);

#endif
