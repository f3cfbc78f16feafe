// The three convolutions of an example as nodes: y = conv(x, w), and its partials toward x and w.
#ifndef FOIL_TESTS_NN_CONV_GRAPH_H
#define FOIL_TESTS_NN_CONV_GRAPH_H

#include "nn/graph.h"
#include "tests/cmocka.h"
#include "tests/nn/conv_example.h"

typedef struct conv_graph {
    graph *g;
    node *x, *w, *y; // inputs of the graph, of the shapes that fit
    node *conv, *data, *weights;
} conv_graph;

// A constant is f32 until a kernel is to read it. 0.75: exact in bf16.
static inline node *conv_picture(graph *g, const char *name, shape s, bool constant) {
    return constant ? graph_constant(g, s, 0.75) : graph_input(g, name, s, F32);
}

// `constant`: x and y are. Free .g.
static inline conv_graph conv_graph_of(const conv_example *e, dtype compute, conv_algorithm how, bool constant) {
    conv_graph t = {.g = graph_new(compute)};
    assert_non_null(t.g);
    t.g->convolution = how;
    const int64_t groups = e->params.groups ? e->params.groups : 1;
    t.x = conv_picture(t.g, "x", SHAPE(e->n, e->height, e->width, e->channels), constant);
    t.w = graph_input(t.g, "w", SHAPE(e->out, e->channels / groups, e->rows, e->cols), F32);
    t.conv = nn_conv(t.x, t.w, e->params);
    t.y = conv_picture(t.g, "y", t.conv->shape, constant);
    t.data = nn_conv_data(t.y, t.w, e->params, e->height, e->width);
    t.weights = nn_conv_weights(t.x, t.y, e->params, e->rows, e->cols);
    if (graph_status(t.g) != FOIL_OK) fail_msg("%s", foil_error());
    return t;
}

#endif
