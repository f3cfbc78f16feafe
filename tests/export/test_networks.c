// Every shipped network, and two that hold one layer of each kind, with weights that training could have left: as detectors and generators, written, read
// and exported. With a folder as argument this program only writes the files, for checks: of all, or of those that are named after it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/philox.h"
#include "export/export.h"
#include "onnx.pb-c.h"
#include "tests/cmocka.h"

static char folder[512];
static const char *const *only; // names; NULL: all

static const char *in_folder(const char *name, const char *suffix) {
    static char path[2][1024];
    static int at;
    at = !at;
    snprintf(path[at], sizeof path[at], "%s/%s%s", folder, name, suffix);
    return path[at];
}

#define MUST(call)                                                                                                                                   \
    do {                                                                                                                                             \
        if ((call) != FOIL_OK) {                                                                                                                     \
            fprintf(stderr, "%s: %s\n", #call, foil_error());                                                                                        \
            exit(1);                                                                                                                                 \
        }                                                                                                                                            \
    } while (0)

// Weights. --------------------------------------------------------------------------------------------------------------------------------------

static void normalize(float *x, int64_t n) {
    double norm = 0;
    for (int64_t i = 0; i < n; i++) norm += (double)x[i] * x[i];
    for (int64_t i = 0; i < n; i++) x[i] = (float)(x[i] / sqrt(norm));
}

// Lets u and v settle, as they have after some training; else sigma would be next to nothing. `rows` of the matrix along axis 0 or 1.
static void settle(store *s, int weight, int u, int v) {
    const shape w = s->tensor[weight].shape;
    const int64_t rows = shape_count(s->tensor[u].shape), cols = shape_count(s->tensor[v].shape);
    const bool transposed = w.d[0] != rows; // the networks here have no square ones
    const int64_t inner = w.n == 4 ? w.d[2] * w.d[3] : 1;
    const float *data = store_data(s, weight);
    float *U = store_data(s, u), *V = store_data(s, v);
    for (int step = 0; step < 30; step++) {
        memset(V, 0, (size_t)cols * sizeof *V);
        for (int pass = 0; pass < 2; pass++) {
            if (pass) memset(U, 0, (size_t)rows * sizeof *U);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t c = 0; c < cols; c++) {
                    int64_t at = transposed ? (c / inner * rows + r) * inner + c % inner : r * cols + c;
                    if (pass)
                        U[r] += data[at] * V[c];
                    else
                        V[c] += data[at] * U[r];
                }
            normalize(pass ? U : V, pass ? rows : cols);
        }
    }
}

static store *trained_store(const net *n, uint64_t seed) {
    store *s = store_new();
    MUST(net_declare(n, s));
    MUST(store_allocate(s));
    store_initialize(s, seed);
    for (int i = 0; i < s->n; i++) {
        const char *name = s->tensor[i].name;
        const size_t count = (size_t)shape_count(s->tensor[i].shape);
        float *x = store_data(s, i), *noise = malloc(count * sizeof *noise);
        philox_fill_uniform((philox_key){.seed = seed, .stream = STREAM_SAMPLES, .step = (uint64_t)i}, 0, noise, count);
        const bool bias = text_ends(name, ".bias") || text_ends(name, ".running_mean");
        const bool scale = text_ends(name, ".running_var") || (text_ends(name, ".weight") && s->tensor[i].shape.n == 1);
        for (size_t k = 0; k < count; k++) x[k] = bias ? x[k] + .4f * noise[k] - .2f : scale ? .6f + noise[k] : x[k];
        free(noise);
        if (text_ends(name, ".weight_v")) settle(s, i - 2, i - 1, i);
    }
    return s;
}

// Files. ----------------------------------------------------------------------------------------------------------------------------------------

static const double KNOT_LOGITS[] = {-2, -.25, -.125, .03125, .5, 3}, KNOT_SCORES[] = {.01, .01, .3, .4, .4, .97};

// Of each method and with a prior of their own, in turn.
static detector_card card_of(const char *name) {
    detector_card card = {.fit = FIT_CROP,
                          .filter = RESIZE_BILINEAR,
                          .calibration = {.method = (calibration_method)(strlen(name) % 3),
                                          .temperature = 1. / 3,
                                          .reals = 12,
                                          .fakes = 34,
                                          .prior = strlen(name) % 2 ? .25 : .9,
                                          .shift = strlen(name) % 2 ? -2.5 : 1.25,
                                          .thresholds = 2,
                                          .threshold = {{0, .1234567890123456, 2}, {.01, .7 + 1e-16, 0}}},
                          .head = "detect",
                          .provenance = "{\"set\": \"none\", \"seed\": 1}"};
    if (card.calibration.method == CALIBRATION_PLATT) card.calibration.bias = -.3;
    if (card.calibration.method == CALIBRATION_ISOTONIC) card.calibration.knots = (isotonic){6, KNOT_LOGITS, KNOT_SCORES};
    return card;
}

static void write_checkpoint(const net *n, const store *s, const char *name) {
    safetensors_writer *w = safetensors_writer_new();
    MUST(file_make_folder(in_folder(name, "")));
    safetensors_set(w, "generator", net_text(n));
    safetensors_set(w, "channels", net_channels(n) == 1 ? "1" : "3");
    safetensors_add_store(w, "generator.", s);
    MUST(safetensors_write(w, in_folder(name, "/checkpoint.safetensors")));
    safetensors_writer_free(w);
}

typedef void use(const net *n, store *s, const char *name);

static bool is_wanted(const char *name) {
    for (const char *const *w = only; w && *w; w++)
        if (!strcmp(*w, name)) return true;
    return !only;
}

static void with_channels(const char *path, int channels, use *function) {
    net *n;
    char name[128];
    snprintf(name, sizeof name, "%.*s%s", (int)(strlen(file_name(path)) - strlen(".yaml")), file_name(path), channels == 1 ? "-grey" : "");
    if (!is_wanted(name)) return;
    MUST(net_read(path, channels, &n));
    store *s = trained_store(n, 1);
    function(n, s, name);
    store_free(s);
    net_free(n);
}

static foil_status with_network(const char *path, void *context) {
    use *function = *(use **)context;
    if (!text_ends(path, ".yaml")) return FOIL_OK;
    with_channels(path, 3, function);
    if (strstr(path, "everything")) with_channels(path, 1, function);
    return FOIL_OK;
}

static void with_networks(use *function) {
    MUST(file_walk(SOURCE_DIR "/configs/nets", with_network, &function));
    MUST(file_walk(SOURCE_DIR "/tests/export", with_network, &function));
}

static void write_detector(const net *n, const store *s, const char *name) {
    const detector_card card = card_of(name);
    MUST(detector_write(in_folder(name, ".safetensors"), n, s, &card));
}

static void write_files(const net *n, store *s, const char *name) {
    if (net_takes_latent(n))
        write_checkpoint(n, s, name);
    else if (net_has_head(n, "detect"))
        write_detector(n, s, name);
}

// Tests. ----------------------------------------------------------------------------------------------------------------------------------------

static int detectors;

static void picture_of_noise(int height, int width, int channels, uint64_t seed, image *out) {
    MUST(image_new(height, width, channels, out));
    for (size_t i = 0; i < image_bytes(out); i++) out->pixels[i] = (uint8_t)philox_u32((philox_key){.seed = seed, .stream = STREAM_SAMPLES}, i);
}

static float logit_of(const net *n, store *s, const image *picture) {
    scorer *sc;
    float logit;
    assert_int_equal(scorer_new(n, s, "detect", 1, NULL, &sc), FOIL_OK);
    assert_int_equal(scorer_run(sc, picture->pixels, 1, &logit), FOIL_OK);
    scorer_free(sc);
    return logit;
}

static void round_trip(const net *n, store *s, const char *name) {
    if (net_takes_latent(n) || !net_has_head(n, "detect")) return;
    foil_detector *d;
    const detector_card written = card_of(name);
    write_detector(n, s, name);
    if (foil_detector_load(in_folder(name, ".safetensors"), &d) != FOIL_OK) fail_msg("%s", foil_error());
    const detector_card *card = detector_card_of(d);
    assert_memory_equal(card->calibration.threshold, written.calibration.threshold, sizeof written.calibration.threshold);
    assert_string_equal(card->provenance, written.provenance);
    assert_string_equal(net_text(detector_net(d)), net_text(n));

    int height, width, channels;
    foil_detector_input(d, &height, &width, &channels);
    image picture;
    picture_of_noise(height, width, channels, 1, &picture);
    double logit, score;
    const float plain = logit_of(n, s, &picture);
    store *frozen = store_clone(s);
    store_freeze(frozen);
    const float wanted = logit_of(n, frozen, &picture);
    store_free(frozen);
    assert_int_equal(detector_logit(d, &picture, &logit), FOIL_OK);
    assert_true(logit == (double)wanted);
    if (!(fabs(logit - (double)plain) <= 1e-5 * fmax(1, fabs(logit)))) fail_msg("%s: %.9g, plain %.9g", name, logit, (double)plain);
    assert_int_equal(foil_detector_score_pixels(d, picture.pixels, height, width, channels, &score), FOIL_OK);
    assert_true(score == calibrated_score(&written.calibration, logit));
    image_free(&picture);
    foil_detector_free(d);
    detectors++;
}

static void test_detectors_round_trip(void **state) {
    (void)state;
    with_networks(round_trip);
    assert_true(detectors >= 2);
}

static Onnx__ModelProto *read_model(const char *path) {
    char *bytes;
    size_t n;
    MUST(file_read(path, 0, &bytes, &n));
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, n, (const uint8_t *)bytes);
    free(bytes);
    assert_non_null(m);
    return m;
}

static void export_one(const net *n, store *s, const char *name) {
    const char *path = in_folder(name, ".onnx");
    if (net_takes_latent(n)) {
        if (export_onnx_generator(path, n, s) != FOIL_OK) fail_msg("%s: %s", name, foil_error());
    } else if (net_has_head(n, "detect")) {
        foil_detector *d;
        write_detector(n, s, name);
        MUST(foil_detector_load(in_folder(name, ".safetensors"), &d));
        foil_status status = export_onnx_detector(path, d);
        foil_detector_free(d);
        if (status != FOIL_OK) fail_msg("%s: %s", name, foil_error());
    } else {
        return;
    }
    Onnx__ModelProto *m = read_model(path);
    assert_int_equal(m->ir_version, 8);
    assert_int_equal(m->opset_import[0]->version, 17);
    assert_string_equal(m->graph->input[0]->type->tensor_type->shape->dim[0]->dim_param, "N");
    assert_int_equal(m->graph->n_output, net_takes_latent(n) ? 1 : 2);
    onnx__model_proto__free_unpacked(m, NULL);
}

static void test_every_network_exports(void **state) {
    (void)state;
    with_networks(export_one);
}

// Convolutions and what is NHWC here must need no Transpose: a detector that ends in a flatten or a pool is NCHW throughout.
static void test_no_transposes_where_none_are_needed(void **state) {
    (void)state;
    static const char file[] = "input: {image: [8, 8, 3]}\n"
                               "layers: [{conv: {out: 4, kernel: 3, pad: 1}}, {batch_norm: {}}, relu, {max_pool: 2}, flatten]\n"
                               "heads: {detect: {layers: [{linear: {out: 1}}]}}\n";
    net *n;
    MUST(net_parse(file, "small.yaml", 0, &n));
    store *s = trained_store(n, 2);
    foil_detector *d;
    write_detector(n, s, "small");
    MUST(foil_detector_load(in_folder("small", ".safetensors"), &d));
    assert_int_equal(export_onnx_detector(in_folder("small", ".onnx"), d), FOIL_OK);
    Onnx__ModelProto *m = read_model(in_folder("small", ".onnx"));
    int convs = 0;
    for (size_t i = 0; i < m->graph->n_node; i++) {
        assert_string_not_equal(m->graph->node[i]->op_type, "Transpose");
        convs += !strcmp(m->graph->node[i]->op_type, "Conv");
    }
    assert_int_equal(convs, 1);
    onnx__model_proto__free_unpacked(m, NULL);
    foil_detector_free(d);
    store_free(s);
    net_free(n);
}

// What compares the pictures of a batch is no detector, and a generator with it has no form in ONNX.
static void test_what_compares_a_batch_is_refused(void **state) {
    (void)state;
    static const char judges[] = "input: {image: [8, 8, 3]}\n"
                                 "layers:\n"
                                 "  - minibatch_stddev: {group: 64}\n"
                                 "heads: {detect: {layers: [{global_pool: mean}, {linear: {out: 1}}]}}\n";
    static const char makes[] = "input: {latent: 8}\n"
                                "layers: [{linear: 32}, {reshape: [2, 4, 4]}, \n"
                                "  {minibatch_stddev: {group: 64}}, tanh]\n";
    net *n;
    MUST(net_parse(judges, "judges.yaml", 0, &n));
    store *s = trained_store(n, 2);
    foil_detector *d;
    write_detector(n, s, "judges");
    assert_int_equal(foil_detector_load(in_folder("judges", ".safetensors"), &d), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), ":3:5 minibatch_stddev"));
    store_free(s);
    net_free(n);
    MUST(net_parse(makes, "makes.yaml", 0, &n));
    s = trained_store(n, 2);
    assert_int_equal(export_onnx_generator(in_folder("makes", ".onnx"), n, s), FOIL_UNSUPPORTED);
    assert_non_null(strstr(foil_error(), " minibatch_stddev"));
    assert_false(file_exists(in_folder("makes", ".onnx")));
    store_free(s);
    net_free(n);
}

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/foil-networks-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static foil_status remove_file(const char *path, void *context) {
    (void)context;
    unlink(path);
    return FOIL_OK;
}

static int remove_folder(void **state) {
    (void)state;
    file_walk(folder, remove_file, NULL);
    return rmdir(folder);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        snprintf(folder, sizeof folder, "%s", argv[1]);
        if (argc > 2) only = (const char *const *)argv + 2;
        with_networks(write_files);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_detectors_round_trip), cmocka_unit_test(test_every_network_exports),
                                       cmocka_unit_test(test_no_transposes_where_none_are_needed),
                                       cmocka_unit_test(test_what_compares_a_batch_is_refused)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
