// Every operation a graph can hold. Builders check and infer; nothing is computed here. Where a file of nn/ops/ has a vtable the operation is primitive;
// the others are written with primitives, so that their gradients, of any order, come for free.
#ifndef FOIL_NN_OPS_H
#define FOIL_NN_OPS_H

#include "nn/graph.h"

// Axes of a reduction: bit i = axis i.
typedef uint32_t axes;
#define AXIS(i) (1u << (i))

// Element-wise (nn/ops/elementwise.c, activation.c). Operands broadcast as in NumPy: shapes are aligned at the last axis, missing and 1-sized axes repeat. ---
// The result is bf16 if an operand that does not repeat is bf16, else f32.
node *nn_add(node *a, node *b);
node *nn_sub(node *a, node *b);
node *nn_mul(node *a, node *b);
node *nn_div(node *a, node *b);
node *nn_min(node *a, node *b); // ties: half of the gradient to each, as PyTorch
node *nn_max(node *a, node *b);
node *nn_pow(node *a, node *b); // derivative toward b: y·log(a), 0 where a <= 0
node *nn_pow_scalar(node *a, double exponent);
node *nn_add_scalar(node *a, double s);
node *nn_mul_scalar(node *a, double s);
node *nn_neg(node *x);
node *nn_exp(node *x);
node *nn_log(node *x);
node *nn_sqrt(node *x);
node *nn_rsqrt(node *x); // 1 / sqrt(x)
node *nn_square(node *x);
node *nn_abs(node *x);                           // derivative sign(x), 0 at 0
node *nn_sign(node *x);                          // -1, 0, 1
node *nn_clip(node *x, double low, double high); // gradient passes where low <= x <= high
node *nn_erf(node *x);
// 1.0 where the comparison holds, else 0.0; no derivative.
node *nn_less(node *a, node *b);
node *nn_less_equal(node *a, node *b);
node *nn_equal(node *a, node *b);
node *nn_where(node *condition, node *a, node *b); // condition != 0 ? a : b
node *nn_cast(node *x, dtype type);                // U8 and I32 only as sources
node *nn_stop_gradient(node *x);                   // x; derivative zero

node *nn_tanh(node *x);
node *nn_sigmoid(node *x);
node *nn_relu(node *x); // derivative 0 at 0
node *nn_leaky_relu(node *x, double slope);
node *nn_elu(node *x, double alpha);
node *nn_selu(node *x);
node *nn_gelu(node *x); // exact, with erf
node *nn_silu(node *x);
node *nn_softplus(node *x); // log(1 + e^x), stable at both ends

// Reductions (reduce.c). The reduced axes stay with size 1 if `keep`, else vanish. Sums are accumulated in f32 or better; the result is f32. -------------
node *nn_sum(node *x, axes a, bool keep);
node *nn_mean(node *x, axes a, bool keep);
// Without a derivative, for what loops compute again may miss its own largest by a bit; nn_max_pool has one.
node *nn_max_over(node *x, axes a, bool keep);
axes nn_all_axes(const node *x);
// Over all ranks (ranks.c): each rank's gradient is that of the sum of all ranks' losses. x must be f32.
node *nn_mean_over_ranks(node *x);

// Movement (movement.c, gather.c). -------------------------------------------------------------------------------------------------------------------
node *nn_broadcast(node *x, shape s);
node *nn_reshape(node *x, shape s);                                                      // one dimension may be -1
node *nn_permute(node *x, const int *order);                                             // out axis i = in axis order[i]
node *nn_slice(node *x, const int64_t *start, const int64_t *stop, const int64_t *step); // [start, stop) by step >= 1 per axis; step NULL = ones
node *nn_samples(node *x, int64_t start, int64_t stop);                                  // [start, stop) of the first axis
node *nn_pad(node *x, const int64_t *before, const int64_t *after);                      // zeros
node *nn_concat(node *const *x, int n, int axis);
node *nn_gather(node *x, node *index, int axis);                    // index I32 [K], in [0, d[axis]); out axis `axis` has size K
node *nn_scatter_add(node *x, node *index, int axis, int64_t size); // gather's adjoint: out axis has `size`, repeated indices add up

// Products (matmul.c). [..., M, K] x [..., K, N] -> [..., M, N]; batch axes equal or broadcast; ta/tb read the last two axes swapped. --------------
// In a bf16 graph the product is bf16 if an operand is, and the other is cast; two f32 operands stay f32.
node *nn_matmul(node *a, node *b, bool ta, bool tb);

// Convolutions (conv.c): cross-correlations, a closed family: each is a partial of the trilinear form <conv(x, w), g>. -------------------------------------
typedef struct conv_params {
    int64_t stride[2];   // rows, columns; 0 = 1
    int64_t pad[4];      // top, left, bottom, right
    int64_t dilation[2]; // distance between taps; 0 = 1
    int64_t groups;      // 0 = 1
} conv_params;
node *nn_conv(node *x, node *w, conv_params p);                                     // x [N,H,W,C], w [O,C/groups,R,S] -> [N,H',W',O]
node *nn_conv_data(node *g, node *w, conv_params p, int64_t height, int64_t width); // g [N,H',W',O] -> [N,height,width,C]: transposed convolution
node *nn_conv_weights(node *x, node *g, conv_params p, int64_t rows, int64_t cols); // -> [O,C/groups,rows,cols], f32

// Pooling (pool.c), resampling (resample.c): [N,H,W,C]. -----------------------------------------------------------------------------------------------------
typedef struct pool_params {
    int64_t kernel[2], stride[2], pad[4]; // stride 0 = kernel; pad top, left, bottom, right
    int64_t count_padding;                // average: 1 = divide by the whole window (PyTorch's default) instead of the part inside
} pool_params;
node *nn_max_pool(node *x, pool_params p); // padding never wins; ties: the first in row-major order
node *nn_average_pool(node *x, pool_params p);
node *nn_resize_nearest(node *x, int64_t height, int64_t width);  // source = floor(i · in / out), PyTorch's "nearest"
node *nn_resize_bilinear(node *x, int64_t height, int64_t width); // half-pixel centres, not antialiased (align_corners=False)

// Normalisation (norm.c), written with primitives. gamma and beta may be NULL. ------------------------------------------------------------------------------
typedef struct batch_stats {
    node *mean, *variance; // [C], or of several batches [batches, C]; f32; variance biased
} batch_stats;
batch_stats nn_batch_stats(node *x, int64_t batches);                              // of equal parts of x [N,…,C], over all axes but the last
node *nn_batch_norm(node *x, batch_stats s, node *gamma, node *beta, double eps);  // [N,…,C], each part with its own
node *nn_layer_norm(node *x, axes a, node *gamma, node *beta, double eps);         // gamma, beta broadcast against x
node *nn_group_norm(node *x, int64_t groups, node *gamma, node *beta, double eps); // x [N,H,W,C]
node *nn_instance_norm(node *x, node *gamma, node *beta, double eps);
node *nn_pixel_norm(node *x, double eps); // x / sqrt(mean over channels of x² + eps) (Karras et al. 2018)

// One power iteration (Miyato et al. 2018), as PyTorch's: v = norm(Wᵀu), u = norm(Wv), W seen as [O, rest]; sigma = uᵀWv; u, v carry no gradient.
typedef struct spectral {
    node *weight, *u, *v; // w / sigma; the new vectors, to be assigned
} spectral;
spectral nn_spectral_norm(node *w, node *u, node *v, bool iterate, double eps); // iterate = false: with u, v as they are

// Others. ------------------------------------------------------------------------------------------------------------------------------------------------
node *nn_softmax(node *x, int axis);
node *nn_log_softmax(node *x, int axis);
node *nn_dropout(node *x, double p, uint32_t stream); // scaled by 1/(1-p) (softmax.c, dropout.c)
// Appends `features` channels of the deviation within groups of each of `batches` batches (Karras et al. 2018).
node *nn_minibatch_stddev(node *x, int64_t batches, int64_t group, int64_t features);

#endif
