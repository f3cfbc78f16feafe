// Memory for the operands of kernels, and their layouts.
#ifndef FOIL_TESTS_NN_OPERANDS_H
#define FOIL_TESTS_NN_OPERANDS_H

#include <stdlib.h>
#include <string.h>

#include "nn/dnnl.h"
#include "tests/cmocka.h"

// Not a byte more, so that checks of memory see what is touched behind it. Free with free().
static inline void *allocate(size_t bytes) {
    void *p = NULL;
    assert_int_equal(posix_memalign(&p, 64, bytes), 0);
    memset(p, 0xff, bytes); // NaN
    return p;
}

static inline void reorder(const onednn_layout *from, const void *in, const onednn_layout *to, void *out) {
    onednn_kernel *k = NULL;
    if (onednn_reorder_create(from, to, &k) != FOIL_OK) fail_msg("%s", foil_error());
    void *scratch = allocate(onednn_kernel_scratch(k));
    onednn_run(k, in, NULL, out, scratch);
    free(scratch);
    onednn_kernel_free(k);
}

#endif
