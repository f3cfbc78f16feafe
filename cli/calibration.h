// Options of the commands that use a detector's thresholds and prior.
#ifndef FOIL_CLI_CALIBRATION_H
#define FOIL_CLI_CALIBRATION_H

#include "cli/cli.h"
#include "eval/detector.h"

#define CLI_THRESHOLD_DOC "scores from it on are called fake: eer (default), fpr=0.01 …, or a number from 0 to 1"
#define CLI_PRIOR_DOC "the share of fakes that scores shall assume, where it is not that of the calibration's data"

// Whether it could be a threshold; false: message printed, EXIT_USAGE is due.
bool cli_threshold_sound(const char *by, const option *o);
// Then, the detector's threshold by that name, which it may lack, or the number; no option: eer.
foil_status cli_threshold(const foil_detector *d, const option *o, double *out);
// Sets the detector's prior, and says so on stderr; 0: nothing.
foil_status cli_prior(const char *by, foil_detector *d, double prior);

#endif
