// Shapes and element types.
#ifndef FOIL_NN_TENSOR_H
#define FOIL_NN_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_DIMS = 6 };

typedef enum dtype { F32, BF16, U8, I32 } dtype; // BF16: the upper 16 bits of an F32, rounded to nearest even

// Dimensions, outermost first; tensors are dense and row-major. n = 0 is a scalar. Activations are [N,H,W,C], parameters are in PyTorch's order.
typedef struct shape {
    int n;
    int unused; // 0, where padding would be: graph_node compares parameters, which hold shapes, by their bytes
    int64_t d[MAX_DIMS];
} shape;

#define SHAPE(...) ((shape){.n = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .d = {__VA_ARGS__}})
#define SCALAR ((shape){0})

size_t dtype_size(dtype t);
const char *dtype_name(dtype t);
int64_t shape_count(shape s); // number of elements; 1 for a scalar
bool shape_equal(shape a, shape b);
// "[64, 32, 32, 3]" in one of a few rotating thread-local buffers: for messages.
const char *shape_text(shape s);

float bf16_to_f32(uint16_t h);
uint16_t f32_to_bf16(float f);

#endif
