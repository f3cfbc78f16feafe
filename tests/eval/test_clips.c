// Which frames are of one clip, which of them are judged, and one score from theirs; and which items a row of the table is about.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/clips.h"
#include "eval/rows.h"
#include "tests/cmocka.h"

static void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not %.17g", a, b);
}

// Two methods that forged clip 7, its real, two items without a clip; frames out of order.
static const picture_label ITEMS[] = {
    {.path = "7/10.png", .method = "swap", .clip = 7, .fake = true}, {.path = "x.png", .method = "swap", .clip = -1, .fake = true},
    {.path = "7/9.png", .method = "swap", .clip = 7, .fake = true},  {.path = "7/1.png", .method = "cam", .clip = 7},
    {.path = "7/1.png", .method = "gan", .clip = 7, .fake = true},   {.path = "7/8.png", .method = "swap", .clip = 7, .fake = true},
    {.path = "x.png", .method = "swap", .clip = -1, .fake = true},   {.path = "3/1.png", .method = "cam", .clip = 3},
};
enum { N = sizeof ITEMS / sizeof *ITEMS };

static void test_grouping(void **state) {
    (void)state;
    clips c;
    static const int64_t first[] = {0, 3, 4, 5, 6, 7, 8}, frame[] = {5, 2, 0, 1, 3, 4, 6, 7}; // 8, 9, 10: as numbers
    assert_int_equal(clips_find(ITEMS, N, &c), FOIL_OK);
    assert_int_equal(c.n, 6);
    assert_memory_equal(c.first, first, sizeof first);
    assert_memory_equal(c.frame, frame, sizeof frame);
    clips_free(&c);
}

static void test_frames_are_spread(void **state) {
    (void)state;
    enum { FRAMES = 100 };
    static picture_label item[FRAMES];
    static char path[FRAMES][16];
    clips c;
    for (int i = 0; i < FRAMES; i++) {
        snprintf(path[i], sizeof path[i], "%d.png", i);
        item[i] = (picture_label){.path = path[i], .method = "", .clip = i < 90 ? 1 : 2};
    }
    assert_int_equal(clips_find(item, FRAMES, &c), FOIL_OK);
    clips_thin(&c, 8);
    assert_int_equal(c.first[1], 8);
    assert_int_equal(c.first[2], 16);
    for (int k = 0; k < 8; k++) {
        assert_int_equal(c.frame[k], (int)floor((k + .5) * 90 / 8));
        assert_int_equal(c.frame[8 + k], 90 + (int)floor((k + .5) * 10 / 8));
    }
    clips_thin(&c, 20); // has fewer: all stay
    assert_int_equal(c.first[2], 16);
    assert_int_equal(c.frame[15], 99);
    clips_free(&c);
}

static double pooled(clip_rule rule, const double *score, int n) {
    picture_label item[4];
    double out[4] = {NAN, NAN, NAN, NAN};
    clips c;
    for (int i = 0; i < n; i++) item[i] = (picture_label){.path = "", .method = "", .clip = 1};
    assert_int_equal(clips_find(item, n, &c), FOIL_OK);
    assert_int_equal(clips_pool(&c, rule, score, out), FOIL_OK);
    clips_free(&c);
    return out[0];
}

static void test_rules(void **state) {
    (void)state;
    const double p[] = {.9, .2, .5, .8}, logits[] = {3, -1, 0, 4};
    assert_near(pooled(CLIP_MEAN, p, 4), .6, 1e-15);
    assert_near(pooled(CLIP_MAX, p, 4), .9, 0);
    assert_near(pooled(CLIP_MEDIAN, p, 4), .65, 1e-15);
    assert_near(pooled(CLIP_MEDIAN, p, 3), .5, 0);
    double odds = pow(9 * .25 * 1 * 4, .25); // the geometric mean
    assert_near(pooled(CLIP_MEAN_LOGIT, p, 4), odds / (1 + odds), 1e-15);
    assert_near(pooled(CLIP_MEAN, logits, 4), 1.5, 0);
    assert_near(pooled(CLIP_MEAN_LOGIT, logits, 4), 1.5, 0); // no probabilities: as they are
    const double certain[] = {1, 0};
    assert_near(pooled(CLIP_MEAN_LOGIT, certain, 2), .5, 1e-12);
    assert_true(pooled(CLIP_MEAN_LOGIT, p, 1) == .9); // one frame: its own score
}

// Rows. -----------------------------------------------------------------------------------------------------------------------------------------

static picture_label item(bool fake, const char *method, const char *subject) {
    return (picture_label){.path = "", .method = method, .subject = subject, .level = method_level(method), .clip = -1, .fake = fake};
}

static void check_row(const evaluation_row *row, row_kind kind, const char *name, int reals, int fakes, bool own) {
    if (row->kind != kind || strcmp(row->name, name) != 0 || row->reals != reals || row->fakes != fakes || row->own_reals != own)
        fail_msg("%s %s: %lld reals, %lld fakes, own reals: %d", ROW_KIND_NAMES[row->kind], row->name, (long long)row->reals, (long long)row->fakes,
                 row->own_reals);
}

static void test_rows(void **state) {
    (void)state;
    const picture_label of[] = {
        item(false, "youtube/c23", "anna"),  item(false, "youtube/c40", "anna"), item(false, "youtube/c40", "ben"),
        item(true, "Face2Face/c23", "anna"), item(true, "Face2Face/c40", "ben"), item(true, "Face2Face/c40", "carl"),
        item(true, "Face2Facer/c23", ""),    item(true, "Face2Face/raw", "ben"), item(true, "", "ben"),
    };
    enum { ITEMS_OF = sizeof of / sizeof *of };
    arena memory = {0};
    evaluation_row *row;
    int rows;
    int64_t index[ITEMS_OF];
    assert_int_equal(rows_find(of, ITEMS_OF, 1 << ROW_METHOD | 1 << ROW_LEVEL | 1 << ROW_SUBJECT, &memory, &row, &rows), FOIL_OK);
    assert_int_equal(rows, 13);
    check_row(&row[0], ROW_OVERALL, "overall", 3, 6, false);
    check_row(&row[1], ROW_METHOD, "unnamed", 3, 1, false);
    check_row(&row[2], ROW_METHOD, "Face2Face", 3, 4, false); // all its levels, all reals; not Face2Facer's
    check_row(&row[3], ROW_METHOD, "Face2Face/c23", 1, 1, true);
    check_row(&row[4], ROW_METHOD, "Face2Face/c40", 2, 2, true);
    check_row(&row[5], ROW_METHOD, "Face2Face/raw", 3, 1, false); // no reals of that level
    check_row(&row[6], ROW_METHOD, "Face2Facer/c23", 1, 1, true); // in one level: no row of its own over levels
    check_row(&row[7], ROW_LEVEL, "c23", 1, 2, true);
    check_row(&row[8], ROW_LEVEL, "c40", 2, 2, true);
    check_row(&row[9], ROW_LEVEL, "raw", 3, 1, false);
    check_row(&row[10], ROW_SUBJECT, "anna", 2, 1, true);
    check_row(&row[11], ROW_SUBJECT, "ben", 1, 3, true);
    check_row(&row[12], ROW_SUBJECT, "carl", 3, 1, false); // no reals of his own
    row_items(&row[11], of, ITEMS_OF, index);
    assert_true(index[0] == 2 && index[1] == 4 && index[2] == 7 && index[3] == 8);
    assert_int_equal(rows_find(of, ITEMS_OF, 0, &memory, &row, &rows), FOIL_OK);
    assert_int_equal(rows, 1);
    const picture_label deep[] = {item(true, "a/c40", ""), item(true, "a/c23/x", ""), item(true, "a/c23", ""), item(false, "", "")};
    assert_int_equal(rows_find(deep, 4, 1 << ROW_METHOD, &memory, &row, &rows), FOIL_OK);
    assert_int_equal(rows, 5);
    check_row(&row[1], ROW_METHOD, "a", 1, 2, false); // although another name lies between its levels
    check_row(&row[2], ROW_METHOD, "a/c23", 1, 2, false);
    check_row(&row[3], ROW_METHOD, "a/c23/x", 1, 1, false);
    check_row(&row[4], ROW_METHOD, "a/c40", 1, 1, false);
    arena_free(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_grouping), cmocka_unit_test(test_frames_are_spread), cmocka_unit_test(test_rules),
                                       cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
