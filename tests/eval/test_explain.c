// Maps against closed forms; a detector that looks at a corner has its map there, and loses it with its weights (Adebayo et al. 2018); shipped networks.
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/philox.h"
#include "eval/maps/explain.h"
#include "tests/data/pictures.h"
#include "tests/eval/small_detector.h"

static const char PATH[] = "test_explain.safetensors";

// Of a network's text or file, with weights as drawn from the seed, then set by `set` (or NULL).
static foil_detector *detector_of(net *n, uint64_t seed, void (*set)(store *)) {
    foil_detector *d;
    store *s = store_new();
    OK(net_declare(n, s));
    OK(store_allocate(s));
    store_initialize(s, seed);
    if (set) set(s);
    OK(detector_write(PATH, n, s, &SMALL_CARD));
    OK(foil_detector_load(PATH, &d));
    store_free(s);
    net_free(n);
    return d;
}

static foil_detector *detector_from(const char *words, uint64_t seed, void (*set)(store *)) {
    net *n;
    OK(net_parse(words, "test.yaml", 0, &n));
    return detector_of(n, seed, set);
}

static void set_weight(store *s, const char *name, int at, float value) {
    store_data(s, store_find(s, name))[at] = value;
}

static void zero(store *s) {
    memset(s->values, 0, s->value_count * sizeof *s->values);
}

static void map_of(foil_detector *d, const image *picture, explain_method m, float *heat, explanation *about) {
    explainer *e;
    OK(explainer_new(d, m, &e));
    OK(explainer_run(e, picture->pixels, heat, about));
    explainer_free(e);
}

// Closed forms. ---------------------------------------------------------------------------------------------------------------------------------

// Of the small detector: each pixel adds 4/64 of its red to the logit, whatever the others are. All three methods must say so.
static void test_linear(void **state) {
    (void)state;
    foil_detector *d;
    small_detector(PATH);
    OK(foil_detector_load(PATH, &d));
    image im = picture(8, 8, 3, 5);
    for (int m = 0; m < EXPLAIN_METHODS; m++) {
        float heat[64];
        double logit;
        explanation about;
        map_of(d, &im, (explain_method)m, heat, &about);
        for (int i = 0; i < 64; i++) assert_true(fabs(heat[i] - (im.pixels[3 * i] / 127.5 - 1) * 4 / 64) < 2e-6);
        OK(detector_logit(d, &im, &logit));
        assert_true(fabs(about.logit - logit) < 1e-5);
        assert_true(fabs(about.sum - (logit - .5)) < 1e-4);
        if (m == EXPLAIN_INTEGRATED) assert_true(fabs(about.grey - .5) < 1e-6 && about.gap < 1e-4 && about.passes == 32);
        if (m == EXPLAIN_OCCLUSION) assert_true(about.rows == 1 && about.columns == 1 && about.passes == 64);
        if (m == EXPLAIN_GRADCAM) assert_true(about.rows == 8 && about.columns == 8);
        float again[64];
        OK(explain(d, &im, (explain_method)m, again));
        assert_memory_equal(heat, again, sizeof heat);
    }
    image_free(&im);
    foil_detector_free(d);
}

// The map of integrated gradients sums to the difference to grey, within the bound that is promised.
static void test_completeness(void **state) {
    (void)state;
    static const char *const NETS[] = {"small32-d", "sngan32-d", "resnet32-d", "dcgan64-d"};
    for (size_t i = 0; i < sizeof NETS / sizeof *NETS; i++) {
        char path[512];
        net *n;
        snprintf(path, sizeof path, SOURCE_DIR "/configs/nets/%s.yaml", NETS[i]);
        OK(net_read(path, 3, &n));
        int side = (int)net_input(n).d[0];
        foil_detector *d = detector_of(n, 7 + i, NULL);
        image im = picture(side, side, 3, i);
        float *heat = malloc((size_t)(side * side) * sizeof *heat);
        explanation about;
        map_of(d, &im, EXPLAIN_INTEGRATED, heat, &about);
        assert_true(!about.incomplete && about.gap <= fmax(.01 * fabs(about.logit - about.grey), .001));
        free(heat);
        image_free(&im);
        foil_detector_free(d);
    }
}

// Beside grey, normalising a sample by itself divides by next to nothing: the logit is there all but at once, and steps miss it.
static void test_incompleteness(void **state) {
    (void)state;
    foil_detector *d = detector_from("input: {image: [8, 8, 3]}\n"
                                     "layers: [{repeat: {times: 3, layers: [{conv: {out: 8, kernel: 3, bias: false}}, instance_norm, relu]}}]\n"
                                     "heads: {detect: {layers: [flatten, {linear: {out: 1}}]}}\n",
                                     3, NULL);
    image im = picture(8, 8, 3, 1);
    float heat[64];
    explanation about;
    map_of(d, &im, EXPLAIN_INTEGRATED, heat, &about);
    assert_true(about.incomplete && about.passes == 512 && about.gap > fmax(.01 * fabs(about.logit - about.grey), .001));
    image_free(&im);
    foil_detector_free(d);
}

// A corner. -------------------------------------------------------------------------------------------------------------------------------------

enum { SIDE = 16, CORNER = 4, MARGIN = 1 }; // an occluding rectangle of 2 x 2 reaches one pixel further

// Where a picture ends, padding is 0: `one less what lies four above, less what lies four to the left` is 1 in the upper left corner of 4 x 4 alone.
static const char CORNER_NETWORK[] = "input: {image: [16, 16, 3]}\n"
                                     "layers:\n"
                                     "  - conv: {out: 2, kernel: 1}\n"
                                     "  - conv: {out: 2, kernel: 9, pad: 4}\n"
                                     "  - relu\n"
                                     "  - conv: {out: 1, kernel: 1}\n"
                                     "  - relu\n"
                                     "heads: {detect: {layers: [{global_pool: mean}, {linear: {out: 1}}]}}\n";

static void look_at_corner(store *s) {
    zero(s);
    set_weight(s, "layers.0.weight", 0, 1); // red
    set_weight(s, "layers.0.bias", 1, 1);   // one
    const int middle = 4 * 9 + 4, above = 4, left = 4 * 9, filter = 81;
    set_weight(s, "layers.1.weight", middle, 1); // [0][0]: red as it is
    set_weight(s, "layers.1.weight", 3 * filter + above, -1);
    set_weight(s, "layers.1.weight", 3 * filter + left, -1);
    set_weight(s, "layers.1.bias", 1, 1);
    set_weight(s, "layers.3.weight", 0, 1);
    set_weight(s, "layers.3.weight", 1, 10);
    set_weight(s, "layers.3.bias", 0, -10);
    set_weight(s, "heads.detect.1.weight", 0, 30);
}

// A head that weighs places one by one, for methods that can tell.
static const char FLAT_NETWORK[] = "input: {image: [16, 16, 3]}\n"
                                   "layers: [{conv: {out: 1, kernel: 1}}, relu]\n"
                                   "heads: {detect: {layers: [flatten, {linear: {out: 1}}]}}\n";

static void look_at_corner_flat(store *s) {
    zero(s);
    set_weight(s, "layers.0.weight", 0, 1);
    for (int row = 0; row < CORNER; row++)
        for (int column = 0; column < CORNER; column++) set_weight(s, "heads.detect.1.weight", row * SIDE + column, 1);
}

static image bright(uint64_t seed) {
    image im = picture(SIDE, SIDE, 3, seed);
    for (size_t i = 0; i < image_bytes(&im); i++) im.pixels[i] = (uint8_t)(160 + im.pixels[i] % 90);
    return im;
}

// The share of the map's magnitude that lies in the corner.
static double in_corner(const float *heat) {
    double all = 0, corner = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        all += fabs((double)heat[i]);
        if (i / SIDE < CORNER + MARGIN && i % SIDE < CORNER + MARGIN) corner += fabs((double)heat[i]);
    }
    return corner / all;
}

static double correlation(const float *a, const float *b, int n) {
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) ma += (double)a[i] / n, mb += (double)b[i] / n;
    for (int i = 0; i < n; i++) {
        double x = (double)a[i] - ma, y = (double)b[i] - mb;
        ab += x * y, aa += x * x, bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static void test_corner(void **state) {
    (void)state;
    image im = bright(3);
    for (int m = 0; m < EXPLAIN_METHODS; m++) {
        float heat[SIDE * SIDE], other[SIDE * SIDE];
        explanation about;
        foil_detector *d = detector_from(CORNER_NETWORK, 1, look_at_corner);
        map_of(d, &im, (explain_method)m, heat, &about);
        foil_detector_free(d);
        assert_true(about.logit > 1 && about.sum > 0);
        if (in_corner(heat) < .99) fail_msg("%s: %.3f of the map lies in the corner", EXPLAIN_NAMES[m], in_corner(heat));
        for (uint64_t seed = 1; seed <= 3; seed++) {
            d = detector_from(CORNER_NETWORK, seed, NULL);
            map_of(d, &im, (explain_method)m, other, &about);
            foil_detector_free(d);
            double r = correlation(heat, other, SIDE * SIDE);
            if (fabs(r) > .7 || in_corner(other) > .5)
                fail_msg("%s, seed %d: random weights, but a correlation of %.2f and %.2f in the corner", EXPLAIN_NAMES[m], (int)seed, r,
                         in_corner(other));
        }
    }
    for (int m = EXPLAIN_INTEGRATED; m <= EXPLAIN_OCCLUSION; m++) {
        float heat[SIDE * SIDE];
        foil_detector *d = detector_from(FLAT_NETWORK, 1, look_at_corner_flat);
        OK(explain(d, &im, (explain_method)m, heat));
        foil_detector_free(d);
        assert_true(in_corner(heat) > .999);
    }
    image_free(&im);
}

// Signs: what is against a fake is below zero.
static void look_away(store *s) {
    look_at_corner(s);
    set_weight(s, "heads.detect.1.weight", 0, -30);
}

static void test_sign(void **state) {
    (void)state;
    image im = bright(4);
    for (int m = 0; m < EXPLAIN_METHODS; m++) {
        float heat[SIDE * SIDE];
        explanation about;
        foil_detector *d = detector_from(CORNER_NETWORK, 1, look_away);
        map_of(d, &im, (explain_method)m, heat, &about);
        assert_true(about.logit < -1 && about.sum < 0 && heat[0] < 0);
        foil_detector_free(d);
    }
    image_free(&im);
}

// Networks. -------------------------------------------------------------------------------------------------------------------------------------

static void test_activation_of_shipped_networks(void **state) {
    (void)state;
    static const struct {
        const char *name, *layer;
        int places;
    } WANT[] = {{"dcgan32-d", "leaky_relu", 4}, {"dcgan64-d", "leaky_relu", 4}, {"small32-d", "leaky_relu", 4},
                {"sngan32-d", "relu", 8},       {"resnet32-d", "relu", 8},      {"sngan64-d", "relu", 2},
                {"resnet18", "relu", 7},        {"meso4", "batch_norm", 32},    {"npr", "relu", 28}};
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++) {
        char path[512];
        net *n;
        explainer *e;
        explanation about;
        snprintf(path, sizeof path, SOURCE_DIR "/configs/nets/%s.yaml", WANT[i].name);
        OK(net_read(path, 3, &n));
        shape in = net_input(n);
        foil_detector *d = detector_of(n, 1, NULL);
        image im = picture((int)in.d[0], (int)in.d[1], 3, 1);
        float *heat = malloc((size_t)(in.d[0] * in.d[1]) * sizeof *heat);
        OK(explainer_new(d, EXPLAIN_GRADCAM, &e));
        OK(explainer_run(e, im.pixels, heat, &about));
        if (about.rows != WANT[i].places || about.columns != WANT[i].places || !strstr(about.layer, WANT[i].layer))
            fail_msg("%s: %d x %d after %s", WANT[i].name, about.rows, about.columns, about.layer);
        explainer_free(e);
        free(heat);
        image_free(&im);
        foil_detector_free(d);
    }
}

// Neither branch alone, nor what a pool or a reshape made of an activation, stands for it.
static void test_activation_that_all_passes_through(void **state) {
    (void)state;
    static const struct {
        const char *layers, *head, *layer;
        int rows, columns;
    } WANT[] = {{"{conv: {out: 4, kernel: 3}}, relu, {parallel: {branches: [[{global_pool: mean}, {linear: 2}], [flatten, {linear: 2}]]}}",
                 "{linear: 1}", "relu", 14, 18},
                {"{conv: {out: 4, kernel: 3}}, silu, {max_pool: 2}, {average_pool: 2}", "flatten, {linear: 1}", "silu", 14, 18},
                {"{conv: {out: 4, kernel: 3}}, gelu, {layer_norm: {}}, flatten, {reshape: [4, 18, 14]}", "{global_pool: mean}, {linear: 1}",
                 "layer_norm", 14, 18},
                {"{average_pool: 2}", "{conv: {out: 2, kernel: 3}}, relu, {global_pool: max}, {linear: 1}", "relu", 6, 8}};
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++) {
        char words[1024];
        float heat[16 * 20];
        explanation about;
        explainer *e;
        snprintf(words, sizeof words, "input: {image: [16, 20, 1]}\nlayers: [%s]\nheads: {detect: {layers: [%s]}}\n", WANT[i].layers, WANT[i].head);
        foil_detector *d = detector_from(words, 3, NULL);
        image im = picture(16, 20, 1, 1);
        OK(explainer_new(d, EXPLAIN_GRADCAM, &e));
        OK(explainer_run(e, im.pixels, heat, &about));
        if (about.rows != WANT[i].rows || about.columns != WANT[i].columns || !strstr(about.layer, WANT[i].layer))
            fail_msg("%zu: %d x %d after %s", i, about.rows, about.columns, about.layer);
        explainer_free(e);
        image_free(&im);
        foil_detector_free(d);
    }
}

static void test_without_places(void **state) {
    (void)state;
    explainer *e = (explainer *)1;
    float heat[16];
    foil_detector *d =
        detector_from("input: {image: [4, 4, 1]}\nlayers: [flatten, {linear: 5}]\nheads: {detect: {layers: [relu, {linear: 1}]}}\n", 1, NULL);
    image im = picture(9, 7, 3, 1); // fitted first
    assert_int_equal(explainer_new(d, EXPLAIN_GRADCAM, &e), FOIL_UNSUPPORTED);
    assert_null(e);
    REFUSED(explain(d, &im, EXPLAIN_GRADCAM, heat), "the network has no activation that keeps places");
    OK(explain(d, &im, EXPLAIN_INTEGRATED, heat));
    OK(explain(d, &im, EXPLAIN_OCCLUSION, heat));
    image_free(&im);
    foil_detector_free(d);
}

// Occlusion covers every place whatever the sides are.
static void test_odd_sides(void **state) {
    (void)state;
    static const int SIDES[][2] = {{1, 9}, {5, 3}, {13, 21}, {16, 23}, {31, 8}};
    for (size_t i = 0; i < sizeof SIDES / sizeof *SIDES; i++) {
        char words[256];
        float heat[512];
        explanation about;
        const int h = SIDES[i][0], w = SIDES[i][1];
        snprintf(words, sizeof words,
                 "input: {image: [%d, %d, 1]}\nlayers: [{conv: {out: 2, kernel: 1}}, relu]\nheads: {detect: {layers: [{global_pool: mean}, {linear: "
                 "1}]}}\n",
                 h, w);
        foil_detector *d = detector_from(words, 2, NULL);
        image im = picture(h, w, 1, 2);
        for (int m = 0; m < EXPLAIN_METHODS; m++) {
            for (int k = 0; k < h * w; k++) heat[k] = NAN;
            map_of(d, &im, (explain_method)m, heat, &about);
            for (int k = 0; k < h * w; k++) assert_true(isfinite(heat[k]));
        }
        image_free(&im);
        foil_detector_free(d);
    }
}

// The overlay. ----------------------------------------------------------------------------------------------------------------------------------

static void test_overlay(void **state) {
    (void)state;
    image ramp, map;
    float heat[256] = {0};
    OK(image_new(1, 256, 1, &ramp));
    for (int i = 0; i < 256; i++) ramp.pixels[i] = (uint8_t)i;
    OK(explain_overlay(&ramp, heat, &map)); // nothing to say: the picture
    assert_int_equal(map.channels, 3);
    for (int i = 0; i < 768; i++) assert_int_equal(map.pixels[i], i / 3);
    image_free(&map);

    for (int i = 0; i < 256; i++) heat[i] = i < 128 ? -2.f : 2.f, ramp.pixels[i] = 128;
    OK(explain_overlay(&ramp, heat, &map));
    const uint8_t *real = map.pixels, *fake = map.pixels + 3 * 255;
    assert_true(real[2] > real[0] + 80 && fake[0] > fake[2] + 80);
    image_free(&map);
    image_free(&ramp);
}

static void test_scale(void **state) {
    (void)state;
    float heat[1000] = {0};
    assert_true(explain_scale(heat, 1000) == 0);
    heat[17] = -3;
    assert_true(explain_scale(heat, 1000) == 3);
    for (int i = 0; i < 1000; i++) heat[i] = (float)(i % 2 ? i : -i);
    assert_true(explain_scale(heat, 1000) == 989); // of 1,000 magnitudes 0 to 999
}

static int remove_file(void **state) {
    (void)state;
    unlink(PATH);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear),
                                       cmocka_unit_test(test_completeness),
                                       cmocka_unit_test(test_incompleteness),
                                       cmocka_unit_test(test_corner),
                                       cmocka_unit_test(test_sign),
                                       cmocka_unit_test(test_activation_of_shipped_networks),
                                       cmocka_unit_test(test_activation_that_all_passes_through),
                                       cmocka_unit_test(test_without_places),
                                       cmocka_unit_test(test_odd_sides),
                                       cmocka_unit_test(test_overlay),
                                       cmocka_unit_test(test_scale)};
    return cmocka_run_group_tests_name("maps", tests, NULL, remove_file);
}
