// Strings that grow, and the nearest known word for a mistyped one.
#ifndef FOIL_BASE_TEXT_H
#define FOIL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Always NUL-terminated once anything was added. A failed allocation sets `failed` and further additions do nothing: check once at the end.
typedef struct text {
    char *data;
    size_t length, capacity;
    bool failed;
} text;

void text_add(text *t, const char *s);
void text_add_bytes(text *t, const void *bytes, size_t n);
void text_format(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(text *t);

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
// Same letters, ASCII case apart; for file suffixes.
bool text_ends_nocase(const char *s, const char *suffix);

// Whether `s` is well-formed UTF-8.
bool text_is_utf8(const char *s);

// The word of the NULL-terminated list nearest to `word` by edit distance, or NULL when none is near enough to be a slip of the keys.
const char *text_nearest(const char *word, const char *const *words);

// Whole-string number parsing (no trailing rubbish, no overflow, no NaN): true on success.
bool text_to_int(const char *s, long long *out);
bool text_to_float(const char *s, double *out);

#endif
