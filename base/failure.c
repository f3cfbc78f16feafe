#include "base/failure.h"

#include <stdio.h>

void failure_note(failure *f, int64_t at, foil_status status) {
    if (status == FOIL_OK) return;
#pragma omp critical(failure)
    if (f->status == FOIL_OK || at < f->at) {
        f->status = status;
        f->at = at;
        snprintf(f->message, sizeof f->message, "%s", foil_error());
    }
}

foil_status failure_status(const failure *f) {
    return f->status == FOIL_OK ? FOIL_OK : foil_fail(f->status, "%s", f->message);
}
