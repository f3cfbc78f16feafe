// A network file: layers as YAML, turned into nodes.
//
// The layer table (nn/layers/) parses, checks and documents the keys; `build` of a layer only emits ops. Parameters are named as PyTorch's Sequential would:
// "layers.<index>.weight", branches "layers.3.body.0.weight", heads "heads.detect.0.weight"; `repeat` unrolls in place. A layer's
// `name` key replaces its index.
#ifndef FOIL_NN_NET_H
#define FOIL_NN_NET_H

#include "base/text.h"
#include "base/yaml.h"
#include "nn/graph.h"

typedef struct net net;

// `channels`: of the images, what `$channels` stands for in the file: `input: {image: [64, 64, $channels]}`, `out: $channels`; 0 = the file's own
// `channels:` (default 3).
// All errors of the file are found here, shapes included: a trial graph is built.
foil_status net_read(const char *path, int channels, net **out);
// The same from text, as kept in a detector; `name` stands for the file in errors.
foil_status net_parse(const char *text, const char *name, int channels, net **out);
void net_free(net *n);

// The file as written, with its number of channels: what net_parse takes.
const char *net_text(const net *n);
int net_channels(const net *n);
// One sample's shape: [H,W,C] of an image, [Z] of a latent vector.
shape net_input(const net *n);
bool net_takes_latent(const net *n);
// The output of the body for one sample ([H,W,C] of a generator).
shape net_output(const net *n);
int net_heads(const net *n);
const char *net_head_name(const net *n, int i);
bool net_has_head(const net *n, const char *name);
// The place of the first layer of the body or this head (NULL = any) that makes a sample's output depend on its batch in training, such as batch norm:
// "d.yaml:4:5 minibatch_stddev"; NULL: none.
const char *net_mixes_batch(const net *n, const char *head);
// The same, but of layers that do so even with NET_INFER.
const char *net_compares_batch(const net *n, const char *head);

// Declares every parameter and buffer, heads included, with its initialisation.
foil_status net_declare(const net *n, store *s);

typedef enum net_mode {
    NET_INFER,       // running statistics, no dropout
    NET_TRAIN,       // batch statistics, dropout, power iterations; state advances: see net_apply's `updates`
    NET_TRAIN_STILL, // as NET_TRAIN, but running statistics stay
    NET_TRAIN_PAIR, // as NET_TRAIN of the first half of `x` and NET_TRAIN_STILL of the second: two batches that share nothing but the weights; the second
                    // draws random numbers as pass + 1
} net_mode;

// Emits the body on `x` ([N,…]: f32 or bf16; images in -1..1) and gives its output; further heads with net_apply_head on that output. `updates`, if not NULL,
// collects assign nodes (running statistics, spectral vectors) to be added to the plan's outputs. Several applications in one graph share the parameters;
// `pass` keeps their random streams apart.
//
// With one `updates` for several applications, state advances from one to the next, as it does when a PyTorch module is called several times.
enum { NET_MAX_UPDATES = 512 };
typedef struct net_updates {
    int n;
    node *at[NET_MAX_UPDATES];        // what the plan is asked for
    const store *of[NET_MAX_UPDATES]; // and what each assigns to
    int tensor[NET_MAX_UPDATES];
} net_updates;
node *net_apply(const net *n, graph *g, store *s, node *x, net_mode mode, uint32_t pass, net_updates *updates);
node *net_apply_head(const net *n, graph *g, store *s, const char *head, node *features, net_mode mode, uint32_t pass, net_updates *updates);
// Body and head in one, for a head that says one number of each sample: f32 [N]. Another head is an error.
node *net_logits(const net *n, graph *g, store *s, const char *head, node *x, net_mode mode, uint32_t pass, net_updates *updates);

// Counts: trainable parameters; of one sample the numbers that all layers give, and FLOPs of the forward pass (body and all heads).
int64_t net_parameters(const net *n);
int64_t net_activations(const net *n);
double net_flops(const net *n);

// One row per layer for `foil inspect`, for one sample. What the layers of a branch have is theirs alone.
typedef struct net_row {
    const char *path, *type;
    shape out;
    int64_t parameters;
    double flops;
} net_row;
foil_status net_rows(const net *n, net_row **rows, int *count); // the caller frees *rows; texts live with n

// The table of all layer types as Markdown.
void net_document_layers(text *out);

#endif
