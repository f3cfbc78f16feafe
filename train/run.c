#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "train/checkpoint.h"

static foil_status open_player(net *n, const optimizer_options *o, uint64_t seed, player *out) {
    out->net = n;
    if (!(out->store = store_new())) return foil_fail_memory(sizeof(store), "a store");
    TRY(net_declare(n, out->store));
    TRY(store_allocate(out->store));
    store_initialize(out->store, seed);
    return optimizer_new(o, out->store, &out->optimizer);
}

static foil_status open_forgery(run *r) {
    const config *c = r->config;
    if (c->run.batch < 2)
        return foil_fail(FOIL_INVALID, "run.batch is %" PRId64 ", expected at least one real and one fake for the detect head", c->run.batch);
    shape picture = net_input(r->discriminator_net);
    forger_world world = {
        .generator = r->generator.net,
        .generator_store = r->generator.store,
        .workspace = r->workspace,
        .set = r->set,
        .portion = &c->data.portion,
        .height = (int)picture.d[0],
        .width = (int)picture.d[1],
        .channels = (int)picture.d[2],
        .fit = (image_fit)c->data.fit,
        .batch = (int)(c->run.share / 2),
        .together = (int)(c->run.batch / 2),
        .seed = (uint64_t)c->run.seed,
        .compute = c->run.precision ? BF16 : F32,
    };
    return forgery_open(c->forgers, &world, &r->forgery);
}

static foil_status open_set(run *r) {
    const char *path = r->config->data.set;
    if (!path) return foil_fail(FOIL_INVALID, "data.set is missing, expected the path of a set: data.set=SET.h5");
    TRY(set_open(path, &r->set));
    const portion *p = &r->config->data.portion;
    TRY(set_check_methods(r->set, &p->without, yaml_get(yaml_get(yaml_root(r->config->document), "data"), "without")));
    TRY(portion_select(r->set, p, false, NULL, &r->real));
    if (r->real.n > 0) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: the training split has no reals%s", path, p->without.n ? " that are not left out" : "");
}

static foil_status open_all(run *r) {
    const config *c = r->config;
    TRY(open_set(r));
    int channels = set_channels(r->set);
    TRY(net_read(c->discriminator, channels, &r->discriminator_net));
    // Weights of the two networks come from seeds of their own, or equal shapes would begin with equal numbers.
    TRY(open_player(r->discriminator_net, &c->discriminator_optimizer, 2 * (uint64_t)c->run.seed + 1, &r->discriminator));
    if (c->generator) {
        TRY(net_read(c->generator, channels, &r->generator_net));
        TRY(open_player(r->generator_net, &c->generator_optimizer, 2 * (uint64_t)c->run.seed, &r->generator));
        if (c->game.ema_decay > 0 && !(r->average = store_clone(r->generator.store)))
            return foil_fail_memory(r->generator.store->value_count * sizeof(float), "the generator's average");
    }
    if (!(r->workspace = workspace_new())) return foil_fail_memory(64, "a workspace");
    return c->forgers ? open_forgery(r) : FOIL_OK;
}

foil_status run_open(const config *c, run *r) {
    *r = (run){.config = c, .best.metric = NAN};
    foil_status status = open_all(r);
    if (status != FOIL_OK) run_close(r);
    return status;
}

static void close_player(player *p) {
    optimizer_free(p->optimizer);
    store_free(p->store);
}

void run_close(run *r) {
    forgery_close(r->forgery);
    workspace_free(r->workspace);
    store_free(r->best.weights);
    store_free(r->average);
    close_player(&r->generator);
    close_player(&r->discriminator);
    net_free(r->generator_net);
    net_free(r->discriminator_net);
    selection_free(&r->real);
    set_close(r->set);
    *r = (run){0};
}

uint64_t run_digest(const run *r) {
    const store *stores[] = {r->discriminator.store, r->generator.store, r->average};
    uLong digest = crc32_z(0, NULL, 0);
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        const store *s = stores[i];
        if (s) digest = crc32_z(digest, (const Bytef *)s->values, s->value_count * sizeof(float));
        if (s && s->buffer_count) digest = crc32_z(digest, (const Bytef *)s->buffers, s->buffer_count * sizeof(float));
    }
    return digest;
}

const char *run_not_finite(const run *r, const char **whose) {
    const struct {
        const char *whose;
        const store *store;
    } parts[] = {{"the discriminator's", r->discriminator.store}, {"the generator's", r->generator.store}, {"the generator's average's", r->average}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *tensor = parts[i].store ? store_not_finite(parts[i].store) : NULL;
        *whose = parts[i].whose;
        if (tensor) return tensor;
    }
    return NULL;
}

// Names in a checkpoint. -------------------------------------------------------------------------------------------------------------------------

// What the set's fingerprint, which is of files, does not tell of its pictures: 32 x 32 pixels, crop, bicubic; 0 x 0 is native sizes.
enum { PICTURES_TEXT = 64 };
static void describe_pictures(const set *s, char out[PICTURES_TEXT]) {
    int height = 0, width = 0;
    set_size(s, &height, &width);
    snprintf(out, PICTURES_TEXT, "%d x %d pixels, %s, %s", width, height, FIT_NAMES[set_fit(s)], RESIZE_NAMES[set_filter(s)]);
}

static void save_player(safetensors_writer *w, const player *p, const char *prefix, const char *optimizer_prefix) {
    safetensors_add_store(w, prefix, p->store);
    optimizer_save(p->optimizer, w, optimizer_prefix);
}

static foil_status load_player(const safetensors *s, player *p, const char *prefix, const char *optimizer_prefix) {
    TRY(safetensors_load_store(s, prefix, p->store));
    return optimizer_load(p->optimizer, s, optimizer_prefix);
}

foil_status run_save(const run *r, const char *folder) {
    char channels[16], pictures[PICTURES_TEXT], *document = NULL;
    snprintf(channels, sizeof channels, "%d", set_channels(r->set));
    describe_pictures(r->set, pictures);
    TRY(config_emit(r->config, &document));
    safetensors_writer *w = safetensors_writer_new();
    if (!w) {
        free(document);
        return foil_fail_memory(64, "a checkpoint");
    }
    safetensors_set(w, "foil_checkpoint", "1");
    safetensors_set(w, "config", document);
    safetensors_set(w, "channels", channels);
    safetensors_set(w, "fingerprint", set_fingerprint(r->set));
    safetensors_set(w, "pictures", pictures);
    safetensors_set(w, "discriminator", net_text(r->discriminator_net));
    save_player(w, &r->discriminator, "discriminator.", "discriminator_optimizer.");
    if (r->generator.net) {
        safetensors_set(w, "generator", net_text(r->generator_net));
        save_player(w, &r->generator, "generator.", "generator_optimizer.");
    }
    if (r->average) safetensors_add_store(w, "average.", r->average);
    if (r->forgery) forgery_save(r->forgery, w);
    safetensors_add(w, "run.step", "I64", SCALAR, &r->step);
    safetensors_add(w, "best.step", "I64", SCALAR, &r->best.step);
    safetensors_add(w, "best.metric", "F64", SCALAR, &r->best.metric);
    if (r->best.weights) safetensors_add_store(w, "best.detector.", r->best.weights);
    foil_status status = checkpoint_write(folder, w);
    safetensors_writer_free(w);
    free(document);
    return status;
}

static foil_status load_scalar(const safetensors *s, const char *name, const char *type, void *to) {
    safetensors_entry e;
    if (!safetensors_find(s, name, &e) || strcmp(e.type, type) != 0 || e.bytes != sizeof(int64_t))
        return foil_fail(FOIL_INVALID, "tensor '%s' is missing or not one %s", name, type);
    memcpy(to, e.data, e.bytes);
    return FOIL_OK;
}

static bool is_same(const safetensors *s, const char *name, const char *now) {
    const char *then = safetensors_metadata(s, name);
    return then && strcmp(then, now) == 0;
}

static foil_status check_same(const safetensors *s, const char *name, const char *now, const char *what) {
    return is_same(s, name, now) ? FOIL_OK : foil_fail(FOIL_INVALID, "%s not what the run began with", what);
}

static foil_status restore(run *r, const safetensors *s) {
    if (!safetensors_metadata(s, "foil_checkpoint")) return foil_fail(FOIL_INVALID, "this is not a checkpoint of a run");
    char pictures[PICTURES_TEXT];
    describe_pictures(r->set, pictures);
    TRY(check_same(s, "fingerprint", set_fingerprint(r->set), "the data set is"));
    TRY(check_same(s, "pictures", pictures, "how the data set's pictures were sized is"));
    TRY(check_same(s, "discriminator", net_text(r->discriminator_net), "the discriminator's network file is"));
    TRY(load_player(s, &r->discriminator, "discriminator.", "discriminator_optimizer."));
    if (r->generator.net) {
        TRY(check_same(s, "generator", net_text(r->generator_net), "the generator's network file is"));
        TRY(load_player(s, &r->generator, "generator.", "generator_optimizer."));
    }
    if (r->average) TRY(safetensors_load_store(s, "average.", r->average));
    if (r->forgery) TRY(forgery_load(r->forgery, s));
    TRY(load_scalar(s, "run.step", "I64", &r->step));
    TRY(load_scalar(s, "best.step", "I64", &r->best.step));
    TRY(load_scalar(s, "best.metric", "F64", &r->best.metric));
    return r->best.weights ? safetensors_load_store(s, "best.detector.", r->best.weights) : FOIL_OK;
}

// Networks whose files differ may still have the same tensors; where they have not, the file is the reason.
static foil_status take_network(const safetensors *s, const char *name, const player *p) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s.", name);
    const foil_status status = safetensors_load_store(s, prefix, p->store);
    if (status == FOIL_OK || is_same(s, name, net_text(p->net))) return status;
    return foil_fail_within(status, "the %s there is another network", name);
}

static foil_status take_networks(run *r, const safetensors *s, const char *path) {
    if (!safetensors_metadata(s, "foil_checkpoint")) return foil_fail(FOIL_INVALID, "%s is not a checkpoint of a run", path);
    TRY(take_network(s, "discriminator", &r->discriminator));
    if (r->generator.net) TRY(take_network(s, "generator", &r->generator));
    if (r->average) store_copy(r->average, r->generator.store);
    return FOIL_OK;
}

static foil_status begin_from(run *r, const char *path) {
    char *newest = NULL;
    safetensors *s;
    TRY(file_is_folder(path) ? checkpoint_open(path, &s, &newest) : safetensors_open(path, &s));
    foil_status status = take_networks(r, s, path);
    safetensors_close(s);
    free(newest);
    return status;
}

foil_status run_begin(run *r) {
    foil_status status = r->config->run.from ? begin_from(r, r->config->run.from) : FOIL_OK;
    return status == FOIL_OK ? FOIL_OK : foil_fail_within(status, "run.from");
}

foil_status run_restore(run *r, const safetensors *s, const char *path) {
    foil_status status = restore(r, s);
    return status == FOIL_OK ? FOIL_OK : foil_fail_within(status, "%s", path);
}
