// The parts of eval/metadata.c. Internal to it and eval/metadata_exif.c.
#ifndef FOIL_EVAL_METADATA_EXIF_H
#define FOIL_EVAL_METADATA_EXIF_H

#include "eval/metadata.h"

void metadata_add(metadata *m, metadata_kind kind, const char *where, const void *words, size_t n);
void metadata_add_program(metadata *m, const char *where, const void *name, size_t n); // software, or a generator that names itself
bool metadata_is_recipe(const void *words, size_t n);                                  // settings of a generator
// A TIFF block without JPEG's prefix.
void metadata_read_exif(metadata *m, const char *where, const uint8_t *tiff, size_t n);

#endif
