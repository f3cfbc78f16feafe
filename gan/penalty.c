#include "gan/penalty.h"

#include "nn/grad.h"

// ‖∇x logit‖² for each sample: [N]. Samples do not mix, so the gradient of the sum holds each sample's own.
static node *squared_norms(node *logits, node *x) {
    node *dx;
    grad(nn_sum(logits, nn_all_axes(logits), false), &x, 1, &dx);
    dx = nn_cast(dx, F32);
    return nn_sum(nn_square(dx), nn_all_axes(dx) & ~AXIS(0), false);
}

node *penalty_r1(node *logits, node *x, double weight) {
    node *norms = squared_norms(logits, x);
    return nn_mul_scalar(nn_mean(norms, nn_all_axes(norms), false), weight / 2);
}

node *penalty_gradient(node *logits, node *x, double weight) {
    // Without the epsilon the root's derivative is infinite where the gradient vanishes.
    node *norm = nn_sqrt(nn_add_scalar(squared_norms(logits, x), 1e-12));
    return nn_mul_scalar(nn_mean(nn_square(nn_add_scalar(norm, -1)), nn_all_axes(norm), false), weight);
}

node *gan_interpolate(node *real, node *fake, uint32_t stream) {
    shape per_sample = real->shape;
    for (int i = 1; i < per_sample.n; i++) per_sample.d[i] = 1;
    node *alpha = graph_uniform(real->graph, per_sample, stream);
    return nn_add(fake, nn_mul(alpha, nn_sub(real, fake)));
}
