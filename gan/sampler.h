// A generator at work: latents in, pictures out, with running statistics and without dropout.
#ifndef FOIL_GAN_SAMPLER_H
#define FOIL_GAN_SAMPLER_H

#include "base/philox.h"
#include "data/image.h"
#include "nn/net.h"
#include "nn/plan.h"

typedef struct sampler sampler;

// Reads the weights where they lie in `s`. `batch`: how many pictures are mostly asked for (nn/micro_batch.h). NULL `w` = memory of its own.
foil_status sampler_new(const net *n, store *s, int batch, dtype compute, workspace *w, sampler **out);
void sampler_free(sampler *s);
// Pictures first … first + n - 1 of the sequence that `k` names, u8 [n,H,W,C]; a picture does not depend on n, first or its neighbours.
void sampler_run(sampler *s, philox_key k, uint64_t first, int n, uint8_t *pixels);
// The first n pictures side by side. The caller frees with image_free.
foil_status sampler_grid(sampler *s, philox_key k, int n, int columns, image *out);

#endif
