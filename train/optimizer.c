#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const SCHEDULES[] = {"constant", "linear", "cosine", NULL};

#define RATE(lr)                                                                                                                                     \
    { "lr", KEY_FLOAT, offsetof(optimizer_options, lr), .fallback = lr, .min = 0, .max = 1e3, .doc = "learning rate" }
#define DECAY(what, how)                                                                                                                             \
    { "weight_decay", KEY_FLOAT, offsetof(optimizer_options, weight_decay), .fallback = what, .min = 0, .max = 1e3, .doc = how }
#define MOMENTS                                                                                                                                        \
    {"beta1", KEY_FLOAT, offsetof(optimizer_options, beta1), .fallback = "0.9", .min = 0, .max = 0.999999, .doc = "decay of the first moment"},        \
        {"beta2", KEY_FLOAT, offsetof(optimizer_options, beta2), .fallback = "0.999", .min = 0, .max = 0.999999, .doc = "decay of the second moment"}, \
    {                                                                                                                                                  \
        "epsilon", KEY_FLOAT, offsetof(optimizer_options, epsilon), .fallback = "1e-8", .min = 0, .max = 1,                                            \
                                                                    .doc = "added to the root of the second moment"                                    \
    }
#define COMMON                                                                                                                                       \
    {"clip",                                                                                                                                         \
     KEY_FLOAT,                                                                                                                                      \
     offsetof(optimizer_options, clip),                                                                                                              \
     .fallback = "0",                                                                                                                                \
     .min = 0,                                                                                                                                       \
     .max = 1e30,                                                                                                                                    \
     .doc = "largest global norm of the gradient; 0 = no clipping"},                                                                                 \
        {"schedule",                                                                                                                                 \
         KEY_CHOICE,                                                                                                                                 \
         offsetof(optimizer_options, schedule),                                                                                                      \
         .fallback = "constant",                                                                                                                     \
         .choices = SCHEDULES,                                                                                                                       \
         .doc = "how the rate falls over the run"},                                                                                                  \
        {"warmup", KEY_INT, offsetof(optimizer_options, warmup), .fallback = "0", .min = 0, .max = 1e9, .doc = "steps of linear rise to the rate"},  \
    {                                                                                                                                                \
        "final_lr", KEY_FLOAT, offsetof(optimizer_options, final_lr), .fallback = "0", .min = 0, .max = 1,                                           \
                                                                      .doc = "rate at the end of a linear or cosine schedule, as a share of lr"      \
    }

static const key SGD_KEYS[] = {RATE("0.01"),
                               {"momentum", KEY_FLOAT, offsetof(optimizer_options, momentum), .fallback = "0", .min = 0, .max = 0.999999,
                                .doc = "share of the last update kept"},
                               DECAY("0", "added to the gradient, times the value"),
                               COMMON,
                               {0}};
static const key ADAM_KEYS[] = {RATE("1e-3"), MOMENTS, DECAY("0", "added to the gradient, times the value"), COMMON, {0}};
static const key ADAMW_KEYS[] = {RATE("1e-3"), MOMENTS, DECAY("0.01", "values shrink by lr times this, apart from the gradient"), COMMON, {0}};

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
    const char *near = text_nearest(name, names);
    if (near) return yaml_fail(yaml_key_node(map, 0), "unknown optimizer '%s' (did you mean '%s'?)", name, near);
    return yaml_fail(yaml_key_node(map, 0), "unknown optimizer '%s' (known: sgd, adam, adamw)", name);
}

foil_status optimizer_parse(const yaml_node *map, optimizer_options *out) {
    *out = (optimizer_options){0};
    const key *keys;
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
    int64_t done;
};

static float *zeroed(size_t n) {
    size_t bytes = (n * sizeof(float) + 63) / 64 * 64;
    float *p = aligned_alloc(64, bytes ? bytes : 64);
    if (p) memset(p, 0, bytes);
    return p;
}

foil_status optimizer_new(const optimizer_options *o, store *parameters, optimizer **out) {
    *out = NULL;
    optimizer *new = calloc(1, sizeof *new);
    if (!new) return foil_fail_memory(sizeof *new, "an optimizer");
    *new = (optimizer){.options = *o, .parameters = parameters};
    size_t n = parameters->value_count;
    new->gradient = zeroed(n);
    new->m = zeroed(n);
    new->v = o->kind == OPTIMIZER_SGD ? NULL : zeroed(n);
    if (!new->gradient || !new->m || (o->kind != OPTIMIZER_SGD && !new->v)) {
        optimizer_free(new);
        return foil_fail_memory(3 * n * sizeof(float), "an optimizer's gradient and moments");
    }
    *out = new;
    return FOIL_OK;
}

void optimizer_free(optimizer *o) {
    if (!o) return;
    free(o->gradient);
    free(o->m);
    free(o->v);
    free(o);
}

float *optimizer_gradient(optimizer *o) {
    return o->gradient;
}

int64_t optimizer_steps_done(const optimizer *o) {
    return o->done;
}

// In f64 over fixed blocks, so that the sum does not depend on the number of threads.
static double norm(const float *g, size_t n) {
    enum { BLOCK = 1 << 16, BLOCKS = 4096 };
    double part[BLOCKS] = {0};
    size_t per = (n + BLOCKS - 1) / BLOCKS;
    if (per < BLOCK) per = BLOCK;
    const int64_t blocks = (int64_t)((n + per - 1) / per);
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < blocks; b++) {
        size_t first = (size_t)b * per, last = first + per < n ? first + per : n;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = first; i < last; i++) sum += (double)g[i] * (double)g[i];
        part[b] = sum;
    }
    double sum = 0;
    for (int64_t b = 0; b < blocks; b++) sum += part[b];
    return sqrt(sum);
}

static void step_sgd(optimizer *o, float lr, float scale) {
    float *restrict w = o->parameters->values, *restrict m = o->m;
    const float *restrict g = o->gradient;
    const float decay = (float)o->options.weight_decay, momentum = (float)o->options.momentum;
    const size_t n = o->parameters->value_count;
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] + (g[i] * scale + decay * w[i]);
        w[i] -= lr * m[i];
    }
}

static void step_adam(optimizer *o, double lr, float scale) {
    float *restrict w = o->parameters->values, *restrict m = o->m, *restrict v = o->v;
    const float *restrict g = o->gradient;
    const optimizer_options *p = &o->options;
    const bool apart = p->kind == OPTIMIZER_ADAMW;
    const float decay = apart ? 0 : (float)p->weight_decay, shrink = apart ? (float)(1 - lr * p->weight_decay) : 1;
    const float b1 = (float)p->beta1, b2 = (float)p->beta2, c1 = (float)(1 - p->beta1), c2 = (float)(1 - p->beta2), epsilon = (float)p->epsilon;
    const double t = (double)(o->done + 1);
    const float rate = (float)(lr / (1 - pow(p->beta1, t))), correction = (float)(1 / sqrt(1 - pow(p->beta2, t)));
    const size_t n = o->parameters->value_count;
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] * scale + decay * w[i];
        m[i] = b1 * m[i] + c1 * gradient;
        v[i] = b2 * v[i] + c2 * gradient * gradient;
        w[i] = w[i] * shrink - rate * m[i] / (sqrtf(v[i]) * correction + epsilon);
    }
}

double optimizer_step(optimizer *o, int64_t steps) {
    double size = norm(o->gradient, o->parameters->value_count);
    if (!isfinite(size)) return size;
    double lr = schedule_lr(&o->options, o->done, steps), clip = o->options.clip;
    float scale = clip > 0 && size > clip ? (float)(clip / (size + 1e-6)) : 1;
    if (o->options.kind == OPTIMIZER_SGD) {
        step_sgd(o, (float)lr, scale);
    } else {
        step_adam(o, lr, scale);
    }
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
            safetensors_add(w, name.failed ? "" : name.data, "F32", t->shape, moments[k] + t->offset);
        }
    }
    name.length = 0;
    text_format(&name, "%ssteps", prefix);
    safetensors_add(w, name.failed ? "" : name.data, "I64", SCALAR, &o->done);
    text_free(&name);
}

static foil_status load(const safetensors *s, text *name, const char *type, shape shape, void *to, size_t bytes) {
    safetensors_entry e;
    if (name->failed) return foil_fail_memory(64, "the name of a tensor");
    if (!safetensors_find(s, name->data, &e)) return foil_fail(FOIL_INVALID, "tensor '%s' is missing", name->data);
    if (strcmp(e.type, type) != 0 || !shape_equal(e.shape, shape) || e.bytes != bytes)
        return foil_fail(FOIL_INVALID, "tensor '%s' is %s %s, expected %s %s", name->data, e.type, shape_text(e.shape), type, shape_text(shape));
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
