// Optimizers over one slab of parameters: first the norm of the gradient, which guards the values, then one fused pass over gradient, values and moments.
#ifndef FOIL_TRAIN_OPTIMIZER_H
#define FOIL_TRAIN_OPTIMIZER_H

#include "base/keys.h"
#include "nn/safetensors.h"
#include "nn/store.h"

typedef enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW } optimizer_kind;
typedef enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_COSINE } schedule_kind;

typedef struct optimizer_options {
    optimizer_kind kind;
    double lr, beta1, beta2, epsilon, momentum, weight_decay;
    double clip; // the gradient's global norm at most; 0 = no clipping
    schedule_kind schedule;
    int64_t warmup;  // steps of linear rise from 0
    double final_lr; // at the last step, as a share of lr
} optimizer_options;

// {adam: {lr: 2e-4, …}}: one kind and its keys.
foil_status optimizer_parse(const yaml_node *map, optimizer_options *out);
// The kind that such a map names, and its table.
foil_status optimizer_find(const yaml_node *map, optimizer_kind *kind, const key **keys);
void optimizer_document(text *out);

// The learning rate at `step` (0-based) of `steps`.
double schedule_lr(const optimizer_options *o, int64_t step, int64_t steps);

typedef struct optimizer optimizer;
foil_status optimizer_new(const optimizer_options *o, store *parameters, optimizer **out);
void optimizer_free(optimizer *o);
// The slab that gradients are to be written into, laid out like the store's values. Zero at first.
float *optimizer_gradient(optimizer *o);
// Moves that slab to where ranks sum it fastest (ranks_slab_new): on all ranks, before anybody asks for it.
foil_status optimizer_share(optimizer *o);
// Where the sum of the squares of tensor i's gradient may be put before a step (plan_sum_squares). That step takes it for the gradient's own, if it is finite
// and not so small that squares may have vanished in f32, and forgets it; the squares of all others it sums up itself. Who writes a gradient once more before
// the step puts another sum, or NAN.
double *optimizer_squares(optimizer *o, int i);
// Updates the store's values as PyTorch's SGD, Adam and AdamW do (bias correction included). Returns the norm of the gradient before clipping, to about
// 1e-6; not finite = nothing was changed.
double optimizer_step(optimizer *o, int64_t steps);
size_t optimizer_bytes(const optimizer *o);   // of gradient and moments
size_t optimizer_traffic(const optimizer *o); // bytes that the last step read and wrote
int64_t optimizer_steps_done(const optimizer *o);
void optimizer_save(const optimizer *o, safetensors_writer *w, const char *prefix); // per tensor: "<prefix><name>.m"
foil_status optimizer_load(optimizer *o, const safetensors *s, const char *prefix);

#endif
