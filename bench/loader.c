// bench_loader CONFIG.yaml SET.h5 [SECONDS]: how many images/s the loader alone delivers, at the training file's size, batch, threads and transforms (the
// detect head's where it has its own). One JSON object.
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "data/loader.h"
#include "nn/net.h"
#include "train/config.h"

typedef struct bench {
    config config;
    net *network;
    set *set;
    selection pictures;
    transform *transform;
    loader *loader;
} bench;

static foil_status open_bench(bench *b, const char *config_path, const char *set_path) {
    config *c = &b->config;
    TRY(config_read(config_path, NULL, 0, c));
    TRY(net_read(c->discriminator, 0, &b->network));
    TRY(set_open(set_path, &b->set));
    TRY(set_select(b->set, SPLIT_TRAIN, NULL, NULL, &b->pictures));
    TRY(transform_parse(c->detect.augment ? c->detect.augment : c->data.augment, &b->transform));
    shape picture = net_input(b->network);
    loader_options o = {.set = b->set,
                        .from = &b->pictures,
                        .batch = (int)c->run.batch,
                        .height = (int)picture.d[0],
                        .width = (int)picture.d[1],
                        .channels = (int)picture.d[2],
                        .fit = (image_fit)c->data.fit,
                        .transform = b->transform,
                        .shuffle = true,
                        .seed = 1,
                        .threads = (int)c->data.threads};
    return loader_open(&o, 0, &b->loader);
}

static void close_bench(bench *b) {
    loader_close(b->loader);
    transform_free(b->transform);
    selection_free(&b->pictures);
    set_close(b->set);
    net_free(b->network);
    config_free(&b->config);
}

static foil_status run(bench *b, double seconds) {
    const batch *some;
    for (int i = 0; i < 8; i++) TRY(loader_next(b->loader, &some)); // what had been prepared while nobody asked
    long images = 0;
    double start = clock_now(), took = 0;
    do {
        TRY(loader_next(b->loader, &some));
        images += some->n;
        took = clock_now() - start;
    } while (took < seconds);
    printf("{\"images_per_second\": %.1f, \"seconds\": %.6g, \"threads\": %d}\n", (double)images / took,
           took / (double)images * (double)b->config.run.batch, (int)b->config.data.threads);
    return FOIL_OK;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: bench_loader CONFIG.yaml SET.h5 [SECONDS]\n");
        return 2;
    }
    bench b = {0};
    foil_status status = open_bench(&b, argv[1], argv[2]);
    if (status == FOIL_OK) status = run(&b, argc > 3 ? atof(argv[3]) : 1);
    if (status != FOIL_OK) fprintf(stderr, "bench_loader: %s\n", foil_error());
    close_bench(&b);
    return status != FOIL_OK;
}
