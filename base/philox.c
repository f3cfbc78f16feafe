#include "base/philox.h"

#include <math.h>

#include "base/vectorised.h"

enum { ROUNDS = 10, PHILOX_LANES = 64 };

static inline __attribute__((always_inline)) void rounds(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0, uint32_t k1,
                                                         uint32_t out[4]) {
    for (int r = 0; r < ROUNDS; r++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0;
        uint64_t b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u; // golden ratio
        k1 += 0xBB67AE85u; // sqrt(3) - 1
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    rounds(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out);
}

// Seed and stream have 96 bits, the key has 64: SplitMix64's finalizer (Steele, Lea, Flood 2014) spreads the stream over the seed.
static uint64_t mix(uint64_t seed, uint32_t stream) {
    uint64_t x = seed + stream * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

void philox_block(philox_key k, uint64_t index, uint32_t out[4]) {
    uint64_t mixed = mix(k.seed, k.stream);
    const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)k.step, (uint32_t)(k.step >> 32)};
    const uint32_t key[2] = {(uint32_t)mixed, (uint32_t)(mixed >> 32)};
    philox4x32(counter, key, out);
}

uint32_t philox_u32(philox_key k, uint64_t index) {
    uint32_t words[4];
    philox_block(k, index / 4, words);
    return words[index % 4];
}

static float to_uniform(uint32_t word) {
    return (float)(word >> 8) * 0x1p-24f;
}

float philox_uniform(philox_key k, uint64_t index) {
    return to_uniform(philox_u32(k, index));
}

uint32_t philox_below(philox_key k, uint64_t index, uint32_t n) {
    return (uint32_t)(((uint64_t)philox_u32(k, index) * n) >> 32);
}

// A block of four words as four numbers.
typedef void convert(const uint32_t words[4], float out[4]);

static void convert_uniform(const uint32_t words[4], float out[4]) {
    for (int i = 0; i < 4; i++) out[i] = to_uniform(words[i]);
}

// Box and Muller 1958, on two pairs of words.
static void convert_normal(const uint32_t words[4], float out[4]) {
    for (int i = 0; i < 4; i += 2) {
        float u = ((float)words[i] + 1.0f) * 0x1p-32f; // (0, 1]: the logarithm exists
        float radius = sqrtf(-2.0f * logf(u));
        float angle = 6.28318530718f * to_uniform(words[i + 1]);
        out[i] = radius * cosf(angle);
        out[i + 1] = radius * sinf(angle);
    }
}

static void fill(philox_key k, uint64_t first, float *out, size_t n, convert *to) {
    for (size_t done = 0; done < n;) {
        uint64_t element = first + done;
        size_t skip = element % 4;
        uint32_t words[4];
        float four[4];
        philox_block(k, element / 4, words);
        to(words, four);
        for (size_t i = skip; i < 4 && done < n; i++) out[done++] = four[i];
    }
}

void philox_fill_uniform(philox_key k, uint64_t first, float *out, size_t n) {
    fill(k, first, out, n, convert_uniform);
}

void philox_fill_normal(philox_key k, uint64_t first, float *out, size_t n) {
    fill(k, first, out, n, convert_normal);
}

// Blocks from `first` on; `high` is the upper half of the counter. Independent of each other, so that the compiler computes as many side by side as fit.
VECTORISED static void fill_blocks(const uint32_t key[2], const uint32_t high[2], uint64_t first, uint32_t out[PHILOX_LANES][4]) {
#pragma omp simd
    for (int l = 0; l < PHILOX_LANES; l++) {
        uint64_t index = first + (uint64_t)l;
        rounds((uint32_t)index, (uint32_t)(index >> 32), high[0], high[1], key[0], key[1], out[l]);
    }
}

void philox_fill_below(philox_key k, uint64_t first, uint32_t below, uint32_t *out, size_t n) {
    const uint64_t mixed = mix(k.seed, k.stream);
    const uint32_t key[2] = {(uint32_t)mixed, (uint32_t)(mixed >> 32)}, high[2] = {(uint32_t)k.step, (uint32_t)(k.step >> 32)};
    uint32_t block[PHILOX_LANES][4];
    for (size_t done = 0; done < n;) {
        const uint64_t element = first + done;
        const uint32_t *word = block[0] + element % 4;
        size_t some = 4 * PHILOX_LANES - element % 4;
        if (some > n - done) some = n - done;
        fill_blocks(key, high, element / 4, block);
        for (size_t i = 0; i < some; i++) out[done + i] = (uint32_t)(((uint64_t)word[i] * below) >> 32);
        done += some;
    }
}

void philox_permutation(philox_key k, int64_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (int64_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = philox_below(k, i - 1, (uint32_t)i);
        int64_t swap = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swap;
    }
}

// The smallest number whose square is n or more.
static uint64_t root(uint64_t n) {
    uint64_t r = (uint64_t)sqrt((double)n) + 1;
    while (r > 1 && (r - 1) * (r - 1) >= n) r--;
    return r;
}

uint64_t philox_place(philox_key k, uint64_t i, uint64_t n) {
    enum { FEISTEL_ROUNDS = 8 };
    const uint64_t side = root(n);
    do {
        uint64_t left = i / side, right = i % side;
        for (uint64_t round = 0; round < FEISTEL_ROUNDS; round++) {
            uint64_t sum = left + philox_below(k, right * FEISTEL_ROUNDS + round, (uint32_t)side);
            left = right;
            right = sum < side ? sum : sum - side;
        }
        i = left * side + right;
    } while (i >= n);
    return i;
}
