// From YAML to layers.
#ifndef FOIL_NN_LAYERS_READ_H
#define FOIL_NN_LAYERS_READ_H

#include "nn/layers/layer.h"

enum { MAX_LAYERS = 4096 }; // of a net, unrolled

typedef struct layer_reader {
    arena *memory;                 // of the layers
    uint32_t n;                    // layers so far, branches included
    const struct repeated *around; // what is being unrolled, from the innermost `repeat` outwards
} layer_reader;

// Reads a list of layers, unrolls `repeat`, names paths under `path`. The document must live as long as the layers.
foil_status layers_read(layer_reader *r, const yaml_node *list, const char *path, layer_list *out);

// Whether `name` can stand between the dots of parameters' names, for a layer or a head: "a.b" could be layer b of branch a. PyTorch asks for the same.
foil_status layer_name_check(const yaml_node *at, const char *name);

#endif
