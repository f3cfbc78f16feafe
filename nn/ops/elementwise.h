// How an element-wise op is written down: one expression in f32 for its kernel, one in f64 for its reference.
#ifndef FOIL_NN_OPS_ELEMENTWISE_H
#define FOIL_NN_OPS_ELEMENTWISE_H

#include <math.h>

#include "base/vectorised.h"
#include "nn/ops/fastmath.h"
#include "nn/ops/table.h"

// Operands as they are called in the expressions. x may be y: there is no `restrict`, but element i never depends on another one.
#define OPERANDS_1(T) const T a = x0[i];
#define OPERANDS_2(T) const T a = x0[i], b = x1[i];
#define OPERANDS_3(T) const T a = x0[i], b = x1[i], c = x2[i];
#define POINTERS_1(T) const T *x0 = x[0];
#define POINTERS_2(T) const T *x0 = x[0], *x1 = x[1];
#define POINTERS_3(T) const T *x0 = x[0], *x1 = x[1], *x2 = x[2];

// name_block and name_reference. `constants` are declarations made of `params` before the loop (inside it they would keep it from vectorising), in the type
// `real`: float in the kernel, double in the reference.
#define ELEMENTWISE_FUNCTIONS_WITH(name, arity, constants, f32, f64)                                                                                 \
    VECTORISED static void name##_block(int n, float *y, const float *const *x, const void *params) {                                                \
        typedef float real __attribute__((unused));                                                                                                  \
        (void)params;                                                                                                                                \
        constants POINTERS_##arity(float) _Pragma("omp simd") for (int i = 0; i < n; i++) {                                                          \
            OPERANDS_##arity(float) y[i] = f32;                                                                                                      \
        }                                                                                                                                            \
    }                                                                                                                                                \
    static void name##_reference(const node *of, const double *const *x, double *y) {                                                                \
        typedef double real __attribute__((unused));                                                                                                 \
        const void *params = of->params;                                                                                                             \
        (void)params;                                                                                                                                \
        constants POINTERS_##arity(double) for (int64_t i = 0, n = shape_count(of->shape); i < n; i++) {                                             \
            OPERANDS_##arity(double) y[i] = f64;                                                                                                     \
        }                                                                                                                                            \
    }
#define ELEMENTWISE_FUNCTIONS(name, arity, f32, f64) ELEMENTWISE_FUNCTIONS_WITH(name, arity, , f32, f64)
// A declaration for `constants`: the params' field as a real.
#define CONSTANT(params_type, field) const real field = (real)((const params_type *)params)->field;

#define ELEMENTWISE_ROW(text, id, arity, size)                                                                                                       \
    {                                                                                                                                                \
        .name = text, .min_in = arity, .max_in = arity, .flags = OP_ELEMENTWISE, .params_size = size, .infer = elementwise_infer, .vjp = id##_vjp,   \
        .block = id##_block, .reference = id##_reference                                                                                             \
    }

#define UNARY_NODE(kind, x, params) elementwise_node(&(kind), (node *const[]){x}, 1, params)
#define BINARY_NODE(kind, a, b, params) elementwise_node(&(kind), (node *const[]){a, b}, 2, params)

#endif
