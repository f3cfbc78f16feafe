// Grad-CAM (Selvaraju et al. 2017): channels of the last activation, weighted by the mean gradient toward them.
#include <stdlib.h>
#include <string.h>

#include "eval/maps/type.h"
#include "nn/grad.h"
#include "nn/ops/table.h"

// Whether `to` depends on `from`; past `without` (or NULL) nothing goes. `reached` has room for each node.
static bool depends(const graph *g, const node *to, const node *from, const node *without, bool *reached) {
    memset(reached, 0, (size_t)g->n);
    reached[from->id] = true;
    for (int id = from->id + 1; id <= to->id; id++) {
        const node *n = g->nodes[id];
        for (int i = 0; i < n->n_in && n != without; i++) reached[id] |= reached[n->in[i]->id];
    }
    return reached[to->id];
}

// An image of more than one place that is more than another one pooled or laid out anew.
static bool is_activation(const node *n) {
    const op *o = n->op;
    bool places = n->shape.n == 4 && n->shape.d[1] * n->shape.d[2] > 1;
    return places && !(o->flags & (OP_VIEW | OP_LEAF)) && o != &OP_PERMUTE && o != &OP_MAX_POOL && o != &OP_AVERAGE_POOL;
}

static node *find_activation(const graph *g, const node *picture, const node *logits, bool *reached) {
    for (int id = logits->id; id > picture->id; id--) {
        node *n = g->nodes[id];
        if (is_activation(n) && !depends(g, logits, picture, n, reached)) return n;
    }
    return NULL;
}

static foil_status build(explainer *e) {
    graph *g = e->graph;
    bool *reached = malloc((size_t)g->n);
    if (!reached) return foil_fail_memory((size_t)g->n, "a map");
    node *a = e->activation = find_activation(g, e->picture, e->logits, reached), *toward;
    free(reached);
    if (!a) return foil_fail(FOIL_UNSUPPORTED, "Grad-CAM: the network has no activation that keeps places; 'integrated' and 'occlusion' need none");
    grad(e->logits, &a, 1, &toward);
    node *weight = nn_mean(toward, AXIS(1) | AXIS(2), true);
    e->wanted = nn_resize_bilinear(nn_sum(nn_mul(a, weight), AXIS(3), true), e->in.d[0], e->in.d[1]);
    return graph_status(g);
}

static foil_status run(explainer *e, const float *x, float *heat, explanation *about) {
    plan_feed(e->plan, e->picture, x);
    plan_run(e->plan, 0, 0, 0);
    memcpy(heat, plan_data(e->plan, e->wanted), (size_t)(e->in.d[0] * e->in.d[1]) * sizeof *heat);
    about->logit = *(float *)plan_data(e->plan, e->logits);
    about->rows = (int)e->activation->shape.d[1];
    about->columns = (int)e->activation->shape.d[2];
    about->layer = e->activation->label;
    return FOIL_OK;
}

const explain_type EXPLAIN_BY_GRADCAM = {"gradcam", 1, build, run};
