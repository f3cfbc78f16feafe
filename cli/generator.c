#include "cli/generator.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"
#include "train/checkpoint.h"

static bool has_average(const safetensors *file, const store *s) {
    text first = {0};
    safetensors_entry entry;
    text_format(&first, "average.%s", s->n ? s->tensor[0].name : "");
    bool found = !first.failed && safetensors_find(file, first.data, &entry);
    text_free(&first);
    return found;
}

static foil_status check(const net *n, const char *path) {
    const shape made = net_output(n);
    if (!net_takes_latent(n))
        return foil_fail(FOIL_INVALID, "%s: its network takes pictures, expected a generator: one that takes a latent vector", path);
    if (made.n == 3 && (made.d[2] == 1 || made.d[2] == 3)) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: its generator makes %s, expected pictures: [height, width, 1 or 3]", path, shape_text(made));
}

static foil_status load(const safetensors *file, const char *path, net **n, store **s) {
    const char *network = safetensors_metadata(file, "generator"), *channels = safetensors_metadata(file, "channels");
    long long c;
    if (!network || !channels || !text_to_int(channels, &c) || (c != 1 && c != 3))
        return foil_fail(FOIL_INVALID, "%s: no generator in it, expected a checkpoint of an adversarial run", path);
    const foil_status parsed = net_parse(network, "generator", (int)c, n);
    if (parsed != FOIL_OK) return foil_fail_within(parsed, "%s", path);
    TRY(check(*n, path));
    if (!(*s = store_new())) return foil_fail_memory(sizeof **s, "a store");
    TRY(net_declare(*n, *s));
    TRY(store_allocate(*s));
    return safetensors_load_store(file, has_average(file, *s) ? "average." : "generator.", *s);
}

foil_status generator_open(const char *run, net **n, store **s) {
    safetensors *file;
    char *path = NULL;
    *n = NULL;
    *s = NULL;
    if (file_is_folder(run))
        TRY(checkpoint_open(run, &file, &path));
    else
        TRY(safetensors_open(run, &file));
    foil_status status = load(file, path ? path : run, n, s);
    safetensors_close(file);
    free(path);
    if (status == FOIL_OK) return FOIL_OK;
    store_free(*s);
    net_free(*n);
    *n = NULL;
    *s = NULL;
    return status;
}
