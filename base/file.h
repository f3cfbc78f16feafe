// Files appear whole or not at all.
#ifndef FOIL_BASE_FILE_H
#define FOIL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

// A file being written: bytes go to a temporary beside `path`, which appears under its name at commit (write, fsync, rename, fsync of the
// folder). After an abort, or a crash, `path` is what it was before.
typedef struct file_writer file_writer;

// Opens the temporary. Fails with the folder's name when that is missing or not writable.
foil_status file_create(const char *path, file_writer **out);
// Appends. Errors are kept and reported by file_commit, so that writers chain without checks.
void file_write(file_writer *w, const void *bytes, size_t n);
void file_printf(file_writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Writers of other libraries: the temporary's own name (nothing else may be written through `w` then) or stream.
const char *file_temporary(const file_writer *w);
FILE *file_stream(file_writer *w);
// Puts all on the disk, closes the temporary and tells its size: then only the renaming is left to file_commit.
foil_status file_finish(file_writer *w, int64_t *bytes);
// Makes the file appear, or removes the temporary and says what went wrong. Frees `w` either way.
foil_status file_commit(file_writer *w);
// All of it at once: creates, writes, commits.
foil_status file_save(const char *path, const void *bytes, size_t n);
// Removes the temporary. NULL is fine.
void file_abort(file_writer *w);
// Removes the temporaries of all writers (of 64 at most), and those that are opened from now on: for the handler of a signal that ends the process.
void file_discard(void);
// Removes what writers of processes that are no more, as killed ones, left in `folder`.
void file_sweep(const char *folder);

// The whole of `path` in memory that the caller frees; a NUL follows the last byte. `n` may be NULL. Fails on folders, and above `limit` bytes (0 = none).
foil_status file_read(const char *path, size_t limit, char **bytes, size_t *n);

// A file read through the page cache, read-only.
typedef struct file_map {
    const unsigned char *bytes;
    size_t n;
} file_map;
foil_status file_map_open(const char *path, file_map *out); // an empty file gives n = 0, bytes = NULL; pipes and devices are refused
void file_map_close(file_map *m);

bool file_exists(const char *path); // anything by that name
bool file_is_folder(const char *path);
bool file_is_within(const char *path, const char *of); // whether `path`, which need not be there, is `of` or below it, links followed
foil_status file_make_folder(const char *path);        // with its parents; fine if it is there

// Calls `visit` for every regular file under `folder` (links followed, those to nothing visited, too; hidden names skipped), sorted by path in byte order, with
// the path as `folder/…`. Stops at the first failure of `visit` and returns it. A cycle of links is an error.
foil_status file_walk(const char *folder, foil_status (*visit)(const char *path, void *context), void *context);

// `path` relative to the folder of `base` (a file) unless it is absolute; the caller frees. "a/b.yaml" + "c.h5" -> "a/c.h5".
char *file_beside(const char *base, const char *path);
// The last component, inside `path`.
const char *file_name(const char *path);

// SHA-256 (FIPS 180-4), in pieces or at once.
typedef struct sha256_sum {
    uint32_t h[8];
    uint64_t n; // bytes so far
    unsigned char block[64];
} sha256_sum;
void sha256_begin(sha256_sum *s);
void sha256_add(sha256_sum *s, const void *bytes, size_t n);
void sha256_end(sha256_sum *s, unsigned char digest[32]);
void sha256(const void *bytes, size_t n, unsigned char digest[32]);

#endif
