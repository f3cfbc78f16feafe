// real/<source>/** and fake/<method>/**, or any tree or single picture whose label is given.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "datasets/importer.h"

typedef struct walk {
    import_list *list;
    const import_options *options;
    const char *folder;
} walk;

// The first component of `path`'s folders below `folder`, copied to `out`; `whole`: if there is none.
static void first_folder(const char *path, const char *folder, const char *whole, char *out, size_t n) {
    const char *below = path + strlen(folder);
    while (*below == '/') below++;
    const char *slash = strchr(below, '/');
    if (slash)
        snprintf(out, n, "%.*s", (int)(slash - below), below);
    else
        snprintf(out, n, "%s", whole);
}

static foil_status visit_labelled(const char *path, void *context) {
    const walk *w = context;
    if (!image_has_known_suffix(path)) return FOIL_OK;
    char method[256];
    bool fake = w->options->label == 1;
    first_folder(path, w->folder, fake ? "fake" : "real", method, sizeof method);
    return import_add_file(w->list, path, fake, w->options->method ? w->options->method : method);
}

static foil_status walk_class(const walk *w, const char *name, int label) {
    char folder[4096];
    if (snprintf(folder, sizeof folder, "%s/%s", w->folder, name) >= (int)sizeof folder)
        return foil_fail(FOIL_INVALID, "%s: the path is too long", w->folder);
    if (!file_is_folder(folder)) return FOIL_OK;
    import_options o = *w->options;
    o.label = label;
    return file_walk(folder, visit_labelled, &(walk){w->list, &o, folder});
}

static foil_status list_folders(const char *source, const import_options *o, import_list *into) {
    walk w = {into, o, source};
    if (o->label >= 0) {
        if (!file_is_folder(source)) return import_add_file(into, source, o->label == 1, o->method ? o->method : o->label == 1 ? "fake" : "real");
        return file_walk(source, visit_labelled, &w);
    }
    if (!file_is_folder(source)) return foil_fail(FOIL_INVALID, "%s: a picture without a label; say --label real or --label fake", source);
    int64_t before = import_count(into);
    TRY(walk_class(&w, "real", 0));
    TRY(walk_class(&w, "fake", 1));
    if (import_count(into) > before) return FOIL_OK;
    return foil_fail(FOIL_INVALID,
                     "%s: no pictures under real/ or fake/; expected real/<source>/** and fake/<method>/** (other trees: foil pack --label)", source);
}

static bool sniff_folders(const char *source) {
    return file_is_folder(source);
}

extern const importer IMPORT_FOLDERS;
const importer IMPORT_FOLDERS = {"folders", "real/<source>/** and fake/<method>/**, or any tree with --label", sniff_folders, list_folders};
