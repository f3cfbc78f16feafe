// Fused loops: many element-wise operations, broadcasts and reductions in one pass over memory.
//
// A loop runs over `count` elements in row-major order, in blocks that stay in the first-level cache. Everything that it touches says for itself how
// the loop's element i maps to its own elements (`access`), so shapes need not agree, only counts: reshapes cost nothing and break no loop.
#ifndef FOIL_NN_LOOP_H
#define FOIL_NN_LOOP_H

#include "nn/tensor.h"

enum { LOOP_BLOCK = 1024, LOOP_MAX_SLOTS = 256, LOOP_MAX_INPUTS = 4 };

// Element i, written in the mixed radix of `size` (outermost first), lies at the sum of digit · stride. As few digits as possible: dense is one digit of
// stride 1, a scalar one of stride 0, a repeated row [(n, 0), (k, 1)].
typedef struct access {
    int n;
    int64_t size[MAX_DIMS], stride[MAX_DIMS];
} access;
access access_make(shape s, const int64_t stride[MAX_DIMS]);
bool access_is_dense(const access *a);

// Where values come from. A slot is a block of f32 that instructions read.
typedef enum leaf_kind {
    LEAF_DENSE,
    LEAF_SCALAR,   // one value, in memory
    LEAF_CONSTANT, // one value, known now
    LEAF_TILE,     // a repeated row that is shorter than a block, or one for each segment: kept repeated, so that every block of it is contiguous
    LEAF_STRIDED,  // anything
} leaf_kind;
typedef struct loop_leaf {
    leaf_kind kind;
    access at;
    dtype type;
    float constant;
    int value;        // the plan's, -1 for a constant
    const void *data; // resolved before a run
    int buffer;       // in the thread's memory: where the filled block lies (SCALAR, CONSTANT, TILE: for the whole run), in blocks
} loop_leaf;

// A dense result.
typedef struct loop_store {
    dtype type;
    int value;
    void *data;
} loop_store;

// Sums and maxima over the digits whose stride is 0. Partial results are f64 (f32 within four rows): one set for all threads where `shared` (each thread owns a
// part of the result), else one per thread, added in the order of threads.
typedef struct loop_reduction {
    bool maximum, shared;
    access at;        // of the partial results
    int64_t width;    // number of partial results
    int64_t count;    // number of results; width / count partial results make one: short rows are accumulated as one wide row
    int64_t unit;     // a thread that starts and ends at multiples of it owns its part of the result
    int64_t unit_out; // how many results that part has per unit
    int value;
    float *data;
    size_t partials; // byte offset in the scratch
} loop_reduction;

typedef void (*block_function)(int n, float *y, const float *const *x, const void *params);

typedef enum loop_code { LOOP_LOAD, LOOP_CALL, LOOP_STORE, LOOP_REDUCE } loop_code;
typedef struct loop_instruction {
    loop_code code;
    int index; // LOAD: leaf; STORE: store; REDUCE: reduction; CALL: the store whose memory the result is written to directly, or -1
    int slot;  // written by LOAD and CALL, read by STORE and REDUCE
    int buffer;
    int n_in, in[LOOP_MAX_INPUTS];
    block_function block;
    const void *params;
} loop_instruction;

typedef struct loop {
    int64_t count;
    int parts;       // threads that share the work: 1 for little of it
    int64_t unit;    // parts begin at multiples of it
    int64_t segment; // within which tiles repeat the same row
    int leaves, stores, reductions, instructions, buffers;
    loop_leaf *leaf;
    loop_store *store;
    loop_reduction *reduction;
    loop_instruction *instruction;
    size_t buffer_floats; // per thread
    size_t scratch_bytes; // for all threads and partial results
} loop;

// Lets one instruction do what two did, where nobody else reads what lies between them: before buffers are assigned.
void loop_join_pairs(loop *l);
// Sets parts, unit, scratch and where partial results lie, when everything else is there.
void loop_finish(loop *l, int threads);
void loop_run(const loop *l, void *scratch);

#endif
