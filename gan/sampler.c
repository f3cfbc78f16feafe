#include "gan/sampler.h"

#include <stdlib.h>

#include "nn/ops.h"

struct sampler {
    graph *graph;
    plan *plan;
    node *latent, *image;
    int batch, height, width, channels;
    size_t per_latent, per_image;
};

foil_status sampler_new(const net *n, store *s, int batch, dtype compute, workspace *w, sampler **out) {
    *out = NULL;
    if (!net_takes_latent(n)) return foil_fail(FOIL_INVALID, "the network takes pictures, expected a generator: one that takes a latent vector");
    sampler *new = calloc(1, sizeof *new);
    if (!new || !(new->graph = graph_new(compute))) {
        free(new);
        return foil_fail_memory(sizeof *new, "a generator's graph");
    }
    shape latent = net_input(n);
    shape picture = net_output(n);
    new->batch = batch;
    new->height = (int)picture.d[0];
    new->width = (int)picture.d[1];
    new->channels = (int)picture.d[2];
    new->per_latent = (size_t)shape_count(latent);
    new->per_image = (size_t)shape_count(picture);
    new->latent = graph_input(new->graph, "latent", SHAPE(batch, latent.d[0]), F32);
    new->image = nn_cast(net_apply(n, new->graph, s, new->latent, NET_INFER, 0, NULL), F32);
    plan_output output = {new->image, NULL};
    foil_status status = plan_compile(new->graph, &(plan_phase){&output, 1}, 1, w, &new->plan);
    if (status == FOIL_OK) {
        *out = new;
    } else {
        sampler_free(new);
    }
    return status;
}

void sampler_free(sampler *s) {
    if (!s) return;
    plan_free(s->plan);
    graph_free(s->graph);
    free(s);
}

// -1..1 to 0..255, rounded.
static void to_pixels(const float *x, size_t n, uint8_t *out) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; i++) {
        float v = (x[i] + 1) * 127.5F + 0.5F;
        out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

void sampler_run(sampler *s, philox_key k, uint64_t first, int n, uint8_t *pixels) {
    for (int done = 0; done < n; done += s->batch) {
        int count = n - done < s->batch ? n - done : s->batch;
        float *latent = plan_data(s->plan, s->latent);
        philox_fill_normal(k, (first + (uint64_t)done) * s->per_latent, latent, (size_t)s->batch * s->per_latent);
        plan_run(s->plan, 0, 0, 0);
        to_pixels(plan_data(s->plan, s->image), (size_t)count * s->per_image, pixels + (size_t)done * s->per_image);
    }
}

foil_status sampler_grid(sampler *s, philox_key k, int n, int columns, image *out) {
    uint8_t *pixels = malloc((size_t)n * s->per_image);
    image *picture = calloc((size_t)n, sizeof *picture);
    const image **list = calloc((size_t)n, sizeof *list);
    foil_status status = pixels && picture && list ? FOIL_OK : foil_fail_memory((size_t)n * s->per_image, "a grid of samples");
    if (status == FOIL_OK) {
        sampler_run(s, k, 0, n, pixels);
        for (int i = 0; i < n; i++) {
            picture[i] = (image){s->height, s->width, s->channels, pixels + (size_t)i * s->per_image};
            list[i] = &picture[i];
        }
        status = image_grid(list, n, columns, out);
    }
    free(list);
    free(picture);
    free(pixels);
    return status;
}
