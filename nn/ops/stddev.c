#include "nn/ops.h"
#include "nn/ops/table.h"

// As in StyleGAN2: sample n of a batch belongs to subset n mod (N / group); each subset's deviation, averaged over pixels and the channels of a feature, is one
// number that all its samples get as a further channel.
node *nn_minibatch_stddev(node *x, int64_t batches, int64_t group, int64_t features) {
    if (graph_is_poison(x)) return x;
    const int64_t *d = x->shape.d;
    if (x->shape.n == 4 && group > d[0] / batches) group = d[0] / batches;
    if (x->shape.n != 4 || d[0] % batches || group < 1 || d[0] / batches % group || features < 1 || d[3] % features)
        return graph_fail(x->graph,
                          "minibatch deviation: groups of %lld and %lld features of shape %s, expected [N, H, W, C] and divisors of N and C",
                          (long long)group, (long long)features, shape_text(x->shape));
    const int64_t subsets = d[0] / batches / group;
    node *y = nn_reshape(x, SHAPE(batches, group, subsets, d[1] * d[2], features, d[3] / features));
    y = nn_sqrt(nn_add_scalar(moments(y, AXIS(1)).variance, 1e-8));
    y = nn_reshape(nn_mean(y, AXIS(3) | AXIS(5), true), SHAPE(batches, 1, subsets, 1, features));
    y = nn_broadcast(y, SHAPE(batches, group, subsets, d[1] * d[2], features));
    return nn_concat((node *const[]){x, nn_reshape(y, SHAPE(d[0], d[1], d[2], features))}, 2, 3);
}
