// foil generate: samples of a run's generator, from its average where one is kept.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/generator.h"
#include "gan/sampler.h"
#include "train/folder.h"

static option OPTIONS[] = {
    {.name = "--out", .letter = 'o', .value = "FILE.png|DIR", .doc = "one picture or grid, or a folder of pictures"},
    {.name = "--count", .letter = 'n', .value = "N", .doc = "how many (default: 64)"},
    {.name = "--seed", .value = "N", .doc = "of the latents (default: 1)"},
    {.name = "--grid", .doc = "all side by side in one picture; what FILE.png means anyway"},
    {.name = NULL},
};
enum { OPTION_OUT, OPTION_COUNT, OPTION_SEED, OPTION_GRID };

enum { BATCH = 8 };

typedef struct generator {
    net *net;
    store *store;
    sampler *sampler;
} generator;

static void close_generator(generator *g) {
    sampler_free(g->sampler);
    store_free(g->store);
    net_free(g->net);
}

static foil_status open_generator(const char *run, generator *g) {
    TRY(generator_open(run, &g->net, &g->store));
    store_freeze(g->store);
    return sampler_new(g->net, g->store, BATCH, F32, NULL, &g->sampler);
}

static foil_status write_grid(const generator *g, philox_key k, int n, const char *out) {
    int columns = (int)ceil(sqrt(n));
    image grid = {0};
    TRY(sampler_grid(g->sampler, k, n, columns, &grid));
    foil_status status = image_write_png(out, &grid);
    image_free(&grid);
    return status;
}

static foil_status write_picture(const image *im, const char *folder, int i) {
    char *path = folder_path(folder, "%06d.png", i);
    foil_status status = path ? image_write_png(path, im) : foil_fail_memory(64, "a path");
    free(path);
    return status;
}

// Pictures of an earlier call are replaced; what went beyond `n` would pass for ours.
static foil_status check_left(const char *folder, int n) {
    char name[16];
    snprintf(name, sizeof name, "%06d.png", n);
    if (!folder_has(folder, name)) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s holds more than %d pictures already: choose another folder, or empty it", folder, n);
}

static foil_status write_each(const generator *g, philox_key k, int n, const char *folder) {
    shape picture = net_output(g->net);
    image all, one;
    TRY(file_make_folder(folder));
    TRY(check_left(folder, n));
    TRY(image_new(BATCH * (int)picture.d[0], (int)picture.d[1], (int)picture.d[2], &all));
    one = all;
    one.height /= BATCH;
    foil_status status = FOIL_OK;
    for (int i = 0; i < n && status == FOIL_OK; i++) {
        int at = i % BATCH;
        if (at == 0) sampler_run(g->sampler, k, (uint64_t)i, n - i < BATCH ? n - i : BATCH, all.pixels);
        one.pixels = all.pixels + (size_t)at * image_bytes(&one);
        status = write_picture(&one, folder, i);
        cli_progress("generate", i + 1, n, "");
    }
    cli_progress_end();
    image_free(&all);
    return status;
}

static foil_status generate(const char *run, const char *out, int n, uint64_t seed, bool one_file) {
    generator g = {0};
    philox_key k = {seed, STREAM_SAMPLES, 0};
    foil_status status = open_generator(run, &g);
    if (status == FOIL_OK) status = one_file ? write_grid(&g, k, n, out) : write_each(&g, k, n, out);
    close_generator(&g);
    return status;
}

int cmd_generate(int argc, char **argv) {
    int count, status;
    long long n = 64, seed = 1;
    if (!cli_parse(argc, argv, "RUN -o FILE.png|DIR [OPTIONS]",
                   "Makes pictures with the generator of a run folder (or of a checkpoint file). The same seed gives the same pictures.", OPTIONS,
                   &count, &status))
        return status;
    if (count != 1) return cli_usage("generate", "one run folder was expected, %d given", count);
    const char *out = OPTIONS[OPTION_OUT].text;
    if (!out || !*out) return cli_usage("generate", "-o FILE.png or -o DIR was expected");
    if (!cli_int(&OPTIONS[OPTION_COUNT], 1, 1000000, &n) || !cli_int(&OPTIONS[OPTION_SEED], 0, INT64_MAX, &seed)) return EXIT_USAGE;
    bool picture = text_ends_nocase(out, ".png"), grid = OPTIONS[OPTION_GRID].text != NULL;
    if (!picture && image_has_known_suffix(out))
        return cli_usage("generate", "-o '%s': pictures are written as PNG, expected FILE.png or a folder", out);
    if (grid && !picture) return cli_usage("generate", "--grid makes one picture: -o FILE.png was expected, not '%s'", out);
    if (generate(argv[1], out, (int)n, (uint64_t)seed, picture) != FOIL_OK) return cli_failed("generate");
    printf("%s\n", out);
    return EXIT_DONE;
}
