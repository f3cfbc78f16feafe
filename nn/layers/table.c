#include "nn/layers/layer.h"

const layer_type *const LAYER_TYPES[] = {&LAYER_CONV,
                                         &LAYER_CONV_TRANSPOSE,
                                         &LAYER_LINEAR,
                                         &LAYER_BATCH_NORM,
                                         &LAYER_LAYER_NORM,
                                         &LAYER_GROUP_NORM,
                                         &LAYER_INSTANCE_NORM,
                                         &LAYER_PIXEL_NORM,
                                         &LAYER_RELU,
                                         &LAYER_LEAKY_RELU,
                                         &LAYER_ELU,
                                         &LAYER_SELU,
                                         &LAYER_GELU,
                                         &LAYER_SILU,
                                         &LAYER_SOFTPLUS,
                                         &LAYER_TANH,
                                         &LAYER_SIGMOID,
                                         &LAYER_SOFTMAX,
                                         &LAYER_MAX_POOL,
                                         &LAYER_AVERAGE_POOL,
                                         &LAYER_GLOBAL_POOL,
                                         &LAYER_UPSAMPLE,
                                         &LAYER_NPR,
                                         &LAYER_RESHAPE,
                                         &LAYER_FLATTEN,
                                         &LAYER_DROPOUT,
                                         &LAYER_MINIBATCH_STDDEV,
                                         &LAYER_RESIDUAL,
                                         &LAYER_PARALLEL,
                                         &LAYER_REPEAT,
                                         NULL};

void net_document_layers(text *out) {
    text_add(
        out,
        "# Network files\n\n"
        "A network file is a list of layers. A layer is a map with one key, its type: `- conv: {out: 64, kernel: 4}`. A type without required keys\n"
        "may stand alone (`- relu`), and a single value is that of the first key (`- leaky_relu: 0.2`). Activations are images [N, H, W, C] or "
        "features\n"
        "[N, F]. Parameters are named as torch.nn.Sequential names them, `layers.3.weight`, in branches `layers.3.body.0.weight`; the key `name`,\n"
        "which every layer takes, replaces the layer's index.\n");
    for (int i = 0; LAYER_TYPES[i]; i++) {
        text_format(out, "\n## %s\n\n%s\n", LAYER_TYPES[i]->name, LAYER_TYPES[i]->doc);
        if (LAYER_TYPES[i]->keys->name) text_add(out, "\n");
        keys_document(LAYER_TYPES[i]->keys, out);
    }
}
