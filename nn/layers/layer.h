// What a layer type is: a row of the table in nn/layers/table.c, one file per family.
#ifndef FOIL_NN_LAYERS_LAYER_H
#define FOIL_NN_LAYERS_LAYER_H

#include "base/keys.h"
#include "nn/net.h"
#include "nn/ops.h"

typedef struct builder builder; // the state of one net_apply: graph, store, mode, the current layer

enum { MAX_BRANCHES = 16 };

typedef struct layer {
    const struct layer_type *type;
    const void *keys;  // the type's struct, read
    const char *path;  // "layers.3": prefix of its parameters
    const char *label; // "dcgan64-d.yaml:4:5 conv": for errors
    uint32_t id;       // position among all layers of the net
    struct layer_list *branch[MAX_BRANCHES];
    int branches;
} layer;

typedef struct layer_list {
    int n;
    layer *at;
} layer_list;

typedef enum layer_branches {
    NO_BRANCHES,
    BRANCH_OF_EACH_KEY, // each KEY_NODE key is a list of layers, a branch each, in this order; an absent key is an empty branch
    LIST_OF_BRANCHES,   // the KEY_NODE key is a list of such lists
} layer_branches;

typedef struct layer_type {
    const char *name, *doc;
    const key *keys;     // every layer takes a `name` too: see read.c
    size_t size;         // of the keys' struct
    bool mixes_batch;    // samples influence each other in training
    bool compares_batch; // and always
    layer_branches branches;
    node *(*build)(builder *b, const layer *l, node *x); // NULL: `repeat`, which read.c unrolls
} layer_type;

extern const layer_type *const LAYER_TYPES[]; // NULL-terminated, in the order of the documentation

// Every family's types, for table.c.
extern const layer_type LAYER_CONV, LAYER_CONV_TRANSPOSE, LAYER_LINEAR;
extern const layer_type LAYER_BATCH_NORM, LAYER_LAYER_NORM, LAYER_GROUP_NORM, LAYER_INSTANCE_NORM, LAYER_PIXEL_NORM;
extern const layer_type LAYER_RELU, LAYER_LEAKY_RELU, LAYER_ELU, LAYER_SELU, LAYER_GELU, LAYER_SILU, LAYER_SOFTPLUS, LAYER_TANH, LAYER_SIGMOID,
    LAYER_SOFTMAX;
extern const layer_type LAYER_MAX_POOL, LAYER_AVERAGE_POOL, LAYER_GLOBAL_POOL;
extern const layer_type LAYER_UPSAMPLE, LAYER_NPR, LAYER_RESHAPE, LAYER_FLATTEN, LAYER_DROPOUT, LAYER_MINIBATCH_STDDEV;
extern const layer_type LAYER_RESIDUAL, LAYER_PARALLEL, LAYER_REPEAT;

// For build functions. -------------------------------------------------------------------------------------------------------------
graph *builder_graph(builder *b);
net_mode builder_mode(const builder *b);
int64_t builder_batches(const builder *b); // that a layer's input holds, one after another: statistics are each one's own
// "weight" -> the parameter "layers.3.weight": declared in a declaring pass, looked up after.
node *builder_param(builder *b, const layer *l, const char *name, shape s, init i);
// The same for state: what an earlier application with the same `updates` is about to assign, else what is stored.
node *builder_buffer(builder *b, const layer *l, const char *name, shape s, init i);
void builder_update(builder *b, const layer *l, const char *name, node *value); // assign to the buffer, if the mode lets state advance
// Of random numbers for one of the batches, the same in every build of this net and pass.
uint32_t builder_stream(const builder *b, const layer *l, int64_t batch);
node *builder_layers(builder *b, const layer_list *list, node *x); // a branch; NULL or empty gives x
// Whether `x` is [N,H,W,C]; if not, the graph fails.
bool builder_image(builder *b, const node *x);

#endif
