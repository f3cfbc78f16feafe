#include "nn/dnnl.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/dnnl_versions.h"

struct onednn_layout {
    dnnl_memory_desc_t descriptor;
};

enum { IN0, IN1, BIAS, OUT, SCRATCH, ARGUMENTS };

struct onednn_kernel {
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    dnnl_exec_arg_t argument[ARGUMENTS]; // arg 0 = not used
    onednn_layout weights;
    bool has_weights;
    size_t scratch;
    char implementation[64];
};

// One processor, one engine; it lives as long as the process. Attributes: scratch memory comes from the caller.
static dnnl_engine_t the_engine;
static dnnl_primitive_attr_t the_attributes;
static dnnl_status_t the_status;

static void open_engine(void) {
    the_status = dnnl_engine_create(&the_engine, dnnl_cpu, 0);
    if (the_status == dnnl_success) the_status = dnnl_primitive_attr_create(&the_attributes);
    if (the_status == dnnl_success) the_status = dnnl_primitive_attr_set_scratchpad_mode(the_attributes, dnnl_scratchpad_mode_user);
}

static foil_status check(dnnl_status_t s, const char *what) {
    switch (s) {
    case dnnl_success:
        return FOIL_OK;
    case dnnl_out_of_memory:
        return foil_fail(FOIL_MEMORY, "oneDNN: out of memory in %s", what);
    case dnnl_unimplemented:
        return foil_fail(FOIL_UNSUPPORTED, "oneDNN %s can't do %s on this processor", onednn_version_text(), what);
    default:
        return foil_fail(FOIL_UNSUPPORTED, "oneDNN %s: %s failed with status %d", onednn_version_text(), what, (int)s);
    }
}

static foil_status ready(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_engine);
    return check(the_status, "its set-up");
}

static dnnl_data_type_t type_of(dtype t) {
    static const dnnl_data_type_t type[] = {[F32] = dnnl_f32, [BF16] = dnnl_bf16, [U8] = dnnl_u8, [I32] = dnnl_s32};
    return type[t];
}

const char *onednn_version_text(void) {
    static char text[32];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const dnnl_version_t *v = dnnl_version();
    pthread_mutex_lock(&lock);
    if (!text[0]) snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    pthread_mutex_unlock(&lock);
    return text;
}

bf16_products onednn_bf16(void) {
    const unsigned int isa = dnnl_get_effective_cpu_isa(), pairs = dnnl_cpu_isa_avx512_core_bf16, tiles = dnnl_cpu_isa_avx512_core_amx;
    return (isa & tiles) == tiles ? BF16_TILES : (isa & pairs) == pairs ? BF16_PAIRS : BF16_WIDENED;
}

// Layouts. -----------------------------------------------------------------------------------------------------------------------------------------------

// With a descriptor that it takes over, if that was made.
static foil_status new_layout(dnnl_status_t made, dnnl_memory_desc_t descriptor, onednn_layout **out) {
    TRY(check(made, "a memory layout"));
    onednn_layout *l = *out = calloc(1, sizeof *l);
    if (!l) descriptor_free(descriptor);
    if (!l) return foil_fail_memory(sizeof *l, "a memory layout");
    l->descriptor = descriptor;
    return FOIL_OK;
}

foil_status onednn_layout_plain(const onednn_layout *like, dtype t, onednn_layout **out) {
    dnnl_dims_t dims = {0}, strides = {0};
    int n = descriptor_dims(BORROW(like->descriptor), dims);
    dnnl_dim_t stride = 1;
    for (int i = n - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= dims[i];
    }
    dnnl_memory_desc_t d = {0};
    const dnnl_status_t made = descriptor_with_strides(&d, n, dims, type_of(t), strides);
    return new_layout(made, d, out);
}

foil_status onednn_layout_clone(const onednn_layout *l, onednn_layout **out) {
    dnnl_memory_desc_t d = {0};
    const dnnl_status_t made = descriptor_clone(&d, BORROW(l->descriptor));
    return new_layout(made, d, out);
}

void onednn_layout_free(onednn_layout *l) {
    if (l) descriptor_free(l->descriptor);
    free(l);
}

bool onednn_layout_equal(const onednn_layout *a, const onednn_layout *b) {
    return dnnl_memory_desc_equal(BORROW(a->descriptor), BORROW(b->descriptor)) != 0;
}

size_t onednn_layout_bytes(const onednn_layout *l) {
    return dnnl_memory_desc_get_size(BORROW(l->descriptor));
}

// Where index i of an axis lies: its digits in the inner blocks, then its outer stride.
static int64_t offset_of(const blocking *b, int axis, int64_t i) {
    int64_t offset = 0, stride = 1;
    for (int k = b->blocks - 1; k >= 0; k--) {
        if (b->axis[k] == axis) {
            offset += i % b->block[k] * stride;
            i /= b->block[k];
        }
        stride *= b->block[k];
    }
    return offset + i * b->strides[axis];
}

foil_status onednn_layout_offsets(const onednn_layout *l, int *n_axes, int64_t size[5], int64_t *offset[5]) {
    dnnl_dims_t dims = {0};
    const blocking b = blocking_of(BORROW(l->descriptor));
    int n = descriptor_dims(BORROW(l->descriptor), dims);
    int64_t total = 0;
    *n_axes = 0;
    for (int i = 0; i < n; total += dims[i++])
        if (b.padded[i] != dims[i] || n > 5) return FOIL_OK;
    if (total < 1) return FOIL_OK;
    if (!(offset[0] = malloc((size_t)total * sizeof *offset[0]))) return foil_fail_memory((size_t)total * sizeof *offset[0], "a memory layout");
    for (int i = 0; i < n; i++) {
        size[i] = dims[i];
        if (i) offset[i] = offset[i - 1] + dims[i - 1];
        for (int64_t e = 0; e < dims[i]; e++) offset[i][e] = offset_of(&b, i, e);
    }
    *n_axes = n;
    return FOIL_OK;
}

// Kernels. -----------------------------------------------------------------------------------------------------------------------------------------------

void onednn_kernel_free(onednn_kernel *k) {
    if (!k) return;
    for (int i = 0; i < ARGUMENTS; i++) dnnl_memory_destroy(k->argument[i].memory);
    dnnl_stream_destroy(k->stream);
    dnnl_primitive_destroy(k->primitive);
    if (k->has_weights) descriptor_free(k->weights.descriptor);
    free(k);
}

static dnnl_status_t add_argument(onednn_kernel *k, int i, int arg, borrowed d) {
    k->argument[i].arg = arg;
    return dnnl_memory_create(&k->argument[i].memory, d, the_engine, DNNL_MEMORY_NONE);
}

static dnnl_status_t keep_weights(onednn_kernel *k, dnnl_status_t described) {
    k->has_weights = described == dnnl_success;
    return described;
}

static dnnl_status_t fill_kernel(onednn_kernel *k, const_dnnl_primitive_desc_t pd, const int arg[4], int weights) {
    dnnl_status_t s = dnnl_primitive_create(&k->primitive, pd);
    if (s == dnnl_success) s = dnnl_stream_create(&k->stream, the_engine, dnnl_stream_default_flags);
    for (int i = IN0; i <= OUT && s == dnnl_success; i++)
        if (arg[i]) s = add_argument(k, i, arg[i], dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, arg[i]));
    if (weights && s == dnnl_success)
        s = keep_weights(k, descriptor_clone(&k->weights.descriptor, dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, weights)));
    borrowed scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    k->scratch = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    if (k->scratch && s == dnnl_success) s = add_argument(k, SCRATCH, DNNL_ARG_SCRATCHPAD, scratch);
    snprintf(k->implementation, sizeof k->implementation, "%s", implementation_of(pd));
    return s;
}

// Makes a kernel of `pd`, which it consumes; `arg`: what oneDNN calls the first input, the second, the bias and the output; `weights`: the one whose layout
// is to be kept. 0 = none.
static foil_status make_kernel(dnnl_status_t described, dnnl_primitive_desc_t pd, const int arg[4], int weights, const char *what,
                               onednn_kernel **out) {
    TRY(check(described, what));
    onednn_kernel *k = calloc(1, sizeof *k);
    foil_status s = k ? check(fill_kernel(k, pd, arg, weights), what) : foil_fail_memory(sizeof *k, what);
    dnnl_primitive_desc_destroy(pd);
    if (s == FOIL_OK)
        *out = k;
    else
        onednn_kernel_free(k);
    return s;
}

const onednn_layout *onednn_kernel_weights(const onednn_kernel *k) {
    assert(k->has_weights);
    return &k->weights;
}

size_t onednn_kernel_scratch(const onednn_kernel *k) {
    return k->scratch;
}

const char *onednn_kernel_implementation(const onednn_kernel *k) {
    return k->implementation;
}

void onednn_run(onednn_kernel *k, const void *in0, const void *in1, void *out, void *scratch) {
    onednn_run_biased(k, in0, in1, NULL, out, scratch);
}

void onednn_run_biased(onednn_kernel *k, const void *in0, const void *in1, const float *bias, void *out, void *scratch) {
    void *data[ARGUMENTS] = {[IN0] = (void *)in0, [IN1] = (void *)in1, [BIAS] = (void *)bias, [OUT] = out, [SCRATCH] = scratch};
    assert(!k->argument[BIAS].arg == !bias);
    dnnl_exec_arg_t used[ARGUMENTS];
    int n = 0;
    for (int i = 0; i < ARGUMENTS; i++) {
        if (!k->argument[i].arg) continue;
        dnnl_memory_set_data_handle(k->argument[i].memory, data[i]);
        used[n++] = k->argument[i];
    }
    dnnl_status_t s = dnnl_primitive_execute(k->primitive, k->stream, n, used);
    if (s == dnnl_success) s = dnnl_stream_wait(k->stream);
    assert(s == dnnl_success); // everything that can fail has been asked for when the primitive was made
    (void)s;
}

// Attributes of a kernel that does `p`, to be destroyed by the caller.
static dnnl_status_t post_attributes(const onednn_post *p, dnnl_primitive_attr_t *out) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t s = dnnl_primitive_attr_clone(out, the_attributes);
    if (s == dnnl_success) s = dnnl_post_ops_create(&ops);
    if (s == dnnl_success) s = append_post(ops, p);
    if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(*out, ops);
    dnnl_post_ops_destroy(ops);
    return s;
}

// Matrix products and copies. ----------------------------------------------------------------------------------------------------------------------------

static dnnl_status_t describe_packed(dnnl_memory_desc_t *d, int64_t rows, int64_t cols, dtype t) {
    const dnnl_dim_t dims[DNNL_MAX_NDIMS] = {rows, cols};
    return descriptor_with_tag(d, 2, dims, type_of(t), dnnl_format_tag_any);
}

// A [batch, rows, cols] operand; one matrix is described without its batch, which opens more of oneDNN's implementations.
static dnnl_status_t describe_matrix(dnnl_memory_desc_t *d, const onednn_matmul *m, int64_t rows, int64_t cols, const int64_t stride[3], dtype t) {
    bool repeats = stride[0] == 0;
    dnnl_dim_t dims[DNNL_MAX_NDIMS + 1] = {repeats ? 1 : m->batch, rows, cols},
                                     strides[DNNL_MAX_NDIMS + 1] = {repeats ? rows * cols : stride[0], stride[1], stride[2]};
    int skip = m->batch == 1;
    return descriptor_with_strides(d, 3 - skip, dims + skip, type_of(t), strides + skip);
}

foil_status onednn_matmul_create(const onednn_matmul *m, onednn_kernel **out) {
    static const char *const what = "this matrix product";
    const int arg[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, m->post.has_bias ? DNNL_ARG_BIAS : 0, DNNL_ARG_DST};
    assert(m->batch == 1 || !m->post.has_bias);
    TRY(ready());
    dnnl_memory_desc_t a, b, c, bias;
    memset(&a, 0, sizeof a), memset(&b, 0, sizeof b), memset(&c, 0, sizeof c), memset(&bias, 0, sizeof bias);
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = describe_matrix(&a, m, m->m, m->k, m->a_stride, m->a);
    if (s == dnnl_success) s = m->b_packed ? describe_packed(&b, m->k, m->n, m->b) : describe_matrix(&b, m, m->k, m->n, m->b_stride, m->b);
    if (s == dnnl_success) s = describe_matrix(&c, m, m->m, m->n, (int64_t[]){m->m * m->n, m->n, 1}, m->c);
    if (s == dnnl_success) s = describe_matrix(&bias, m, 1, m->n, (int64_t[]){m->n, m->n, 1}, F32);
    if (s == dnnl_success) s = post_attributes(&m->post, &attributes);
    if (s == dnnl_success) s = describe_matmul(BORROW(a), BORROW(b), m->post.has_bias ? BORROW(bias) : NULL, BORROW(c), the_engine, attributes, &pd);
    descriptor_free(a), descriptor_free(b), descriptor_free(c), descriptor_free(bias);
    dnnl_primitive_attr_destroy(attributes);
    return make_kernel(s, pd, arg, m->b_packed ? DNNL_ARG_WEIGHTS : 0, what, out);
}

foil_status onednn_reorder_create(const onednn_layout *from, const onednn_layout *to, onednn_kernel **out) {
    static const int arg[] = {DNNL_ARG_FROM, 0, 0, DNNL_ARG_TO};
    TRY(ready());
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s =
        dnnl_reorder_primitive_desc_create(&pd, BORROW(from->descriptor), the_engine, BORROW(to->descriptor), the_engine, the_attributes);
    return make_kernel(s, pd, arg, 0, "this change of layout", out);
}

// Convolutions. ------------------------------------------------------------------------------------------------------------------------------------------

static dnnl_status_t describe_weights(dnnl_memory_desc_t *d, const onednn_conv *c, dnnl_format_tag_t tag) {
    int64_t groups = c->params.groups;
    dnnl_dim_t dims[DNNL_MAX_NDIMS + 1] = {groups, c->out / groups, c->channels / groups, c->rows, c->cols};
    int skip = groups == 1;
    return descriptor_with_tag(d, 5 - skip, dims + skip, type_of(c->w), tag);
}

static foil_status layout_weights(const onednn_conv *c, dnnl_format_tag_t tag, onednn_layout **out) {
    assert(c->params.groups == 1);
    dnnl_memory_desc_t d = {0};
    const dnnl_status_t made = describe_weights(&d, c, tag);
    return new_layout(made, d, out);
}

foil_status onednn_layout_filters(const onednn_conv *c, bool by_input, onednn_layout **out) {
    return layout_weights(c, by_input ? dnnl_bcda : dnnl_acdb, out);
}

foil_status onednn_layout_panels(const onednn_conv *c, int64_t width, onednn_layout **out) {
    assert(width == 16 || width == 32);
    const bool pairs = c->w == BF16;
    return layout_weights(c, width == 16 ? (pairs ? dnnl_AcdB16a2b : dnnl_Acdb16a) : pairs ? dnnl_AcdB32a2b : dnnl_Acdb32a, out);
}

static dnnl_status_t describe_parts(const onednn_conv *c, conv_parts *parts) {
    const conv_params *p = &c->params;
    memset(parts, 0, sizeof *parts);
    for (int i = 0; i < 2; i++) {
        parts->strides[i] = p->stride[i];
        parts->dilates[i] = p->dilation[i] - 1; // oneDNN counts the taps left out
        parts->before[i] = p->pad[i];
        parts->after[i] = p->pad[2 + i];
    }
    dnnl_dims_t x = {c->n, c->channels, c->height, c->width}, y = {c->n, c->out, c->out_height, c->out_width};
    dnnl_status_t s = descriptor_with_tag(&parts->x, 4, x, type_of(c->x), dnnl_nhwc);
    if (s == dnnl_success) s = describe_weights(&parts->w, c, dnnl_format_tag_any);
    if (s == dnnl_success) s = descriptor_with_tag(&parts->y, 4, y, type_of(c->y), dnnl_nhwc);
    dnnl_dims_t bias = {c->out};
    parts->has_bias = c->post.has_bias;
    if (s == dnnl_success) s = descriptor_with_tag(&parts->bias, 1, bias, dnnl_f32, dnnl_a);
    return s;
}

static void free_parts(conv_parts *parts) {
    descriptor_free(parts->x), descriptor_free(parts->w), descriptor_free(parts->y), descriptor_free(parts->bias);
}

static dnnl_status_t describe_forward(const onednn_conv *c, const conv_parts *parts, dnnl_primitive_desc_t *pd) {
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_status_t s = post_attributes(&c->post, &attributes);
    if (s == dnnl_success) s = describe_conv(c, parts, the_engine, attributes, NULL, pd);
    dnnl_primitive_attr_destroy(attributes);
    return s;
}

// The forward primitive that the two others want as a hint has the weights' type of the data (there are no mixed ones).
static dnnl_status_t describe_with_hint(const onednn_conv *c, const conv_parts *parts, dnnl_primitive_desc_t *pd) {
    if (c->kind == ONEDNN_CONV) return describe_forward(c, parts, pd);
    onednn_conv forward = *c;
    forward.kind = ONEDNN_CONV;
    forward.w = c->x;
    conv_parts hint_parts;
    dnnl_primitive_desc_t hint = NULL;
    dnnl_status_t s = describe_parts(&forward, &hint_parts);
    if (s == dnnl_success) s = describe_conv(&forward, &hint_parts, the_engine, the_attributes, NULL, &hint);
    if (s == dnnl_success) s = describe_conv(c, parts, the_engine, the_attributes, hint, pd);
    dnnl_primitive_desc_destroy(hint);
    free_parts(&hint_parts);
    return s;
}

foil_status onednn_conv_create(const onednn_conv *c, onednn_kernel **out) {
    const int bias = c->post.has_bias ? DNNL_ARG_BIAS : 0;
    const int arg[][4] = {[ONEDNN_CONV] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, bias, DNNL_ARG_DST},
                          [ONEDNN_CONV_DATA] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, 0, DNNL_ARG_DIFF_SRC},
                          [ONEDNN_CONV_WEIGHTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, 0, DNNL_ARG_DIFF_WEIGHTS}};
    char what[160];
    snprintf(what, sizeof what, "a %s convolution of [%lld, %lld, %lld, %lld] with %lld filters of %lldx%lld", c->x == BF16 ? "bf16" : "f32",
             (long long)c->n, (long long)c->height, (long long)c->width, (long long)c->channels, (long long)c->out, (long long)c->rows,
             (long long)c->cols);
    TRY(ready());
    conv_parts parts;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = describe_parts(c, &parts);
    if (s == dnnl_success) s = describe_with_hint(c, &parts, &pd);
    free_parts(&parts);
    int weights = c->kind == ONEDNN_CONV_WEIGHTS ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS;
    return make_kernel(s, pd, arg[c->kind], weights, what, out);
}
