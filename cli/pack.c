// foil pack: pictures into one data set.
#include <string.h>

#include "base/file.h"
#include "base/ranks.h"
#include "base/text.h"
#include "cli/cli.h"
#include "datasets/importer.h"

static option OPTIONS[] = {
    {.name = "--out", .letter = 'o', .value = "SET.h5", .doc = "the file to make (required); with shards SET.yaml, their index"},
    {.name = "--shards", .value = "N", .doc = "so many files SET-000.h5 … and an index that names them"},
    {.name = "--shard-size", .value = "N", .doc = "the same, with about so many pictures in each"},
    {.name = "--layout", .value = "NAME", .doc = "of the sources, docs/sets.md lists them: folders, csv, genimage … (default: by looking)"},
    {.name = "--size", .value = "N", .doc = "side of the square pictures in the set (default 64)"},
    {.name = "--fit", .value = "FIT", .doc = "crop (default): the centre; resize: whatever the aspect; native: every picture as it is"},
    {.name = "--filter", .value = "F", .doc = "of resizing: bilinear, bicubic or lanczos (default), antialiased"},
    {.name = "--channels", .value = "N", .doc = "3 (default): colour, 1: grey"},
    {.name = "--label", .value = "L", .doc = "real or fake: of everything in the sources"},
    {.name = "--method", .value = "NAME", .doc = "what made the fakes, or where the reals come from (default: by the layout)"},
    {.name = "--split", .value = "T,V,S", .doc = "shares of train, val and test (default 0.8,0.1,0.1)"},
    {.name = "--seed", .value = "N", .doc = "of splits, samples and patches (default 1)"},
    {.name = "--max", .value = "N", .doc = "pictures of each class at most, drawn at random"},
    {.name = "--patches", .value = "N", .doc = "squares cut from each picture instead of the whole; they stay in one split"},
    {.name = "--patch-scale", .value = "X", .doc = "scale of the picture before cutting (default 0.5)"},
    {.name = "--skip-bad", .doc = "leaves out files that can't be read, instead of failing"},
    {.name = "--force", .doc = "replaces a file that is not a data set"},
    {.name = "--source", .value = "TEXT", .doc = "where the pictures come from, kept in the set (default: what sets among the sources say)"},
    {.name = "--licence", .value = "TEXT", .doc = "their licence, likewise"},
    {.name = NULL},
};
enum {
    OUT,
    SHARDS,
    SHARD_SIZE,
    LAYOUT,
    SIZE,
    FIT,
    FILTER,
    CHANNELS,
    LABEL,
    METHOD,
    SPLIT,
    SEED,
    MAX,
    PATCHES,
    PATCH_SCALE,
    SKIP_BAD,
    FORCE,
    SOURCE,
    LICENCE
};

static void progress(int64_t done, int64_t total, void *context) {
    (void)context;
    cli_progress("packing", done, total, NULL);
}

static void bad(const char *path, const char *why, void *context) {
    (void)context;
    cli_progress_end();
    fprintf(stderr, "foil pack: %s%s%s\n", strstr(why, path) ? "" : path, strstr(why, path) ? "" : ": ", why);
}

static bool read_shares(const char *given, double share[3], int *status) {
    double sum = 0;
    int end = 0;
    bool ok = sscanf(given, "%lf,%lf,%lf%n", &share[0], &share[1], &share[2], &end) == 3 && !given[end];
    for (int i = 0; i < 3; i++) {
        ok = ok && share[i] >= 0 && share[i] <= 1;
        sum += share[i];
    }
    ok = ok && sum > 0.999 && sum < 1.001;
    if (!ok) *status = cli_usage("pack", "--split '%s': three shares that sum to 1 were expected, such as 0.8,0.1,0.1", given);
    return ok;
}

static bool read_numbers(pack_options *o, int *label) {
    static const char *const LABELS[] = {"real", "fake", NULL};
    int fit = FIT_CROP, filter = RESIZE_LANCZOS;
    long long size = 64, channels = 3, seed = 1, max = 0, patches = 0, shards = 0, shard_size = 0;
    o->patch_scale = 0.5;
    bool ok = cli_int(&OPTIONS[SIZE], 1, 8192, &size) && cli_choice(&OPTIONS[FIT], FIT_NAMES, &fit) &&
              cli_choice(&OPTIONS[FILTER], RESIZE_NAMES, &filter) && cli_int(&OPTIONS[CHANNELS], 1, 3, &channels) &&
              cli_choice(&OPTIONS[LABEL], LABELS, label) && cli_int(&OPTIONS[SEED], 0, INT64_MAX, &seed) &&
              cli_int(&OPTIONS[MAX], 1, INT64_MAX, &max) && cli_int(&OPTIONS[PATCHES], 1, 1000000, &patches) &&
              cli_int(&OPTIONS[SHARDS], 1, 20000, &shards) && cli_int(&OPTIONS[SHARD_SIZE], 1, INT32_MAX, &shard_size) &&
              cli_float(&OPTIONS[PATCH_SCALE], 0.01, 1, &o->patch_scale);
    o->size = fit == FIT_NATIVE ? 0 : (int)size;
    o->fit = (image_fit)fit;
    o->filter = (resize_filter)filter;
    o->channels = (int)channels;
    o->seed = (uint64_t)seed;
    o->max = max;
    o->patches = (int)patches;
    o->shards = (int)shards;
    o->shard_size = shard_size;
    return ok;
}

static bool read_options(pack_options *o, int *label, int *status) {
    *status = EXIT_USAGE;
    if (!read_numbers(o, label)) return false;
    if (o->channels == 2) {
        cli_usage("pack", "--channels 2: 1 or 3 was expected");
        return false;
    }
    if (o->patches && o->fit == FIT_NATIVE) {
        cli_usage("pack", "--patches have a --size: --fit native can't be had with them");
        return false;
    }
    return read_shares(OPTIONS[SPLIT].text ? OPTIONS[SPLIT].text : "0.8,0.1,0.1", o->split, status);
}

static bool names_index(const char *path) {
    return text_ends_nocase(path, ".yaml") || text_ends_nocase(path, ".yml");
}

static bool check_out(const pack_options *o, int *status) {
    const char *out = OPTIONS[OUT].text;
    bool shards = o->shards || o->shard_size;
    if (o->shards && o->shard_size)
        *status = cli_usage("pack", "--shards and --shard-size: one of them was expected");
    else if (shards && !names_index(out))
        *status = cli_usage("pack", "-o %s: shards have an index, expected a name that ends in .yaml", out);
    else if (!shards && names_index(out))
        *status = cli_usage("pack", "-o %s: an index is of shards, expected --shards or --shard-size with it", out);
    else
        return true;
    return false;
}

// Whether `path` may be written: nothing is there, or a set, or --force was given.
static foil_status may_replace(const char *path) {
    if (!file_exists(path) || OPTIONS[FORCE].text) return FOIL_OK;
    set *s;
    if (set_open(path, &s) != FOIL_OK) return foil_fail(FOIL_INVALID, "%s: exists and is not a data set; --force replaces it", path);
    set_close(s);
    return FOIL_OK;
}

static void print_summary(const char *path, const pack_summary *sum) {
    printf("%-6s %8s %8s %8s\n", "", "train", "val", "test");
    for (int fake = 0; fake < 2; fake++)
        printf("%-6s %8lld %8lld %8lld\n", fake ? "fake" : "real", (long long)sum->per[fake][0], (long long)sum->per[fake][1],
               (long long)sum->per[fake][2]);
    printf("%lld pictures in %s", (long long)sum->packed, path);
    if (sum->clips) printf("; %lld clips", (long long)sum->clips);
    if (sum->subjects) printf("; %lld subjects", (long long)sum->subjects);
    if (sum->duplicates) printf("; %lld files repeat the bytes of another", (long long)sum->duplicates);
    if (sum->bad) printf("; %lld files left out", (long long)sum->bad);
    printf("\n");
}

static foil_status run(const char *const *sources, int n, const import_options *from, const pack_options *o, const char *path) {
    import_list *items;
    pack_summary sum;
    TRY(ranks_agree(may_replace(path)));
    TRY(ranks_agree(import_sources(sources, n, from, &items)));
    foil_status s = pack(items, path, o, &sum);
    cli_progress_end();
    if (s == FOIL_OK && ranks_self() == 0) print_summary(path, &sum);
    import_free(items);
    return s;
}

int cmd_pack(int argc, char **argv) {
    int count, status, label = -1;
    if (!cli_parse(argc, argv, "SOURCE... -o SET.h5|SET.yaml [OPTIONS]",
                   "Packs pictures into one HDF5 set, or with --shards into several and an index of them. A source is a folder (real/<source>/**,\n"
                   "fake/<method>/**, or any tree with --label), a picture with --label, a manifest (path,label,method,subject,split), an idx file,\n"
                   "a CIFAR batch or another set. 'mpirun -n N foil pack …' shares the work.",
                   OPTIONS, &count, &status))
        return status;
    pack_options o = {.replace = OPTIONS[FORCE].text,
                      .skip_bad = OPTIONS[SKIP_BAD].text,
                      .source = OPTIONS[SOURCE].text,
                      .licence = OPTIONS[LICENCE].text,
                      .progress = progress,
                      .bad = bad};
    if (count == 0) return cli_usage("pack", "which sources? 'foil pack --help' tells more");
    if (!OPTIONS[OUT].text) return cli_usage("pack", "-o SET.h5 is missing: the file to make");
    if (!read_options(&o, &label, &status)) return status;
    if (!check_out(&o, &status)) return status;
    const import_options from = {OPTIONS[LAYOUT].text, label, OPTIONS[METHOD].text};
    if (run((const char *const *)argv + 1, count, &from, &o, OPTIONS[OUT].text) != FOIL_OK) return cli_failed("pack");
    return EXIT_DONE;
}
