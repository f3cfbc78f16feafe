#include "gan/loss.h"

const char *const GAN_LOSS_NAMES[] = {"non_saturating", "hinge", "least_squares", "wasserstein", NULL};

static node *mean(node *x) {
    return nn_mean(x, nn_all_axes(x), false);
}

static node *hinge(node *margin) {
    return mean(nn_relu(nn_add_scalar(margin, 1)));
}

static node *half_square(node *x, double target) {
    return nn_mul_scalar(mean(nn_square(nn_add_scalar(x, -target))), 0.5);
}

node *gan_real_loss(gan_loss kind, node *real) {
    switch (kind) {
    case LOSS_NON_SATURATING:
        return mean(nn_softplus(nn_neg(real)));
    case LOSS_HINGE:
        return hinge(nn_neg(real));
    case LOSS_LEAST_SQUARES:
        return half_square(real, 1);
    case LOSS_WASSERSTEIN:
        return nn_neg(mean(real));
    }
    return graph_fail(real->graph, "unknown adversarial loss %d", (int)kind);
}

node *gan_fake_loss(gan_loss kind, node *fake) {
    switch (kind) {
    case LOSS_NON_SATURATING:
        return mean(nn_softplus(fake));
    case LOSS_HINGE:
        return hinge(fake);
    case LOSS_LEAST_SQUARES:
        return half_square(fake, 0);
    case LOSS_WASSERSTEIN:
        return mean(fake);
    }
    return graph_fail(fake->graph, "unknown adversarial loss %d", (int)kind);
}

node *gan_generator_loss(gan_loss kind, node *fake) {
    switch (kind) {
    case LOSS_NON_SATURATING:
        return mean(nn_softplus(nn_neg(fake)));
    case LOSS_LEAST_SQUARES:
        return half_square(fake, 1);
    case LOSS_HINGE:
    case LOSS_WASSERSTEIN:
        return nn_neg(mean(fake));
    }
    return graph_fail(fake->graph, "unknown adversarial loss %d", (int)kind);
}

node *detect_loss(node *logits, node *labels) {
    // -y·log σ(l) - (1-y)·log(1-σ(l)) = softplus(l) - y·l: no overflow at either end.
    return mean(nn_sub(nn_softplus(logits), nn_mul(labels, logits)));
}
