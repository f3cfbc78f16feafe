// Reverse-mode differentiation, graph to graph.
#ifndef FOIL_NN_GRAD_H
#define FOIL_NN_GRAD_H

#include "nn/graph.h"

// dx[i] = d y / d x[i], of the shape and type of x[i], for a scalar y; zeros (a constant) where y does not depend on x[i]. Only nodes on a path from
// some x[i] to y are differentiated. The result is ordinary nodes: apply grad again for second order. A path through an op without a vjp is an error that names
// the op and its label.
void grad(node *y, node *const *x, int n, node **dx);

// The same for y of any shape with the gradient `gy` toward it given (NULL = ones).
void grad_from(node *y, node *gy, node *const *x, int n, node **dx);

#endif
