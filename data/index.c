#include "data/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/keys.h"
#include "base/names.h"

typedef struct header {
    int64_t version, size[2], channels;
    int kind, fit, filter;
    const yaml_node *methods, *labels, *shards;
} header;
static const char *const KINDS[] = {"image", NULL}, *const CLASSES[] = {"real", "fake", NULL}, *const SPLITS[] = {"train", "val", "test", NULL};
#define AT(field) offsetof(header, field)
static const key HEADER[] = {{"foil_set", KEY_INT, AT(version), .min = 1, .max = 1, .doc = "version of this format"},
                             {"kind", KEY_CHOICE, AT(kind), .choices = KINDS, .doc = "of what is in it"},
                             {"size", KEY_PAIR, AT(size), .min = 0, .max = 1 << 14, .doc = "height and width of all pictures; 0 = each has its own"},
                             {"channels", KEY_INT, AT(channels), .min = 1, .max = 3, .doc = "3: colour, 1: grey"},
                             {"fit", KEY_CHOICE, AT(fit), .choices = FIT_NAMES, .doc = "how they were brought to that size"},
                             {"resize", KEY_CHOICE, AT(filter), .choices = RESIZE_NAMES, .doc = "with which filter"},
                             {"methods", KEY_NODE, AT(methods), .doc = "names"},
                             {"labels", KEY_NODE, AT(labels), .doc = "in the order in which their pictures are in every shard"},
                             {"shards", KEY_NODE, AT(shards), .doc = "the files"},
                             {0}};
#undef AT

typedef struct label_keys {
    int split, class;
    const char *method;
} label_keys;
static const key LABEL[] = {{"split", KEY_CHOICE, offsetof(label_keys, split), .choices = SPLITS, .doc = "train, val or test"},
                            {"class", KEY_CHOICE, offsetof(label_keys, class), .choices = CLASSES, .doc = "real or fake"},
                            {"method", KEY_TEXT, offsetof(label_keys, method), .fallback = "", .doc = "one of the methods; none = not known"},
                            {0}};

typedef struct shard_keys {
    const char *file, *fingerprint;
    int64_t bytes;
    const yaml_node *pictures;
} shard_keys;
static const key SHARD[] = {{"file", KEY_TEXT, offsetof(shard_keys, file), .doc = "beside the index"},
                            {"bytes", KEY_INT, offsetof(shard_keys, bytes), .min = 1, .max = 1e18, .doc = "of the file"},
                            {"fingerprint", KEY_TEXT, offsetof(shard_keys, fingerprint), .doc = "as 'foil inspect' shows it"},
                            {"pictures", KEY_NODE, offsetof(shard_keys, pictures), .doc = "how many of each label"},
                            {0}};

bool index_is(const char *path) {
    return text_ends_nocase(path, ".yaml") || text_ends_nocase(path, ".yml");
}

void index_free(set_index *x) {
    if (!x) return;
    arena_free(&x->memory);
    free(x);
}

// Reading. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status copied(set_index *x, const char *from, const char **out) {
    *out = arena_text(&x->memory, from);
    return *out ? FOIL_OK : foil_fail_memory(strlen(from), x->path);
}

// A list of `least` items or more, and room for as many things of `size`.
static foil_status list(set_index *x, const yaml_node *at, const char *what, int least, size_t size, int *n, void *out) {
    if (yaml_kind_of(at) != YAML_LIST) return yaml_fail(at, "%s: a list was expected, not a %s", what, yaml_kind_name(at));
    *n = yaml_length(at);
    if (*n < least) return yaml_fail(at, "an index without %s, expected at least one", what);
    void *room = arena_alloc(&x->memory, (size_t)(*n + 1) * size);
    if (!room) return foil_fail_memory((size_t)*n * size, x->path);
    memcpy(out, &room, sizeof room);
    return FOIL_OK;
}

static foil_status read_methods(set_index *x, const yaml_node *at) {
    TRY(list(x, at, "methods", 0, sizeof *x->method, &x->methods, &x->method));
    for (int i = 0; i < x->methods; i++) {
        const char *name = yaml_text(yaml_item(at, i));
        if (!name) return yaml_fail(yaml_item(at, i), "the name of a method was expected");
        TRY(copied(x, name, &x->method[i]));
    }
    return FOIL_OK;
}

static int find(const set_index *x, const char *method) {
    int i = 0;
    while (i < x->methods && strcmp(x->method[i], method) != 0) i++;
    return i;
}

static foil_status read_labels(set_index *x, const yaml_node *at) {
    TRY(list(x, at, "labels", 1, sizeof *x->label, &x->labels, &x->label));
    for (int i = 0; i < x->labels; i++) {
        label_keys k;
        TRY(keys_read(yaml_item(at, i), LABEL, &k, "a label"));
        int method = k.method ? find(x, k.method) : -1;
        if (method == x->methods) return yaml_fail(yaml_item(at, i), "method '%s' is not one of the index's methods", k.method);
        x->label[i] = (set_label){k.class == 1, method, (set_split)k.split};
    }
    return FOIL_OK;
}

static foil_status read_counts(set_index *x, const yaml_node *at, index_shard *s, int64_t *sum) {
    int n = 0;
    int64_t *counts = NULL;
    TRY(list(x, at, "pictures", 0, sizeof *counts, &n, &counts));
    if (n != x->labels) return yaml_fail(at, "%d counts of pictures, expected %d, one for each label", n, x->labels);
    for (int i = 0; i < n; i++) {
        const char *given = yaml_text(yaml_item(at, i));
        long long count;
        if (!given || !text_to_int(given, &count) || count < 0 || count > INT32_MAX)
            return yaml_fail(yaml_item(at, i), "'%s': a number of pictures was expected", given ? given : yaml_kind_name(yaml_item(at, i)));
        *sum += counts[i] = count;
    }
    s->pictures = counts;
    return *sum > 0 ? FOIL_OK : yaml_fail(at, "a shard without pictures");
}

// Whether it is there; of a file cut short or replaced, most often, the size tells.
static foil_status check_file(const index_shard *s, const yaml_node *at) {
    struct stat is;
    if (stat(s->file, &is) != 0) return yaml_fail(at, "shard %s is missing or can't be read", s->file);
    if (!S_ISREG(is.st_mode)) return yaml_fail(at, "shard %s is not a file", s->file);
    if (is.st_size == s->bytes) return FOIL_OK;
    return yaml_fail(at, "shard %s has %lld bytes, expected %lld: it was cut short or changed after the index was written", s->file,
                     (long long)is.st_size, (long long)s->bytes);
}

static foil_status once(names *seen, const char *name, int i, const yaml_node *list_node, const char *what) {
    int at = names_add(seen, name);
    if (at < 0) return foil_fail_memory(strlen(name), "the names of shards");
    if (at == i) return FOIL_OK;
    return yaml_fail(yaml_item(list_node, i), "the %s of a shard, '%s', is there twice: first at %s", what, name,
                     yaml_place(yaml_item(list_node, at)));
}

static foil_status read_shard(set_index *x, const yaml_node *at, int i, names *files, names *prints) {
    const yaml_node *item = yaml_item(at, i);
    index_shard *s = &x->shard[i];
    shard_keys k;
    int64_t sum = 0;
    TRY(keys_read(item, SHARD, &k, "a shard"));
    TRY(once(files, k.file, i, at, "file"));
    if (strlen(k.fingerprint) != 64 || strspn(k.fingerprint, "0123456789abcdef") != 64)
        return yaml_fail(item, "fingerprint '%s': 64 digits were expected", k.fingerprint);
    TRY(once(prints, k.fingerprint, i, at, "fingerprint"));
    char *file = file_beside(x->path, k.file);
    foil_status status = file ? copied(x, file, &s->file) : foil_fail_memory(strlen(k.file), "a path");
    free(file);
    TRY(status);
    TRY(copied(x, k.fingerprint, &s->fingerprint));
    s->bytes = k.bytes;
    TRY(read_counts(x, k.pictures, s, &sum));
    x->shard[i + 1].first = s->first + sum;
    return check_file(s, item);
}

static foil_status read_shards(set_index *x, const yaml_node *at) {
    names files = {0}, prints = {0};
    foil_status status = list(x, at, "shards", 1, sizeof *x->shard, &x->shards, &x->shard);
    for (int i = 0; status == FOIL_OK && i < x->shards; i++) status = read_shard(x, at, i, &files, &prints);
    names_free(&files);
    names_free(&prints);
    return status;
}

static void take_fingerprint(set_index *x) {
    sha256_sum sum;
    unsigned char digest[32];
    sha256_begin(&sum);
    for (int i = 0; i < x->shards; i++) sha256_add(&sum, x->shard[i].fingerprint, 65);
    sha256_end(&sum, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(x->fingerprint + 2 * i, 3, "%02x", digest[i]);
}

static foil_status take(set_index *x, const yaml_node *root) {
    header h;
    if (yaml_kind_of(root) != YAML_MAP || !yaml_get(root, "foil_set"))
        return yaml_fail(root, "not the index of a set: the key 'foil_set' is missing");
    TRY(keys_read(root, HEADER, &h, "an index"));
    if (h.channels == 2) return yaml_fail(yaml_get(root, "channels"), "2 channels, expected 1 or 3");
    if ((h.size[0] == 0) != (h.size[1] == 0)) return yaml_fail(yaml_get(root, "size"), "one size is 0, expected both or none");
    x->facts = (set_facts){(int)h.size[0], (int)h.size[1], (int)h.channels, (image_fit)h.fit, (resize_filter)h.filter};
    TRY(read_methods(x, h.methods));
    TRY(read_labels(x, h.labels));
    TRY(read_shards(x, h.shards));
    take_fingerprint(x);
    return FOIL_OK;
}

foil_status index_read(const char *path, set_index **out) {
    *out = NULL;
    yaml *document;
    TRY(yaml_read(path, &document));
    set_index *x = calloc(1, sizeof *x);
    foil_status status = x ? copied(x, path, &x->path) : foil_fail_memory(sizeof *x, "an index");
    if (status == FOIL_OK) status = take(x, yaml_root(document));
    yaml_free(document);
    if (status == FOIL_OK)
        *out = x;
    else
        index_free(x);
    return status;
}

// Writing. --------------------------------------------------------------------------------------------------------------------------------------

// In quotes, as YAML and JSON have it.
static void write_text(file_writer *w, const char *value) {
    file_printf(w, "\"");
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\')
            file_printf(w, "\\%c", *c);
        else if ((unsigned char)*c < ' ')
            file_printf(w, "\\x%02x", (unsigned char)*c);
        else
            file_write(w, c, 1);
    }
    file_printf(w, "\"");
}

static void write_header(file_writer *w, const set_index *x) {
    const set_facts *f = &x->facts;
    file_printf(w, "# One set in many files, written by 'foil pack'. Every shard has its pictures in the order of `labels`.\n");
    file_printf(w, "foil_set: 1\nkind: image\nsize: [%d, %d]\nchannels: %d\nfit: %s\nresize: %s\nmethods: [", f->height, f->width, f->channels,
                FIT_NAMES[f->fit], RESIZE_NAMES[f->filter]);
    for (int i = 0; i < x->methods; i++) {
        if (i) file_printf(w, ", ");
        write_text(w, x->method[i]);
    }
    file_printf(w, "]\nlabels:\n");
    for (int i = 0; i < x->labels; i++) {
        const set_label *l = &x->label[i];
        file_printf(w, "  - {split: %s, class: %s", SPLIT_NAMES[l->split], CLASSES[l->fake]);
        if (l->method >= 0) {
            file_printf(w, ", method: ");
            write_text(w, x->method[l->method]);
        }
        file_printf(w, "}\n");
    }
}

foil_status index_write(const char *path, const set_index *x) {
    file_writer *w;
    TRY(file_create(path, &w));
    write_header(w, x);
    file_printf(w, "shards:\n");
    for (int i = 0; i < x->shards; i++) {
        const index_shard *s = &x->shard[i];
        file_printf(w, "  - {file: ");
        write_text(w, s->file);
        file_printf(w, ", bytes: %lld, fingerprint: %s, pictures: [", (long long)s->bytes, s->fingerprint);
        for (int k = 0; k < x->labels; k++) file_printf(w, k ? ", %lld" : "%lld", (long long)s->pictures[k]);
        file_printf(w, "]}\n");
    }
    return file_commit(w);
}

// Checking. -------------------------------------------------------------------------------------------------------------------------------------

static foil_status not_it(const set_index *x, int number, const char *what) {
    return foil_fail(FOIL_INVALID, "%s: %s are not those of shard %d in %s: it is a shard of another set, or was changed after the index was written",
                     x->shard[number].file, what, number, x->path);
}

foil_status index_check(const set_index *x, int number, const shard *s) {
    const set_facts *a = &x->facts, *b = &s->facts;
    if (a->height != b->height || a->width != b->width || a->channels != b->channels || a->fit != b->fit || a->filter != b->filter)
        return foil_fail(FOIL_INVALID, "%s: pictures of %d x %d x %d, %s, %s; %s expects %d x %d x %d, %s, %s", s->path, b->height, b->width,
                         b->channels, FIT_NAMES[b->fit], RESIZE_NAMES[b->filter], x->path, a->height, a->width, a->channels, FIT_NAMES[a->fit],
                         RESIZE_NAMES[a->filter]);
    if (s->count != x->shard[number + 1].first - x->shard[number].first) return not_it(x, number, "its numbers of pictures");
    bool same = s->methods == x->methods;
    for (int i = 0; same && i < x->methods; i++) same = !strcmp(h5_text(&s->method_name, i), x->method[i]);
    if (!same) return not_it(x, number, "its methods");
    for (int64_t k = 0, i = 0, end = 0; k < x->labels; k++) {
        set_label l = x->label[k];
        for (end += x->shard[number].pictures[k]; same && i < end; i++)
            same = s->fake[i] == l.fake && s->split[i] == l.split && s->method[i] == l.method;
    }
    return same ? FOIL_OK : not_it(x, number, "its labels");
}
