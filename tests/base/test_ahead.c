// Pieces come out in order, each once, with what happened to them; never more than there are slots are in memory.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/ahead.h"
#include "tests/cmocka.h"

enum { SLOTS = 5, THREADS = 3, PIECES = 200 };

typedef struct pieces {
    uint64_t slot[SLOTS];
    atomic_uint_fast64_t made, taken; // numbers of pieces
    atomic_int most, per_thread[THREADS], signals_open;
} pieces;

static foil_status make(void *context, int worker, uint64_t slot, uint64_t k) {
    pieces *p = context;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!sigismember(&blocked, SIGINT)) p->signals_open++;
    p->per_thread[worker]++;
    int in_memory = (int)(++p->made - p->taken);
    if (in_memory > p->most) p->most = in_memory;
    if (k % 7 == 0) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); // some take long, and the others go on
    p->slot[slot] = k * k;
    return k % 11 == 3 ? foil_fail(FOIL_INVALID, "piece %llu is bad", (unsigned long long)k) : FOIL_OK;
}

static void test_pieces_come_in_order(void **state) {
    (void)state;
    for (int threads = 1; threads <= THREADS; threads++) {
        pieces p = {0};
        ahead *a;
        const uint64_t first = 17;
        assert_int_equal(ahead_open(&(ahead_options){make, &p, threads, SLOTS, first, first + PIECES}, &a), FOIL_OK);
        for (uint64_t k = first; k < first + PIECES; k++) {
            uint64_t slot;
            foil_status status = ahead_next(a, &slot);
            assert_int_equal(status, k % 11 == 3 ? FOIL_INVALID : FOIL_OK);
            if (status != FOIL_OK) {
                char wanted[64];
                snprintf(wanted, sizeof wanted, "piece %llu is bad", (unsigned long long)k);
                assert_string_equal(foil_error(), wanted);
            }
            assert_int_equal(slot, k % SLOTS);
            assert_int_equal(p.slot[slot], k * k);
            if (k > first) p.taken++; // the one before is given back
        }
        assert_true(ahead_waited(a) >= 0);
        ahead_close(a);
        assert_int_equal(p.made, PIECES);
        assert_in_range(p.most, 1, SLOTS + 1); // `taken` lags by the one that is being given back
        assert_int_equal(p.signals_open, 0);
        int sum = 0;
        for (int i = 0; i < threads; i++) sum += p.per_thread[i];
        assert_int_equal(sum, PIECES);
    }
}

// Nobody has to take everything, or anything.
static void test_closing_early(void **state) {
    (void)state;
    for (int taken = 0; taken < 4; taken++) {
        pieces p = {0};
        ahead *a;
        assert_int_equal(ahead_open(&(ahead_options){make, &p, THREADS, SLOTS, 0, UINT64_MAX}, &a), FOIL_OK);
        for (int i = 0; i < taken; i++) {
            uint64_t slot;
            ahead_next(a, &slot);
        }
        ahead_close(a);
        assert_in_range(p.made, (unsigned)taken, (unsigned)taken + SLOTS);
    }
    ahead_close(NULL);
}

static void test_no_pieces(void **state) {
    (void)state;
    pieces p = {0};
    ahead *a;
    assert_int_equal(ahead_open(&(ahead_options){make, &p, 1, 2, 0, 0}, &a), FOIL_OK);
    ahead_close(a);
    assert_int_equal(p.made, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces_come_in_order), cmocka_unit_test(test_closing_early),
                                       cmocka_unit_test(test_no_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
