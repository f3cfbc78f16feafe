#include "base/ranks_memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *map(int file, size_t bytes, int access) {
    void *at = mmap(NULL, bytes, access, MAP_SHARED, file, 0);
    return at == MAP_FAILED ? NULL : at;
}

void *memory_make(size_t bytes, memory_offer *out) {
    struct stat known;
    *out = (memory_offer){.process = getpid(), .bytes = bytes, .file = memfd_create("foil", MFD_CLOEXEC)};
    if (out->file < 0 || posix_fallocate(out->file, 0, (off_t)bytes) != 0 || fstat(out->file, &known) != 0) return NULL;
    out->inode = (long long)known.st_ino;
    return map(out->file, bytes, PROT_READ | PROT_WRITE);
}

void memory_withdraw(const memory_offer *mine) {
    if (mine->file >= 0) close(mine->file);
}

const void *memory_find(const memory_offer *o) {
    char path[64];
    struct stat known;
    snprintf(path, sizeof path, "/proc/%lld/fd/%d", o->process, o->file);
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // whatever it may be that another process has there
    if (file < 0) return NULL;
    const bool same = fstat(file, &known) == 0 && (long long)known.st_ino == o->inode && (size_t)known.st_size == o->bytes;
    const void *at = same ? map(file, o->bytes, PROT_READ) : NULL;
    close(file);
    return at;
}

void memory_unmap(const void *at, size_t bytes) {
    if (at) munmap((void *)(uintptr_t)at, bytes);
}
