// What multiplies numbers in bf16 fastest on this processor: instructions of its own may be slower than those for f32, or missing.
#ifndef FOIL_NN_PROCESSOR_H
#define FOIL_NN_PROCESSOR_H

// BF16_WIDENED: products in f32, of what was widened.
// BF16_PAIRS: AVX-512's VDPBF16PS. AMD's processors from Zen 4 on make twice as many products by it as in f32. Intel's that have AVX512-FP16, Sapphire Rapids
//     and what followed, make half as many, one of these in two cycles but two FMAs in each (measured: 85 and 173 GFLOP/s of a core).
// BF16_TILES: AMX, by oneDNN. Many times as fast as either where it has a kernel for it, which its kernels' names tell. (No such processor was at hand.)
typedef enum bf16_products { BF16_WIDENED, BF16_PAIRS, BF16_TILES } bf16_products;

// Without those that ONEDNN_MAX_CPU_ISA, an environment variable, forbids oneDNN.
bf16_products processor_bf16(void);

#endif
