#include "nn/ops/winograd_inner.h"

#include <stddef.h>

#include "nn/ops/winograd_matrices.h"

typedef uint32_t element __attribute__((aligned(2), may_alias)); // of a product: f32 or a pair of bf16

#define NAMED_(name, machine) name##_##machine
#define NAMED(name, machine) NAMED_(name, machine)

#if defined(__x86_64__)

#include <immintrin.h>

// Halves of a register in turns.
static const uint16_t INTERLEAVED[] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

#define MACHINE v4_bf16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define LANES 16
#define VECTORS 2
#define ROWS 8
#define DOT(sum, a, b) (vector) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b))
#define ROUND(v) (half_at) _mm512_cvtneps_pbh((__m512)(v))
#define WIDEN(v) (bits) _mm512_cvtepu16_epi32((__m256i)(v))
#define STREAM(to, v) _mm512_stream_ps(to, (__m512)(v))
#define PAIR(even, odd) (bits) _mm512_permutexvar_epi16(_mm512_loadu_si512(INTERLEAVED), (__m512i)_mm512_cvtne2ps_pbh((__m512)(odd), (__m512)(even)))
#include "nn/ops/winograd_lanes.h"

#define MACHINE v4
#define TARGET __attribute__((target("avx512f")))
#define LANES 16
#define VECTORS 2
#define ROWS 8
#define WIDEN(v) (bits) _mm512_cvtepu16_epi32((__m256i)(v))
#define STREAM(to, v) _mm512_stream_ps(to, (__m512)(v))
#include "nn/ops/winograd_lanes.h"

#define MACHINE v3
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define VECTORS 2
#define ROWS 4
#include "nn/ops/winograd_lanes.h"

#endif

#define MACHINE plain
#define TARGET
#define LANES 4
#define VECTORS 4
#define ROWS 4
#include "nn/ops/winograd_lanes.h"

const winograd_machine *winograd_machine_at(int i) {
    const winograd_machine *usable[5] = {NULL};
    int n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw")) usable[n++] = &machine_v4_bf16;
    if (__builtin_cpu_supports("avx512f")) usable[n++] = &machine_v4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) usable[n++] = &machine_v3;
#endif
    usable[n++] = &machine_plain;
    return i < n ? usable[i] : NULL;
}

// Stores past the caches become visible in any order before it.
void winograd_spread_end(void) {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}
