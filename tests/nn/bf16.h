// Not for every processor oneDNN has kernels in bf16.
#ifndef FOIL_TESTS_NN_BF16_H
#define FOIL_TESTS_NN_BF16_H

#include "nn/dnnl.h"

// Whether it has on this one: 2.6 from AVX-512 on, and not on AArch64. Where it doesn't, plans compute in f32.
static inline bool has_bf16(void) {
    onednn_kernel *k = NULL;
    const onednn_matmul m = {.batch = 1, .m = 2, .n = 2, .k = 2, .a_stride = {4, 2, 1}, .b_stride = {4, 2, 1}, .a = BF16, .b = BF16, .c = BF16};
    const bool has = onednn_matmul_create(&m, &k) == FOIL_OK;
    onednn_kernel_free(k);
    return has;
}

#endif
