// foil export: a detector or a generator in the form that the suffix names.
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/generator.h"
#include "export/export.h"

static option OPTIONS[] = {
    {.name = "--output", .letter = 'o', .value = "FILE", .doc = "what to write: .onnx, .safetensors or .npz"},
    {.name = "--generator", .doc = "of a run: its generator (the running average, if there is one) instead of its detector"},
    {.name = NULL},
};
enum { OPTION_OUTPUT, OPTION_GENERATOR };

// What a suffix stands for.
typedef struct suffix {
    const char *text;
    foil_status (*detector)(const char *path, const foil_detector *d);
    foil_status (*generator)(const char *path, const net *n, store *s);
} suffix;

static foil_status detector_safetensors(const char *path, const foil_detector *d) {
    return detector_rewrite(path, d, detector_card_of(d));
}

static foil_status detector_npz(const char *path, const foil_detector *d) {
    TRY(detector_need_network(d, "an export to NumPy"));
    return export_npz(path, detector_store(d));
}

static foil_status generator_safetensors(const char *path, const net *n, store *s) {
    return export_weights(path, n, s);
}

static foil_status generator_npz(const char *path, const net *n, store *s) {
    (void)n;
    return export_npz(path, s);
}

static const suffix SUFFIXES[] = {{".onnx", export_onnx_detector, export_onnx_generator},
                                  {".safetensors", detector_safetensors, generator_safetensors},
                                  {".npz", detector_npz, generator_npz}};

static const suffix *suffix_of(const char *path) {
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++)
        if (text_ends_nocase(path, SUFFIXES[i].text)) return &SUFFIXES[i];
    return NULL;
}

static foil_status export_detector(const char *from, const suffix *to, const char *path) {
    foil_detector *d;
    TRY(foil_detector_load(from, &d));
    foil_status status = to->detector(path, d);
    foil_detector_free(d);
    return status;
}

// A run's detector is its best one so far.
static foil_status export_best(const char *run, const suffix *to, const char *path) {
    text best = {0};
    text_format(&best, "%s/best.safetensors", run);
    foil_status status;
    if (best.failed)
        status = foil_fail_memory(strlen(run), "a path");
    else if (!file_exists(best.data))
        status = foil_fail(FOIL_INVALID, "%s: no best.safetensors in it: a run with forgers writes its detector when it first evaluates", run);
    else
        status = export_detector(best.data, to, path);
    text_free(&best);
    return status;
}

static foil_status export_generator(const char *from, const suffix *to, const char *path) {
    net *n;
    store *s;
    TRY(generator_open(from, &n, &s));
    foil_status status = to->generator(path, n, s);
    store_free(s);
    net_free(n);
    return status;
}

static foil_status run(const char *from, const suffix *to, const char *path, bool generator) {
    if (generator) return export_generator(from, to, path);
    return file_is_folder(from) ? export_best(from, to, path) : export_detector(from, to, path);
}

// A detector's or checkpoint's own file is not to be replaced by what was made of it, nor those of a run that goes on from them.
static bool leaves_source(const char *from, const char *path) {
    static const char *const OF_RUN[] = {"best.safetensors", "checkpoint.safetensors", "checkpoint-previous.safetensors", NULL};
    const option *o = &OPTIONS[OPTION_OUTPUT];
    if (!file_is_folder(from)) return cli_elsewhere(o, path, from);
    bool elsewhere = true;
    for (int i = 0; OF_RUN[i] && elsewhere; i++) {
        text file = {0};
        text_format(&file, "%s/%s", from, OF_RUN[i]);
        elsewhere = file.failed || cli_elsewhere(o, path, file.data);
        text_free(&file);
    }
    return elsewhere;
}

int cmd_export(int argc, char **argv) {
    int count, status;
    if (!cli_parse(argc, argv, "RUN|DETECTOR -o FILE [--generator]",
                   "Writes the detector of a run, or a detector's file, in the form that FILE's suffix names:\n"
                   "  .onnx         pictures f32 [N,C,H,W] in 0..1 to logits and calibrated scores [N]; with --generator, latents to pictures\n"
                   "  .safetensors  weights with PyTorch's names and order\n"
                   "  .npz          the weights alone for NumPy: no network, preprocessing, calibration or thresholds",
                   OPTIONS, &count, &status))
        return status;
    const char *path = OPTIONS[OPTION_OUTPUT].text;
    if (count != 1) return cli_usage("export", "expected a run's folder or a detector");
    if (!path) return cli_usage("export", "which file? give it with -o");
    const suffix *to = suffix_of(path);
    if (!to) return cli_usage("export", "%s: expected a file ending in .onnx, .safetensors or .npz", path);
    if (!leaves_source(argv[1], path)) return EXIT_USAGE;
    return cli_ended("export", run(argv[1], to, path, OPTIONS[OPTION_GENERATOR].text));
}
