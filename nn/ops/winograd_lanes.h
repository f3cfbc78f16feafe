// No include guard: included once for each kind of processor with MACHINE (its name), TARGET (what the compiler may use), LANES (floats of a vector),
// VECTORS (of a panel's row) and ROWS (of a product at a time; ROWS · VECTORS sums stay in registers). DOT, ROUND, WIDEN and PAIR: what the processor has for
// bf16; without them the same is done in steps. STREAM: how it stores a line past the caches, if that is a vector.
#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 8")
#define vector NAMED(vector, MACHINE)
#define vector_at NAMED(vector_at, MACHINE)
#define bits NAMED(bits, MACHINE)
#define bits_at NAMED(bits_at, MACHINE)
#define half_at NAMED(half_at, MACHINE)

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef float vector_at __attribute__((vector_size(4 * LANES), aligned(4), may_alias)); // in memory
typedef uint32_t bits __attribute__((vector_size(4 * LANES)));
typedef uint32_t bits_at __attribute__((vector_size(4 * LANES), aligned(2), may_alias));
typedef uint16_t half_at __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

// sum + a[0] b[0] + a[1] b[1] of pairs of bf16.
INLINE vector NAMED(dot, MACHINE)(vector sum, bits a, bits b) {
#ifdef DOT
    return DOT(sum, a, b);
#else
    sum += (vector)(a & 0xffff0000) * (vector)(b & 0xffff0000);
    return sum + (vector)(a << 16) * (vector)(b << 16);
#endif
}

// ROWS rows of a product.
INLINE void NAMED(rows, MACHINE)(bool paired, int64_t depth, const element *a, int64_t a_row, int64_t a_depth, const element *b, winograd_ahead ahead,
                                 float *c, int64_t c_row, bool add) {
    vector sum[ROWS][VECTORS] = {0};
    for (int64_t k = 0; k < depth; k++, a += a_depth, b += VECTORS * LANES) {
        __builtin_prefetch(ahead.first + k * ahead.step, 0, 2);
        UNROLL for (int i = 0; i < ROWS; i++) {
            const bits x = a[i * a_row] - (bits){0};
            UNROLL for (int j = 0; j < VECTORS; j++) {
                const bits y = *(const bits_at *)(b + j * LANES);
                sum[i][j] = paired ? NAMED(dot, MACHINE)(sum[i][j], x, y) : sum[i][j] + (vector)x * (vector)y;
            }
        }
    }
    UNROLL for (int i = 0; i < ROWS; i++) {
        UNROLL for (int j = 0; j < VECTORS; j++) {
            vector_at *to = (vector_at *)(c + i * c_row + j * LANES);
            if (add) sum[i][j] += *to;
            *to = sum[i][j];
        }
    }
}

INLINE void NAMED(all_rows, MACHINE)(bool paired, const winograd_product *p) {
    const element *a = p->a, *b = p->b;
    const int64_t lines = p->next ? VECTORS * LANES / WINOGRAD_LINE : 0; // of a row of the panel, which are called one after the other
    for (int64_t i = 0; i < p->rows; i += ROWS) {
        float *c = p->c + i * p->c_row;
        const int64_t line = i / ROWS, later = line - lines;
        winograd_ahead ahead = {p->b, 0}; // nothing
        if (later < 0)
            ahead = (winograd_ahead){(const float *)p->next + line * WINOGRAD_LINE * p->depth, WINOGRAD_LINE};
        else if (later < p->laters)
            ahead = p->later[later];
        if (p->a_depth == 1)
            NAMED(rows, MACHINE)(paired, p->depth, a + i * p->a_row, p->a_row, 1, b, ahead, c, p->c_row, p->add);
        else
            NAMED(rows, MACHINE)(paired, p->depth, a + i, 1, p->a_depth, b, ahead, c, p->c_row, p->add);
    }
}

TARGET static void NAMED(product, MACHINE)(const winograd_product *p) {
    NAMED(all_rows, MACHINE)(false, p);
}

TARGET static void NAMED(paired, MACHINE)(const winograd_product *p) {
    NAMED(all_rows, MACHINE)(true, p);
}

// M [rows, cols] is m, or the transpose of m [cols, rows].
INLINE float NAMED(coefficient, MACHINE)(int rows, int cols, const float *m, bool transposed, int i, int k) {
    return transposed ? m[k * rows + i] : m[i * cols + k];
}

// Whether rows (or columns) i and i + 1 of M are equal but for signs: those of evaluation points of either sign.
INLINE bool NAMED(mirrored, MACHINE)(int rows, int cols, const float *m, bool transposed, bool columns, int i) {
    const int all = columns ? cols : rows, across = columns ? rows : cols;
    if (i < 0 || i + 1 >= all) return false;
    bool equal = true, differ = false;
    UNROLL for (int k = 0; k < across; k++) {
        const float f = NAMED(coefficient, MACHINE)(rows, cols, m, transposed, columns ? k : i, columns ? i : k);
        const float g = NAMED(coefficient, MACHINE)(rows, cols, m, transposed, columns ? k : i + 1, columns ? i + 1 : k);
        equal = equal && (f == g || f == -g);
        differ = differ || f != g;
    }
    return equal && differ;
}

// y = M x for one row or column. All of M is known to the compiler: zeros cost nothing, mirrored rows share their sums and mirrored columns their terms.
INLINE void NAMED(multiply, MACHINE)(int rows, int cols, const float *m, bool transposed, const vector *x, vector *y) {
    vector plus[6], minus[6], sum[2]; // x[k] ± x[k + 1]; of the terms that two mirrored rows have in common, and of those whose signs differ
    UNROLL for (int k = 0; k < cols; k++) {
        if (NAMED(mirrored, MACHINE)(rows, cols, m, transposed, true, k)) plus[k] = x[k] + x[k + 1], minus[k] = x[k] - x[k + 1];
    }
    UNROLL for (int i = 0; i < rows; i++) {
        if (NAMED(mirrored, MACHINE)(rows, cols, m, transposed, false, i - 1)) {
            y[i] = sum[0] - sum[1];
            continue;
        }
        const bool two_rows = NAMED(mirrored, MACHINE)(rows, cols, m, transposed, false, i);
        bool begun[2] = {false, false};
        UNROLL for (int k = 0; k < cols; k++) {
            const float f = NAMED(coefficient, MACHINE)(rows, cols, m, transposed, i, k);
            if (f == 0 || NAMED(mirrored, MACHINE)(rows, cols, m, transposed, true, k - 1)) continue;
            const bool two_columns = NAMED(mirrored, MACHINE)(rows, cols, m, transposed, true, k);
            const bool differs = two_rows && f != NAMED(coefficient, MACHINE)(rows, cols, m, transposed, i + 1, k);
            const bool equal = two_columns && f == NAMED(coefficient, MACHINE)(rows, cols, m, transposed, i, k + 1);
            const vector term = !two_columns ? x[k] : equal ? plus[k] : minus[k];
            sum[differs] = begun[differs] ? sum[differs] + f * term : f * term;
            begun[differs] = true;
        }
        y[i] = two_rows ? sum[0] + sum[1] : sum[0];
    }
}

INLINE bits NAMED(widen, MACHINE)(half_at v) {
#ifdef WIDEN
    return WIDEN(v);
#else
    return __builtin_convertvector(v, bits);
#endif
}

// Elements of pictures may be bf16: the upper halves, rounded to nearest even; a NaN stays one.
INLINE vector NAMED(load, MACHINE)(const void *from, int64_t at, bool half) {
    if (!half) return *(const vector_at *)((const float *)from + at);
    return (vector)(NAMED(widen, MACHINE)(*(const half_at *)((const uint16_t *)from + at)) << 16);
}

INLINE half_at NAMED(round, MACHINE)(vector v) {
#ifdef ROUND
    return ROUND(v);
#else
    const bits b = (bits)v, is_nan = (bits)((b & 0x7fffffff) > 0x7f800000);
    const bits upper = ((b + 0x7fff + (b >> 16 & 1)) >> 16 & ~is_nan) | ((b >> 16 | 0x40) & is_nan);
    return __builtin_convertvector(upper, half_at);
#endif
}

INLINE void NAMED(store, MACHINE)(void *to, int64_t at, vector v, bool half) {
    if (half)
        *(half_at *)((uint16_t *)to + at) = NAMED(round, MACHINE)(v);
    else
        *(vector_at *)((float *)to + at) = v;
}

// Pairs of bf16 in memory.
INLINE void NAMED(store_pairs, MACHINE)(char *to, vector even, vector odd) {
#ifdef PAIR
    *(bits_at *)to = PAIR(even, odd);
#else
    const half_at lower = NAMED(round, MACHINE)(even), upper = NAMED(round, MACHINE)(odd);
    *(bits_at *)to = __builtin_convertvector(lower, bits) | __builtin_convertvector(upper, bits) << 16;
#endif
}

INLINE vector NAMED(rectify, MACHINE)(vector v, vector slope) {
    const bits positive = (bits)(v > 0);
    return (vector)(((bits)v & positive) | ((bits)(slope * v) & ~positive));
}

INLINE vector NAMED(finish, MACHINE)(vector v, const winograd_post *post, int64_t channel, const void *to, bool half) {
    if (post->bias) v += *(const vector_at *)(post->bias + channel);
    if (post->adds) v += NAMED(load, MACHINE)(to, channel, half);
    return post->rectifies ? NAMED(rectify, MACHINE)(v, post->slope - (vector){0}) : v;
}

// What is added to the sums comes first, so that no sum waits for it.
INLINE void NAMED(pixel_rows, MACHINE)(int64_t pairs, const element *a, const element *b, const winograd_post *post, uint16_t *y, int64_t y_row) {
    vector sum[ROWS][VECTORS];
    UNROLL for (int j = 0; j < VECTORS; j++) {
        vector bias = {0};
        if (post->bias) bias = *(const vector_at *)(post->bias + j * LANES);
        UNROLL for (int i = 0; i < ROWS; i++) sum[i][j] = bias;
    }
    if (post->adds) {
        UNROLL for (int i = 0; i < ROWS; i++) {
            UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] += NAMED(load, MACHINE)(y, i * y_row + j * LANES, true);
        }
    }
    UNROLL for (int i = 0; i < ROWS; i++) __builtin_prefetch(y + (i + 2 * ROWS) * y_row, 1, 3);
    const element *next = a + ROWS * pairs;
    for (int64_t k = 0; k < pairs; k++, a++, b += VECTORS * LANES) {
        __builtin_prefetch(next + k * ROWS, 0, 3);
        UNROLL for (int i = 0; i < ROWS; i++) {
            const bits both = a[i * pairs] - (bits){0};
            UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = NAMED(dot, MACHINE)(sum[i][j], both, *(const bits_at *)(b + j * LANES));
        }
    }
    __asm__("" : "+r"(y), "+r"(y_row)); // else addresses of results take the registers of sums
    if (post->rectifies) {
        const vector slope = post->slope - (vector){0};
        UNROLL for (int i = 0; i < ROWS; i++) {
            UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = NAMED(rectify, MACHINE)(sum[i][j], slope);
        }
    }
    UNROLL for (int i = 0; i < ROWS; i++) {
        UNROLL for (int j = 0; j < VECTORS; j++) NAMED(store, MACHINE)(y, i * y_row + j * LANES, sum[i][j], true);
    }
}

TARGET static void NAMED(pixels, MACHINE)(const winograd_pixels *p) {
    const element *a = (const element *)p->a, *b = (const element *)p->b;
    const winograd_post post = p->post;
    for (int64_t i = 0; i < p->rows; i += ROWS) NAMED(pixel_rows, MACHINE)(p->pairs, a + i * p->pairs, b, &post, p->y + i * p->y_row, p->y_row);
}

// Transforms are M x Mᵀ of LANES channels, x [cols, cols]: first M x, `half`, column by column, then row by row, each of which is stored before the next one is
// made, so that registers suffice.
INLINE void NAMED(column, MACHINE)(int rows, int cols, const float *m, bool transposed, const vector *x, int j, vector half[6][6]) {
    vector line[6];
    NAMED(multiply, MACHINE)(rows, cols, m, transposed, x, line);
    UNROLL for (int i = 0; i < rows; i++) half[i][j] = line[i];
}

// From the list.
INLINE void NAMED(columns, MACHINE)(int rows, int cols, const float *m, bool transposed, bool from_half, void *const *list, int64_t at,
                                    vector half[6][6]) {
    UNROLL for (int j = 0; j < cols; j++) {
        vector x[6];
        UNROLL for (int k = 0; k < cols; k++) x[k] = NAMED(load, MACHINE)(list[k * cols + j], at, from_half);
        NAMED(column, MACHINE)(rows, cols, m, transposed, x, j, half);
    }
}

// From the list to the points.
INLINE void NAMED(gather, MACHINE)(int rows, int cols, const float *m, bool transposed, bool from_half, bool to_half, int64_t n, void *const *list,
                                   int64_t at, char *points, int64_t distance) {
    for (int64_t c = 0; c < n; c += LANES) {
        vector half[6][6], y[6];
        NAMED(columns, MACHINE)(rows, cols, m, transposed, from_half, list, at + c, half);
        UNROLL for (int i = 0; i < rows; i++) {
            NAMED(multiply, MACHINE)(rows, cols, m, transposed, half[i], y);
            UNROLL for (int j = 0; j < rows; j++) NAMED(store, MACHINE)(points + (i * rows + j) * distance, c, y[j], to_half);
        }
    }
}

INLINE void NAMED(gather_pairs, MACHINE)(int rows, int cols, const float *m, bool transposed, bool from_half, int64_t n, void *const *list,
                                         int64_t at, char *points, int64_t distance) {
    for (int64_t c = 0; c < n; c += LANES) {
        vector half[2][6][6], y[2][6];
        UNROLL for (int p = 0; p < 2; p++) NAMED(columns, MACHINE)(rows, cols, m, transposed, from_half, list + p * cols * cols, at + c, half[p]);
        UNROLL for (int i = 0; i < rows; i++) {
            UNROLL for (int p = 0; p < 2; p++) NAMED(multiply, MACHINE)(rows, cols, m, transposed, half[p][i], y[p]);
            UNROLL for (int j = 0; j < rows; j++) NAMED(store_pairs, MACHINE)(points + (i * rows + j) * distance + 4 * c, y[0][j], y[1][j]);
        }
    }
}

// And back.
INLINE void NAMED(scatter, MACHINE)(int rows, int cols, const float *m, bool transposed, bool to_half, int64_t n, void *const *list, int64_t at,
                                    char *points, int64_t distance, const winograd_post *post) {
    for (int64_t c = 0; c < n; c += LANES) {
        vector half[6][6], x[6], y[6];
        UNROLL for (int j = 0; j < cols; j++) {
            UNROLL for (int k = 0; k < cols; k++) x[k] = NAMED(load, MACHINE)(points + (k * cols + j) * distance, c, false);
            NAMED(column, MACHINE)(rows, cols, m, transposed, x, j, half);
        }
        UNROLL for (int i = 0; i < rows; i++) {
            NAMED(multiply, MACHINE)(rows, cols, m, transposed, half[i], y);
            UNROLL for (int j = 0; j < rows; j++) {
                void *out = list[i * rows + j];
                if (post) y[j] = NAMED(finish, MACHINE)(y[j], post, at + c, out, to_half);
                NAMED(store, MACHINE)(out, at + c, y[j], to_half);
            }
        }
    }
}

#include "nn/ops/winograd_taps.h"

#define TRANSFORM(name, elements, call)                                                                                                              \
    TARGET static void NAMED(name, MACHINE)(int64_t n, void *const *list, int64_t at, const winograd_points *to, const winograd_post *post) {        \
        (void)post;                                                                                                                                  \
        char *points = to->first;                                                                                                                    \
        for (int64_t i = 0; i < to->lists; i++, list += (elements), points += to->apart) call;                                                       \
    }
#define GATHER(name, rows, cols, m, transposed, from_half, to_half)                                                                                  \
    TRANSFORM(name, (cols) * (cols), NAMED(gather, MACHINE)(rows, cols, m, transposed, from_half, to_half, n, list, at, points, to->distance))
#define PAIRS(name, rows, cols, m, transposed, from_half)                                                                                            \
    TRANSFORM(name, 2 * (cols) * (cols), NAMED(gather_pairs, MACHINE)(rows, cols, m, transposed, from_half, n, list, at, points, to->distance))
#define SCATTER(name, rows, cols, m, transposed, to_half, post)                                                                                      \
    TRANSFORM(name, (rows) * (rows), NAMED(scatter, MACHINE)(rows, cols, m, transposed, to_half, n, list, at, points, to->distance, post))
#define PICTURE_FORM(m, r, type, half)                                                                                                               \
    GATHER(input_##m##_##r##_##type, m + r - 1, m + r - 1, B_##m##_##r, false, half, false)                                                          \
    SCATTER(output_##m##_##r##_##type, m, m + r - 1, A_##m##_##r, false, half, post)                                                                 \
    GATHER(gradient_##m##_##r##_##type, m + r - 1, m, A_##m##_##r, true, half, false)
#define FORM(m, r)                                                                                                                                   \
    GATHER(filter_##m##_##r, m + r - 1, r, G_##m##_##r, false, false, false)                                                                         \
    SCATTER(filter_gradient_##m##_##r, r, m + r - 1, G_##m##_##r, true, false, NULL)                                                                 \
    PICTURE_FORM(m, r, f32, false)                                                                                                                   \
    PICTURE_FORM(m, r, bf16, true)                                                                                                                   \
    GATHER(input_##m##_##r##_paired, m + r - 1, m + r - 1, B_##m##_##r, false, true, true)                                                           \
    PAIRS(filter_##m##_##r##_paired, m + r - 1, r, G_##m##_##r, false, false)                                                                        \
    PAIRS(input_##m##_##r##_tiles, m + r - 1, m + r - 1, B_##m##_##r, false, true)                                                                   \
    PAIRS(gradient_##m##_##r##_tiles, m + r - 1, m, A_##m##_##r, true, true)
FORM(2, 2)
FORM(4, 2)
FORM(2, 3)
FORM(4, 3)

#define ENTRY(m, r, type)                                                                                                                            \
    [WINOGRAD_##m##_##r] = {[WINOGRAD_INPUT] = NAMED(input_##m##_##r##_##type, MACHINE),                                                             \
                            [WINOGRAD_FILTER] = NAMED(filter_##m##_##r, MACHINE),                                                                    \
                            [WINOGRAD_OUTPUT] = NAMED(output_##m##_##r##_##type, MACHINE),                                                           \
                            [WINOGRAD_GRADIENT] = NAMED(gradient_##m##_##r##_##type, MACHINE),                                                       \
                            [WINOGRAD_FILTER_GRADIENT] = NAMED(filter_gradient_##m##_##r, MACHINE)}
#define PAIRED_ENTRY(m, r)                                                                                                                           \
    [WINOGRAD_##m##_##r] = {[WINOGRAD_INPUT] = NAMED(input_##m##_##r##_paired, MACHINE),                                                             \
                            [WINOGRAD_FILTER] = NAMED(filter_##m##_##r##_paired, MACHINE),                                                           \
                            [WINOGRAD_OUTPUT] = NAMED(output_##m##_##r##_bf16, MACHINE)}
#define TILES_ENTRY(m, r)                                                                                                                            \
    [WINOGRAD_##m##_##r] = {[WINOGRAD_INPUT] = NAMED(input_##m##_##r##_tiles, MACHINE),                                                              \
                            [WINOGRAD_GRADIENT] = NAMED(gradient_##m##_##r##_tiles, MACHINE),                                                        \
                            [WINOGRAD_FILTER_GRADIENT] = NAMED(filter_gradient_##m##_##r, MACHINE)}
#define F32_ENTRY(m, r) ENTRY(m, r, f32)
#define BF16_ENTRY(m, r) ENTRY(m, r, bf16)
#define ENTRIES(entry)                                                                                                                               \
    { entry(2, 2), entry(4, 2), entry(2, 3), entry(4, 3) }
static const winograd_machine NAMED(machine, MACHINE) = {
    .rows = ROWS,
    .width = VECTORS * LANES,
    .product = NAMED(product, MACHINE),
    .paired = NAMED(paired, MACHINE),
    .pixels = NAMED(pixels, MACHINE),
    .collect = NAMED(collect, MACHINE),
    .spread = NAMED(spread, MACHINE),
    .transform = {ENTRIES(F32_ENTRY), ENTRIES(BF16_ENTRY), ENTRIES(PAIRED_ENTRY), ENTRIES(TILES_ENTRY)},
};

#undef ENTRIES
#undef TILES_ENTRY
#undef PAIRED_ENTRY
#undef BF16_ENTRY
#undef F32_ENTRY
#undef ENTRY
#undef FORM
#undef PICTURE_FORM
#undef SCATTER
#undef PAIRS
#undef GATHER
#undef TRANSFORM
#undef half_at
#undef bits_at
#undef bits
#undef vector
#undef vector_at
#undef UNROLL
#undef INLINE
#undef ROWS
#undef VECTORS
#undef LANES
#undef DOT
#undef ROUND
#undef WIDEN
#undef PAIR
#undef STREAM
#undef TARGET
#undef MACHINE
