// Known layouts of collections, one file each: from folders and manifests to a list of items, and from the list to a set.
#ifndef FOIL_DATASETS_IMPORTER_H
#define FOIL_DATASETS_IMPORTER_H

#include "data/set.h"

// Many pictures in one file, raw (idx, CIFAR).
typedef struct import_archive {
    uint8_t *bytes; // whole, from malloc
    size_t skip;    // before the first record
    size_t before;  // label bytes at the start of each record
    int64_t records;
    int height, width, channels;
    bool planar; // [C,H,W], else [H,W,C]
} import_archive;

typedef struct import_item {
    const char *path;              // a picture's file; of a record, of an archive or a set, "t10k.idx#17"
    const char *stored;            // the path that a set keeps, if it is another; or NULL
    const import_archive *archive; // or
    const set *set;                // holds it as `record`; both NULL = `path` is the picture
    int64_t record;
    bool fake;
    const char *method, *subject; // subject "" = the file is its own subject
    const char *clip;             // items of one clip never straddle splits; "" = the file is its own clip
    int split;                    // set_split, or -1: to be assigned
} import_item;

typedef struct import_list import_list; // owns the texts, archives and sets
int64_t import_count(const import_list *l);
const import_item *import_at(const import_list *l, int64_t i);
void import_free(import_list *l); // NULL is fine
// Decodes, digests the bytes that it came from, and says what file that was (`sha256` and `file` may be NULL).
foil_status import_read(const import_item *item, image *out, unsigned char sha256[32], image_file *file);

typedef struct import_options {
    const char *layout; // NULL or "" = by looking at each source
    int label;          // -1 = by the layout, 0 real, 1 fake
    const char *method; // overrides the layout's; NULL = none given
} import_options;

// One layout: folders.c, csv.c, idx.c, cifar.c, set.c; published trees: trees.c, faceforensics.c, celebdf.c, deepfakebench.c,
// dfdc.c, fakeavceleb.c, artifact.c.
typedef struct importer {
    const char *name, *doc;
    bool (*sniff)(const char *source);
    foil_status (*list)(const char *source, const import_options *o, import_list *into);
} importer;
extern const importer *const IMPORTERS[]; // NULL-terminated; sniffed in this order

// All items of all sources, in the order given, each source's sorted by path. A source without any is an error.
foil_status import_sources(const char *const *sources, int n, const import_options *o, import_list **out);

// For importers: texts are copied; an archive's bytes are taken over.
foil_status import_add(import_list *l, const import_item *item);
foil_status import_add_archive(import_list *l, const char *source, const import_archive *a, const import_options *o);
foil_status import_hold_set(import_list *l, set *s); // takes it over
foil_status import_add_file(import_list *l, const char *path, bool fake, const char *method);

// Packing. --------------------------------------------------------------------------------------------------------------------------------
typedef struct pack_options {
    int size; // 0 with FIT_NATIVE
    image_fit fit;
    resize_filter filter;
    int channels;
    double split[3]; // shares of train, val, test for items that have none
    uint64_t seed;
    int64_t max;        // per class, 0 = all; a deterministic sample
    int patches;        // 0 = whole pictures; else that many squares of `size` from each, not overlapping, taken after scaling by `patch_scale`
    double patch_scale; // all patches of a picture are of its clip
    int shards;         // 0 = one file; else `path` is the index of so many, or
    int64_t shard_size; // of as many as have about so many items each
    bool replace;       // shards may replace files that are not sets
    bool skip_bad;
    const char *source, *licence; // NULL = those of the sets among the sources, each once: "CC0; MIT", and "unknown" of what has none
    void (*progress)(int64_t done, int64_t total, void *context);  // may be NULL
    void (*bad)(const char *path, const char *why, void *context); // each unreadable file
    void *context;
} pack_options;
typedef struct pack_summary {
    int64_t packed, bad, duplicates, clips, subjects, per[2][3]; // clips and subjects that have names; per[fake][split]
} pack_summary;
// Deterministic in (list, options). Splits by clip and subject; files with the same bytes go to one split together; a manifest's own splits that share bytes, a
// clip or a subject fail naming both paths. Without skip_bad any unreadable file fails after all were tried and reported; nothing is written then. All ranks
// (base/ranks.h) call it with the same arguments, and get the same summary.
foil_status pack(const import_list *items, const char *path, const pack_options *o, pack_summary *out);

#endif
