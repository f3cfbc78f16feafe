// Random numbers that are a pure function of where they are used.
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC'11). Nothing is stored between draws:
// a number depends on (seed, stream, step, index) alone, so results are the same at any number of threads and after a resume.
#ifndef FOIL_BASE_PHILOX_H
#define FOIL_BASE_PHILOX_H

#include <stddef.h>
#include <stdint.h>

// What a number is for. Streams of one seed are independent.
typedef enum philox_stream {
    STREAM_INIT = 1,  // initial weights; step = the tensor's index in its store
    STREAM_LATENT,    // z of the game
    STREAM_SHUFFLE,   // order of an epoch; step = epoch
    STREAM_AUGMENT,   // transforms of images; step = position in the stream of samples
    STREAM_GRAPH,     // dropout and other random nodes of graphs
    STREAM_FORGER,    // which forger, which snapshot, which latent
    STREAM_PENALTY,   // interpolation of the gradient penalty
    STREAM_SPLIT,     // assignment to train, val, test
    STREAM_BOOTSTRAP, // resampled clips; step = draw
    STREAM_SAMPLES,   // latents of sample grids and `foil generate`
    STREAM_SHARDS,    // order of a set's files in an epoch; step = epoch
    STREAM_PERTURB,   // noise and places of perturbations, one sub-stream each; step = picture
} philox_stream;

// Where in the sequence: everything but the index of the element.
typedef struct philox_key {
    uint64_t seed;
    uint32_t stream; // philox_stream, with a sub-stream in the upper bits if there are several of a kind
    uint64_t step;
} philox_key;

// The block function itself: ten rounds on a counter of four words with a key of two. Published vectors test this.
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// The four words of block `index` under `k`.
void philox_block(philox_key k, uint64_t index, uint32_t out[4]);

// One number for `index`: a word; uniform in [0,1) with 24 bits; an integer in [0,n), n > 0 (multiply-shift, bias below 2^-32 · n).
uint32_t philox_u32(philox_key k, uint64_t index);
float philox_uniform(philox_key k, uint64_t index);
uint32_t philox_below(philox_key k, uint64_t index, uint32_t n);

// out[i] for i in [0,n) is element `first + i`: uniform in [0,1), or standard normal (Box–Muller on pairs). Elements do not depend on n or first.
void philox_fill_uniform(philox_key k, uint64_t first, float *out, size_t n);
void philox_fill_normal(philox_key k, uint64_t first, float *out, size_t n);

// out[i] is philox_below(k, first + i, below), many at once.
void philox_fill_below(philox_key k, uint64_t first, uint32_t below, uint32_t *out, size_t n);

// A permutation of 0..n-1 (Fisher–Yates, drawing element i from index i).
void philox_permutation(philox_key k, int64_t *out, size_t n);

// Element i of another permutation of 0..n-1, which is nowhere stored: n < 2^62, i < n. A generalised Feistel cipher on pairs below the root of n, walked until
// it gives a number below n (Black, Rogaway: Ciphers with Arbitrary Finite Domains, CT-RSA 2002).
uint64_t philox_place(philox_key k, uint64_t i, uint64_t n);

#endif
