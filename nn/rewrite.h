// A graph that is computed in another's stead: the same nodes, but for those that a rule makes something else of.
#ifndef FOIL_NN_REWRITE_H
#define FOIL_NN_REWRITE_H

#include "nn/plan_internal.h"

typedef struct rewriter {
    const graph *from;
    graph *to;
    node **at;         // by id in `from`: what it became; NULL = not wanted
    int *uses;         // by readers and outputs; 0 = not wanted
    const bool *known; // see find_known
} rewriter;

// What a node of `from` becomes in `to`, where its operands are already; NULL = the rule has nothing to say.
typedef node *(*rewriting)(const rewriter *r, const node *n);

// Puts another graph in the place of the compiler's, and in its phases.
foil_status rewrite(compiler *c, rewriting rule);

node *rewrite_frozen(const rewriter *r, const node *n);
bool has_frozen(const graph *g); // else rewrite_frozen changes nothing
node *rewrite_resized(const rewriter *r, const node *n);
bool has_resized(const graph *g);

#endif
