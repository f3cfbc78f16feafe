// The functions of nn/ops/fastmath.h against the C library in f64, in units in the last place, and at the ends of their domains.
#include "nn/ops/fastmath.h"
#include "nn/tensor.h"
#include "tests/cmocka.h"

#define AS_FUNCTION(name)                                                                                                                            \
    static float call_##name(float x) {                                                                                                              \
        return name(x);                                                                                                                              \
    }
AS_FUNCTION(fast_exp)
AS_FUNCTION(fast_log)
AS_FUNCTION(fast_tanh)
AS_FUNCTION(fast_sigmoid)
AS_FUNCTION(fast_erf)
AS_FUNCTION(fast_softplus)
AS_FUNCTION(fast_expm1_negative)

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double softplus(double x) {
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

typedef struct function {
    const char *name;
    float (*ours)(float);
    double (*exact)(double);
    double low, high, ulp; // ulp: the bound promised
} function;

static const function FUNCTIONS[] = {
    {"exp", call_fast_exp, exp, -87, 88.7, 2},
    {"log", call_fast_log, log, 1e-6, 10, 2},
    {"log of small", call_fast_log, log, 2e-38, 1e-36, 2},
    {"log of large", call_fast_log, log, 1e30, 3e38, 2},
    {"tanh", call_fast_tanh, tanh, -12, 12, 4},
    {"tanh near 0", call_fast_tanh, tanh, -0.01, 0.01, 4},
    {"sigmoid", call_fast_sigmoid, sigmoid, -86, 87, 4},
    {"erf", call_fast_erf, erf, -5, 5, 4},
    {"erf near 0", call_fast_erf, erf, -0.01, 0.01, 4},
    {"softplus", call_fast_softplus, softplus, -80, 80, 4},
    {"expm1", call_fast_expm1_negative, expm1, -90, 0, 2},
};

static void test_accuracy(void **state) {
    (void)state;
    enum { POINTS = 200000 };
    for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) {
        const function *f = &FUNCTIONS[k];
        for (int i = 0; i <= POINTS; i++) {
            const float x = (float)(f->low + (f->high - f->low) * i / POINTS);
            const double exact = f->exact((double)x), unit = exact == 0 ? 1e-44 : ldexp(1, ilogb(exact) - 23);
            const double error = fabs((double)f->ours(x) - exact) / unit;
            if (!(error <= f->ulp)) fail_msg("%s(%.9g) = %.9g, exact %.12g: %.1f units", f->name, (double)x, (double)f->ours(x), exact, error);
        }
    }
}

static void test_ends(void **state) {
    (void)state;
    const float inf = INFINITY;
    assert_true(fast_exp(inf) == inf && fast_exp(100) == inf && fast_exp(-inf) == 0 && fast_exp(-200) == 0 && fast_exp(0) == 1);
    assert_true(fast_log(0) == -inf && fast_log(inf) == inf && isnan(fast_log(-1)) && fast_log(1) == 0);
    assert_true(fast_tanh(inf) == 1 && fast_tanh(-inf) == -1 && fast_tanh(0) == 0);
    assert_true(fast_sigmoid(inf) == 1 && fast_sigmoid(-inf) == 0 && fast_sigmoid(0) == 0.5f);
    assert_true(fast_erf(inf) == 1 && fast_erf(-inf) == -1 && fast_erf(0) == 0);
    assert_true(fast_softplus(inf) == inf && fast_softplus(-inf) == 0);
    for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) assert_true(isnan(FUNCTIONS[k].ours(NAN)));
}

static void test_bf16_rounds_to_nearest_even(void **state) {
    (void)state;
    assert_int_equal(f32_to_bf16(1), 0x3f80);
    assert_int_equal(f32_to_bf16(1 + 1.0f / 256), 0x3f80); // a tie: to even
    assert_int_equal(f32_to_bf16(1 + 3.0f / 256), 0x3f82);
    assert_int_equal(f32_to_bf16(1 + 1.01f / 256), 0x3f81);
    assert_int_equal(f32_to_bf16(3.4e38f), 0x7f80);
    assert_true(isnan(bf16_to_f32(f32_to_bf16(NAN))));
    for (uint32_t h = 0; h < 0x7f80; h++) assert_int_equal(f32_to_bf16(bf16_to_f32((uint16_t)h)), h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accuracy), cmocka_unit_test(test_ends),
                                       cmocka_unit_test(test_bf16_rounds_to_nearest_even)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
