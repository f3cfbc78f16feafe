// oneDNN behind one header: nn/dnnl.c is the only file that knows its version (2.6 to 3.x) and its API.
//
// A primitive is made once, for shapes, types and layouts, and executed on pointers. Activations are dense NHWC; weights lie as the primitive likes
// best, and the plan reorders them from PyTorch's order once per phase.
#ifndef FOIL_NN_DNNL_H
#define FOIL_NN_DNNL_H

#include "base/status.h"
#include "nn/ops.h"
#include "nn/processor.h"

typedef struct onednn_kernel onednn_kernel; // a primitive with its memory handles
typedef struct onednn_layout onednn_layout; // a memory descriptor; owned by whoever asked for it

// What a convolution or a product does to its sums before it stores them:
//
//     y = rectify(sums + bias + what y held before),     rectify(v) = v > 0 ? v : slope · v
typedef struct onednn_post {
    bool has_bias; // f32, one for each channel
    bool adds;     // to what y held
    bool rectifies;
    float slope;
} onednn_post;

typedef enum onednn_conv_kind { ONEDNN_CONV, ONEDNN_CONV_DATA, ONEDNN_CONV_WEIGHTS } onednn_conv_kind;

typedef struct onednn_conv {
    onednn_conv_kind kind;
    int64_t n, height, width, channels; // of x
    int64_t out_height, out_width, out; // of y = conv(x, w)
    int64_t rows, cols;                 // of w
    conv_params params;                 // zeros already replaced by their defaults
    dtype x, w, y;                      // types at this primitive's interface (w of ONEDNN_CONV_WEIGHTS: F32)
    onednn_post post;                   // of ONEDNN_CONV
    bool constant;                      // w never changes: what depends on it alone is best made once (conv_kernel.h)
} onednn_conv;

// Arguments of onednn_run in the order of the op's inputs, then the output: CONV (x, w) -> y; CONV_DATA (y, w) -> x; CONV_WEIGHTS (x, y) -> w.
foil_status onednn_conv_create(const onednn_conv *c, onednn_kernel **out);
// [batch, M, K] x [batch, K, N] -> [batch, M, N] with row/column strides in elements, so that transposed operands need no copy; batch stride 0 repeats.
typedef struct onednn_matmul {
    int64_t batch, m, n, k;
    int64_t a_stride[3], b_stride[3]; // batch, row, column
    dtype a, b, c;
    onednn_post post; // channels are columns; a bias for one matrix only
    bool b_packed;    // instead of b_stride: b lies as the product likes best, which onednn_kernel_weights tells; batch = 1
} onednn_matmul;
foil_status onednn_matmul_create(const onednn_matmul *m, onednn_kernel **out);
// Copies between layouts and types.
foil_status onednn_reorder_create(const onednn_layout *from, const onednn_layout *to, onednn_kernel **out);

void onednn_kernel_free(onednn_kernel *k);
// The weights' layout that the primitive wants (input 1 of CONV and CONV_DATA) or gives (output of CONV_WEIGHTS); borrowed from k.
const onednn_layout *onednn_kernel_weights(const onednn_kernel *k);
size_t onednn_kernel_scratch(const onednn_kernel *k);
const char *onednn_kernel_implementation(const onednn_kernel *k);
void onednn_run(onednn_kernel *k, const void *in0, const void *in1, void *out, void *scratch);
void onednn_run_biased(onednn_kernel *k, const void *in0, const void *in1, const float *bias, void *out, void *scratch); // of a kernel that has one

// The tensor of `like` in PyTorch's order (row-major, [O, C/groups, R, S] for weights) and with elements of type t: where a reorder to `like` starts.
foil_status onednn_layout_plain(const onednn_layout *like, dtype t, onednn_layout **out);
// The filters of an ungrouped convolution, of type c->w, as rows [O, R·S·C], or `by_input` as rows [C, R·S·O].
foil_status onednn_layout_filters(const onednn_conv *c, bool by_input, onednn_layout **out);
// The same in panels of `width` filters, 16 or 32: [O / width, R·S·C, width], in bf16 [O / width, R·S·C / 2, width, 2].
foil_status onednn_layout_panels(const onednn_conv *c, int64_t width, onednn_layout **out);
foil_status onednn_layout_clone(const onednn_layout *l, onednn_layout **out);
void onednn_layout_free(onednn_layout *l);
bool onednn_layout_equal(const onednn_layout *a, const onednn_layout *b);
size_t onednn_layout_bytes(const onednn_layout *l);
// Where elements lie, without a reorder: element (i0, i1, …) is number offset[0][i0] + offset[1][i1] + …, with as many axes as are told. `offset` is the
// caller's to free, all of it at offset[0]. Layouts with padding have none: *n_axes = 0.
foil_status onednn_layout_offsets(const onednn_layout *l, int *n_axes, int64_t size[5], int64_t *offset[5]);

// What it has kernels for here; BF16_WIDENED: for none that are faster than f32's.
bf16_products onednn_bf16(void);
// "2.6.3"
const char *onednn_version_text(void);

#endif
