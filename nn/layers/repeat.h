// `repeat`: the same layers several times, with values that change from one time to the next.
#ifndef FOIL_NN_LAYERS_REPEAT_H
#define FOIL_NN_LAYERS_REPEAT_H

#include "nn/layers/layer.h"

typedef struct repeat_keys {
    int64_t times;          // 0 = as long as the lists
    const yaml_node *lists; // map of lists, or NULL
    const yaml_node *layers;
} repeat_keys;

// How often; the lists must agree.
foil_status repeat_times(const repeat_keys *r, const yaml_node *at, int *times);

#endif
