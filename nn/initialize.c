// How weights begin.
#include <assert.h>
#include <math.h>

#include "base/philox.h"
#include "nn/store.h"

static void constant(float *w, size_t n, float value) {
    for (size_t i = 0; i < n; i++) w[i] = value;
}

static void uniform(philox_key k, float *w, size_t n, double bound) {
    philox_fill_uniform(k, 0, w, n);
    for (size_t i = 0; i < n; i++) w[i] = (float)((2.0 * (double)w[i] - 1.0) * bound);
}

static void normal(philox_key k, float *w, size_t n, float mean, double deviation) {
    philox_fill_normal(k, 0, w, n);
    for (size_t i = 0; i < n; i++) w[i] = (float)((double)w[i] * deviation) + mean;
}

static double norm(const float *w, int64_t n, int64_t stride) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)w[i * stride] * (double)w[i * stride];
    return sqrt(sum);
}

static void scale(float *w, int64_t n, int64_t stride, double factor) {
    for (int64_t i = 0; i < n; i++) w[i * stride] = (float)((double)w[i * stride] * factor);
}

// w [d0, rest] gets orthonormal rows, or columns where there are fewer of those: Gram–Schmidt on a normal matrix, each vector cleaned twice of its
// predecessors ("twice is enough"), which is the QR factor with a positive diagonal.
static void orthogonal(philox_key k, float *w, shape s, double gain) {
    int64_t rows = s.n ? s.d[0] : 1, cols = rows ? shape_count(s) / rows : 0;
    int64_t count = rows < cols ? rows : cols, length = rows < cols ? cols : rows;
    int64_t between = rows < cols ? cols : 1, along = rows < cols ? 1 : cols; // strides from vector to vector, and within one
    normal(k, w, (size_t)shape_count(s), 0, 1);
    for (int64_t i = 0; i < count; i++) {
        float *v = w + i * between;
        for (int64_t j = 0; j < 2 * i; j++) {
            const float *u = w + j % i * between;
            double dot = 0;
            for (int64_t e = 0; e < length; e++) dot += (double)u[e * along] * (double)v[e * along];
            for (int64_t e = 0; e < length; e++) v[e * along] = (float)((double)v[e * along] - dot * (double)u[e * along]);
        }
        scale(v, length, along, 1 / norm(v, length, along));
    }
    for (int64_t i = 0; i < count; i++) scale(w + i * between, length, along, gain);
}

static void initialize(philox_key k, const store_tensor *t, float *w) {
    const init *i = &t->init;
    size_t n = (size_t)shape_count(t->shape);
    double a = (double)i->a, in = (double)i->fan_in, out = (double)i->fan_out;
    switch (i->kind) {
    case INIT_ZEROS:
        constant(w, n, 0);
        return;
    case INIT_ONES:
        constant(w, n, 1);
        return;
    case INIT_CONSTANT:
        constant(w, n, i->a);
        return;
    case INIT_NORMAL:
        normal(k, w, n, 0, a);
        return;
    case INIT_NORMAL_ONE:
        normal(k, w, n, 1, a);
        return;
    case INIT_UNIFORM:
        uniform(k, w, n, a);
        return;
    case INIT_XAVIER_UNIFORM:
        uniform(k, w, n, a * sqrt(6 / (in + out)));
        return;
    case INIT_KAIMING_NORMAL:
        normal(k, w, n, 0, sqrt(2 / out));
        return;
    case INIT_KAIMING_UNIFORM:
        uniform(k, w, n, 1 / sqrt(in));
        return;
    case INIT_ORTHOGONAL:
        orthogonal(k, w, t->shape, a);
        return;
    case INIT_UNIT_VECTOR:
        normal(k, w, n, 0, 1);
        scale(w, (int64_t)n, 1, 1 / norm(w, (int64_t)n, 1));
        return;
    }
    assert(!"an init kind without its case");
}

void store_initialize(store *s, uint64_t seed) {
    for (int i = 0; i < s->n; i++)
        initialize((philox_key){.seed = seed, .stream = STREAM_INIT, .step = (uint64_t)i}, &s->tensor[i], store_data(s, i));
}
