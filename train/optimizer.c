#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/ranks.h"
#include "base/vectorised.h"

static const char *const SCHEDULES[] = {"constant", "linear", "cosine", NULL};

#define FIELD(name_, type_, fallback_, low, high, what)                                                                                              \
    { .name = #name_, .type = type_, .offset = offsetof(optimizer_options, name_), .fallback = fallback_, .min = low, .max = high, .doc = what }
#define LR(fallback_) FIELD(lr, KEY_FLOAT, fallback_, 0, 1e3, "learning rate")
#define MOMENTUM FIELD(momentum, KEY_FLOAT, "0", 0, 0.999999, "share of the last update kept")
#define BETA1 FIELD(beta1, KEY_FLOAT, "0.9", 0, 0.999999, "decay of the first moment")
#define BETA2 FIELD(beta2, KEY_FLOAT, "0.999", 0, 0.999999, "decay of the second moment")
#define EPSILON FIELD(epsilon, KEY_FLOAT, "1e-8", 0, 1, "added to the root of the second moment")
#define DECAY FIELD(weight_decay, KEY_FLOAT, "0", 0, 1e3, "times the value, added to the gradient")
#define DECAY_APART FIELD(weight_decay, KEY_FLOAT, "0.01", 0, 1e3, "times lr: what values shrink by, apart from the gradient")
#define CLIP FIELD(clip, KEY_FLOAT, "0", 0, 1e30, "largest global norm of the gradient; 0 = no clipping")
#define SCHEDULE                                                                                                                                     \
    {                                                                                                                                                \
        .name = "schedule", .type = KEY_CHOICE, .offset = offsetof(optimizer_options, schedule), .fallback = "constant", .choices = SCHEDULES,       \
        .doc = "of lr"                                                                                                                               \
    }
#define WARMUP FIELD(warmup, KEY_INT, "0", 0, 1e9, "steps of linear rise to lr")
#define FINAL_LR FIELD(final_lr, KEY_FLOAT, "0", 0, 1, "share of lr at the end of a linear or cosine schedule")

static const key SGD_KEYS[] = {LR("0.01"), MOMENTUM, DECAY, CLIP, SCHEDULE, WARMUP, FINAL_LR, {0}};
static const key ADAM_KEYS[] = {LR("1e-3"), BETA1, BETA2, EPSILON, DECAY, CLIP, SCHEDULE, WARMUP, FINAL_LR, {0}};
static const key ADAMW_KEYS[] = {LR("1e-3"), BETA1, BETA2, EPSILON, DECAY_APART, CLIP, SCHEDULE, WARMUP, FINAL_LR, {0}};

static const struct {
    const char *name, *doc;
    const key *keys;
} KINDS[] = {
    [OPTIMIZER_SGD] = {"sgd", "Stochastic gradient descent.", SGD_KEYS},
    [OPTIMIZER_ADAM] = {"adam", "Kingma, Ba 2015.", ADAM_KEYS},
    [OPTIMIZER_ADAMW] = {"adamw", "Adam with decoupled weight decay (Loshchilov, Hutter 2019).", ADAMW_KEYS},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

foil_status optimizer_find(const yaml_node *map, optimizer_kind *kind, const key **keys) {
    const char *names[KIND_COUNT + 1] = {0};
    for (int i = 0; i < KIND_COUNT; i++) names[i] = KINDS[i].name;
    if (yaml_kind_of(map) != YAML_MAP || yaml_length(map) != 1)
        return yaml_fail(map, "expected one optimizer with its keys, as in {adam: {lr: 2e-4}}");
    const char *name = yaml_key(map, 0);
    for (int i = 0; i < KIND_COUNT; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *kind = (optimizer_kind)i;
        *keys = KINDS[i].keys;
        return FOIL_OK;
    }
    return yaml_unknown(yaml_key_node(map, 0), "optimizer", name, names);
}

foil_status optimizer_parse(const yaml_node *map, optimizer_options *out) {
    *out = (optimizer_options){0};
    const key *keys = NULL;
    TRY(optimizer_find(map, &out->kind, &keys));
    return keys_read(yaml_item(map, 0), keys, out, KINDS[out->kind].name);
}

void optimizer_document(text *out) {
    for (int i = 0; i < KIND_COUNT; i++) {
        text_format(out, "\n### `%s`\n\n%s\n\n", KINDS[i].name, KINDS[i].doc);
        keys_document(KINDS[i].keys, out);
    }
}

struct optimizer {
    optimizer_options options;
    store *parameters;
    float *gradient, *m, *v; // v: Adam only
    double *squares;         // of each tensor's gradient, their sum; NAN = nobody put it there
    size_t traffic;          // of the last step, in bytes
    int64_t done;
};

static void forget_squares(optimizer *o) {
    for (int i = 0; i < o->parameters->n; i++) o->squares[i] = NAN;
}

foil_status optimizer_new(const optimizer_options *o, store *parameters, optimizer **out) {
    *out = NULL;
    optimizer *new = calloc(1, sizeof *new);
    if (!new) return foil_fail_memory(sizeof *new, "an optimizer");
    *new = (optimizer){.options = *o, .parameters = parameters};
    size_t n = parameters->value_count;
    new->gradient = aligned_zeros(n * sizeof(float));
    new->m = aligned_zeros(n * sizeof(float));
    new->v = o->kind == OPTIMIZER_SGD ? NULL : aligned_zeros(n * sizeof(float));
    new->squares = malloc(((size_t)parameters->n + 1) * sizeof *new->squares);
    if (!new->gradient || !new->m || (o->kind != OPTIMIZER_SGD && !new->v) || !new->squares) {
        optimizer_free(new);
        return foil_fail_memory(3 * n * sizeof(float), "an optimizer's gradient and moments");
    }
    forget_squares(new);
    *out = new;
    return FOIL_OK;
}

void optimizer_free(optimizer *o) {
    if (!o) return;
    ranks_slab_free(o->gradient);
    free(o->m);
    free(o->v);
    free(o->squares);
    free(o);
}

foil_status optimizer_share(optimizer *o) {
    const size_t n = o->parameters->value_count;
    float *shared = ranks_slab_new(n);
    if (!shared) return foil_fail_memory(n * sizeof *shared, "a gradient that ranks share");
    memset(shared, 0, n * sizeof *shared); // the machine gives it now, not in the midst of a step
    ranks_slab_free(o->gradient);
    o->gradient = shared;
    return FOIL_OK;
}

float *optimizer_gradient(optimizer *o) {
    return o->gradient;
}

double *optimizer_squares(optimizer *o, int i) {
    return &o->squares[i];
}

size_t optimizer_bytes(const optimizer *o) {
    return (o->options.kind == OPTIMIZER_SGD ? 2 : 3) * o->parameters->value_count * sizeof(float);
}

size_t optimizer_traffic(const optimizer *o) {
    return o->traffic;
}

int64_t optimizer_steps_done(const optimizer *o) {
    return o->done;
}

VECTORISED static double sum_of_squares(size_t n, const float *g) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += (double)g[i] * (double)g[i];
    return sum;
}

// In f64 over fixed blocks, so that the sum does not depend on the number of threads.
static double sum_of_blocks(const float *g, size_t n) {
    enum { BLOCK = 1 << 16, BLOCKS = 4096 };
    double part[BLOCKS];
    size_t per = (n + BLOCKS - 1) / BLOCKS;
    if (per < BLOCK) per = BLOCK;
    const int64_t blocks = (int64_t)((n + per - 1) / per);
#pragma omp parallel for schedule(static) if (blocks > 1)
    for (int64_t b = 0; b < blocks; b++) {
        size_t first = (size_t)b * per, last = first + per < n ? first + per : n;
        part[b] = sum_of_squares(last - first, g + first);
    }
    double sum = 0;
    for (int64_t b = 0; b < blocks; b++) sum += part[b];
    return sum;
}

// Whether a sum of squares in f32 says what it would be in f64. What vanishes in f32 is below 1e-38 for each element: nothing beside such a sum.
static bool is_usable(double squares) {
    return isfinite(squares) && squares > 1e-24;
}

// `read`: of the gradient, in elements.
static double norm(const optimizer *o, size_t *read) {
    const store *s = o->parameters;
    double sum = 0;
    size_t at = 0;
    *read = s->value_count;
    for (int i = 0; i < s->n; i++) {
        const store_tensor *t = &s->tensor[i];
        if (!t->trainable || !is_usable(o->squares[i])) continue;
        sum += sum_of_blocks(o->gradient + at, t->offset - at) + o->squares[i];
        at = t->offset + (size_t)shape_count(t->shape);
        *read -= at - t->offset;
    }
    return sqrt(sum + sum_of_blocks(o->gradient + at, s->value_count - at));
}

// What a step multiplies by.
typedef struct rates {
    float scale, decay;               // of the gradient; of values, that are added to it
    float lr, momentum;               // SGD
    float b1, c1, b2, c2, correction; // Adam: of the moments, 1 - those, and what makes up for v's beginning at 0
    float rate, epsilon, shrink;      // lr with the same for m; AdamW's decay
} rates;

VECTORISED static void step_sgd(rates r, size_t n, float *restrict w, float *restrict m, const float *restrict g) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        m[i] = r.momentum * m[i] + (g[i] * r.scale + r.decay * w[i]);
        w[i] -= r.lr * m[i];
    }
}

VECTORISED static void step_adam(rates r, size_t n, float *restrict w, float *restrict m, float *restrict v, const float *restrict g) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float gradient = g[i] * r.scale + r.decay * w[i];
        m[i] = r.b1 * m[i] + r.c1 * gradient;
        v[i] = r.b2 * v[i] + r.c2 * gradient * gradient;
        w[i] = w[i] * r.shrink - r.rate * m[i] / (sqrtf(v[i]) * r.correction + r.epsilon);
    }
}

static rates rates_of(const optimizer *o, double lr, double scale) {
    const optimizer_options *p = &o->options;
    const bool apart = p->kind == OPTIMIZER_ADAMW;
    const double t = (double)(o->done + 1);
    return (rates){
        .scale = (float)scale,
        .decay = apart ? 0 : (float)p->weight_decay,
        .lr = (float)lr,
        .momentum = (float)p->momentum,
        .b1 = (float)p->beta1,
        .c1 = (float)(1 - p->beta1),
        .b2 = (float)p->beta2,
        .c2 = (float)(1 - p->beta2),
        .correction = (float)(1 / sqrt(1 - pow(p->beta2, t))),
        .rate = (float)(lr / (1 - pow(p->beta1, t))),
        .epsilon = (float)p->epsilon,
        .shrink = apart ? (float)(1 - lr * p->weight_decay) : 1,
    };
}

static void update(optimizer *o, rates r) {
    enum { PIECE = 1 << 12 };
    const size_t n = o->parameters->value_count;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i += PIECE) {
        const size_t some = n - i < PIECE ? n - i : PIECE;
        float *w = o->parameters->values + i, *m = o->m + i;
        const float *g = o->gradient + i;
        if (o->options.kind == OPTIMIZER_SGD)
            step_sgd(r, some, w, m, g);
        else
            step_adam(r, some, w, m, o->v + i, g);
    }
}

double optimizer_step(optimizer *o, int64_t steps) {
    size_t read;
    double size = norm(o, &read);
    o->traffic = read * sizeof(float);
    forget_squares(o);
    if (!isfinite(size)) return size;
    o->traffic += 2 * optimizer_bytes(o) + o->parameters->value_count * sizeof(float); // the gradient; values, of its size, and moments twice
    double lr = schedule_lr(&o->options, o->done, steps), clip = o->options.clip;
    update(o, rates_of(o, lr, clip > 0 && size > clip ? clip / (size + 1e-6) : 1));
    o->done++;
    return size;
}

// Moments lie like the values they belong to: each is one tensor per parameter.
static const char *const MOMENT_NAMES[] = {"m", "v"};

void optimizer_save(const optimizer *o, safetensors_writer *w, const char *prefix) {
    const float *moments[] = {o->m, o->v};
    text name = {0};
    for (int i = 0; i < o->parameters->n; i++) {
        const store_tensor *t = &o->parameters->tensor[i];
        for (int k = 0; t->trainable && k < 2; k++) {
            if (!moments[k]) continue;
            name.length = 0;
            text_format(&name, "%s%s.%s", prefix, t->name, MOMENT_NAMES[k]);
            safetensors_add(w, name.failed ? NULL : name.data, "F32", t->shape, moments[k] + t->offset);
        }
    }
    name.length = 0;
    text_format(&name, "%ssteps", prefix);
    safetensors_add(w, name.failed ? NULL : name.data, "I64", SCALAR, &o->done);
    text_free(&name);
}

static foil_status load(const safetensors *s, text *name, const char *type, shape expected, void *to, size_t bytes) {
    safetensors_entry e;
    if (name->failed) return foil_fail_memory(64, "the name of a tensor");
    if (!safetensors_find(s, name->data, &e)) return foil_fail(FOIL_INVALID, "tensor '%s' is missing", name->data);
    if (strcmp(e.type, type) != 0 || !shape_equal(e.shape, expected) || e.bytes != bytes)
        return foil_fail(FOIL_INVALID, "tensor '%s' is %s %s, expected %s %s", name->data, e.type, shape_text(e.shape), type, shape_text(expected));
    memcpy(to, e.data, bytes);
    return FOIL_OK;
}

static foil_status load_moments(optimizer *o, const safetensors *s, const char *prefix, text *name) {
    float *moments[] = {o->m, o->v};
    for (int i = 0; i < o->parameters->n; i++) {
        const store_tensor *t = &o->parameters->tensor[i];
        for (int k = 0; t->trainable && k < 2; k++) {
            if (!moments[k]) continue;
            name->length = 0;
            text_format(name, "%s%s.%s", prefix, t->name, MOMENT_NAMES[k]);
            TRY(load(s, name, "F32", t->shape, moments[k] + t->offset, (size_t)shape_count(t->shape) * sizeof(float)));
        }
    }
    name->length = 0;
    text_format(name, "%ssteps", prefix);
    return load(s, name, "I64", SCALAR, &o->done, sizeof o->done);
}

foil_status optimizer_load(optimizer *o, const safetensors *s, const char *prefix) {
    text name = {0};
    foil_status status = load_moments(o, s, prefix, &name);
    text_free(&name);
    return status;
}
