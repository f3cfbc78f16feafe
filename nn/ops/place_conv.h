// Convolutions of small pictures while filters learn, as products between places. A place is a window of y, a pixel of x or a tap of w; with the pictures of a
// batch as rows
//
//     y[window] = Σ x[pixel] · w[tap]        x[pixel] = Σ y[window] · w[tap]ᵀ        w[tap] = Σ x[pixel]ᵀ · y[window]
//
// over the triples of places that meet. Nothing is multiplied with padding: of 4x4 windows at stride 2 over 8x8 pixels that would be 23 %. Products are by the
// inner loops of winograd_inner.h, in f32 or of pairs of bf16; a result in bf16 is rounded once. Filters are read, and their gradients written, in PyTorch's
// order and f32.
#ifndef FOIL_NN_OPS_PLACE_CONV_H
#define FOIL_NN_OPS_PLACE_CONV_H

#include "nn/dnnl.h"

typedef struct place_conv place_conv;

// Whether it can do `c`, and pays on this processor.
bool place_conv_pays(const onednn_conv *c);
// `machine`: whose inner loops, 0 = the best for this processor. Whatever place_conv_takes.
bool place_conv_takes(const onednn_conv *c, int machine);
foil_status place_conv_create(const onednn_conv *c, int machine, place_conv **out);
void place_conv_free(place_conv *p);
size_t place_conv_scratch(const place_conv *p);

// Operands as of onednn_conv, filters apart. Results do not depend on the number of threads. `squares`: where the sum of the squares of filters' gradients is
// put, as plan_sum_squares says, or NULL; other kinds leave it alone.
void place_conv_run(const place_conv *p, const void *in0, const void *in1, void *out, double *squares, void *scratch);

#endif
