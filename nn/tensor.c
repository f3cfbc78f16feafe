#include "nn/tensor.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} TYPES[] = {[F32] = {"f32", 4}, [BF16] = {"bf16", 2}, [U8] = {"u8", 1}, [I32] = {"i32", 4}};

size_t dtype_size(dtype t) {
    return TYPES[t].size;
}

const char *dtype_name(dtype t) {
    return TYPES[t].name;
}

int64_t shape_count(shape s) {
    int64_t count = 1;
    for (int i = 0; i < s.n; i++) count *= s.d[i];
    return count;
}

bool shape_equal(shape a, shape b) {
    return a.n == b.n && memcmp(a.d, b.d, (size_t)a.n * sizeof a.d[0]) == 0;
}

const char *shape_text(shape s) {
    enum { BUFFERS = 8, LONGEST = 24 * MAX_DIMS };
    static _Thread_local char text[BUFFERS][LONGEST];
    static _Thread_local int next;
    char *t = text[next = (next + 1) % BUFFERS];
    assert(s.n >= 0 && s.n <= MAX_DIMS);
    int used = snprintf(t, LONGEST, "[");
    for (int i = 0; i < s.n; i++) used += snprintf(t + used, (size_t)(LONGEST - used), "%s%lld", i ? ", " : "", (long long)s.d[i]);
    snprintf(t + used, (size_t)(LONGEST - used), "]");
    return t;
}

float bf16_to_f32(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

uint16_t f32_to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if (f != f) return (uint16_t)(bits >> 16 | 0x40); // stays a NaN
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
