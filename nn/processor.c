#include "nn/processor.h"

#include <stdbool.h>

#include "nn/dnnl.h"

#if defined(__x86_64__)

#include <cpuid.h>

// By Intel's Software Developer's Manual, volume 2, CPUID: EDX of leaf 7. Not all compilers that build this have a name for it.
enum { AVX512_FP16 = 1 << 23 };

static bool pairs_slowly(void) {
    unsigned int a, b, c, d;
    __builtin_cpu_init();
    return __builtin_cpu_is("intel") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AVX512_FP16);
}

#else

static bool pairs_slowly(void) {
    return true;
}

#endif

bf16_products processor_bf16(void) {
    const bf16_products known = onednn_bf16();
    return known == BF16_PAIRS && pairs_slowly() ? BF16_WIDENED : known;
}
