// What importers of trees share: the folders above a picture; of videos, one folder of frames for each.
#ifndef FOIL_DATASETS_BELOW_H
#define FOIL_DATASETS_BELOW_H

#include "datasets/importer.h"

// A picture's path below its source, taken apart: folders, then the file's name.
typedef struct below {
    char text[4096];
    int n;
    const char *at[32];
} below;
foil_status below_source(const char *path, const char *source, below *out);
// The last folder that is one of the words, or -1; `word` (may be NULL) says which.
int below_find(const below *b, const char *const *words, int *word);

// What publishers call train, val and test; -1 = none of them.
int split_named(const char *word);

// The name of a source's last folder, or file: without slashes behind it; the real one of "." and "..".
void source_name(const char *source, char *out, size_t n);
// A picture with what `item` says of it; what `o` says goes before that.
foil_status import_add_picture(import_list *l, const import_options *o, const char *path, const import_item *item);
// The same for a frame of a video: its clip is the folder that it is in.
foil_status import_add_frame(import_list *l, const import_options *o, const char *path, const import_item *item);

#endif
