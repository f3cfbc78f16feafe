// Walking a folder: file_walk of base/file.h.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

typedef foil_status visitor(const char *path, void *context);

// The folders that we are in, innermost first.
typedef struct ancestor {
    const struct ancestor *up;
    dev_t device;
    ino_t inode;
} ancestor;

typedef struct names {
    char **at;
    size_t n, capacity;
} names;

static void names_free(names *list) {
    for (size_t i = 0; i < list->n; i++) free(list->at[i]);
    free(list->at);
}

static foil_status names_add(names *list, const char *path, const char *suffix) {
    if (list->n == list->capacity) {
        size_t capacity = 2 * list->capacity + 64;
        char **more = realloc(list->at, capacity * sizeof *more);
        if (!more) return foil_fail_memory(capacity * sizeof *more, "names of files");
        list->at = more;
        list->capacity = capacity;
    }
    text t = {0};
    text_add(&t, path);
    text_add(&t, suffix);
    if (t.failed) {
        text_free(&t);
        return foil_fail_memory(strlen(path), "names of files");
    }
    list->at[list->n++] = t.data;
    return FOIL_OK;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Adds one entry as a path; a folder's ends with '/', so that sorting these sorts all paths below.
static foil_status add_entry(names *list, const char *folder, const char *name) {
    char *path;
    const char *slash = text_ends(folder, "/") ? "" : "/";
    if (asprintf(&path, "%s%s%s", folder, slash, name) < 0) return foil_fail_memory(strlen(folder) + strlen(name) + 2, "names of files");
    struct stat s;
    foil_status status = FOIL_OK;
    const bool there = stat(path, &s) == 0;
    if (!there && lstat(path, &s) == 0 && S_ISLNK(s.st_mode)) { // to nothing: who reads it says so
        status = names_add(list, path, "");
    } else if (!there) {
        status = foil_fail_errno(errno, "%s: can't be read", path);
    } else if (S_ISDIR(s.st_mode) || S_ISREG(s.st_mode)) {
        status = names_add(list, path, S_ISDIR(s.st_mode) ? "/" : "");
    }
    free(path);
    return status;
}

static foil_status list_folder(const char *folder, names *list) {
    DIR *d = opendir(folder);
    if (!d) return foil_fail_errno(errno, "%s: the folder can't be read", folder);
    foil_status status = FOIL_OK;
    for (struct dirent *e; status == FOIL_OK && (errno = 0, e = readdir(d));) { // NULL at the end, and if it fails
        if (e->d_name[0] != '.') status = add_entry(list, folder, e->d_name);
    }
    if (status == FOIL_OK && errno != 0) status = foil_fail_errno(errno, "%s: the folder can't be read", folder);
    closedir(d);
    if (status == FOIL_OK && list->n > 0) qsort(list->at, list->n, sizeof *list->at, by_bytes);
    return status;
}

static foil_status walk(const char *folder, const ancestor *up, visitor *visit, void *context) {
    struct stat s;
    if (stat(folder, &s) != 0) return foil_fail_errno(errno, "%s: the folder can't be read", folder);
    const ancestor here = {up, s.st_dev, s.st_ino};
    for (const ancestor *a = up; a; a = a->up) {
        if (a->device == here.device && a->inode == here.inode) return foil_fail(FOIL_INVALID, "%s: a link leads back to a folder above it", folder);
    }
    names list = {0};
    foil_status status = list_folder(folder, &list);
    for (size_t i = 0; status == FOIL_OK && i < list.n; i++) {
        status = text_ends(list.at[i], "/") ? walk(list.at[i], &here, visit, context) : visit(list.at[i], context);
    }
    names_free(&list);
    return status;
}

foil_status file_walk(const char *folder, visitor *visit, void *context) {
    return walk(folder, NULL, visit, context);
}
