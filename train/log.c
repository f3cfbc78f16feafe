#include "train/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "train/tensorboard.h"

struct run_log {
    FILE *lines;
    events *events;
    char *path;
};

static const char HEAD[] = "{\"step\": ";

// Leaves the whole lines of steps up to `step`; a kill may have left half a line.
static foil_status cut_back(const char *path, int64_t step) {
    if (!file_exists(path)) return FOIL_OK;
    char *bytes, *end;
    TRY(file_read(path, 0, &bytes, NULL));
    char *at = bytes;
    while (text_starts(at, HEAD) && (end = strchr(at, '\n')) && strtoll(at + sizeof HEAD - 1, NULL, 10) <= step) at = end + 1;
    off_t kept = at - bytes;
    free(bytes);
    if (truncate(path, kept) != 0) return foil_fail_errno(errno, "%s: cannot be cut back", path);
    return FOIL_OK;
}

static foil_status open_in(const char *folder, int64_t step, run_log *l) {
    text path = {0}, events_path = {0};
    text_format(&path, "%s/log.jsonl", folder);
    text_format(&events_path, "%s/events.out.tfevents.0.foil", folder);
    foil_status status = path.failed || events_path.failed ? foil_fail_memory(64, "a path") : cut_back(path.data, step);
    if (status == FOIL_OK) status = events_open(events_path.data, step, &l->events);
    text_free(&events_path);
    l->path = path.data;
    if (status != FOIL_OK) return status;
    l->lines = fopen(l->path, "ab");
    return l->lines ? FOIL_OK : foil_fail_errno(errno, "%s: cannot be opened for writing", l->path);
}

foil_status log_open(const char *folder, int64_t step, run_log **out) {
    *out = NULL;
    run_log *l = calloc(1, sizeof *l);
    if (!l) return foil_fail_memory(sizeof *l, "a log");
    foil_status status = open_in(folder, step, l);
    if (status == FOIL_OK) {
        *out = l;
    } else {
        log_close(l);
    }
    return status;
}

void log_close(run_log *l) {
    if (!l) return;
    if (l->lines) fclose(l->lines);
    events_close(l->events);
    free(l->path);
    free(l);
}

foil_status log_values(run_log *l, int64_t step, const log_value *v, int n) {
    fprintf(l->lines, "%s%" PRId64, HEAD, step);
    for (int i = 0; i < n; i++) {
        if (isfinite(v[i].value)) {
            fprintf(l->lines, ", \"%s\": %.9g", v[i].name, v[i].value);
        } else {
            fprintf(l->lines, ", \"%s\": null", v[i].name);
        }
    }
    fputs("}\n", l->lines);
    if (fflush(l->lines) != 0 || ferror(l->lines)) return foil_fail_errno(errno, "%s: cannot be written", l->path);
    return events_values(l->events, step, v, n);
}

foil_status log_image(run_log *l, int64_t step, const char *name, const image *im) {
    return events_image(l->events, step, name, im);
}
