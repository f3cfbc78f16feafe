// The parametric fits of calibrate.h.
#ifndef FOIL_EVAL_CALIBRATE_FIT_H
#define FOIL_EVAL_CALIBRATE_FIT_H

#include <stdbool.h>
#include <stdint.h>

double sigmoid(double z);

// The temperature of least log-loss, bounded as calibrate.h says. Both classes must be there.
double fit_temperature(const double *logit, const bool *fake, int64_t n);

// Platt's targets of reals and fakes: 1 / (reals + 2), (fakes + 1) / (fakes + 2).
void platt_targets(int64_t reals, int64_t fakes, double target[2]);
// sigmoid(logit / temperature + bias) of least log-loss against these targets.
void fit_platt(const double *logit, const bool *fake, int64_t n, const double target[2], double *temperature, double *bias);

#endif
