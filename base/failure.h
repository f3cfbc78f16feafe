// The first failure of a parallel loop, brought to the thread that started the loop: messages are per thread.
#ifndef FOIL_BASE_FAILURE_H
#define FOIL_BASE_FAILURE_H

#include <stdint.h>

#include "base/status.h"

typedef struct failure { // zero-initialise
    foil_status status;
    int64_t at;
    char message[1024];
} failure;

// Notes how iteration `at` ended; the lowest that failed is kept, so that the report does not depend on threads.
void failure_note(failure *f, int64_t at, foil_status status);
// After the loop: the status, with its message as this thread's.
foil_status failure_status(const failure *f);

#endif
