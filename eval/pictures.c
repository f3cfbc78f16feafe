#include "eval/pictures.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "datasets/importer.h"

struct pictures {
    char *name;
    set_split split;
    set *set; // or
    import_list *list;
    selection chosen; // of the set
    int64_t n, fakes;
};

static void count_in_set(pictures *p) {
    set_label label;
    for (int64_t i = 0, end; i < set_count(p->set); i = end) {
        end = i + set_label_run(p->set, i, &label);
        if (label.fake && (p->split == SPLIT_ALL || label.split == p->split)) p->fakes += end - i;
    }
    p->n = p->chosen.n;
}

static foil_status open_set(pictures *p) {
    foil_status status = set_open(p->name, &p->set);
    if (status == FOIL_OK) status = set_select(p->set, p->split, NULL, NULL, &p->chosen);
    if (status != FOIL_OK) return strstr(foil_error(), p->name) ? status : foil_fail_within(status, "%s", p->name);
    count_in_set(p);
    return FOIL_OK;
}

static foil_status open_folder(pictures *p) {
    p->split = SPLIT_ALL;
    TRY(import_sources(&(const char *){p->name}, 1, &(import_options){.layout = "folders", .label = -1}, &p->list));
    p->n = import_count(p->list);
    for (int64_t i = 0; i < p->n; i++) p->fakes += import_at(p->list, i)->fake;
    return FOIL_OK;
}

foil_status pictures_open(const char *path, set_split split, pictures **out) {
    *out = NULL;
    pictures *p = calloc(1, sizeof *p);
    char *name = strdup(path);
    if (!p || !name) {
        free(p);
        free(name);
        return foil_fail_memory(sizeof *p + strlen(path), "pictures");
    }
    p->name = name;
    p->split = split;
    foil_status status = file_is_folder(path) ? open_folder(p) : open_set(p);
    if (status == FOIL_OK)
        *out = p;
    else
        pictures_close(p);
    return status;
}

void pictures_close(pictures *p) {
    if (!p) return;
    selection_free(&p->chosen);
    set_close(p->set);
    import_free(p->list);
    free(p->name);
    free(p);
}

const char *pictures_name(const pictures *p) {
    return p->name;
}

const char *pictures_split(const pictures *p) {
    return SPLIT_NAMES[p->split];
}

const char *pictures_fingerprint(const pictures *p) {
    return p->set ? set_fingerprint(p->set) : "";
}

int64_t pictures_count(const pictures *p) {
    return p->n;
}

int64_t pictures_fakes(const pictures *p) {
    return p->fakes;
}

foil_status pictures_need_both(const pictures *p) {
    if (p->fakes && p->fakes < p->n) return FOIL_OK;
    const char *of = p->split == SPLIT_ALL ? "" : SPLIT_NAMES[p->split];
    return foil_fail(FOIL_INVALID, "%s%s%s%s has %lld reals and %lld fakes: an evaluation needs both", *of ? "split '" : "", of, *of ? "' of " : "",
                     p->name, (long long)(p->n - p->fakes), (long long)p->fakes);
}

const char *method_level(const char *method) {
    const char *slash = strrchr(method, '/');
    return slash ? slash + 1 : "";
}

static foil_status label_in_set(const pictures *p, int64_t i, arena *texts, picture_label *out) {
    int64_t at = selection_at(&p->chosen, i);
    set_label label = set_label_at(p->set, at);
    set_source from;
    TRY(set_source_at(p->set, at, texts, &from));
    *out = (picture_label){.path = from.path,
                           .method = arena_text(texts, set_method_name(p->set, label.method)),
                           .subject = from.subject,
                           .clip = from.clip,
                           .fake = label.fake};
    return FOIL_OK;
}

static foil_status label_in_list(const pictures *p, int64_t i, arena *texts, picture_label *out) {
    const import_item *from = import_at(p->list, i);
    *out = (picture_label){.path = arena_text(texts, from->path),
                           .method = arena_text(texts, from->method),
                           .subject = arena_text(texts, from->subject),
                           .clip = -1,
                           .fake = from->fake};
    return FOIL_OK;
}

foil_status pictures_label(const pictures *p, int64_t i, arena *texts, picture_label *out) {
    TRY(p->set ? label_in_set(p, i, texts, out) : label_in_list(p, i, texts, out));
    if (!out->path || !out->method || !out->subject) return foil_fail_memory(sizeof *out, "the label of a picture");
    out->level = method_level(out->method);
    return FOIL_OK;
}

foil_status pictures_read(const pictures *p, int64_t i, image *out) {
    return p->set ? set_read(p->set, selection_at(&p->chosen, i), out) : image_read(import_at(p->list, i)->path, out);
}

foil_status pictures_failed(const pictures *p, int64_t i, foil_status status) {
    arena texts = {0};
    picture_label label;
    char *why = strdup(foil_error()); // what follows may fail as well
    if (why && pictures_label(p, i, &texts, &label) == FOIL_OK && *label.path && !strstr(why, label.path))
        status = foil_fail(status, "%s: %s", label.path, why);
    else if (why)
        status = foil_fail(status, "%s", why);
    free(why);
    arena_free(&texts);
    return status;
}
