// No include guard: included once for each kind of processor with MACHINE (its name), TARGET (what the compiler may use), LANES (floats of a vector),
// VECTORS (of a panel's row) and ROWS (of a product at a time; ROWS · VECTORS sums stay in registers). DOT, ROUND and WIDEN: what the processor has for bf16;
// without them the same is done in steps.
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

// ROWS rows of a product.
INLINE void NAMED(rows, MACHINE)(int64_t depth, const float *a, int64_t a_row, int64_t a_depth, const float *b, const float *next, float *c,
                                 int64_t c_row, bool add) {
    vector sum[ROWS][VECTORS] = {0};
    for (int64_t k = 0; k < depth; k++, a += a_depth, b += VECTORS * LANES) {
        __builtin_prefetch(next + k * LINE, 0, 2);
        UNROLL for (int i = 0; i < ROWS; i++) {
            UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] += a[i * a_row] * *(const vector_at *)(b + j * LANES);
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

TARGET static void NAMED(product, MACHINE)(const winograd_product *p) {
    for (int64_t i = 0; i < p->rows; i += ROWS) {
        // A line of what comes next for each row of the panel.
        const float *next = p->next && i / ROWS * LINE < VECTORS * LANES ? p->next + i / ROWS * LINE * p->depth : p->b;
        if (p->a_depth == 1)
            NAMED(rows, MACHINE)(p->depth, p->a + i * p->a_row, p->a_row, 1, p->b, next, p->c + i * p->c_row, p->c_row, p->add);
        else
            NAMED(rows, MACHINE)(p->depth, p->a + i, 1, p->a_depth, p->b, next, p->c + i * p->c_row, p->c_row, p->add);
    }
}

// sum + a[0] b[0] + a[1] b[1] of pairs of bf16 in 32 bits each; ROWS rows of such a product.
INLINE vector NAMED(dot, MACHINE)(vector sum, bits a, bits b) {
#ifdef DOT
    return DOT(sum, a, b);
#else
    sum += (vector)(a & 0xffff0000) * (vector)(b & 0xffff0000);
    return sum + (vector)(a << 16) * (vector)(b << 16);
#endif
}

INLINE void NAMED(paired_rows, MACHINE)(int64_t pairs, const pair_at *a, int64_t a_row, const pair_at *b, float *c, int64_t c_row) {
    vector sum[ROWS][VECTORS] = {0};
    for (int64_t k = 0; k < pairs; k++, a++, b += VECTORS * LANES) {
        UNROLL for (int i = 0; i < ROWS; i++) {
            const bits both = a[i * a_row] - (bits){0};
            UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = NAMED(dot, MACHINE)(sum[i][j], both, *(const bits_at *)(b + j * LANES));
        }
    }
    UNROLL for (int i = 0; i < ROWS; i++) {
        UNROLL for (int j = 0; j < VECTORS; j++) * (vector_at *)(c + i * c_row + j * LANES) = sum[i][j];
    }
}

TARGET static void NAMED(paired, MACHINE)(const winograd_paired *p) {
    const pair_at *a = (const pair_at *)p->a, *b = (const pair_at *)p->b;
    for (int64_t i = 0; i < p->rows; i += ROWS)
        NAMED(paired_rows, MACHINE)(p->pairs, a + i * p->a_row / 2, p->a_row / 2, b, p->c + i * p->c_row, p->c_row);
}

// y = M x for one row or column, M [rows, cols] or the transpose of m [cols, rows]; zeros of M cost nothing.
INLINE void NAMED(multiply, MACHINE)(int rows, int cols, const float *m, bool transposed, const vector *x, vector *y) {
    UNROLL for (int i = 0; i < rows; i++) {
        vector sum = {0};
        bool first = true;
        UNROLL for (int k = 0; k < cols; k++) {
            const float f = transposed ? m[k * rows + i] : m[i * cols + k];
            if (f == 0) continue;
            if (first)
                sum = f * x[k];
            else
                sum += f * x[k];
            first = false;
        }
        y[i] = sum;
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

TARGET static void NAMED(pair, MACHINE)(const float *even, const float *odd, uint16_t *to) {
    for (int i = 0; i < WINOGRAD_LANES; i += LANES) {
        const half_at lower = NAMED(round, MACHINE)(*(const vector_at *)(even + i)), upper = NAMED(round, MACHINE)(*(const vector_at *)(odd + i));
        *(bits_at *)(to + 2 * i) = __builtin_convertvector(lower, bits) | __builtin_convertvector(upper, bits) << 16;
    }
}

INLINE vector NAMED(rectify, MACHINE)(vector v, vector slope) {
    const bits positive = (bits)(v > 0);
    return (vector)(((bits)v & positive) | ((bits)(slope * v) & ~positive));
}

INLINE vector NAMED(finish, MACHINE)(vector v, const winograd_post *post, int64_t channel, const void *to, int64_t at, bool half) {
    if (post->bias) v += *(const vector_at *)(post->bias + channel);
    if (post->adds) v += NAMED(load, MACHINE)(to, at, half);
    return post->rectifies ? NAMED(rectify, MACHINE)(v, post->slope - (vector){0}) : v;
}

// What is added to the sums comes first, so that no sum waits for it.
INLINE void NAMED(pixel_rows, MACHINE)(int64_t pairs, const pair_at *a, const pair_at *b, const winograd_post *post, uint16_t *y, int64_t y_row) {
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
    const pair_at *next = a + ROWS * pairs;
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
    const pair_at *a = (const pair_at *)p->a, *b = (const pair_at *)p->b;
    const winograd_post post = p->post;
    for (int64_t i = 0; i < p->rows; i += ROWS) NAMED(pixel_rows, MACHINE)(p->pairs, a + i * p->pairs, b, &post, p->y + i * p->y_row, p->y_row);
}

// M x Mᵀ
INLINE void NAMED(transform, MACHINE)(int rows, int cols, const float *m, bool transposed, bool from_half, bool to_half, int64_t n,
                                      const void *const *from, void *const *to, int64_t width, int64_t panel, const winograd_post *post) {
    int64_t at = 0, left = width; // of a group
    for (int64_t c = 0; c < n; c += LANES) {
        vector half[6][6], x[6], y[6];
        UNROLL for (int j = 0; j < cols; j++) {
            UNROLL for (int k = 0; k < cols; k++) x[k] = NAMED(load, MACHINE)(from[k * cols + j], c, from_half);
            NAMED(multiply, MACHINE)(rows, cols, m, transposed, x, y);
            UNROLL for (int i = 0; i < rows; i++) half[i][j] = y[i];
        }
        UNROLL for (int i = 0; i < rows; i++) {
            NAMED(multiply, MACHINE)(rows, cols, m, transposed, half[i], y);
            UNROLL for (int j = 0; j < rows; j++) {
                void *out = to[i * rows + j];
                if (post) y[j] = NAMED(finish, MACHINE)(y[j], post, c, out, at, to_half);
                NAMED(store, MACHINE)(out, at, y[j], to_half);
            }
        }
        at += LANES;
        left -= LANES;
        if (!left) at += panel - width, left = width;
    }
}

#define TRANSFORM(name, rows, cols, m, transposed, from_half, to_half, post)                                                                         \
    TARGET static void NAMED(name, MACHINE)(int64_t n, const void *const *from, void *const *to, int64_t width, int64_t panel,                       \
                                            const winograd_post *p) {                                                                                \
        (void)p;                                                                                                                                     \
        NAMED(transform, MACHINE)(rows, cols, m, transposed, from_half, to_half, n, from, to, width, panel, post);                                   \
    }
#define PICTURE_FORM(m, r, type, half)                                                                                                               \
    TRANSFORM(input_##m##_##r##_##type, m + r - 1, m + r - 1, B_##m##_##r, false, half, false, NULL)                                                 \
    TRANSFORM(output_##m##_##r##_##type, m, m + r - 1, A_##m##_##r, false, false, half, p)                                                           \
    TRANSFORM(gradient_##m##_##r##_##type, m + r - 1, m, A_##m##_##r, true, half, false, NULL)
#define FORM(m, r)                                                                                                                                   \
    TRANSFORM(filter_##m##_##r, m + r - 1, r, G_##m##_##r, false, false, false, NULL)                                                                \
    TRANSFORM(filter_gradient_##m##_##r, r, m + r - 1, G_##m##_##r, true, false, false, NULL)                                                        \
    PICTURE_FORM(m, r, f32, false)                                                                                                                   \
    PICTURE_FORM(m, r, bf16, true)
FORM(2, 2)
FORM(4, 2)
FORM(2, 3)
FORM(4, 3)
#define PAIRED_FORM(m, r) TRANSFORM(input_##m##_##r##_paired, m + r - 1, m + r - 1, B_##m##_##r, false, true, true, NULL)
PAIRED_FORM(2, 2)
PAIRED_FORM(2, 3)

#define ENTRY(m, r, type)                                                                                                                            \
    [WINOGRAD_##m##_##r] = {[WINOGRAD_INPUT] = NAMED(input_##m##_##r##_##type, MACHINE),                                                             \
                            [WINOGRAD_FILTER] = NAMED(filter_##m##_##r, MACHINE),                                                                    \
                            [WINOGRAD_OUTPUT] = NAMED(output_##m##_##r##_##type, MACHINE),                                                           \
                            [WINOGRAD_GRADIENT] = NAMED(gradient_##m##_##r##_##type, MACHINE),                                                       \
                            [WINOGRAD_FILTER_GRADIENT] = NAMED(filter_gradient_##m##_##r, MACHINE)}
#define PAIRED_ENTRY(m, r)                                                                                                                           \
    [WINOGRAD_##m##_##r] = {[WINOGRAD_INPUT] = NAMED(input_##m##_##r##_paired, MACHINE),                                                             \
                            [WINOGRAD_FILTER] = NAMED(filter_##m##_##r, MACHINE),                                                                    \
                            [WINOGRAD_OUTPUT] = NAMED(output_##m##_##r##_bf16, MACHINE)}
#define ENTRIES(type)                                                                                                                                \
    { ENTRY(2, 2, type), ENTRY(4, 2, type), ENTRY(2, 3, type), ENTRY(4, 3, type) }
#ifdef DOT
#define MULTIPLIES_BF16 true
#else
#define MULTIPLIES_BF16 false
#endif
static const winograd_machine NAMED(machine, MACHINE) = {.rows = ROWS,
                                                         .width = VECTORS * LANES,
                                                         .product = NAMED(product, MACHINE),
                                                         .transform = {ENTRIES(f32), ENTRIES(bf16), {PAIRED_ENTRY(2, 2), PAIRED_ENTRY(2, 3)}},
                                                         .paired = NAMED(paired, MACHINE),
                                                         .pixels = NAMED(pixels, MACHINE),
                                                         .pair = NAMED(pair, MACHINE),
                                                         .multiplies_bf16 = MULTIPLIES_BF16};

#undef MULTIPLIES_BF16
#undef ENTRIES
#undef PAIRED_ENTRY
#undef ENTRY
#undef PAIRED_FORM
#undef FORM
#undef PICTURE_FORM
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
#undef TARGET
#undef MACHINE
