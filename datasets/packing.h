// What the passes of packing share. Internal to datasets/.
#ifndef FOIL_DATASETS_PACKING_H
#define FOIL_DATASETS_PACKING_H

#include "base/text.h"
#include "datasets/importer.h"

typedef struct packing {
    const pack_options *o;
    const import_item **item; // those that are packed
    int64_t n;
    unsigned char (*sha)[32];
    int *pictures; // by item: how many it gives; 0 = it can't be read
    int *clip, *shard;
    set_split *split;
    int shards;
    text source, licence; // as told, else as the sets have them that the pictures are from
    int64_t done, total;  // steps of this rank
    size_t *sizes;        // [ranks_count()]: room for ranks_gather
} packing;

enum { PACK_BLOCK = 64 }; // pictures that are decoded side by side

void packing_progress(packing *p, int64_t steps);
// The second pass, of all ranks: one file, or the shards and their index. Nothing appears unless all could be written.
foil_status packing_write(packing *p, const char *path);
// The pictures of item i, all of them, and what file they are from; `out` has room for as many as there are.
foil_status packing_make(const packing *p, int64_t i, image *out, image_file *file);

#endif
