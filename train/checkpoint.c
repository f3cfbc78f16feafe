#include "train/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"

static foil_status join(const char *folder, const char *name, char **out) {
    text t = {0};
    text_format(&t, "%s/%s", folder, name);
    if (t.failed) {
        text_free(&t);
        return foil_fail_memory(64, "a path");
    }
    *out = t.data;
    return FOIL_OK;
}

static foil_status rename_if_there(const char *from, const char *to) {
    if (rename(from, to) == 0 || errno == ENOENT) return FOIL_OK;
    return foil_fail_errno(errno, "%s: cannot be renamed to %s", from, to);
}

foil_status checkpoint_write(const char *folder, safetensors_writer *w) {
    char *next = NULL, *current = NULL, *previous = NULL;
    foil_status status = join(folder, "checkpoint-next.safetensors", &next);
    if (status == FOIL_OK) status = join(folder, "checkpoint.safetensors", &current);
    if (status == FOIL_OK) status = join(folder, "checkpoint-previous.safetensors", &previous);
    // The new one is whole on disk before the old ones move; between the two renames `previous` is the newest.
    if (status == FOIL_OK) status = safetensors_write(w, next);
    if (status == FOIL_OK) status = rename_if_there(current, previous);
    if (status == FOIL_OK && rename(next, current) != 0) status = foil_fail_errno(errno, "%s: cannot be renamed to %s", next, current);
    free(next);
    free(current);
    free(previous);
    return status;
}

foil_status checkpoint_open(const char *folder, safetensors **out, char **path) {
    static const char *const NAMES[] = {"checkpoint.safetensors", "checkpoint-previous.safetensors"};
    text reasons = {0};
    *out = NULL;
    for (int i = 0; i < 2; i++) {
        TRY(join(folder, NAMES[i], path));
        foil_status status = safetensors_open(*path, out);
        if (status == FOIL_OK) {
            text_free(&reasons);
            return FOIL_OK;
        }
        const bool given_up =
            status != FOIL_INVALID && file_exists(*path); // a file too many, or too little memory: it is whole, and newer than the other
        free(*path);
        *path = NULL;
        if (given_up) {
            text_free(&reasons);
            return status;
        }
        text_format(&reasons, "%s%s", i ? "; " : "", foil_error());
    }
    foil_status status = foil_fail(FOIL_IO, "%s: no readable checkpoint: %s", folder, reasons.failed ? "" : reasons.data);
    text_free(&reasons);
    return status;
}
