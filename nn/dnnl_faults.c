#include "nn/dnnl_faults.h"

#include <string.h>

// Where channels do not fill a register. With AVX2 in f32, what a stride leaves of a picture is laid out beyond the end of the memory for it (oneDNN's issue
// 6035, which may also hang); in bf16, gradients toward pictures of some sizes read other gradients (not in 3.2).
static bool overruns_channels(const onednn_conv *c, const char *implementation) {
    const conv_params *p = &c->params;
    const bool strided = p->stride[0] > 1 || p->stride[1] > 1;
    if (!strstr(implementation, "1x1")) return false;
    return c->kind == ONEDNN_CONV_WEIGHTS ? strided && c->channels / p->groups % 16
                                          : c->kind == ONEDNN_CONV_DATA && c->y == BF16 && c->out / p->groups % 16;
}

// Lines of the picture are taken apart by the stride and transposed: a part without a pixel stays what the memory was before, and so does what lies between
// dilated rows where lines are long.
static bool reads_unwritten_lines(const onednn_conv *c, const char *implementation) {
    const conv_params *p = &c->params;
    return c->kind == ONEDNN_CONV_WEIGHTS && c->x == BF16 && (c->width < p->stride[1] || p->dilation[0] > 1) && strstr(implementation, "jit_bf16");
}

// Windows that begin far before a line, and end in it: what lies behind the line is read (oneDNN's issue 5080 tells of such in whole numbers).
static bool reads_beyond_lines(const onednn_conv *c, const char *implementation) {
    const conv_params *p = &c->params;
    return c->kind == ONEDNN_CONV && c->x == BF16 && p->stride[1] > 3 && p->pad[1] > p->pad[3] && strstr(implementation, "brgconv");
}

bool onednn_errs(const onednn_conv *c, const char *implementation) {
    return overruns_channels(c, implementation) || reads_unwritten_lines(c, implementation) || reads_beyond_lines(c, implementation);
}
