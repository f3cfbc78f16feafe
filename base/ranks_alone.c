// One rank: a build without MPI.
#include <stdlib.h>
#include <string.h>

#include "base/launcher.h"
#include "base/ranks.h"

foil_status ranks_open(void) {
    int n = launcher_processes();
    if (n == 1) return FOIL_OK;
    return foil_fail(FOIL_UNSUPPORTED, "%d processes were started to work together, but this program was built without MPI (cmake -DFOIL_MPI=ON)", n);
}

void ranks_close(bool failed) {
    (void)failed;
}

int ranks_count(void) {
    return 1;
}

int ranks_self(void) {
    return 0;
}

bool ranks_speaks(bool failed) {
    (void)failed;
    return true;
}

void ranks_sum_beside(int *x, int n) {
    (void)x;
    (void)n;
}

void ranks_barrier(void) {}

foil_status ranks_agree(foil_status mine) {
    return mine;
}

bool ranks_any(bool mine) {
    return mine;
}

void ranks_broadcast(void *bytes, size_t n) {
    (void)bytes;
    (void)n;
}

void ranks_sum(float *x, size_t n) {
    (void)x;
    (void)n;
}

foil_status ranks_gather(const void *mine, size_t n, char **all, size_t *sizes) {
    *all = malloc(n + 1);
    if (!*all) return foil_fail_memory(n, "what the ranks have made");
    if (n) memcpy(*all, mine, n);
    sizes[0] = n;
    return FOIL_OK;
}

float *ranks_slab_new(size_t n) {
    return calloc(n ? n : 1, sizeof(float));
}

void ranks_slab_free(float *slab) {
    free(slab);
}

void ranks_sum_begin(float *x, size_t n) {
    (void)x;
    (void)n;
}

void ranks_sum_end(void) {}

ranks_traffic ranks_traffic_so_far(void) {
    return (ranks_traffic){0, 0};
}
