#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Room for `n` more bytes and the NUL.
static bool reserve(text *t, size_t n) {
    if (t->failed) return false;
    if (t->capacity - t->length > n) return true;
    if (n > SIZE_MAX / 4 || t->length > SIZE_MAX / 4) {
        t->failed = true;
        return false;
    }
    size_t capacity = 2 * (t->length + n) + 64;
    char *data = realloc(t->data, capacity);
    if (!data) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->capacity = capacity;
    return true;
}

void text_add_bytes(text *t, const void *bytes, size_t n) {
    if (!reserve(t, n)) return;
    if (n > 0) memcpy(t->data + t->length, bytes, n);
    t->length += n;
    t->data[t->length] = '\0';
}

void text_add(text *t, const char *s) {
    text_add_bytes(t, s, strlen(s));
}

void text_format(text *t, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        t->failed = true;
    } else if (reserve(t, (size_t)n)) {
        vsnprintf(t->data + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
}

void text_free(text *t) {
    free(t->data);
    *t = (text){0};
}

bool text_starts(const char *s, const char *prefix) {
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static const char *tail(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    return n < m ? NULL : s + n - m;
}

bool text_ends(const char *s, const char *suffix) {
    const char *end = tail(s, suffix);
    return end && strcmp(end, suffix) == 0;
}

bool text_ends_nocase(const char *s, const char *suffix) {
    const char *end = tail(s, suffix);
    return end && strcasecmp(end, suffix) == 0;
}

// The table of well-formed byte sequences of the Unicode standard (3.9, D92).
bool text_is_utf8(const char *s) {
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : -1;
        if (more < 0) return false;
        bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
        bool beyond = (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf4 && p[1] >= 0x90); // surrogates, above U+10FFFF
        if (overlong || beyond) return false;
        for (p++; more > 0; more--, p++) {
            if ((*p & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

enum { LONGEST_WORD = 63 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), ASCII case apart.
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m) {
    size_t rows[3][LONGEST_WORD + 1];
    size_t *before = rows[0], *above = rows[1], *here = rows[2];
    for (size_t j = 0; j <= m; j++) above[j] = j;
    for (size_t i = 1; i <= n; i++) {
        here[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            here[j] = least(least(above[j], here[j - 1]) + 1, above[j - 1] + (x != y));
            bool swapped = i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]);
            if (swapped) here[j] = least(here[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above, above = here, here = oldest;
    }
    return above[m];
}

const char *text_nearest(const char *word, const char *const *words) {
    size_t n = strlen(word);
    if (n > LONGEST_WORD) return NULL;
    const char *nearest = NULL;
    size_t shortest = SIZE_MAX;
    for (; *words; words++) {
        size_t m = strlen(*words);
        if (m > LONGEST_WORD) continue;
        size_t distance = edit_distance(word, n, *words, m);
        size_t longer = n > m ? n : m;
        if (distance < shortest && distance <= longer / 3 + (longer < 6)) {
            shortest = distance;
            nearest = *words;
        }
    }
    return shortest < n ? nearest : NULL; // changing every letter is not a slip
}

bool text_to_int(const char *s, long long *out) {
    if (!*s || isspace((unsigned char)*s)) return false;
    char *end;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (errno || *end) return false;
    *out = value;
    return true;
}

bool text_to_float(const char *s, double *out) {
    if (!*s || isspace((unsigned char)*s)) return false;
    char *end;
    double value = strtod(s, &end);
    if (*end || end == s || !isfinite(value)) return false;
    *out = value;
    return true;
}
