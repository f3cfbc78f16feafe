#include "base/names.h"

#include <stdlib.h>
#include <string.h>

// FNV-1a.
static uint32_t hash(const char *text) {
    uint32_t h = 2166136261u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

// Where `text` is, or the empty slot where it belongs. At most half of the slots (a power of two) are taken.
static uint32_t place(const names *n, const char *text) {
    uint32_t i = hash(text) & (n->slots - 1);
    while (n->slot[i] && strcmp(n->at[n->slot[i] - 1], text) != 0) i = (i + 1) & (n->slots - 1);
    return i;
}

static int grow(names *n) {
    int capacity = n->capacity ? 2 * n->capacity : 64;
    const char **at = realloc(n->at, (size_t)capacity * sizeof *at);
    if (!at) return -1;
    n->at = at;
    int *slot = calloc(2 * (size_t)capacity, sizeof *slot);
    if (!slot) return -1;
    free(n->slot);
    n->slot = slot;
    n->capacity = capacity;
    n->slots = 2 * (uint32_t)capacity;
    for (int i = 0; i < n->count; i++) n->slot[place(n, n->at[i])] = i + 1;
    return 0;
}

int names_add(names *n, const char *text) {
    int known = names_find(n, text);
    if (known >= 0) return known;
    if (n->count == n->capacity && grow(n) < 0) return -1;
    char *copy = arena_text(&n->texts, text);
    if (!copy) return -1;
    uint32_t at = place(n, text);
    n->at[n->count++] = copy;
    n->slot[at] = n->count;
    return n->count - 1;
}

int names_find(const names *n, const char *text) {
    return n->slots ? n->slot[place(n, text)] - 1 : -1;
}

void names_free(names *n) {
    free(n->at);
    free(n->slot);
    arena_free(&n->texts);
    *n = (names){0};
}
