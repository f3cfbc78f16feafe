#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_writer {
    char *path, *temporary;
    FILE *stream; // NULL = finished
    int error;    // errno of the first failed write, or 0
};

// The folder of `path` with its slash: "a/b/c" -> "a/b/", "c" -> "".
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

const char *file_name(const char *path) {
    return path + folder_length(path);
}

char *file_beside(const char *base, const char *path) {
    char *joined;
    int folder = *path == '/' ? 0 : (int)folder_length(base);
    return asprintf(&joined, "%.*s%s", folder, base, path) < 0 ? NULL : joined;
}

bool file_exists(const char *path) {
    struct stat s;
    return lstat(path, &s) == 0;
}

bool file_is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool file_is_within(const char *path, const char *of) {
    char *outer = realpath(of, NULL), *part = strdup(path), *inner = NULL;
    while (part && !(inner = realpath(*part ? part : ".", NULL)) && *part) { // not there: the folder that it would be in
        for (size_t n = strlen(part); n > 0 && part[n - 1] == '/';) part[--n] = '\0';
        part[folder_length(part)] = '\0';
    }
    const size_t n = outer ? strlen(outer) : 0;
    const bool within = outer && inner && strncmp(inner, outer, n) == 0 && (n == 1 || inner[n] == '\0' || inner[n] == '/');
    free(outer);
    free(part);
    free(inner);
    return within;
}

foil_status file_make_folder(const char *path) {
    char *part = strdup(path);
    if (!part) return foil_fail_memory(strlen(path), "a path");
    foil_status status = FOIL_OK;
    for (char *p = part; status == FOIL_OK && *p; p++) {
        bool end = p[1] == '\0' || (p[1] == '/' && *p != '/'); // after each component
        if (!end) continue;
        char kept = p[1];
        p[1] = '\0';
        int made = mkdir(part, 0777);
        int error = errno; // file_is_folder sets its own
        if (made != 0 && !file_is_folder(part)) status = foil_fail_errno(error, "%s: the folder can't be made", part);
        p[1] = kept;
    }
    free(part);
    return status;
}

// Writing ------------------------------------------------------------------------------------------------------------------------------------

static _Atomic(const char *) open_temporaries[64];
static atomic_bool discarded;

// `now` in the place of `before`; NULL = nothing.
static void note_temporary(const char *before, const char *now) {
    for (size_t i = 0; i < sizeof open_temporaries / sizeof *open_temporaries; i++) {
        const char *expected = before;
        if (atomic_compare_exchange_strong(&open_temporaries[i], &expected, now)) return;
    }
}

void file_discard(void) {
    atomic_store(&discarded, true);
    for (size_t i = 0; i < sizeof open_temporaries / sizeof *open_temporaries; i++) {
        const char *path = atomic_load(&open_temporaries[i]);
        if (path) unlink(path);
    }
}

static void writer_free(file_writer *w) {
    if (w->temporary) note_temporary(w->temporary, NULL);
    free(w->path);
    free(w->temporary);
    free(w);
}

// Opens a new file ".foil-<process>-<count>" beside the path. Hidden, so that file_walk passes it by.
static int open_temporary(file_writer *w) {
    static atomic_uint count;
    for (;;) {
        int folder = (int)folder_length(w->path);
        if (asprintf(&w->temporary, "%.*s.foil-%ld-%u", folder, w->path, (long)getpid(), atomic_fetch_add(&count, 1)) < 0) {
            w->temporary = NULL;
            errno = ENOMEM;
            return -1;
        }
        note_temporary(NULL, w->temporary); // before it is there: a signal may come at any time
        int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 && atomic_load(&discarded)) unlink(w->temporary);
        if (fd >= 0 || errno != EEXIST) return fd;
        note_temporary(w->temporary, NULL);
        free(w->temporary);
    }
}

void file_sweep(const char *folder) {
    DIR *d = opendir(folder);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        long process;
        unsigned count;
        char behind;
        if (sscanf(e->d_name, ".foil-%ld-%u%c", &process, &count, &behind) == 2 && process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

// What can't be replaced by a rename: folders, and things like /dev/null that must not be.
static foil_status check_target(const char *path) {
    struct stat s;
    if (!*file_name(path)) return foil_fail(FOIL_INVALID, "'%s': expected the name of a file to write", path);
    if (stat(path, &s) != 0 || S_ISREG(s.st_mode)) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: is %s, expected the name of a file to write", path, S_ISDIR(s.st_mode) ? "a folder" : "not a regular file");
}

foil_status file_create(const char *path, file_writer **out) {
    *out = NULL;
    TRY(check_target(path));
    file_writer *w = calloc(1, sizeof *w);
    if (!w) return foil_fail_memory(sizeof *w, "a file writer");
    w->path = strdup(path);
    int fd = w->path ? open_temporary(w) : -1;
    w->stream = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (w->stream) {
        *out = w;
        return FOIL_OK;
    }
    int error = errno;
    if (fd >= 0) {
        close(fd);
        unlink(w->temporary);
    }
    writer_free(w);
    return foil_fail_errno(error, "%s: can't write in folder '%.*s'", path, folder_length(path) ? (int)folder_length(path) : 1,
                           folder_length(path) ? path : ".");
}

static void keep_error(file_writer *w) {
    if (!w->error) w->error = errno ? errno : EIO;
}

void file_write(file_writer *w, const void *bytes, size_t n) {
    errno = 0;
    if (n > 0 && fwrite(bytes, 1, n, w->stream) != n) keep_error(w);
}

void file_printf(file_writer *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    errno = 0;
    if (vfprintf(w->stream, format, args) < 0) keep_error(w);
    va_end(args);
}

const char *file_temporary(const file_writer *w) {
    return w->temporary;
}

FILE *file_stream(file_writer *w) {
    return w->stream;
}

static void sync_folder(file_writer *w) {
    w->path[folder_length(w->path)] = '\0';
    int fd = open(*w->path ? w->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return; // a folder that may be written but not read: the file is there all the same
    fsync(fd);
    close(fd);
}

static void close_stream(file_writer *w) {
    if (!w->stream) return;
    errno = 0;
    if (ferror(w->stream) || fflush(w->stream) != 0 || fsync(fileno(w->stream)) != 0) keep_error(w);
    if (fclose(w->stream) != 0) keep_error(w);
    w->stream = NULL;
}

foil_status file_finish(file_writer *w, int64_t *bytes) {
    struct stat s = {0};
    close_stream(w);
    errno = 0;
    if (!w->error && stat(w->temporary, &s) != 0) keep_error(w);
    *bytes = s.st_size;
    return w->error ? foil_fail_errno(w->error, "%s: can't be written", w->path) : FOIL_OK;
}

foil_status file_commit(file_writer *w) {
    close_stream(w);
    errno = 0;
    if (!w->error && rename(w->temporary, w->path) != 0) keep_error(w);
    foil_status status = FOIL_OK;
    if (w->error) {
        unlink(w->temporary);
        status = foil_fail_errno(w->error, "%s: can't be written", w->path);
    } else {
        sync_folder(w);
    }
    writer_free(w);
    return status;
}

foil_status file_save(const char *path, const void *bytes, size_t n) {
    file_writer *w;
    TRY(file_create(path, &w));
    file_write(w, bytes, n);
    return file_commit(w);
}

void file_abort(file_writer *w) {
    if (!w) return;
    if (w->stream) fclose(w->stream);
    unlink(w->temporary);
    writer_free(w);
}

// Reading ------------------------------------------------------------------------------------------------------------------------------------

// Opens a file for reading; folders are refused.
static foil_status open_file(const char *path, int *fd, struct stat *s) {
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, s) != 0) {
        int error = errno;
        if (*fd >= 0) close(*fd);
        return foil_fail_errno(error, "%s: can't be read", path);
    }
    if (!S_ISDIR(s->st_mode)) return FOIL_OK;
    close(*fd);
    return foil_fail(FOIL_INVALID, "%s: is a folder, expected a file", path);
}

// Reads to the end, whatever fstat said: pipes and /proc have no size.
static foil_status read_all(int fd, const char *path, size_t guess, size_t limit, char **bytes, size_t *n) {
    size_t capacity = guess + 1, length = 0;
    char *data = malloc(capacity);
    while (data) {
        if (length + 1 >= capacity) {
            capacity += capacity / 2 + 4096;
            char *more = realloc(data, capacity);
            if (!more) break;
            data = more;
        }
        ssize_t got = read(fd, data + length, capacity - length - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            int error = errno;
            free(data);
            return foil_fail_errno(error, "%s: can't be read", path);
        }
        if (got == 0) {
            data[length] = '\0';
            *bytes = data;
            if (n) *n = length;
            return FOIL_OK;
        }
        length += (size_t)got;
        if (limit && length > limit) {
            free(data);
            return foil_fail(FOIL_INVALID, "%s: is larger than %zu bytes", path, limit);
        }
    }
    free(data);
    return foil_fail_memory(capacity, path);
}

foil_status file_read(const char *path, size_t limit, char **bytes, size_t *n) {
    *bytes = NULL;
    int fd;
    struct stat s;
    TRY(open_file(path, &fd, &s));
    size_t size = s.st_size > 0 ? (size_t)s.st_size : 0;
    foil_status status = FOIL_OK;
    if (limit && size > limit) {
        status = foil_fail(FOIL_INVALID, "%s: is larger than %zu bytes", path, limit);
    } else {
        status = read_all(fd, path, size + 1, limit, bytes, n);
    }
    close(fd);
    return status;
}

foil_status file_map_open(const char *path, file_map *out) {
    *out = (file_map){0};
    int fd;
    struct stat s;
    TRY(open_file(path, &fd, &s));
    foil_status status = FOIL_OK;
    if (!S_ISREG(s.st_mode)) { // has no size, and would be taken for empty
        status = foil_fail(FOIL_INVALID, "%s: is a pipe or a device, expected a file", path);
    } else if (s.st_size > 0) {
        void *p = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            status = foil_fail_errno(errno, "%s: can't be mapped", path);
        } else {
            *out = (file_map){p, (size_t)s.st_size};
        }
    }
    close(fd);
    return status;
}

void file_map_close(file_map *m) {
    if (m->bytes) munmap((void *)(uintptr_t)m->bytes, m->n);
    *m = (file_map){0};
}
