#include "train/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"
#include "train/folder.h"

static foil_status rename_if_there(const char *from, const char *to) {
    if (rename(from, to) == 0 || errno == ENOENT) return FOIL_OK;
    return foil_fail_errno(errno, "%s: cannot be renamed to %s", from, to);
}

foil_status checkpoint_write(const char *folder, safetensors_writer *w) {
    char *next = folder_path(folder, "checkpoint-next.safetensors"), *current = folder_path(folder, "checkpoint.safetensors");
    char *previous = folder_path(folder, "checkpoint-previous.safetensors");
    foil_status status = next && current && previous ? FOIL_OK : foil_fail_memory(64, "a path");
    // The new one is whole on disk before the old ones move; between the two renames `previous` is the newest.
    if (status == FOIL_OK) status = safetensors_write(w, next);
    if (status == FOIL_OK) status = rename_if_there(current, previous);
    if (status == FOIL_OK && rename(next, current) != 0) status = foil_fail_errno(errno, "%s: cannot be renamed to %s", next, current);
    free(next);
    free(current);
    free(previous);
    return status;
}

static foil_status open_newest(const char *folder, text *reasons, safetensors **out, char **path) {
    static const char *const NAMES[] = {"checkpoint.safetensors", "checkpoint-previous.safetensors"};
    for (int i = 0; i < 2; i++) {
        if (!(*path = folder_path(folder, "%s", NAMES[i]))) return foil_fail_memory(64, "a path");
        const foil_status status = safetensors_open(*path, out);
        if (status == FOIL_OK) return FOIL_OK;
        const bool whole = status != FOIL_INVALID && file_exists(*path); // and newer than the other: a file too many is open, or memory is short
        free(*path);
        *path = NULL;
        if (whole) return status;
        text_format(reasons, "%s%s", i ? "; " : "", foil_error());
    }
    return foil_fail(FOIL_IO, "%s: no readable checkpoint: %s", folder, reasons->failed ? "" : reasons->data);
}

foil_status checkpoint_open(const char *folder, safetensors **out, char **path) {
    text reasons = {0};
    *out = NULL;
    const foil_status status = open_newest(folder, &reasons, out, path);
    text_free(&reasons);
    return status;
}
