#include "cli/calibration.h"

#include "base/text.h"

bool cli_threshold(const char *by, const foil_detector *d, const option *o, double *out, int *status) {
    const char *name = o->text ? o->text : "eer";
    if (calibration_threshold(&detector_card_of(d)->calibration, name, out) == FOIL_OK) return true;
    double number;
    if (text_to_float(name, &number)) {
        *out = number;
        if (number >= 0 && number <= 1) return true;
        *status = cli_usage(by, "%s '%s': a number from 0 to 1 was expected, or a threshold's name", o->name, name);
    } else {
        *status = text_starts(name, "fpr=") ? cli_failed(by) : cli_usage(by, "%s '%s': %s", o->name, name, foil_error());
    }
    return false;
}

bool cli_prior(const char *by, foil_detector *d, const option *o, int *status) {
    double prior = 0;
    *status = EXIT_USAGE;
    if (!o->text) return true;
    if (!cli_float(o, PRIOR_LEAST, 1 - PRIOR_LEAST, &prior)) return false;
    const calibration *c = &detector_card_of(d)->calibration;
    double before = c->prior;
    if (detector_set_prior(d, prior) != FOIL_OK) {
        *status = cli_failed(by);
        return false;
    }
    if (!cli_quiet())
        fprintf(stderr, "foil %s: scores assume that %.4g %% are fake instead of %.4g %%: log-odds shifted by %+.3f, thresholds along with them\n",
                by, 100 * prior, 100 * before, c->shift);
    return true;
}
