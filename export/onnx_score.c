// From logits to calibrated scores (eval/calibrate.h) in ONNX.
#include <math.h>
#include <stdlib.h>

#include "eval/calibrate.h"
#include "export/onnx_graph.h"

static const char *with(onnx_model *m, const char *type, const char *a, const char *b) {
    return onnx_output_of(onnx_add(m, type, (const char *[]){a, b}, 2, NULL));
}

static const char *with_scalar(onnx_model *m, const char *type, const char *x, double value) {
    return with(m, type, x, onnx_scalar(m, value));
}

static const char *reshaped(onnx_model *m, const char *x, const int64_t *dims, int n) {
    return with(m, "Reshape", x, onnx_tensor_i64(m, dims, n));
}

static const char *list(onnx_model *m, const float *values, int n) {
    return onnx_tensor_f32(m, NULL, (int64_t[]){n}, 1, values);
}

// What isotonic knots rise by, up to the logit (or, `fall`, from it on): Σ rise · how far it is between two knots, 0 to 1. f32 can do that; differences of
// slopes would cancel. NULL: they do not rise.
static const char *add_rises(onnx_model *m, const char *logit, const isotonic *f, bool fall, float *rise) {
    float *from = rise + f->n, *sharpness = from + f->n;
    int n = 0;
    for (int i = 0; i + 1 < f->n; i++) {
        if (f->y[i + 1] == f->y[i]) continue;
        rise[n] = (float)(f->y[i + 1] - f->y[i]);
        from[n] = (float)f->x[fall ? i + 1 : i];
        sharpness[n++] = (float)((fall ? -1 : 1) / (f->x[i + 1] - f->x[i]));
    }
    if (!n) return NULL;
    const char *y = reshaped(m, logit, (int64_t[]){-1, 1}, 2);
    y = with(m, "Mul", with(m, "Sub", y, list(m, from, n)), list(m, sharpness, n));
    y = onnx_output_of(onnx_add(m, "Clip", (const char *[]){y, onnx_scalar(m, 0), onnx_scalar(m, 1)}, 3, NULL));
    for (int i = 0; i < n; i++) rise[i] *= (float)(1 - CALIBRATION_TILT);
    y = with(m, "MatMul", y, onnx_tensor_f32(m, NULL, (int64_t[]){n, 1}, 2, rise));
    return reshaped(m, y, (int64_t[]){-1}, 1);
}

// The score before the shift, or what it lacks to 1: whichever the shift makes larger, so that its digits are those that count.
static foil_status add_isotonic(onnx_model *m, const char *logit, const calibration *c, bool lack, const char **out) {
    const isotonic *f = &c->knots;
    float *rise = malloc(3 * (size_t)f->n * sizeof *rise);
    if (!rise) return foil_fail_memory(3 * (size_t)f->n * sizeof *rise, "knots");
    const char *y = add_rises(m, logit, f, lack, rise);
    free(rise);
    const char *tilt = with_scalar(m, "Div", logit, lack ? -c->temperature : c->temperature);
    tilt = with_scalar(m, "Mul", onnx_output_of(onnx_add(m, "Sigmoid", &tilt, 1, NULL)), CALIBRATION_TILT);
    tilt = with_scalar(m, "Add", tilt, (1 - CALIBRATION_TILT) * (lack ? 1 - f->y[f->n - 1] : f->y[0]));
    *out = y ? with(m, "Add", y, tilt) : tilt;
    return FOIL_OK;
}

static foil_status add_shifted_isotonic(onnx_model *m, const char *logit, const calibration *c) {
    const char *y = NULL, *one = onnx_scalar(m, 1);
    bool lack = c->shift < 0;
    TRY(add_isotonic(m, logit, c, lack, &y));
    const char *odds = with_scalar(m, "Mul", y, exp(fabs(c->shift))), *rest = with(m, "Sub", one, y);
    const char *sum = with(m, "Add", odds, rest);
    onnx_add(m, "Div", (const char *[]){lack ? rest : odds, sum}, 2, "score");
    return FOIL_OK;
}

foil_status onnx_add_score(onnx_model *m, const char *logit, const calibration *c) {
    if (c->method == CALIBRATION_ISOTONIC) return add_shifted_isotonic(m, logit, c);
    const char *z = with_scalar(m, "Div", logit, c->temperature);
    if (c->bias + c->shift != 0) z = with_scalar(m, "Add", z, c->bias + c->shift);
    onnx_add(m, "Sigmoid", &z, 1, "score");
    return FOIL_OK;
}
