// The list of items, and which layout a source has.
#include "datasets/importer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/text.h"

struct import_list {
    arena texts;
    import_item *item;
    int64_t n, capacity;
    struct held {
        struct held *next;
        import_archive archive; // or
        set *set;
    } * held;
};

extern const importer IMPORT_CSV, IMPORT_IDX, IMPORT_CIFAR, IMPORT_SET, IMPORT_FOLDERS;
extern const importer IMPORT_FORENSYNTHS, IMPORT_CIFAKE, IMPORT_GENIMAGE, IMPORT_SPLITS, IMPORT_FACEFORENSICS, IMPORT_CELEBDF, IMPORT_DEEPFAKEBENCH,
    IMPORT_DFDC, IMPORT_FAKEAVCELEB, IMPORT_ARTIFACT;
const importer *const IMPORTERS[] = {&IMPORT_CSV,           &IMPORT_IDX,      &IMPORT_CIFAR,         &IMPORT_SET,
                                     &IMPORT_FACEFORENSICS, &IMPORT_CELEBDF,  &IMPORT_DEEPFAKEBENCH, &IMPORT_DFDC,
                                     &IMPORT_FAKEAVCELEB,   &IMPORT_ARTIFACT, &IMPORT_FORENSYNTHS,   &IMPORT_CIFAKE,
                                     &IMPORT_GENIMAGE,      &IMPORT_SPLITS,   &IMPORT_FOLDERS,       NULL};

int64_t import_count(const import_list *l) {
    return l->n;
}

const import_item *import_at(const import_list *l, int64_t i) {
    return &l->item[i];
}

void import_free(import_list *l) {
    if (!l) return;
    for (struct held *h = l->held; h; h = h->next) {
        free(h->archive.bytes);
        set_close(h->set);
    }
    arena_free(&l->texts);
    free(l->item);
    free(l);
}

foil_status import_add(import_list *l, const import_item *item) {
    if (l->n == l->capacity) {
        int64_t capacity = l->capacity ? 2 * l->capacity : 256;
        import_item *more = realloc(l->item, (size_t)capacity * sizeof *more);
        if (!more) return foil_fail_memory((size_t)capacity * sizeof *more, "the list of pictures");
        l->item = more;
        l->capacity = capacity;
    }
    import_item *copy = &l->item[l->n];
    *copy = *item;
    copy->path = arena_text(&l->texts, item->path);
    copy->stored = item->stored ? arena_text(&l->texts, item->stored) : NULL;
    copy->method = arena_text(&l->texts, item->method);
    copy->subject = arena_text(&l->texts, item->subject);
    copy->clip = arena_text(&l->texts, item->clip);
    bool ok = copy->path && (copy->stored || !item->stored) && copy->method && copy->subject && copy->clip;
    if (!ok) return foil_fail_memory(strlen(item->path), "the list of pictures");
    l->n++;
    return FOIL_OK;
}

foil_status import_add_file(import_list *l, const char *path, bool fake, const char *method) {
    return import_add(l, &(import_item){.path = path, .fake = fake, .method = method, .subject = "", .clip = "", .split = -1});
}

static foil_status add_records(import_list *l, const char *source, const import_archive *a, const import_options *o) {
    text path = {0};
    foil_status s = FOIL_OK;
    for (int64_t i = 0; s == FOIL_OK && i < a->records; i++) {
        path.length = 0;
        text_format(&path, "%s#%lld", source, (long long)i);
        if (path.failed) s = foil_fail_memory(path.length, "the list of pictures");
        const import_item item = {.path = path.data,
                                  .archive = a,
                                  .record = i,
                                  .fake = o->label == 1,
                                  .method = o->method ? o->method : file_name(source),
                                  .subject = "",
                                  .clip = "",
                                  .split = -1};
        if (s == FOIL_OK) s = import_add(l, &item);
    }
    text_free(&path);
    return s;
}

foil_status import_add_archive(import_list *l, const char *source, const import_archive *a, const import_options *o) {
    struct held *h = arena_alloc(&l->texts, sizeof *h);
    if (!h) {
        free(a->bytes);
        return foil_fail_memory(sizeof *h, "the list of pictures");
    }
    *h = (struct held){.next = l->held, .archive = *a};
    l->held = h;
    return add_records(l, source, &h->archive, o);
}

foil_status import_hold_set(import_list *l, set *s) {
    struct held *h = arena_alloc(&l->texts, sizeof *h);
    if (!h) {
        set_close(s);
        return foil_fail_memory(sizeof *h, "the list of pictures");
    }
    *h = (struct held){.next = l->held, .set = s};
    l->held = h;
    return FOIL_OK;
}

// Reading. ------------------------------------------------------------------------------------------------------------------------------------------

static foil_status read_record(const import_item *item, image *out, unsigned char sha[32], image_file *file) {
    const import_archive *a = item->archive;
    size_t plane = (size_t)a->height * (size_t)a->width, c = (size_t)a->channels;
    const uint8_t *from = a->bytes + a->skip + (size_t)item->record * (a->before + plane * c) + a->before;
    TRY(image_new(a->height, a->width, a->channels, out));
    for (size_t i = 0; i < plane * c; i++) out->pixels[i] = from[a->planar ? i % c * plane + i / c : i];
    if (sha) sha256(from, plane * c, sha);
    if (file) *file = (image_file){FILE_RAW, c == 1 ? FILE_GREY : FILE_COLOUR, a->width, a->height, 0, (int32_t)(plane * c)};
    return FOIL_OK;
}

static foil_status read_from_set(const import_item *item, image *out, unsigned char sha[32], image_file *file) {
    TRY(set_read(item->set, item->record, out));
    if (!sha && !file) return FOIL_OK;
    arena texts = {0};
    set_source source;
    foil_status s = set_source_at(item->set, item->record, &texts, &source);
    arena_free(&texts);
    if (s != FOIL_OK) {
        image_free(out);
        return s;
    }
    if (sha && source.known)
        memcpy(sha, source.sha256, 32);
    else if (sha)
        sha256(out->pixels, image_bytes(out), sha);
    if (file) *file = source.file;
    return FOIL_OK;
}

foil_status import_read(const import_item *item, image *out, unsigned char sha[32], image_file *file) {
    if (item->set) return read_from_set(item, out, sha, file);
    if (item->archive) return read_record(item, out, sha, file);
    file_map m;
    TRY(file_map_open(item->path, &m));
    foil_status s = image_decode(m.bytes, m.n, item->path, out);
    if (s == FOIL_OK && sha) sha256(m.bytes, m.n, sha);
    if (s == FOIL_OK && file) image_probe(m.bytes, m.n, out, file);
    file_map_close(&m);
    return s;
}

// Sources. ------------------------------------------------------------------------------------------------------------------------------------------

static foil_status find_layout(const char *source, const char *layout, const importer **out) {
    const char *known[sizeof IMPORTERS / sizeof *IMPORTERS] = {0};
    *out = NULL;
    for (int i = 0; IMPORTERS[i]; i++) {
        known[i] = IMPORTERS[i]->name;
        *out = IMPORTERS[i];
        if (layout && *layout ? !strcmp(layout, known[i]) : IMPORTERS[i]->sniff(source)) return FOIL_OK;
    }
    if (*out && (!layout || !*layout)) return FOIL_OK; // the last one, folders, takes anything
    const char *near = text_nearest(layout, known);
    char all[512];
    for (int i = 0, at = 0; known[i] && at < (int)sizeof all; i++) at += snprintf(all + at, sizeof all - (size_t)at, "%s%s", i ? ", " : "", known[i]);
    return foil_fail(FOIL_INVALID, "unknown layout '%s'%s%s%s; known are %s", layout, near ? " (did you mean '" : "", near ? near : "",
                     near ? "'?)" : "", all);
}

static foil_status list_source(import_list *l, const char *source, const import_options *o) {
    if (!file_exists(source)) return foil_fail(FOIL_IO, "%s: no such file or folder", source);
    const importer *by;
    TRY(find_layout(source, o->layout, &by));
    int64_t before = l->n;
    TRY(by->list(source, o, l));
    return l->n > before ? FOIL_OK : foil_fail(FOIL_INVALID, "%s: no pictures found (layout %s)", source, by->name);
}

foil_status import_sources(const char *const *sources, int n, const import_options *o, import_list **out) {
    *out = NULL;
    import_list *l = calloc(1, sizeof *l);
    if (!l) return foil_fail_memory(sizeof *l, "the list of pictures");
    foil_status s = FOIL_OK;
    for (int i = 0; s == FOIL_OK && i < n; i++) s = list_source(l, sources[i], o);
    if (s == FOIL_OK)
        *out = l;
    else
        import_free(l);
    return s;
}
