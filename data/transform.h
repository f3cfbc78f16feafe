// What happens to a picture between the set and the network. Reals and fakes, whoever forged them, go through the same chain, or the detector learns the codec.
//
//     augment: [flip, {crop: 4}, {jpeg: {quality: [60, 100], p: 0.5}}, {blur: {sigma: [0, 1.5], p: 0.2}}]
#ifndef FOIL_DATA_TRANSFORM_H
#define FOIL_DATA_TRANSFORM_H

#include "base/keys.h"
#include "base/philox.h"
#include "data/image.h"

typedef struct transform transform; // a chain

// From a YAML list (NULL = empty chain). Types: flip, crop (random shift with reflected border), colour (brightness, contrast, saturation),
// jpeg, blur, scale (down and up).
foil_status transform_parse(const yaml_node *list, transform **out);
void transform_free(transform *t);
// In place, keyed by `k` (the index counts draws): a pure function of picture and key. The size stays.
foil_status transform_apply(const transform *t, image *im, philox_key k);
// As the table that parses it.
void transform_document(text *out);

#endif
