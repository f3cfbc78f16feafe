// What differs between oneDNN 2 and 3. A part of nn/dnnl.c: nobody else includes it.
//
// Memory descriptors were structs and became handles; operation descriptors between a request and a primitive descriptor are gone, and so are iterators over
// primitives.
#ifndef FOIL_NN_DNNL_VERSIONS_H
#define FOIL_NN_DNNL_VERSIONS_H

#include <string.h>

#include <dnnl.h>

#include "nn/dnnl.h"
#include "nn/dnnl_faults.h"

// How a blocked descriptor lays its elements out; borrowed from it.
typedef struct blocking {
    const dnnl_dim_t *padded, *strides; // of each axis
    int blocks;
    const dnnl_dim_t *block, *axis; // of the inner blocks: sizes, and which axes they divide; the last one is dense
} blocking;

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t borrowed; // how either version takes a descriptor that somebody else owns
#define BORROW(descriptor) (descriptor)
#define descriptor_with_tag dnnl_memory_desc_create_with_tag
#define descriptor_with_strides dnnl_memory_desc_create_with_strides
#define descriptor_clone dnnl_memory_desc_clone

static void descriptor_free(dnnl_memory_desc_t d) {
    dnnl_memory_desc_destroy(d);
}

static int descriptor_dims(borrowed d, dnnl_dims_t dims) {
    int n = 0;
    const dnnl_dims_t *at = NULL;
    dnnl_memory_desc_query(d, dnnl_query_ndims_s32, &n);
    dnnl_memory_desc_query(d, dnnl_query_dims, (void *)&at);
    memcpy(dims, *at, (size_t)n * sizeof(dnnl_dim_t));
    return n;
}

static dnnl_dims_t *queried(borrowed d, dnnl_query_t what) {
    dnnl_dims_t *at = NULL;
    dnnl_memory_desc_query(d, what, (void *)&at);
    return at;
}

static blocking blocking_of(borrowed d) {
    blocking b = {*queried(d, dnnl_query_padded_dims), *queried(d, dnnl_query_strides), 0, NULL, NULL};
    dnnl_memory_desc_query(d, dnnl_query_inner_nblks_s32, &b.blocks);
    b.block = *queried(d, dnnl_query_inner_blks);
    b.axis = *queried(d, dnnl_query_inner_idxs);
    return b;
}

#else

typedef const dnnl_memory_desc_t *borrowed;
#define BORROW(descriptor) (&(descriptor))
#define descriptor_with_tag dnnl_memory_desc_init_by_tag
#define descriptor_with_strides dnnl_memory_desc_init_by_strides

static dnnl_status_t descriptor_clone(dnnl_memory_desc_t *to, borrowed from) {
    *to = *from;
    return dnnl_success;
}

static void descriptor_free(dnnl_memory_desc_t d) {
    (void)d;
}

static int descriptor_dims(borrowed d, dnnl_dims_t dims) {
    memcpy(dims, d->dims, (size_t)d->ndims * sizeof(dnnl_dim_t));
    return d->ndims;
}

static blocking blocking_of(borrowed d) {
    const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
    return (blocking){d->padded_dims, b->strides, b->inner_nblks, b->inner_blks, b->inner_idxs};
}

#endif

// What a convolution is made of, in oneDNN's terms: the picture is always [N, C, H, W] there, whatever its layout.
typedef struct conv_parts {
    dnnl_memory_desc_t x, w, y, bias;
    bool has_bias;
    dnnl_dims_t strides, dilates, before, after;
} conv_parts;

static const char *implementation_of(const_dnnl_primitive_desc_t pd) {
    const char *name = NULL;
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name);
    return name ? name : "";
}

// A convolution's primitive: the first one that oneDNN has for it and that does not err. `forward` is a hint that gradients want.
#if DNNL_VERSION_MAJOR >= 3

static dnnl_status_t first_of_conv(const onednn_conv *c, const conv_parts *p, dnnl_engine_t engine, const_dnnl_primitive_attr_t attr,
                                   const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out) {
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    borrowed x = BORROW(p->x), w = BORROW(p->w), y = BORROW(p->y), bias = p->has_bias ? BORROW(p->bias) : NULL;
    switch (c->kind) {
    case ONEDNN_CONV:
        return dnnl_convolution_forward_primitive_desc_create(out, engine, dnnl_forward_training, direct, x, w, bias, y, p->strides, p->dilates,
                                                              p->before, p->after, attr);
    case ONEDNN_CONV_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(out, engine, direct, x, w, y, p->strides, p->dilates, p->before, p->after,
                                                                    forward, attr);
    case ONEDNN_CONV_WEIGHTS:
        return dnnl_convolution_backward_weights_primitive_desc_create(out, engine, direct, x, w, NULL, y, p->strides, p->dilates, p->before,
                                                                       p->after, forward, attr);
    }
    return dnnl_invalid_arguments;
}

static dnnl_status_t describe_conv(const onednn_conv *c, const conv_parts *p, dnnl_engine_t engine, const_dnnl_primitive_attr_t attr,
                                   const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out) {
    dnnl_status_t s = first_of_conv(c, p, engine, attr, forward, out);
    while (s == dnnl_success && onednn_errs(c, implementation_of(*out))) s = dnnl_primitive_desc_next_impl(*out);
    if (s != dnnl_last_impl_reached) return s;
    dnnl_primitive_desc_destroy(*out);
    *out = NULL;
    return dnnl_unimplemented;
}

#else

static dnnl_status_t operation_of(const onednn_conv *c, const conv_parts *p, dnnl_convolution_desc_t *out) {
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    borrowed x = BORROW(p->x), w = BORROW(p->w), y = BORROW(p->y), bias = p->has_bias ? BORROW(p->bias) : NULL;
    switch (c->kind) {
    case ONEDNN_CONV:
        return dnnl_dilated_convolution_forward_desc_init(out, dnnl_forward_training, direct, x, w, bias, y, p->strides, p->dilates, p->before,
                                                          p->after);
    case ONEDNN_CONV_DATA:
        return dnnl_dilated_convolution_backward_data_desc_init(out, direct, x, w, y, p->strides, p->dilates, p->before, p->after);
    case ONEDNN_CONV_WEIGHTS:
        return dnnl_dilated_convolution_backward_weights_desc_init(out, direct, x, w, NULL, y, p->strides, p->dilates, p->before, p->after);
    }
    return dnnl_invalid_arguments;
}

static dnnl_status_t describe_conv(const onednn_conv *c, const conv_parts *p, dnnl_engine_t engine, const_dnnl_primitive_attr_t attr,
                                   const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out) {
    dnnl_convolution_desc_t operation;
    dnnl_primitive_desc_iterator_t each = NULL;
    dnnl_status_t s = operation_of(c, p, &operation);
    if (s == dnnl_success) s = dnnl_primitive_desc_iterator_create(&each, &operation, attr, engine, forward);
    while (s == dnnl_success) {
        *out = dnnl_primitive_desc_iterator_fetch(each);
        if (!*out) s = dnnl_out_of_memory;
        if (!*out || !onednn_errs(c, implementation_of(*out))) break;
        dnnl_primitive_desc_destroy(*out);
        *out = NULL;
        s = dnnl_primitive_desc_iterator_next(each);
    }
    dnnl_primitive_desc_iterator_destroy(each);
    return s == dnnl_iterator_ends ? dnnl_unimplemented : s;
}

#endif

static dnnl_status_t describe_matmul(borrowed a, borrowed b, borrowed bias, borrowed c, dnnl_engine_t engine, const_dnnl_primitive_attr_t attr,
                                     dnnl_primitive_desc_t *out) {
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_matmul_primitive_desc_create(out, engine, a, b, bias, c, attr);
#else
    dnnl_matmul_desc_t d;
    dnnl_status_t s = dnnl_matmul_desc_init(&d, a, b, bias, c);
    return s != dnnl_success ? s : dnnl_primitive_desc_create(out, &d, attr, engine, NULL);
#endif
}

static dnnl_status_t append_post(dnnl_post_ops_t ops, const onednn_post *p) {
    dnnl_status_t s = dnnl_success;
#if DNNL_VERSION_MAJOR >= 3
    if (p->adds) s = dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
    if (p->rectifies && s == dnnl_success) s = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, p->slope, 0);
#else
    if (p->adds) s = dnnl_post_ops_append_sum(ops, 1);
    if (p->rectifies && s == dnnl_success) s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, p->slope, 0);
#endif
    return s;
}

#endif
