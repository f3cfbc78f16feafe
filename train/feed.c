#include "train/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/ranks.h"
#include "data/loader.h"
#include "data/transform.h"

enum { FEED_GAME, FEED_DETECT, FEED_FAKES }; // streams of one run

struct feed {
    run *run;
    int batch, reals, fakes; // of the detect head, taking turns: so each rank has its share of one long row
    int together, first;     // fakes of all ranks, and the number of this one's first among them
    int height, width, channels;
    size_t bytes; // of one picture
    transform *game_transform, *detect_transform;
    loader *game, *detect;
    uint8_t *pixels, *made; // all of the detect head's; its fakes before they are transformed
    float *label;
    const char **method;
    double prepared; // seconds of making and transforming fakes that are not the network's
};

static foil_status open_loader(feed *f, int each, const transform *t, uint32_t stream, uint64_t draw, loader **out) {
    const config *c = f->run->config;
    loader_options o = {
        .set = f->run->set,
        .from = &f->run->real,
        .batch = each,
        .height = f->height,
        .width = f->width,
        .channels = f->channels,
        .fit = (image_fit)c->data.fit,
        .transform = t,
        .shuffle = true,
        .seed = (uint64_t)c->run.seed,
        .stream = stream,
        .every = ranks_count(),
        .threads = (int)c->data.threads,
    };
    return loader_open(&o, draw * (uint64_t)ranks_count() + (uint64_t)ranks_self(), out);
}

static foil_status open_detect(feed *f, uint64_t draw) {
    const config *c = f->run->config;
    f->fakes = f->batch / 2;
    f->reals = f->batch - f->fakes;
    f->pixels = malloc((size_t)f->batch * f->bytes);
    f->made = malloc((size_t)f->fakes * f->bytes);
    f->label = calloc((size_t)f->batch, sizeof *f->label);
    f->method = calloc((size_t)f->batch, sizeof *f->method);
    if (!f->pixels || !f->made || !f->label || !f->method) return foil_fail_memory((size_t)f->batch * f->bytes, "a batch of pictures");
    for (int i = 1; i < f->batch; i += 2) f->label[i] = 1;
    TRY(transform_parse(c->detect.augment ? c->detect.augment : c->data.augment, &f->detect_transform));
    return open_loader(f, f->reals, f->detect_transform, FEED_DETECT, draw, &f->detect);
}

static foil_status open_all(feed *f, uint64_t draw) {
    const config *c = f->run->config;
    shape picture = net_input(f->run->discriminator_net);
    f->batch = (int)c->run.share;
    f->together = (int)(c->run.batch / 2);
    f->first = f->batch / 2 * ranks_self();
    f->height = (int)picture.d[0];
    f->width = (int)picture.d[1];
    f->channels = (int)picture.d[2];
    f->bytes = (size_t)shape_count(picture);
    if (f->run->forgery) TRY(open_detect(f, draw));
    if (!f->run->generator.net) return FOIL_OK;
    TRY(transform_parse(c->data.augment, &f->game_transform));
    return open_loader(f, f->batch, f->game_transform, FEED_GAME, draw, &f->game);
}

foil_status feed_open(run *r, uint64_t draw, feed **out) {
    *out = NULL;
    feed *f = calloc(1, sizeof *f);
    if (!f) return foil_fail_memory(sizeof *f, "a feed");
    f->run = r;
    foil_status status = open_all(f, draw);
    if (status == FOIL_OK) {
        *out = f;
    } else {
        feed_close(f);
    }
    return status;
}

void feed_close(feed *f) {
    if (!f) return;
    loader_close(f->game);
    loader_close(f->detect);
    transform_free(f->game_transform);
    transform_free(f->detect_transform);
    free(f->pixels);
    free(f->made);
    free(f->label);
    free(f->method);
    free(f);
}

static foil_status transform_one(const feed *f, const uint8_t *from, uint64_t position, uint8_t *to) {
    image im = {0};
    TRY(image_new(f->height, f->width, f->channels, &im));
    memcpy(im.pixels, from, f->bytes);
    philox_key k = {(uint64_t)f->run->config->run.seed, STREAM_AUGMENT | FEED_FAKES << 8, position};
    foil_status status = transform_apply(f->detect_transform, &im, k);
    if (status == FOIL_OK) memcpy(to, im.pixels, f->bytes);
    image_free(&im);
    return status;
}

static uint8_t *place(const feed *f, int i) {
    return f->pixels + (size_t)i * f->bytes;
}

static foil_status transform_fakes(feed *f, uint64_t draw) {
    failure failed = {0};
    const uint64_t position = draw * (uint64_t)f->together + (uint64_t)f->first;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < f->fakes; i++)
        failure_note(&failed, i, transform_one(f, f->made + (size_t)i * f->bytes, position + (uint64_t)i, place(f, 2 * i + 1)));
    return failure_status(&failed);
}

static foil_status next_detect(feed *f, uint64_t draw, game_batch *out) {
    const batch *b;
    TRY(loader_next(f->detect, &b));
    for (int i = 0; i < f->reals; i++) memcpy(place(f, 2 * i), b->pixels + (size_t)i * f->bytes, f->bytes);
    TRY(forgery_make(f->run->forgery, draw, f->together, f->first, f->fakes, f->made, f->method));
    double from = clock_now();
    TRY(transform_fakes(f, draw));
    f->prepared += clock_now() - from;
    out->detect = f->pixels;
    out->label = f->label;
    return FOIL_OK;
}

foil_status feed_next(feed *f, uint64_t draw, game_batch *out) {
    *out = (game_batch){0};
    const batch *b;
    if (f->detect) TRY(next_detect(f, draw, out));
    if (!f->game) return FOIL_OK;
    TRY(loader_next(f->game, &b));
    out->real = b->pixels;
    return FOIL_OK;
}

double feed_waited(const feed *f) {
    return f->prepared + (f->game ? loader_waited(f->game) : 0) + (f->detect ? loader_waited(f->detect) : 0);
}
