// The state of one application of a network, for net.c; layers see it through layer.h.
#ifndef FOIL_NN_LAYERS_BUILDER_H
#define FOIL_NN_LAYERS_BUILDER_H

#include "nn/layers/layer.h"

struct builder {
    graph *g;
    store *s;
    net_mode mode;
    bool declare; // parameters are new to the store
    uint32_t pass;
    net_updates *updates; // or NULL
    struct net_row *rows; // or NULL: one for each layer, branches included, in the order of their ids
};

// One sample of a batch.
shape sample_shape(const node *y);

#endif
