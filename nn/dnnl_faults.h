// Which of oneDNN's kernels give wrong results, so that nn/dnnl.c takes the next that can.
#ifndef FOIL_NN_DNNL_FAULTS_H
#define FOIL_NN_DNNL_FAULTS_H

#include "nn/dnnl.h"

// `implementation`: oneDNN's name for the kernel. Found by random convolutions beside their definition (tests/nn/test_random_conv.c) with 2.6.3 and 3.2.
bool onednn_errs(const onednn_conv *c, const char *implementation);

#endif
