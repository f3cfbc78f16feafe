#include "nn/graph.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/op.h"
#include "nn/ops/table.h"

// A graph and what it keeps for itself. Equal nodes (op, inputs, parameters) are made once: gradients repeat much of the forward pass and of each other.
typedef struct whole {
    graph graph;
    node poison;
    const char *label; // copy of the graph's label of the moment
    node **seen;       // open addressing; 0 or a power of two slots, at most half of them full
    size_t slots;
} whole;

static whole *whole_of(const graph *g) {
    return (whole *)(uintptr_t)g; // the graph is the first member
}

graph *graph_new(dtype compute) {
    whole *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->graph.compute = compute;
    w->poison = (node){.op = &OP_POISON, .graph = &w->graph, .id = -1};
    return &w->graph;
}

void graph_free(graph *g) {
    if (!g) return;
    arena_free(&g->memory);
    free(g->nodes);
    free(whole_of(g)->seen);
    free(whole_of(g));
}

// Errors. ---------------------------------------------------------------------------------------------------------------------------------------

static node *poison(graph *g) {
    return &whole_of(g)->poison;
}

bool graph_is_poison(const node *n) {
    return n->op == &OP_POISON;
}

foil_status graph_status(const graph *g) {
    if (g->status == FOIL_OK) return FOIL_OK;
    return foil_fail(g->status, "%s", g->message ? g->message : "out of memory for a graph");
}

static node *keep_error(graph *g, foil_status status, const char *message) {
    if (g->status != FOIL_OK) return poison(g);
    g->status = status;
    g->message = g->label ? arena_format(&g->memory, "%s: %s", g->label, message) : arena_text(&g->memory, message);
    return poison(g);
}

node *graph_fail(graph *g, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return keep_error(g, FOIL_INVALID, message);
}

node *graph_fail_memory(graph *g, const char *what, ...) {
    char message[512] = "out of memory for ";
    const size_t used = strlen(message);
    va_list args;
    va_start(args, what);
    vsnprintf(message + used, sizeof message - used, what, args);
    va_end(args);
    return keep_error(g, FOIL_MEMORY, message);
}

// Nodes. ------------------------------------------------------------------------------------------------------------------------------------------

static uint64_t mix(uint64_t hash, const void *bytes, size_t n) { // FNV-1a
    for (const unsigned char *b = bytes; n--; b++) hash = (hash ^ *b) * 0x100000001b3;
    return hash;
}

static uint64_t hash_of(const op *kind, node *const *in, int n_in, const void *params) {
    uint64_t hash = mix(0xcbf29ce484222325, &kind, sizeof kind); // NOLINT(bugprone-sizeof-expression): the address is meant
    for (int i = 0; i < n_in; i++) hash = mix(hash, &in[i]->id, sizeof in[i]->id);
    return params ? mix(hash, params, kind->params_size) : hash;
}

static bool is_same(const node *n, const op *kind, node *const *in, int n_in, const void *params) {
    if (n->op != kind || n->n_in != n_in) return false;
    for (int i = 0; i < n_in; i++)
        if (n->in[i] != in[i]) return false;
    return !kind->params_size || memcmp(n->params, params, kind->params_size) == 0;
}

// The slot that holds this node, or the free one where it belongs.
static node **slot_of(whole *w, const op *kind, node *const *in, int n_in, const void *params) {
    for (size_t i = hash_of(kind, in, n_in, params);; i++) {
        node **slot = &w->seen[i & (w->slots - 1)];
        if (!*slot || is_same(*slot, kind, in, n_in, params)) return slot;
    }
}

static bool make_room(whole *w) {
    graph *g = &w->graph;
    if (g->n == g->capacity) {
        int capacity = g->capacity ? 2 * g->capacity : 256;
        node **nodes = realloc(g->nodes, (size_t)capacity * sizeof(node *));
        if (!nodes) return false;
        g->nodes = nodes;
        g->capacity = capacity;
    }
    if (w->slots < 2 * (size_t)g->capacity) {
        node **seen = calloc(2 * (size_t)g->capacity, sizeof(node *));
        if (!seen) return false;
        free(w->seen);
        w->seen = seen;
        w->slots = 2 * (size_t)g->capacity;
        for (int i = 0; i < g->n; i++) *slot_of(w, g->nodes[i]->op, g->nodes[i]->in, g->nodes[i]->n_in, g->nodes[i]->params) = g->nodes[i];
    }
    return true;
}

// The graph's copy of the label in force; NULL without one, or without memory.
static const char *label_now(whole *w) {
    if (!w->graph.label) return NULL;
    if (!w->label || strcmp(w->label, w->graph.label) != 0) w->label = arena_text(&w->graph.memory, w->graph.label);
    return w->label;
}

static node *new_node(graph *g, const op *kind, node *const *in, int n_in, const void *params) {
    node *n = arena_alloc(&g->memory, sizeof *n);
    node **inputs = arena_alloc(&g->memory, (size_t)(n_in + 1) * sizeof(node *));
    void *own = arena_alloc(&g->memory, kind->params_size + 1);
    if (!n || !inputs || !own) return NULL;
    for (int i = 0; i < n_in; i++) inputs[i] = in[i];
    if (kind->params_size) memcpy(own, params, kind->params_size);
    *n = (node){
        .op = kind, .graph = g, .id = g->n, .n_in = n_in, .in = inputs, .params = kind->params_size ? own : NULL, .label = label_now(whole_of(g))};
    return n;
}

// Readers of parameters stay apart: between two phases of a plan an optimizer may change what they read. The plan knows the phases, and merges them.
static bool reads_param(node *const *in, int n_in) {
    for (int i = 0; i < n_in; i++)
        if (in[i]->op == &OP_PARAM) return true;
    return false;
}

node *graph_node(graph *g, const op *kind, node *const *in, int n_in, const void *params) {
    assert(n_in >= kind->min_in && n_in <= kind->max_in && (params || !kind->params_size));
    if (g->status != FOIL_OK) return poison(g);
    for (int i = 0; i < n_in; i++) assert(in[i]->graph == g && !graph_is_poison(in[i]));
    if (!make_room(whole_of(g))) return graph_fail_memory(g, "a graph");
    node **slot = slot_of(whole_of(g), kind, in, n_in, kind->params_size ? params : NULL);
    if (*slot && !reads_param(in, n_in)) return *slot;
    node *n = new_node(g, kind, in, n_in, params);
    if (!n) return graph_fail_memory(g, "a graph");
    foil_status status = kind->infer(n);
    if (status != FOIL_OK) return keep_error(g, status, foil_error());
    *slot = n;
    return g->nodes[g->n++] = n;
}
