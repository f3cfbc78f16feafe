// What a layer type is: a row of the table in nn/layers/table.c, one file per family.
#ifndef FOIL_NN_LAYERS_LAYER_H
#define FOIL_NN_LAYERS_LAYER_H

#include "base/keys.h"
#include "nn/net.h"
#include "nn/ops.h"

typedef struct builder builder; // the state of one net_apply: graph, store, mode, the path of the current layer

typedef struct layer {
    const struct layer_type *type;
    const void *keys;              // the type's struct, read
    const char *path;              // "layers.3": prefix of its parameters
    const char *label;             // "dcgan64-d.yaml:4:5 conv": for errors
    struct layer_list *branch[16]; // of residual (body, skip), parallel; else NULL
    int branches;
    const char *branch_name[16];
} layer;

typedef struct layer_list {
    int n;
    layer *at;
} layer_list;

typedef struct layer_type {
    const char *name, *doc;
    const key *keys;
    size_t size; // of the keys' struct
    bool mixes_batch;
    bool has_branches; // KEY_NODE keys are lists of layers, in table order; or, for `parallel`, a list of lists
    node *(*build)(builder *b, const layer *l, node *x);
} layer_type;

extern const layer_type *const LAYER_TYPES[]; // NULL-terminated
const layer_type *layer_find(const char *name);

// For build functions. -------------------------------------------------------------------------------------------------------------
graph *builder_graph(builder *b);
net_mode builder_mode(const builder *b);
// "weight" -> the parameter "layers.3.weight": declared in a declaring pass, looked up after.
node *builder_param(builder *b, const layer *l, const char *name, shape s, init i);
node *builder_buffer(builder *b, const layer *l, const char *name, shape s, init i);
void builder_update(builder *b, const layer *l, const char *name, node *value); // assign to the buffer, if the mode lets state advance
uint32_t builder_stream(builder *b);                                            // a new random stream, the same in every build of this net and pass
node *builder_layers(builder *b, const layer_list *list, node *x);              // a branch

#endif
