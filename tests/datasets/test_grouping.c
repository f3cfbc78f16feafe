// What belongs together goes to one split, and the shares are met.
#include "datasets/grouping.h"
#include "tests/datasets/sources.h"

enum { MAX = 4000 };
static import_item items[MAX];
static const import_item *item[MAX];
static unsigned char sha[MAX][32];
static char names[MAX][3][24]; // path, clip, subject
static int clip[MAX];
static set_split split[MAX];
static int64_t duplicates;
static int shard_of[MAX], shards = 1;

// Items of different bytes, no clip, no subject, one method per class; every third is fake.
static void usual(int n) {
    memset(sha, 0, sizeof sha);
    for (int i = 0; i < n; i++) {
        snprintf(names[i][0], sizeof names[i][0], "p%d.png", i);
        names[i][1][0] = names[i][2][0] = 0;
        items[i] = (import_item){.path = names[i][0], .fake = i % 3 == 2, .subject = names[i][2], .clip = names[i][1], .split = -1};
        items[i].method = items[i].fake ? "gan" : "camera";
        item[i] = &items[i];
        memcpy(sha[i], &i, sizeof i);
    }
}

static foil_status group(int n, const double share[3], uint64_t seed) {
    grouped out = {.clip = clip, .split = split, .shard = shard_of, .shards = shards};
    foil_status s = group_items(item, n, (const unsigned char(*)[32])sha, share, seed, &out);
    duplicates = out.duplicates;
    return s;
}

static void count(int n, int64_t per[2][3]) {
    memset(per, 0, 6 * sizeof per[0][0]);
    for (int i = 0; i < n; i++) per[items[i].fake][split[i]]++;
}

static const double USUAL[] = {0.8, 0.1, 0.1};

static void test_shares_are_met(void **state) {
    (void)state;
    static const double SHARES[][3] = {{0.8, 0.1, 0.1}, {0.5, 0.25, 0.25}, {1, 0, 0}, {0, 0, 1}, {0.34, 0.33, 0.33}};
    usual(3000);
    for (size_t k = 0; k < sizeof SHARES / sizeof *SHARES; k++) {
        int64_t per[2][3];
        OK(group(3000, SHARES[k], k));
        count(3000, per);
        for (int fake = 0; fake < 2; fake++)
            for (int s = 0; s < 3; s++) {
                double want = SHARES[k][s] * (fake ? 1000 : 2000);
                assert_true((double)per[fake][s] > want - 1.5 && (double)per[fake][s] < want + 1.5);
            }
    }
    assert_int_equal(duplicates, 0);
}

static void test_deterministic_and_random(void **state) {
    (void)state;
    static set_split first[MAX];
    usual(600);
    OK(group(600, USUAL, 5));
    memcpy(first, split, sizeof first);
    OK(group(600, USUAL, 5));
    assert_memory_equal(first, split, 600 * sizeof *split);
    OK(group(600, USUAL, 6));
    assert_memory_not_equal(first, split, 600 * sizeof *split);
    // Neither the first items nor the last ones all go one way.
    int moves = 0;
    for (int i = 1; i < 600; i++) moves += split[i] != split[i - 1];
    assert_true(moves > 100);
}

// Every pair of items that share a name is in one split.
static void assert_together(int n, int which) {
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (names[i][which][0] && !strcmp(names[i][which], names[j][which])) {
                assert_int_equal(split[i], split[j]);
                if (which == 1) assert_int_equal(clip[i], clip[j]);
            }
}

static void test_groups_never_straddle(void **state) {
    (void)state;
    const int n = 900;
    for (uint64_t seed = 0; seed < 5; seed++) {
        philox_key k = {seed, 98, 0};
        int64_t per[2][3], twins = 0;
        usual(n);
        for (int i = 0; i < n; i++) {
            uint32_t r = philox_below(k, (uint64_t)i, 400);
            if (i % 3 == 0) snprintf(names[i][1], sizeof names[i][1], "clip %u", r);
            if (i % 4 == 0) snprintf(names[i][2], sizeof names[i][2], "subject %u", r / 2);
            if (i % 10 == 9 && items[i].fake == items[i - 9].fake) memcpy(sha[i], sha[i - 9], 32), twins++;
        }
        OK(group(n, USUAL, seed));
        assert_together(n, 1);
        assert_together(n, 2);
        for (int i = 9; i < n; i += 10)
            if (!memcmp(sha[i], sha[i - 9], 32)) {
                assert_int_equal(split[i], split[i - 9]);
                assert_int_equal(clip[i], clip[i - 9]);
            }
        assert_int_equal(duplicates, twins);
        count(n, per);
        for (int fake = 0; fake < 2; fake++)
            for (int s = 0; s < 3; s++) {
                double share = (double)per[fake][s] / (fake ? 300 : 600);
                assert_true(share > USUAL[s] - 0.04 && share < USUAL[s] + 0.04);
            }
    }
}

static void test_no_share_goes_empty(void **state) {
    (void)state;
    for (int n = 9; n < 40; n += 3)
        for (uint64_t seed = 0; seed < 8; seed++) {
            int64_t per[2][3];
            usual(n);
            OK(group(n, (const double[]){0.98, 0.01, 0.01}, seed));
            count(n, per);
            for (int s = 0; s < 3; s++) assert_true(per[0][s] > 0 && per[1][s] > 0);
        }
    // One large group and two small ones: none is left over.
    usual(30);
    for (int i = 0; i < 30; i++) {
        items[i].fake = false;
        items[i].method = "camera";
        snprintf(names[i][2], sizeof names[i][2], "subject %d", i < 28 ? 0 : i);
    }
    int64_t per[2][3];
    for (uint64_t seed = 0; seed < 8; seed++) {
        OK(group(30, (const double[]){0.4, 0.3, 0.3}, seed));
        count(30, per);
        for (int s = 0; s < 3; s++) assert_true(per[0][s] > 0);
    }
}

static void test_many_small_methods(void **state) {
    (void)state;
    static char method[MAX][16];
    usual(1200); // one folder per person, with one or two pictures
    for (int i = 0; i < 1200; i++) {
        snprintf(method[i], sizeof method[i], "person %d", i * 2 / 3);
        items[i].method = method[i];
    }
    int64_t per[2][3];
    OK(group(1200, USUAL, 1));
    count(1200, per);
    for (int fake = 0; fake < 2; fake++)
        for (int s = 0; s < 3; s++) {
            double share = (double)per[fake][s] / (fake ? 400 : 800);
            assert_true(share > USUAL[s] - 0.01 && share < USUAL[s] + 0.01);
        }
}

static void test_own_splits_are_kept(void **state) {
    (void)state;
    usual(300);
    for (int i = 0; i < 300; i += 2) items[i].split = i / 2 % 3;
    strcpy(names[2][1], "c"), strcpy(names[3][1], "c"); // item 2 says val, 3 says nothing
    strcpy(names[4][2], "s"), strcpy(names[7][2], "s"); // item 4 says test
    memcpy(sha[9], sha[6], 32);                         // item 6 says train
    OK(group(300, USUAL, 1));
    for (int i = 0; i < 300; i += 2) assert_int_equal(split[i], i / 2 % 3);
    assert_int_equal(split[3], SPLIT_VAL);
    assert_int_equal(split[7], SPLIT_TEST);
    assert_int_equal(split[9], SPLIT_TRAIN);
    assert_int_not_equal(clip[4], clip[7]); // one person, two clips
}

static void test_contradictions_name_both(void **state) {
    (void)state;
    usual(20);
    items[3].split = SPLIT_TRAIN, items[11].split = SPLIT_TEST;
    strcpy(names[3][1], "c"), strcpy(names[11][1], "c");
    REFUSED(group(20, USUAL, 1), "p3.png is in split train, p11.png in test, but they are of one clip");
    names[3][1][0] = 0;
    strcpy(names[3][2], "s"), strcpy(names[11][2], "s");
    REFUSED(group(20, USUAL, 1), "p3.png is in split train, p11.png in test, but they are of one subject");
    names[3][2][0] = 0;
    memcpy(sha[11], sha[3], 32);
    items[3].fake = items[11].fake = false;
    REFUSED(group(20, USUAL, 1), "p3.png is in split train, p11.png in test, but they hold the same bytes");
    items[11].split = -1, items[11].fake = true;
    REFUSED(group(20, USUAL, 1), "p3.png is labelled real, p11.png fake, but they hold the same bytes");
    // Over a third one that has no split: 3 and 7 of one clip, 7 and 11 of one subject.
    usual(20);
    items[3].split = SPLIT_TRAIN, items[11].split = SPLIT_TEST;
    strcpy(names[3][1], "c"), strcpy(names[7][1], "c");
    strcpy(names[7][2], "s"), strcpy(names[11][2], "s");
    REFUSED(group(20, USUAL, 1), "p3.png is in split train, p11.png in test");
}

static void test_shards_are_equal_and_keep_groups(void **state) {
    (void)state;
    usual(3000);
    for (int i = 0; i < 3000; i++) {
        snprintf(names[i][1], sizeof names[i][1], "clip %d", i * 7 % 1000);
        if (i % 5 == 0) snprintf(names[i][2], sizeof names[i][2], "subject %d", i * 7 % 1000 / 3);
        if (i % 11 == 10) memcpy(sha[i], sha[i - 9], 32); // of the same class
    }
    static const int NUMBERS[] = {1, 6, 11};
    for (int n = 0; n < 3; n++) {
        shards = NUMBERS[n];
        int size[12] = {0}, straddling = 0;
        OK(group(3000, USUAL, 1));
        for (int i = 0; i < 3000; i++) {
            assert_in_range(shard_of[i], 0, shards - 1);
            size[shard_of[i]]++;
            for (int j = 0; j < i; j++) {
                bool same = clip[i] == clip[j] || (*names[i][2] && !strcmp(names[i][2], names[j][2])) || !memcmp(sha[i], sha[j], 32);
                straddling += same && (shard_of[i] != shard_of[j] || split[i] != split[j]);
            }
        }
        assert_int_equal(straddling, 0);
        for (int k = 0; k < shards; k++) assert_in_range(size[k], 3000 / shards * 8 / 10, 3000 / shards * 12 / 10);
    }
    for (int i = 0; i < 3000; i++) snprintf(names[i][2], sizeof names[i][2], "one");
    REFUSED(group(3000, USUAL, 1), "3000 pictures do not fill 11 shards: those of one clip, one subject or the same bytes stay together, up to 3000");
    shards = 1;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares_are_met),           cmocka_unit_test(test_deterministic_and_random),
                                       cmocka_unit_test(test_groups_never_straddle),    cmocka_unit_test(test_no_share_goes_empty),
                                       cmocka_unit_test(test_many_small_methods),       cmocka_unit_test(test_own_splits_are_kept),
                                       cmocka_unit_test(test_contradictions_name_both), cmocka_unit_test(test_shards_are_equal_and_keep_groups)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
