// What went wrong, in words a user can act on.
//
// Three kinds of error, kept apart: `assert` for our own bugs; a `foil_status` with a thread-local message for users, files and
// memory; `exit` only in cli/. A function that fails sets the message once, where the facts are known, as
// "what is wrong, where, what was expected"; callers may put context before it and hand the status on.
#ifndef FOIL_BASE_STATUS_H
#define FOIL_BASE_STATUS_H

#include "foil.h" // foil_status, foil_error

// Sets this thread's message (printf format, no trailing newline) and returns `status`, so that `return foil_fail(FOIL_INVALID, …)` reads well.
// At most 1023 bytes are kept.
foil_status foil_fail(foil_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same for a failed system call: appends ": " and the text of `error` (an errno value). ENOMEM gives FOIL_MEMORY, all else FOIL_IO.
foil_status foil_fail_errno(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Puts context in front of the current message: "context: message". Returns `status` unchanged.
foil_status foil_fail_within(foil_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

// FOIL_MEMORY with a message that says how much was wanted, and for what.
foil_status foil_fail_memory(size_t bytes, const char *what);

// Static analysis sees one file at a time: that none of these ever gives FOIL_OK must be said here.
#if defined(__clang_analyzer__) && !defined(FOIL_STATUS_DEFINED_HERE)
#define foil_fail(status, ...) ((foil_fail)(status, __VA_ARGS__), (status))
#define foil_fail_errno(...) ((foil_fail_errno)(__VA_ARGS__), FOIL_IO)
#define foil_fail_within(status, ...) ((foil_fail_within)(status, __VA_ARGS__), (status))
#define foil_fail_memory(...) ((foil_fail_memory)(__VA_ARGS__), FOIL_MEMORY)
#endif

// Hands a failure on.
#define TRY(expression)                                                                                                                              \
    do {                                                                                                                                             \
        foil_status try_status_ = (expression);                                                                                                      \
        if (try_status_ != FOIL_OK) return try_status_;                                                                                              \
    } while (0)

#endif
