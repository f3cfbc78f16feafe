// Part of winograd_lanes.h: the taps of filters in PyTorch's order, collected in rows and put back.
#define quad_at NAMED(quad_at, MACHINE)
typedef float quad_at __attribute__((vector_size(16), aligned(4), may_alias));

// Four taps are a quad, and a vector has LANES / 4 of them. EACH_QUAD: the same shuffle in every one.
#if LANES == 4
#define EACH_QUAD(x, y, a, b, c, d) __builtin_shufflevector(x, y, a, b, c, d)
#elif LANES == 8
#define EACH_QUAD(x, y, a, b, c, d) __builtin_shufflevector(x, y, a, b, c, d, 4 + a, 4 + b, 4 + c, 4 + d)
#else
#define EACH_QUAD(x, y, a, b, c, d)                                                                                                                  \
    __builtin_shufflevector(x, y, a, b, c, d, 4 + a, 4 + b, 4 + c, 4 + d, 8 + a, 8 + b, 8 + c, 8 + d, 12 + a, 12 + b, 12 + c, 12 + d)
#endif

// Each four quads as a matrix, transposed.
INLINE void NAMED(transpose, MACHINE)(vector v[4]) {
    const vector a = EACH_QUAD(v[0], v[1], 0, LANES, 1, LANES + 1), b = EACH_QUAD(v[0], v[1], 2, LANES + 2, 3, LANES + 3);
    const vector c = EACH_QUAD(v[2], v[3], 0, LANES, 1, LANES + 1), d = EACH_QUAD(v[2], v[3], 2, LANES + 2, 3, LANES + 3);
    v[0] = EACH_QUAD(a, c, 0, 1, LANES, LANES + 1);
    v[1] = EACH_QUAD(a, c, 2, 3, LANES + 2, LANES + 3);
    v[2] = EACH_QUAD(b, d, 0, 1, LANES, LANES + 1);
    v[3] = EACH_QUAD(b, d, 2, 3, LANES + 2, LANES + 3);
}
#undef EACH_QUAD

// Where quad q of a filter begins: the last one overlaps the one before where it must, so that nothing behind the filter is touched.
INLINE int NAMED(quad_of, MACHINE)(int taps, int q) {
    return 4 * q + 4 > taps ? taps - 4 : 4 * q;
}

// A quad of each of LANES / 4 filters, `distance` floats apart.
INLINE vector NAMED(load_quads, MACHINE)(const float *from, int64_t distance) {
#define QUAD(i) *(const quad_at *)(from + (i)*distance)
#if LANES == 4
    (void)distance;
    return QUAD(0);
#elif LANES == 8
    return __builtin_shufflevector(QUAD(0), QUAD(1), 0, 1, 2, 3, 4, 5, 6, 7);
#else
#define TWO(i) __builtin_shufflevector(QUAD(i), QUAD(i + 1), 0, 1, 2, 3, 4, 5, 6, 7)
    return __builtin_shufflevector(TWO(0), TWO(2), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#undef TWO
#endif
#undef QUAD
}

INLINE void NAMED(store_quads, MACHINE)(float *to, int64_t distance, vector v) {
#define QUAD(i) *(quad_at *)(to + (i)*distance) = __builtin_shufflevector(v, v, 4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3)
    (void)distance;
    QUAD(0);
#if LANES > 4
    QUAD(1);
#endif
#if LANES > 8
    QUAD(2);
    QUAD(3);
#endif
#undef QUAD
}

// Filters as long as a vector are read and written whole: four of them, with their quads as a matrix, transposed.
#if LANES == 16
#define QUADS(x, y, a, b, c, d)                                                                                                                      \
    __builtin_shufflevector(x, y, 4 * a, 4 * a + 1, 4 * a + 2, 4 * a + 3, 4 * b, 4 * b + 1, 4 * b + 2, 4 * b + 3, 4 * c, 4 * c + 1, 4 * c + 2,       \
                            4 * c + 3, 4 * d, 4 * d + 1, 4 * d + 2, 4 * d + 3)
INLINE void NAMED(exchange, MACHINE)(vector v[4]) {
    const vector a = QUADS(v[0], v[1], 0, 1, 4, 5), b = QUADS(v[0], v[1], 2, 3, 6, 7);
    const vector c = QUADS(v[2], v[3], 0, 1, 4, 5), d = QUADS(v[2], v[3], 2, 3, 6, 7);
    v[0] = QUADS(a, c, 0, 2, 4, 6);
    v[1] = QUADS(a, c, 1, 3, 5, 7);
    v[2] = QUADS(b, d, 0, 2, 4, 6);
    v[3] = QUADS(b, d, 1, 3, 5, 7);
}
#undef QUADS
#endif

// All quads of LANES / 4 filters: v[q] has quad q of each.
INLINE void NAMED(load_filters, MACHINE)(int taps, const float *from, int64_t distance, vector v[4]) {
#if LANES == 16
    if (taps == LANES) {
        UNROLL for (int i = 0; i < 4; i++) v[i] = *(const vector_at *)(from + i * distance);
        NAMED(exchange, MACHINE)(v);
        return;
    }
#endif
    UNROLL for (int q = 0; 4 * q < taps; q++) v[q] = NAMED(load_quads, MACHINE)(from + NAMED(quad_of, MACHINE)(taps, q), distance);
}

// Gradients are read again when all are there: whole lines go to memory, which else is asked for what they held.
INLINE void NAMED(store_line, MACHINE)(float *to, vector v) {
#ifdef STREAM
    if ((uintptr_t)to % sizeof v == 0) {
        STREAM(to, v);
        return;
    }
#endif
    *(vector_at *)to = v;
}

INLINE void NAMED(store_filters, MACHINE)(int taps, float *to, int64_t distance, vector v[4]) {
#if LANES == 16
    if (taps == LANES) {
        NAMED(exchange, MACHINE)(v);
        UNROLL for (int i = 0; i < 4; i++) NAMED(store_line, MACHINE)(to + i * distance, v[i]);
        return;
    }
#endif
    UNROLL for (int q = 0; 4 * q < taps; q++) NAMED(store_quads, MACHINE)(to + NAMED(quad_of, MACHINE)(taps, q), distance, v[q]);
}

// A few filters at a time: they may lie so far apart that they meet in the same lines of the cache.
INLINE void NAMED(collect_taps, MACHINE)(int taps, int64_t n, const float *filters, int64_t stride, winograd_taps *to, int64_t at) {
    for (int64_t c = 0; c < n; c += LANES) {
        vector v[4][4], w[4];
        UNROLL for (int i = 0; i < 4; i++) {
            NAMED(load_filters, MACHINE)(taps, filters + (c + i) * stride, 4 * stride, w);
            UNROLL for (int q = 0; 4 * q < taps; q++) v[q][i] = w[q];
        }
        UNROLL for (int q = 0; 4 * q < taps; q++) {
            NAMED(transpose, MACHINE)(v[q]);
            UNROLL for (int i = 0; i < 4; i++) * (vector_at *)(to->tap[NAMED(quad_of, MACHINE)(taps, q) + i] + at + c) = v[q][i];
        }
    }
}

INLINE double NAMED(spread_taps, MACHINE)(int taps, int64_t n, float *filters, int64_t stride, const winograd_taps *from, int64_t at) {
    vector squares[4] = {{0}};
    for (int64_t c = 0; c < n; c += LANES) {
        vector v[4][4], w[4];
        UNROLL for (int q = 0; 4 * q < taps; q++) {
            const int first = NAMED(quad_of, MACHINE)(taps, q);
            UNROLL for (int i = 0; i < 4; i++) v[q][i] = *(const vector_at *)(from->tap[first + i] + at + c);
            UNROLL for (int i = 4 * q - first; i < 4; i++) squares[i] += v[q][i] * v[q][i];
            NAMED(transpose, MACHINE)(v[q]);
        }
        UNROLL for (int i = 0; i < 4; i++) {
            UNROLL for (int q = 0; 4 * q < taps; q++) w[q] = v[q][i];
            NAMED(store_filters, MACHINE)(taps, filters + (c + i) * stride, 4 * stride, w);
        }
    }
    const vector all = squares[0] + squares[1] + (squares[2] + squares[3]);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < LANES; i++) sum += all[i];
    return (double)sum;
}

TARGET static void NAMED(collect, MACHINE)(int64_t taps, int64_t n, const float *filters, int64_t stride, winograd_taps *to, int64_t at) {
    if (taps == 9)
        NAMED(collect_taps, MACHINE)(9, n, filters, stride, to, at);
    else
        NAMED(collect_taps, MACHINE)(16, n, filters, stride, to, at);
}

TARGET static double NAMED(spread, MACHINE)(int64_t taps, int64_t n, float *filters, int64_t stride, const winograd_taps *from, int64_t at) {
    return taps == 9 ? NAMED(spread_taps, MACHINE)(9, n, filters, stride, from, at) : NAMED(spread_taps, MACHINE)(16, n, filters, stride, from, at);
}
#undef quad_at
