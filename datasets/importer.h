// Known layouts of collections, one file each: from folders and manifests to a list of items, and from the list to a set.
#ifndef FOIL_DATASETS_IMPORTER_H
#define FOIL_DATASETS_IMPORTER_H

#include "data/set.h"

typedef struct import_item {
    const char *path; // a picture's file; or the archive that holds it
    int64_t record;   // within `path` for packed formats (idx, CIFAR); -1 = the whole file
    bool fake;
    const char *method, *subject; // method "" = none given; subject "" = the file is its own subject
    const char *clip;             // items of one clip never straddle splits; "" = the file is its own clip
    int split;                    // set_split, or -1: to be assigned
} import_item;

typedef struct import_list import_list; // owns the texts
int64_t import_count(const import_list *l);
const import_item *import_at(const import_list *l, int64_t i);
void import_free(import_list *l);

typedef struct import_options {
    const char *layout; // NULL or "" = by looking: a .csv file, idx or CIFAR binaries, else folders
    int label;          // -1 = by the layout, 0 real, 1 fake
    const char *method; // overrides the layout's
} import_options;

// One layout: folders.c, csv.c, idx.c, cifar.c.
typedef struct importer {
    const char *name, *doc;
    bool (*sniff)(const char *source);
    foil_status (*list)(const char *source, const import_options *o, import_list *into);
    foil_status (*read)(const import_item *item, image *out); // NULL = image_read
} importer;
extern const importer *const IMPORTERS[]; // NULL-terminated

foil_status import_sources(const char *const *sources, int n, const import_options *o, import_list **out);

// Importers add through this: texts are copied.
foil_status import_add(import_list *l, const importer *by, const import_item *item);

// Packing. --------------------------------------------------------------------------------------------------------------------------------
typedef struct pack_options {
    int size; // 0 with FIT_NATIVE
    image_fit fit;
    resize_filter filter;
    int channels;
    double split[3]; // shares of train, val, test for items that have none
    uint64_t seed;
    int64_t max; // per class, 0 = all; a deterministic sample
    bool skip_bad;
    const char *source, *licence;
    void (*progress)(int64_t done, int64_t total, void *context);  // may be NULL
    void (*bad)(const char *path, const char *why, void *context); // each unreadable file
    void *context;
} pack_options;
typedef struct pack_summary {
    int64_t packed, bad, duplicates, per[2][3]; // per[fake][split]
} pack_summary;
// Deterministic in (list, options). Splits by clip and subject; files with the same bytes go to one split together; a manifest's own splits that share bytes, a clip or a subject
// fail naming both paths. Without skip_bad any unreadable file fails after all were tried and reported; nothing is written then.
foil_status pack(const import_list *items, const char *path, const pack_options *o, pack_summary *out);

#endif
