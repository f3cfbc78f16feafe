// Gradient penalties: second order through the discriminator.
#ifndef FOIL_GAN_PENALTY_H
#define FOIL_GAN_PENALTY_H

#include "nn/ops.h"

// R1 (Mescheder, Geiger, Nowozin 2018): weight/2 · mean over the batch of ‖∇x logit‖². `logits` [N] depend on `x` [N,H,W,C] sample by sample.
node *penalty_r1(node *logits, node *x, double weight);

// WGAN-GP (Gulrajani et al. 2017): weight · mean (‖∇x̂ logit‖₂ - 1)²; an epsilon under the root. `logits` are D of `x`, which gan_interpolate made.
node *penalty_gradient(node *logits, node *x, double weight);
node *gan_interpolate(node *real, node *fake, uint32_t stream); // α real + (1-α) fake, α uniform per sample

#endif
