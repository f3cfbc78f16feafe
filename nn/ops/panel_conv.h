// Convolutions with constant filters as products of windows and panels of filters, by the inner loops of winograd_inner.h:
//
//     y [windows, O] = rectify(windows [windows, R·S·C] · filters [R·S·C, O] + bias + what y held)
//
// Filters lie in the order in which they are read. A window of 1x1 at stride 1 is a pixel where it lies; others are copied, a block at a time.
// All that follows the sums is done while they are in the first-level cache. Sums are f32, in the order of the window's elements; a result in bf16 is rounded
// once. It is for
//
//     1x1 in bf16            residuals cost what reading them takes, which a pass of its own or oneDNN's kernels add up to a third to
//     few windows in f32     filters are what takes time: each is read once, ahead of its use
#ifndef FOIL_NN_OPS_PANEL_CONV_H
#define FOIL_NN_OPS_PANEL_CONV_H

#include "nn/dnnl.h"

typedef struct panel_conv panel_conv;

// Whether it can do `c`, and pays on this processor.
bool panel_conv_pays(const onednn_conv *c);
// `machine`: whose inner loops, 0 = the best for this processor; the channels of the result must be a multiple of its width.
foil_status panel_conv_create(const onednn_conv *c, int machine, panel_conv **out);
void panel_conv_free(panel_conv *p);
size_t panel_conv_scratch(const panel_conv *p);
int64_t panel_conv_width(const panel_conv *p);
const char *panel_conv_implementation(const panel_conv *p);

// `filters`: in panels of the machine's width (onednn_layout_panels), which panel_conv_width tells. Results do not depend on the number of threads.
void panel_conv_run(const panel_conv *p, const void *x, const void *filters, const float *bias, void *y, void *scratch);

#endif
