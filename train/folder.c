#include "train/folder.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

char *folder_path(const char *folder, const char *format, ...) {
    char *name, *path;
    va_list list;
    va_start(list, format);
    int length = vasprintf(&name, format, list);
    va_end(list);
    if (length < 0) return NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0) path = NULL;
    free(name);
    return path;
}

bool folder_has(const char *folder, const char *name) {
    char path[PATH_MAX]; // of no memory that may be short: a run that is not seen would begin anew
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && file_exists(path);
}

bool folder_has_checkpoint(const char *folder) {
    return folder_has(folder, "checkpoint.safetensors") || folder_has(folder, "checkpoint-previous.safetensors");
}

foil_status folder_write(const char *folder, const char *name, const char *content) {
    char *path = folder_path(folder, "%s", name);
    foil_status status = path ? file_save(path, content, strlen(content)) : foil_fail_memory(64, "a path");
    free(path);
    return status;
}

// A checkpoint knows the set and the networks by what is in them, wherever they are now; without one nothing but the paths tells whether they are others.
static foil_status check_same(const char *path, const char *folder, const config *c) {
    config before;
    TRY(config_read(path, NULL, 0, &before));
    foil_status status = folder_has_checkpoint(folder) ? config_same_moved(c, &before) : config_same(c, &before);
    config_free(&before);
    return status == FOIL_OK ? FOIL_OK : foil_fail_within(status, "%s: this run cannot be continued with other settings", folder);
}

foil_status folder_prepare(const char *folder, const config *c, bool resume) {
    bool run = folder_has(folder, "config.yaml") || folder_has_checkpoint(folder);
    if (run && !resume) return foil_fail(FOIL_INVALID, "%s holds a run already: continue it with --resume, or choose another folder", folder);
    char *samples = folder_path(folder, "samples"), *path = folder_path(folder, "config.yaml");
    foil_status status = samples && path ? file_make_folder(samples) : foil_fail_memory(64, "a path");
    if (status == FOIL_OK) file_sweep(folder), file_sweep(samples); // of the run before, if it was killed
    if (status == FOIL_OK && file_exists(path)) status = check_same(path, folder, c);
    free(samples);
    free(path);
    return status;
}

foil_status folder_write_config(const char *folder, const config *c) {
    char *document;
    TRY(config_emit(c, &document));
    foil_status status = folder_write(folder, "config.yaml", document);
    free(document);
    return status;
}
