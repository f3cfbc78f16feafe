// What a picture's file says about where it comes from. Read, not believed: anyone can write, change and remove all of it.
#ifndef FOIL_EVAL_METADATA_H
#define FOIL_EVAL_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum metadata_kind {
    METADATA_CAMERA,    // make and model in EXIF
    METADATA_SOFTWARE,  // what wrote the file, by its own account
    METADATA_GENERATOR, // a program that makes pictures from words has left its settings or its name
    METADATA_ORIGIN,    // IPTC's digital source type: trainedAlgorithmicMedia, digitalCapture …
    METADATA_C2PA,      // a manifest of content credentials is there; its signatures are not checked
    METADATA_OTHER,     // a comment, or a block of which no more is read
    METADATA_KINDS
} metadata_kind;
extern const char *const METADATA_NAMES[]; // "camera" …, NULL

enum { METADATA_MOST = 32, METADATA_TEXT = 120 };
typedef struct metadata {
    int n; // what comes after METADATA_MOST is passed over
    struct metadata_item {
        metadata_kind kind;
        char where[48];           // "PNG tEXt parameters"
        char text[METADATA_TEXT]; // its beginning: UTF-8 without control characters
    } item[METADATA_MOST];
} metadata;

// Of PNG, JPEG and WebP; others have none that is read. Any bytes will do: blocks that are cut or wrong end the search, and what was found stays.
void metadata_read(const uint8_t *bytes, size_t n, metadata *out);

#endif
