#include "eval/logistic.h"

#include <math.h>
#include <string.h>

double logistic_score(const double *x, int k, const double *coefficient) {
    double z = 0;
    for (int a = 0; a < k; a++) z += x[a] * coefficient[a];
    return z;
}

typedef double matrix[LOGISTIC_MOST][LOGISTIC_MOST];

// Gradient and curvature (lower half) of the penalised loss; gives the loss.
static double derive(const double *x, const bool *y, const double *weight, int64_t n, int k, double ridge, const double *c, double *gradient,
                     matrix h) {
    double loss = 0;
    for (int a = 0; a < k; a++) {
        for (int b = 0; b <= a; b++) h[a][b] = a == b ? ridge : 0;
        gradient[a] = ridge * c[a];
        loss += ridge * c[a] * c[a] / 2;
    }
    for (int64_t i = 0; i < n; i++) {
        if (weight[i] == 0) continue;
        const double *row = x + i * k;
        double z = logistic_score(row, k, c), p = 1 / (1 + exp(-z)), u = weight[i] * (p - y[i]), v = weight[i] * p * (1 - p);
        double away = y[i] ? -z : z; // how far on the wrong side
        loss += weight[i] * (away > 0 ? away + log1p(exp(-away)) : log1p(exp(away)));
        for (int a = 0; a < k; a++) {
            gradient[a] += u * row[a];
            for (int b = 0; b <= a; b++) h[a][b] += v * row[a] * row[b];
        }
    }
    return loss;
}

// Solves h step = gradient by Cholesky's factors, in place.
static void solve(matrix h, int k, const double *gradient, double *step) {
    for (int a = 0; a < k; a++) {
        for (int b = 0; b <= a; b++) {
            double sum = h[a][b];
            for (int c = 0; c < b; c++) sum -= h[a][c] * h[b][c];
            h[a][b] = a == b ? sqrt(sum) : sum / h[b][b];
        }
        step[a] = gradient[a];
        for (int c = 0; c < a; c++) step[a] -= h[a][c] * step[c];
        step[a] /= h[a][a];
    }
    for (int a = k - 1; a >= 0; a--) {
        for (int c = a + 1; c < k; c++) step[a] -= h[c][a] * step[c];
        step[a] /= h[a][a];
    }
}

void logistic_fit(const double *x, const bool *y, const double *weight, int64_t n, int k, double ridge, double *coefficient) {
    double gradient[LOGISTIC_MOST], step[LOGISTIC_MOST], at[LOGISTIC_MOST] = {0}, last = INFINITY;
    matrix h = {{0}};
    memset(coefficient, 0, (size_t)k * sizeof *coefficient);
    for (int i = 0; i < 60; i++) {
        double loss = derive(x, y, weight, n, k, ridge, at, gradient, h);
        if (loss > last) { // too far: half way back
            for (int a = 0; a < k; a++) at[a] = (at[a] + coefficient[a]) / 2;
            continue;
        }
        memcpy(coefficient, at, (size_t)k * sizeof *coefficient);
        if (last - loss <= 1e-9 * loss) return;
        last = loss;
        solve(h, k, gradient, step);
        for (int a = 0; a < k; a++) at[a] -= step[a];
    }
}
