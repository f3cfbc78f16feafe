// Memory that is freed all at once: what a graph, a network or a document is made of.
//
// Small objects of one lifetime are carved from large blocks. Everything is zeroed. Not for several threads at once.
#ifndef FOIL_BASE_ARENA_H
#define FOIL_BASE_ARENA_H

#include <stddef.h>

typedef struct arena {
    struct arena_block *blocks; // newest first
} arena;

// `bytes` zeroed bytes aligned for any type, or NULL when the system has none left. Valid until arena_free.
void *arena_alloc(arena *a, size_t bytes);
// A copy of `text`, or NULL. arena_format takes printf's arguments.
char *arena_text(arena *a, const char *text);
char *arena_format(arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Frees everything that came from `a` and leaves it empty.
void arena_free(arena *a);

#endif
