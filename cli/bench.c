// foil bench: images/s of a network or of a whole training step, beside what the machine can give.
#include "cli/bench.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sort.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "nn/dnnl.h"

enum { WARM_UP = 2, RUNS_MIN = 3, RUNS_MAX = 2000 };

static const char *const PRECISIONS[] = {"f32", "bf16", NULL};
static const char *const CONVOLUTIONS[] = {"direct", "fast", "plain", NULL};

static option OPTIONS[] = {
    {.name = "--batch", .value = "N", .doc = "pictures at a time (default: the training file's, or 64)"},
    {.name = "--precision", .value = "f32|bf16", .doc = "of the computation (default: the training file's, or f32)"},
    {.name = "--convolution", .value = "direct|fast|plain", .doc = "how convolutions are computed (default: the training file's, or fast)"},
    {.name = "--seconds", .value = "S", .doc = "to measure for (default: 5)"},
    {.name = "--profile", .doc = "time, FLOP and bytes of each step, beside what the machine can do"},
    {.name = "--trace", .value = "FILE.json", .doc = "the steps of one run on a time line, for chrome://tracing and ui.perfetto.dev"},
    {.name = "--json", .doc = "for programs"},
    {.name = NULL},
};
enum { OPTION_BATCH, OPTION_PRECISION, OPTION_CONVOLUTION, OPTION_SECONDS, OPTION_PROFILE, OPTION_TRACE, OPTION_JSON };

static foil_status run_once(foil_status (*run)(void *context, int i), void *context, int i, profile *p) {
    if (p) profile_begin(p);
    TRY(run(context, i));
    return p ? profile_end(p, i >= WARM_UP) : FOIL_OK;
}

// A line of Linux's /proc/self/status, in MB; 0 without it.
static double status_mb(const char *name) {
    char line[256];
    long long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (text_starts(line, name)) kib = strtoll(line + strlen(name), NULL, 10);
    fclose(f);
    return (double)kib * 1024 / 1e6;
}

double bench_resident_mb(void) {
    return status_mb("VmRSS:");
}

// getrusage's may be that of the program that started this one.
static double peak_resident_mb(void) {
    double mb = status_mb("VmHWM:");
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return mb > 0 ? mb : (double)usage.ru_maxrss * 1024 / 1e6;
}

foil_status bench_time(foil_status (*run)(void *context, int i), void *context, const bench_options *o, bench_result *out) {
    static double took[RUNS_MAX];
    int n = 0;
    for (int i = 0; i < WARM_UP; i++) TRY(run_once(run, context, i, o->profile));
    const ranks_traffic before = ranks_traffic_so_far();
    const double start = clock_now();
    for (double begin = start, end; n < RUNS_MAX && ranks_any(n < RUNS_MIN || begin - start < o->seconds); n++, begin = end) {
        TRY(run_once(run, context, WARM_UP + n, o->profile));
        end = clock_now();
        took[n] = end - begin; // waiting for other ranks between two runs included
    }
    sort_numbers(took, (size_t)n);
    out->seconds = n % 2 ? took[n / 2] : (took[n / 2 - 1] + took[n / 2]) / 2;
    out->runs = n;
    const ranks_traffic after = ranks_traffic_so_far();
    out->sums = (ranks_traffic){(after.bytes - before.bytes) / n, (after.waited - before.waited) / n};
    out->resident_mb = peak_resident_mb();
    return FOIL_OK;
}

static json_t *report_json(const bench_result *r, const roofline *peak) {
    double rate = r->flops / r->seconds;
    return json_pack("{ss si si si si ss ss sf sf si sf sf sf sf sf s{sI sI sI} sf sf sf sf}", "what", r->what, "batch", r->batch, "at_once",
                     r->at_once, "threads", threads_count(), "ranks", ranks_count(), "precision", PRECISIONS[r->precision], "onednn",
                     onednn_version_text(), "images_per_second", r->images / r->seconds, "seconds", r->seconds, "runs", r->runs, "flops", r->flops,
                     "flops_per_second", rate, "gemm_flops_per_second", peak->flops_per_second, "share_of_gemm", rate / peak->flops_per_second,
                     "bytes_per_second", peak->bytes_per_second, "bytes", "activations", (json_int_t)r->memory.activations, "scratch",
                     (json_int_t)r->memory.scratch, "weights", (json_int_t)r->memory.weights, "peak_resident_mb", r->resident_mb,
                     "predicted_resident_mb", r->predicted_mb, "summed_bytes", r->sums.bytes, "waited_for_ranks", r->sums.waited);
}

static void print_memory(const bench_result *r) {
    double work = (double)(r->memory.activations + r->memory.scratch) / 1e6;
    printf("%.1f MB of activations, %.1f MB of scratch, %.1f MB of prepared weights; peak resident %.0f MB\n", (double)r->memory.activations / 1e6,
           (double)r->memory.scratch / 1e6, (double)r->memory.weights / 1e6, r->resident_mb);
    if (r->predicted_mb > 0)
        printf("predicted resident %.0f MB: %.0f of activations and scratch, %.0f of values, gradients and moments, %.0f of program and plans\n",
               r->predicted_mb, work, r->parameters_mb, r->predicted_mb - work - r->parameters_mb);
}

static int report(const bench_result *r, const roofline *peak, const profile *p, bool json) {
    if (!ranks_speaks(false)) return EXIT_DONE;
    double images = r->images / r->seconds, rate = r->flops / r->seconds;
    if (json) {
        json_t *all = report_json(r, peak);
        if (p) json_object_set_new(all, "profile", profile_json(p, peak));
        return cli_print_json("bench", all, 9);
    }
    printf("%s, batch %d, ", r->what, r->batch);
    if (r->at_once < r->batch) printf("%d at once, ", r->at_once);
    printf("%s, %d thread%s, oneDNN %s\n", PRECISIONS[r->precision], threads_count(), threads_count() == 1 ? "" : "s", onednn_version_text());
    printf("%.1f images/s (%.2f ms for %.0f, median of %d)\n", images, 1e3 * r->seconds, r->images, r->runs);
    printf("%.1f GFLOP/s, %.0f %% of the %.1f GFLOP/s of a 2048³ product here and now\n", rate / 1e9, 100 * rate / peak->flops_per_second,
           peak->flops_per_second / 1e9);
    print_memory(r);
    if (ranks_count() > 1)
        printf("%d ranks, GFLOP/s of one: %.1f MB summed over them, %.2f ms waited for them (%.1f %%)\n", ranks_count(), r->sums.bytes / 1e6,
               1e3 * r->sums.waited, 100 * r->sums.waited / r->seconds);
    if (p && profile_print(p, peak) != FOIL_OK) return cli_failed("bench");
    return EXIT_DONE;
}

static foil_status measure(const char *path, const bench_options *o, bench_result *r, roofline *peak) {
    yaml *document;
    TRY(yaml_read(path, &document));
    const yaml_node *root = yaml_root(document);
    bool training = yaml_kind_of(root) == YAML_MAP && yaml_get(root, "discriminator") && !yaml_get(root, "layers");
    yaml_free(document);
    if (!training && o->n_overrides) return foil_fail(FOIL_INVALID, "%s: KEY=VALUE is for training files, this is a network", path);
    TRY((training ? bench_training : bench_network)(path, o, r));
    return bench_peak(r->precision, o->seconds, peak);
}

static int write_bytes(const char *bytes, size_t n, void *to) {
    file_write(to, bytes, n);
    return 0;
}

static foil_status write_trace(file_writer *w, const profile *p) {
    json_t *trace = profile_trace(p);
    int failed = trace ? json_dump_callback(trace, write_bytes, w, JSON_COMPACT | JSON_REAL_PRECISION(12)) : -1;
    json_decref(trace);
    if (!failed) return file_commit(w);
    file_abort(w);
    return foil_fail_memory(0, "the trace");
}

// The trace's file is opened first: better to hear of a wrong path before the measurement than after it.
static foil_status run(const char *path, bench_options *o, bench_result *r, roofline *peak) {
    const char *to = ranks_self() == 0 ? OPTIONS[OPTION_TRACE].text : NULL;
    file_writer *w = NULL;
    if ((to || OPTIONS[OPTION_PROFILE].text) && !(o->profile = profile_new())) return foil_fail_memory(64, "a profile");
    if (to) TRY(file_create(to, &w));
    foil_status s = measure(path, o, r, peak);
    if (s == FOIL_OK && w) return write_trace(w, o->profile);
    file_abort(w);
    return s;
}

int cmd_bench(int argc, char **argv) {
    int count, status;
    long long batch = 0;
    bench_options o = {.precision = -1, .convolution = -1, .seconds = 5};
    if (!cli_parse(
            argc, argv, "NET.yaml|CONFIG.yaml [KEY=VALUE...] [OPTIONS]",
            "Measures images per second: of a network file, inference; of a training file, whole training steps on made-up pictures. KEY=VALUE "
            "replaces a key of a training file.",
            OPTIONS, &count, &status))
        return status;
    if (count < 1) return cli_usage("bench", "a network or training file was expected");
    if (!cli_settings("training", count, argv)) return EXIT_USAGE;
    if (OPTIONS[OPTION_TRACE].text && !cli_elsewhere(&OPTIONS[OPTION_TRACE], OPTIONS[OPTION_TRACE].text, argv[1])) return EXIT_USAGE;
    if (!cli_int(&OPTIONS[OPTION_BATCH], 1, 1 << 16, &batch) || !cli_choice(&OPTIONS[OPTION_PRECISION], PRECISIONS, &o.precision) ||
        !cli_choice(&OPTIONS[OPTION_CONVOLUTION], CONVOLUTIONS, &o.convolution) || !cli_float(&OPTIONS[OPTION_SECONDS], 0.01, 3600, &o.seconds))
        return EXIT_USAGE;
    o.batch = (int)batch;
    o.overrides = (const char *const *)argv + 2;
    o.n_overrides = count - 1;
    bench_result r = {0};
    roofline peak;
    status = run(argv[1], &o, &r, &peak) == FOIL_OK
                 ? report(&r, &peak, OPTIONS[OPTION_PROFILE].text ? o.profile : NULL, OPTIONS[OPTION_JSON].text != NULL)
                 : cli_failed("bench");
    profile_free(o.profile);
    return status;
}
