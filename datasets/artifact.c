// ArtiFact: a folder for each generator or source of reals, with a metadata.csv: filename,image_path,target,category, its paths relative to it, and
// target 0 for real, above for fake.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/text.h"
#include "datasets/below.h"

static const char LIST[] = "metadata.csv";
enum { COLUMN_FILENAME, COLUMN_PATH, COLUMN_TARGET, COLUMNS };
static const char *const COLUMN_NAMES[] = {"filename", "image_path", "target", NULL};

static foil_status read_header(csv_reader *c, int *column) {
    bool more;
    TRY(csv_next(c, &more));
    csv_columns(c, COLUMN_NAMES, column);
    if (more && column[COLUMN_FILENAME] >= 0 && column[COLUMN_PATH] >= 0 && column[COLUMN_TARGET] >= 0) return FOIL_OK;
    return csv_wrong(c, "ArtiFact's header was expected: filename,image_path,target,category");
}

typedef struct walk {
    import_list *list;
    const import_options *options;
} walk;

// What is above the list names the method.
static foil_status add_record(const walk *w, const csv_reader *c, const int *column, const char *folder) {
    const char *path = csv_value(c, column[COLUMN_PATH]), *name = csv_value(c, column[COLUMN_FILENAME]),
               *target = csv_value(c, column[COLUMN_TARGET]);
    long long number;
    char method[512];
    if (!*path) return csv_wrong(c, "no image_path");
    if (strcmp(file_name(path), name) != 0)
        return foil_fail(FOIL_INVALID, "%s:%d: filename '%s', but image_path '%s'", c->path, c->record, name, path);
    if (!text_to_int(target, &number) || number < 0)
        return foil_fail(FOIL_INVALID, "%s:%d: target '%s'; 0 for real, or 1 and more for fake, was expected", c->path, c->record, target);
    if (snprintf(method, sizeof method, "%s%s", folder, number ? "" : "-reals") >= (int)sizeof method)
        return foil_fail(FOIL_INVALID, "%s: a folder's name of more than 500 bytes", c->path);
    char *whole = file_beside(c->path, path);
    if (!whole) return foil_fail_memory(strlen(path), "a path");
    foil_status s = import_add_picture(w->list, w->options, whole, &(import_item){.fake = number > 0, .method = method, .split = -1});
    free(whole);
    return s;
}

static foil_status read_list(const walk *w, csv_reader *c) {
    int column[COLUMNS];
    char above[4096], folder[512];
    TRY(read_header(c, column));
    snprintf(above, sizeof above, "%.*s", (int)(file_name(c->path) - c->path), c->path);
    source_name(above, folder, sizeof folder);
    for (;;) {
        bool more;
        TRY(csv_next(c, &more));
        if (!more) return FOIL_OK;
        TRY(add_record(w, c, column, folder));
    }
}

static foil_status visit(const char *path, void *context) {
    csv_reader c;
    if (strcmp(file_name(path), LIST) != 0) return FOIL_OK;
    TRY(csv_open(path, &c));
    foil_status s = read_list(context, &c);
    csv_close(&c);
    return s;
}

static foil_status list_artifact(const char *source, const import_options *o, import_list *into) {
    if (!file_is_folder(source)) return foil_fail(FOIL_INVALID, "%s: the layout artifact is a folder: [<method>/]metadata.csv", source);
    return file_walk(source, visit, &(walk){into, o});
}

static bool has_list(const char *folder) {
    char path[4096];
    csv_reader c;
    int column[COLUMNS];
    if (snprintf(path, sizeof path, "%s/%s", folder, LIST) >= (int)sizeof path || !file_exists(path) || csv_open(path, &c) != FOIL_OK) return false;
    bool has = read_header(&c, column) == FOIL_OK;
    csv_close(&c);
    return has;
}

// In the folder, or in one of those that it holds.
static bool sniff_artifact(const char *source) {
    DIR *folder = opendir(source);
    bool found = folder && has_list(source);
    for (struct dirent *e; folder && !found && (e = readdir(folder));) {
        char path[4096];
        found = e->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", source, e->d_name) < (int)sizeof path && has_list(path);
    }
    if (folder) closedir(folder);
    return found;
}

extern const importer IMPORT_ARTIFACT;
const importer IMPORT_ARTIFACT = {"artifact", "ArtiFact: <method>/metadata.csv with filename,image_path,target (0 = real)", sniff_artifact,
                                  list_artifact};
