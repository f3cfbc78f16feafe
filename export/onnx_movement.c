// Reshaping and rearranging, reductions and products: where the order of axes matters.
#include <string.h>

#include "export/onnx_graph.h"
#include "nn/ops/table.h"

static int position_of(const onnx_value *v, int axis) {
    int i = 0;
    while (v->axis[i] != axis) i++;
    return i;
}

// Left to the consumers, which repeat by themselves or ask for onnx_whole: only missing axes are added.
foil_status onnx_broadcast(onnx_graph *x, const node *n) {
    const onnx_value in = x->value[n->in[0]->id];
    onnx_value out = {.name = in.name, .n = n->shape.n, .batch = in.batch + n->shape.n - in.n};
    const int missing = out.n - in.n;
    int64_t leading[MAX_DIMS];
    for (int i = 0; i < missing; i++) {
        leading[i] = out.axis[i] = i;
        out.dim[i] = 1;
    }
    for (int i = 0; i < in.n; i++) {
        out.axis[missing + i] = in.axis[i] + missing;
        out.dim[missing + i] = in.dim[i];
    }
    if (missing)
        out.name = onnx_output_of(onnx_add(x->model, "Unsqueeze", (const char *[]){in.name, onnx_tensor_i64(x->model, leading, missing)}, 2, NULL));
    x->value[n->id] = out;
    return FOIL_OK;
}

foil_status onnx_permute(onnx_graph *x, const node *n) {
    const int *order = ((const permute_params *)n->params)->order;
    const onnx_value in = x->value[n->in[0]->id];
    onnx_value out = in;
    for (int i = 0; i < in.n; i++) { // the same tensor; its axes have other numbers
        out.dim[i] = in.dim[order[i]];
        out.axis[position_of(&in, order[i])] = i;
        if (order[i] == in.batch) out.batch = i;
    }
    x->value[n->id] = out;
    return FOIL_OK;
}

// Reshape: as few neighbouring axes as possible become as few others, [N,16,C] -> [N,4,4,C] is N -> N, 16 -> 4 4, C -> C. ---------------------------

typedef struct segments {
    int n, of_in[MAX_DIMS], of_out[MAX_DIMS]; // the segment of each axis
} segments;

static segments segments_between(shape in, shape out) {
    segments s = {0};
    int i = 0, k = 0;
    while (i < in.n && k < out.n) {
        int64_t a = in.d[i], b = out.d[k];
        s.of_in[i++] = s.of_out[k++] = s.n;
        while (a != b) {
            if (a < b) {
                s.of_in[i] = s.n;
                a *= in.d[i++];
            } else {
                s.of_out[k] = s.n;
                b *= out.d[k++];
            }
        }
        s.n++;
    }
    int last = s.n ? s.n - 1 : 0; // what is left has size 1
    while (i < in.n) s.of_in[i++] = last;
    while (k < out.n) s.of_out[k++] = last;
    if (!s.n) s.n = 1;
    return s;
}

// Whether each segment's axes lie together and in order in memory; axes of size 1 lie anywhere.
static bool lie_together(const onnx_value *v, const segments *s) {
    bool seen[MAX_DIMS] = {false};
    int segment = -1, axis = -1;
    for (int i = 0; i < v->n; i++) {
        int a = v->axis[i];
        if (v->dim[a] == 1) continue;
        if (s->of_in[a] != segment) {
            segment = s->of_in[a];
            if (seen[segment]) return false;
            seen[segment] = true;
        } else if (a < axis) {
            return false;
        }
        axis = a;
    }
    return true;
}

static void append_segment(onnx_value *out, int *n, const segments *s, int segment, bool done[MAX_DIMS]) {
    for (int a = 0; a < out->n && !done[segment]; a++)
        if (s->of_out[a] == segment) out->axis[(*n)++] = a;
    done[segment] = true;
}

// Each segment's new axes stand where its old ones did.
static void order_axes(const onnx_value *in, const segments *s, onnx_value *out) {
    bool done[MAX_DIMS] = {false};
    int n = 0;
    for (int i = 0; i < in->n; i++)
        if (in->dim[in->axis[i]] != 1) append_segment(out, &n, s, s->of_in[in->axis[i]], done);
    for (int segment = 0; segment < s->n; segment++) append_segment(out, &n, s, segment, done);
}

static foil_status find_batch(const node *n, const onnx_value *in, const segments *s, onnx_value *out) {
    const int segment = s->of_in[in->batch];
    const int64_t size = in->dim[in->batch];
    out->batch = -1;
    for (int a = 0; a < in->n; a++)
        if (s->of_in[a] == segment && a != in->batch && in->dim[a] != 1) return onnx_unsupported(n, "it mixes the batch with other axes");
    for (int a = 0; a < out->n; a++)
        if (s->of_out[a] == segment && out->dim[a] == size) out->batch = a;
    return out->batch < 0 ? onnx_unsupported(n, "it splits the batch") : FOIL_OK;
}

static void add_reshape(onnx_graph *x, const onnx_value *in, onnx_value *out) {
    int64_t size[MAX_DIMS];
    bool same = in->n == out->n;
    for (int i = 0; i < out->n; i++) {
        bool batch = out->axis[i] == out->batch;
        bool stays = batch && i < in->n && in->axis[i] == in->batch;
        size[i] = stays ? 0 : batch ? -1 : out->dim[out->axis[i]]; // 0 copies the size, -1 finds it
        same = same && (stays || (!batch && in->axis[i] != in->batch && in->dim[in->axis[i]] == size[i]));
    }
    out->name =
        same ? in->name : onnx_output_of(onnx_add(x->model, "Reshape", (const char *[]){in->name, onnx_tensor_i64(x->model, size, out->n)}, 2, NULL));
}

foil_status onnx_reshape(onnx_graph *x, const node *n) {
    onnx_value in, out = {.n = n->shape.n};
    TRY(onnx_whole(x, n->in[0], &in));
    const segments s = segments_between(n->in[0]->shape, n->shape);
    memcpy(out.dim, n->shape.d, sizeof out.dim);
    TRY(find_batch(n, &in, &s, &out));
    if (!lie_together(&in, &s)) {
        TRY(onnx_operand(x, n->in[0], ONNX_SAME, &in.name));
        memcpy(in.axis, ONNX_SAME, sizeof in.axis);
    }
    order_axes(&in, &s, &out);
    add_reshape(x, &in, &out);
    x->value[n->id] = out;
    return FOIL_OK;
}

// Parts. ----------------------------------------------------------------------------------------------------------------------------------------

foil_status onnx_slice(onnx_graph *x, const node *n) {
    const slice_params *p = n->params;
    onnx_value in;
    TRY(onnx_whole(x, n->in[0], &in));
    int64_t start[MAX_DIMS], stop[MAX_DIMS], axis[MAX_DIMS], step[MAX_DIMS];
    int k = 0;
    for (int a = 0; a < in.n; a++) {
        if (n->shape.d[a] == in.dim[a]) continue;
        if (a == in.batch) return onnx_unsupported(n, "it takes a part of the batch");
        start[k] = p->start[a];
        step[k] = p->step[a];
        stop[k] = p->start[a] + (n->shape.d[a] - 1) * p->step[a] + 1;
        axis[k++] = position_of(&in, a);
    }
    onnx_model *m = x->model;
    const char *operand[] = {in.name, onnx_tensor_i64(m, start, k), onnx_tensor_i64(m, stop, k), onnx_tensor_i64(m, axis, k),
                             onnx_tensor_i64(m, step, k)};
    onnx_result(x, n, onnx_add(m, "Slice", operand, 5, NULL), in.axis);
    return FOIL_OK;
}

// Zeros around: a padding.
foil_status onnx_place(onnx_graph *x, const node *n) {
    const slice_params *p = n->params;
    onnx_value in;
    TRY(onnx_whole(x, n->in[0], &in));
    int64_t pads[2 * MAX_DIMS];
    for (int i = 0; i < in.n; i++) {
        int a = in.axis[i];
        if (p->step[a] != 1 && in.dim[a] != 1) return onnx_unsupported(n, "it puts zeros between elements");
        pads[i] = p->start[a];
        pads[in.n + i] = n->shape.d[a] - in.dim[a] - p->start[a];
        if (a == in.batch && (pads[i] || pads[in.n + i])) return onnx_unsupported(n, "it pads the batch");
    }
    const char *operand[] = {in.name, onnx_tensor_i64(x->model, pads, 2 * in.n)};
    onnx_result(x, n, onnx_add(x->model, "Pad", operand, 2, NULL), in.axis);
    return FOIL_OK;
}

foil_status onnx_concat(onnx_graph *x, const node *n) {
    const int axis = ((const concat_params *)n->params)->axis;
    const onnx_value *lead = &x->value[n->in[0]->id];
    const char *part[64];
    if (n->n_in > (int)(sizeof part / sizeof *part)) return onnx_unsupported(n, "it has more than 64 parts");
    for (int i = 0; i < n->n_in; i++) {
        if (x->constant[n->in[i]->id]) return onnx_unsupported(n, "a part of it is the same for every picture");
        if (axis == lead->batch) return onnx_unsupported(n, "it joins along the batch");
        TRY(onnx_operand(x, n->in[i], lead->axis, &part[i]));
    }
    onnx_node *y = onnx_add(x->model, "Concat", part, n->n_in, NULL);
    onnx_int(x->model, y, "axis", position_of(lead, axis));
    onnx_result(x, n, y, lead->axis);
    return FOIL_OK;
}

// Products and sums. -----------------------------------------------------------------------------------------------------------------------------

foil_status onnx_matmul(onnx_graph *x, const node *n) {
    const matmul_params *p = n->params;
    const int swapped[] = {p->ta, p->tb};
    const char *operand[2];
    int batch = -1;
    for (int i = 0; i < 2; i++) {
        const int rank = n->in[i]->shape.n;
        int order[MAX_DIMS], own = x->value[n->in[i]->id].batch;
        memcpy(order, ONNX_SAME, sizeof order);
        if (swapped[i]) {
            order[rank - 1] = rank - 2;
            order[rank - 2] = rank - 1;
        }
        TRY(onnx_operand(x, n->in[i], order, &operand[i]));
        if (x->constant[n->in[i]->id]) continue;
        if (own == order[i == 0 ? rank - 1 : rank - 2]) return onnx_unsupported(n, "it sums over the batch");
        batch = n->shape.n - rank + order[own];
    }
    onnx_result(x, n, onnx_add(x->model, "MatMul", operand, 2, NULL), ONNX_SAME);
    x->value[n->id].batch = batch;
    return FOIL_OK;
}

foil_status onnx_reduce(onnx_graph *x, const node *n) {
    const axes reduced = ((const reduce_params *)n->params)->axes;
    onnx_value in;
    TRY(onnx_whole(x, n->in[0], &in));
    int64_t axis[MAX_DIMS];
    int k = 0;
    for (int i = 0; i < in.n; i++) {
        if (!(reduced & AXIS(in.axis[i]))) continue;
        if (in.axis[i] == in.batch) return onnx_unsupported(n, "it reduces over the batch");
        axis[k++] = i;
    }
    onnx_node *y;
    if (n->op == &OP_SUM) {
        y = onnx_add(x->model, "ReduceSum", (const char *[]){in.name, onnx_tensor_i64(x->model, axis, k)}, 2, NULL);
    } else {
        y = onnx_add(x->model, "ReduceMax", &in.name, 1, NULL); // its axes become an input with opset 18
        onnx_ints(x->model, y, "axes", axis, k);
    }
    onnx_int(x->model, y, "keepdims", 1);
    onnx_result(x, n, y, in.axis);
    return FOIL_OK;
}
