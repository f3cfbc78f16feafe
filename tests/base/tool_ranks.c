// What base/ranks.h promises, checked by every rank that it is started as: mpirun -n N tool_ranks. With the argument "fail N" rank N fails alone, with "die N"
// it dies, with "apart N" it can't share memory.
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cores.h"
#include "base/ranks.h"

enum { LARGE = 300001 };

static foil_status expect(bool holds, const char *what) {
    return holds ? FOIL_OK : foil_fail(FOIL_INVALID, "%s", what);
}

// Thirds: sums that depend on their order in the last bits.
static float term(int rank, size_t i) {
    return (float)(rank + 1) / 3.0F + (float)(i % 1000) / 7.0F;
}

static foil_status check_equal(const float *x, size_t n) {
    char *bytes = NULL;
    size_t sizes[64];
    TRY(ranks_gather(x, n * sizeof *x, &bytes, sizes));
    bool equal = true;
    for (int r = 0; bytes && r < ranks_count(); r++) equal &= sizes[r] == n * sizeof *x && memcmp(bytes + (size_t)r * sizes[r], x, sizes[r]) == 0;
    free(bytes);
    return ranks_agree(expect(equal, "a sum has the same bits on all ranks"));
}

static bool is_sum(const float *x) {
    bool near = true;
    for (size_t i = 0; i < LARGE; i++) {
        float sum = 0;
        for (int r = 0; r < ranks_count(); r++) sum += term(r, i);
        near &= x[i] - sum < 1e-3F && sum - x[i] < 1e-3F;
    }
    return near;
}

// Of one call, and of many at a time: in a slab, in memory of one's own, and in both.
static foil_status check_sums(float *slab) {
    static float at_once[LARGE], own[LARGE];
    for (size_t i = 0; i < LARGE; i++) at_once[i] = own[i] = slab[i] = term(ranks_self(), i);
    for (size_t at = 0, n; at < LARGE; at += n) {
        n = at + 5003 < LARGE ? 5003 : LARGE - at;
        ranks_sum_begin(own + at, n);
        ranks_sum_begin(slab + at, n);
    }
    ranks_sum(at_once, LARGE);
    ranks_sum_end();
    TRY(ranks_agree(expect(is_sum(at_once), "a sum at once is one")));
    TRY(ranks_agree(expect(is_sum(own), "sums meanwhile are sums")));
    TRY(ranks_agree(expect(is_sum(slab), "sums in a slab are sums")));
    TRY(check_equal(at_once, LARGE));
    TRY(check_equal(own, LARGE));
    return check_equal(slab, LARGE);
}

// Again and again, as training does; what was given back may be had again, zero.
static foil_status check_slabs(void) {
    for (int i = 0; i < 3; i++) {
        float *slab = ranks_slab_new(LARGE), *other = ranks_slab_new(7);
        TRY(ranks_agree(expect(slab && other && slab[LARGE - 1] == 0 && other[6] == 0, "a slab is zero at first")));
        for (int k = 0; k < 3; k++) TRY(check_sums(slab));
        for (int k = 1; k <= 7; k++) { // smaller than what ranks divide
            for (int j = 0; j < 7; j++) other[j] = (float)(ranks_self() + j);
            ranks_sum_begin(other, (size_t)k);
            ranks_sum_end();
            const float begin = (float)(ranks_count() * (ranks_count() - 1) / 2); // NOLINT(bugprone-integer-division): one of both is even
            bool right = true;
            for (int j = 0; j < 7; j++) right &= other[j] == (j < k ? begin + (float)(ranks_count() * j) : (float)(ranks_self() + j));
            TRY(ranks_agree(expect(right, "the sum of a slab's beginning leaves the rest")));
        }
        ranks_slab_free(other);
        ranks_slab_free(slab);
    }
    return FOIL_OK;
}

static foil_status check_gather(void) {
    char mine[64], expected[64 * 64] = "", *bytes;
    size_t sizes[64];
    for (int r = 0; r < ranks_count(); r++) sprintf(expected + strlen(expected), "%.*s", r, "abcdefgh");
    snprintf(mine, sizeof mine, "%.*s", ranks_self(), "abcdefgh"); // rank 0 has nothing
    TRY(ranks_gather(mine, strlen(mine), &bytes, sizes));
    foil_status status = expect(ranks_self() > 0 ? !bytes : memcmp(bytes, expected, strlen(expected)) == 0, "bytes in the order of ranks");
    free(bytes);
    return ranks_agree(status);
}

static foil_status check_words(void) {
    double x = ranks_self() == 0 ? 0.25 : 7;
    ranks_broadcast(&x, sizeof x);
    TRY(ranks_agree(expect(x == 0.25, "what rank 0 has")));
    TRY(ranks_agree(expect(!ranks_any(false) && ranks_any(ranks_self() == ranks_count() - 1), "any is any")));
    ranks_barrier();
    return FOIL_OK;
}

// All ranks are on this machine, and may run on the same cores.
static foil_status check_cores(void) {
    const int ranks = ranks_count();
    int x[] = {1, ranks_self()};
    ranks_sum_beside(x, 2);
    TRY(ranks_agree(expect(x[0] == ranks && x[1] == ranks * (ranks - 1) / 2, "those beside a rank are all of them")));
    cpu_set_t mask;
    TRY(ranks_agree(expect(sched_getaffinity(0, sizeof mask, &mask) == 0, "fewer cores than a set has room for")));
    const double quota = ceil(cores_quota("/proc/self") / ranks);
    const int shared = (int)fmax(1, fmin(CPU_COUNT(&mask) / ranks, quota)); // NOLINT(bugprone-integer-division): whole cores
    TRY(ranks_agree(expect(cores_count() == shared, "ranks divide their cores")));
    // Bound to one of its own, or to one that it shares, a rank has that.
    size_t core = 0;
    for (int left = ranks_self() % CPU_COUNT(&mask); !CPU_ISSET(core, &mask) || left-- > 0;) core++;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    TRY(ranks_agree(expect(sched_setaffinity(0, sizeof one, &one) == 0, "a rank can bind itself")));
    return ranks_agree(expect(cores_count() == 1, "a bound rank has a core"));
}

static bool shares_memory(void) {
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "memfd:foil") != NULL;
    if (maps) fclose(maps);
    return found;
}

static foil_status check_memory(bool shared) {
    TRY(ranks_agree(expect(!shares_memory(), "no slab is left")));
    float *slab = ranks_slab_new(LARGE);
    TRY(ranks_agree(expect(slab && shares_memory() == shared, "a slab is shared where it can be")));
    ranks_slab_free(slab);
    return FOIL_OK;
}

// What is not of an own machine is not found either: here, because there can't be so large a file.
static void part_from_others(void) {
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){4, 4});
}

static foil_status check(int argc, char **argv) {
    TRY(ranks_open());
    const bool apart = argc > 2 && strcmp(argv[1], "apart") == 0;
    if (apart && atoi(argv[2]) == ranks_self()) part_from_others();
    TRY(check_words());
    TRY(check_cores());
    TRY(check_slabs());
    TRY(check_memory(ranks_count() > 1 && !apart));
    TRY(check_gather());
    bool chosen = argc > 2 && !apart && atoi(argv[2]) == ranks_self();
    if (chosen && strcmp(argv[1], "die") == 0) raise(SIGKILL);
    if (chosen && strcmp(argv[1], "alone") == 0) return foil_fail(FOIL_IO, "nobody else knows");
    return ranks_agree(chosen ? foil_fail(FOIL_IO, "the disk is full") : FOIL_OK);
}

int main(int argc, char **argv) {
    foil_status status = check(argc, argv);
    bool failed = status != FOIL_OK;
    if (ranks_speaks(failed)) printf("%s\n", failed ? foil_error() : "all as promised");
    if (ranks_self() == 0) printf("%d ranks\n", ranks_count());
    fflush(stdout); // mpirun ends all ranks when the first one's exit status is not 0
    ranks_close(failed);
    return failed;
}
