// What conv, conv_transpose and linear share: how their weights begin, the spectral norm, the bias.
#ifndef FOIL_NN_LAYERS_WEIGHT_H
#define FOIL_NN_LAYERS_WEIGHT_H

#include "nn/layers/layer.h"

typedef struct weight_keys {
    int init; // index into WEIGHT_INITS
    double gain;
    bool bias, spectral_norm;
} weight_keys;

extern const char *const WEIGHT_INITS[];
#define WEIGHT_INIT_DOC                                                                                                                              \
    "how the weight begins: `default` as in PyTorch, `xavier` uniform (Glorot, Bengio 2010), `kaiming` normal by the outputs (He et al. 2015)"

// Rows of a key table, for a struct with a field `weight` of weight_keys.
#define WEIGHT_KEYS(type)                                                                                                                            \
    {"bias", KEY_BOOL, offsetof(type, weight.bias), "true", .doc = "add a bias to each output"},                                                     \
        {"spectral_norm", KEY_BOOL, offsetof(type, weight.spectral_norm), "false", .doc = "divide the weight by its largest singular value"},        \
        {"init", KEY_CHOICE, offsetof(type, weight.init), "default", .choices = WEIGHT_INITS, .doc = WEIGHT_INIT_DOC}, {                             \
        "gain", KEY_FLOAT, offsetof(type, weight.gain), "0",                                                                                         \
            .min = 0, .max = 100, .doc = "of `init`: deviation of `normal`, gain of `xavier` and `orthogonal`; 0 = 0.02 and 1"                       \
    }

// The weight to compute with, [A, B, …]. The spectral norm sees it as a matrix with one row for each output: axis `out_axis`, 0 or 1.
// fan_in is B · rest and fan_out A · rest, as PyTorch counts (for transposed convolutions too).
node *layer_weight(builder *b, const layer *l, const weight_keys *k, shape s, int out_axis);
// y + the bias of y's last axis, if there is one; `weight` is the shape of the layer's weight.
node *layer_bias(builder *b, const layer *l, const weight_keys *k, shape weight, node *y);

#endif
