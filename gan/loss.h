// Adversarial losses. Logits [N] are positive for "real"; losses are scalars in f32.
#ifndef FOIL_GAN_LOSS_H
#define FOIL_GAN_LOSS_H

#include "nn/ops.h"

typedef enum gan_loss {
    LOSS_NON_SATURATING, // Goodfellow et al. 2014: D softplus(-r) + softplus(f), G softplus(-f)
    LOSS_HINGE,          // Lim, Ye 2017: D relu(1-r) + relu(1+f), G -f
    LOSS_LEAST_SQUARES,  // Mao et al. 2017: D ½(r-1)² + ½f², G ½(f-1)²
    LOSS_WASSERSTEIN,    // Arjovsky et al. 2017: D f - r, G -f
} gan_loss;
extern const char *const GAN_LOSS_NAMES[]; // "non_saturating" …, NULL

// The discriminator's is the sum of one of the reals and one of the fakes, each a mean over its batch, so that one pass can go before the other comes.
node *gan_real_loss(gan_loss kind, node *real);
node *gan_fake_loss(gan_loss kind, node *fake);
node *gan_generator_loss(gan_loss kind, node *fake);

// The detect head's: mean binary cross-entropy of logits [N] (positive = fake) against labels [N] f32 (1 = fake).
node *detect_loss(node *logits, node *labels);

#endif
