// The files of eval/pages/parts/ and third_party/uplot/ inside the program, put there by cmake/embed.cmake.
#ifndef FOIL_EVAL_PAGES_PARTS_H
#define FOIL_EVAL_PAGES_PARTS_H

#include <stddef.h>

typedef struct embedded {
    const char *name; // of the file, without its folder; NULL ends the list
    const unsigned char *bytes;
    size_t n;
} embedded;

extern const embedded PAGE_PARTS[];

#endif
