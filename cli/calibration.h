// Options of the commands that use a detector's thresholds and prior.
#ifndef FOIL_CLI_CALIBRATION_H
#define FOIL_CLI_CALIBRATION_H

#include "cli/cli.h"
#include "eval/detector.h"

#define CLI_THRESHOLD_DOC "scores from it on are called fake: eer (default), fpr=0.01 …, or a number from 0 to 1"
#define CLI_PRIOR_DOC "the share of fakes that scores shall assume, where it is not that of the calibration's data"

// Both print what is wrong and give the exit status with false; `by` is the command.

// A detector's threshold by name, or a number. No option: eer.
bool cli_threshold(const char *by, const foil_detector *d, const option *o, double *out, int *status);
// Sets the detector's prior, and says so on stderr. No option: nothing.
bool cli_prior(const char *by, foil_detector *d, const option *o, int *status);

#endif
