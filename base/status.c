#define FOIL_STATUS_DEFINED_HERE
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[1024];

const char *foil_error(void) {
    return message;
}

foil_status foil_fail(foil_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return status;
}

foil_status foil_fail_errno(int error, const char *format, ...) {
    char why[128];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t used = strlen(message);
    // The GNU variant, which _GNU_SOURCE selects: returns the text, which need not be in the buffer.
    snprintf(message + used, sizeof message - used, ": %s", strerror_r(error, why, sizeof why));
    return error == ENOMEM ? FOIL_MEMORY : FOIL_IO;
}

foil_status foil_fail_within(foil_status status, const char *format, ...) {
    char inner[sizeof message];
    memcpy(inner, message, sizeof inner);
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t used = strlen(message);
    snprintf(message + used, sizeof message - used, ": %.*s", (int)(sizeof message - used), inner); // as much of it as there is room for
    return status;
}

foil_status foil_fail_memory(size_t bytes, const char *what) {
    return foil_fail(FOIL_MEMORY, "out of memory: %.1f MB for %s", (double)bytes / 1e6, what);
}
