#include "gan/sampler.h"

#include <stdlib.h>

#include "nn/micro_batch.h"
#include "nn/ops.h"

struct sampler {
    micro_batch at_once; // f32 latents to f32 pictures
    int height, width, channels;
    size_t per_latent, per_image;
};

typedef struct source { // of a sampler's graph
    const net *net;
    store *store;
} source;

static void build(const void *context, micro_batch *m) {
    const source *from = context;
    m->input = graph_input(m->graph, "latent", SHAPE(m->samples, net_input(from->net).d[0]), F32);
    m->output[0].node = nn_cast(net_apply(from->net, m->graph, from->store, m->input, NET_INFER, 0, NULL), F32);
    m->outputs = 1;
}

foil_status sampler_new(const net *n, store *s, int batch, dtype compute, workspace *w, sampler **out) {
    *out = NULL;
    if (!net_takes_latent(n)) return foil_fail(FOIL_INVALID, "the network takes pictures, expected a generator: one that takes a latent vector");
    sampler *new = calloc(1, sizeof *new);
    if (!new) return foil_fail_memory(sizeof *new, "a generator's graph");
    shape picture = net_output(n);
    new->height = (int)picture.d[0];
    new->width = (int)picture.d[1];
    new->channels = (int)picture.d[2];
    new->per_latent = (size_t)shape_count(net_input(n));
    new->per_image = (size_t)shape_count(picture);
    foil_status status = micro_batch_compile(build, &(source){n, s}, compute, batch, net_compares_batch(n, NULL), w, &new->at_once);
    if (status == FOIL_OK)
        *out = new;
    else
        free(new);
    return status;
}

void sampler_free(sampler *s) {
    if (!s) return;
    micro_batch_free(&s->at_once);
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
    const micro_batch *m = &s->at_once;
    for (int done = 0; done < n; done += m->samples) {
        int count = n - done < m->samples ? n - done : m->samples;
        float *latent = plan_data(m->plan, m->input);
        philox_fill_normal(k, (first + (uint64_t)done) * s->per_latent, latent, (size_t)m->samples * s->per_latent);
        plan_run(m->plan, 0, 0, 0);
        to_pixels(plan_data(m->plan, m->output[0].node), (size_t)count * s->per_image, pixels + (size_t)done * s->per_image);
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
