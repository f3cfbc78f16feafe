#include "cli/calibration.h"

#include "base/text.h"

foil_status cli_threshold(const foil_detector *d, const option *o, double *out) {
    const char *name = o->text ? o->text : "eer";
    foil_status status = calibration_threshold(&detector_card_of(d)->calibration, name, out);
    if (status == FOIL_OK || !text_to_float(name, out)) return status;
    return *out >= 0 && *out <= 1 ? FOIL_OK
                                  : foil_fail(FOIL_INVALID, "%s '%s': a number from 0 to 1 was expected, or a threshold's name", o->name, name);
}

foil_status cli_prior(const char *by, foil_detector *d, double prior) {
    const calibration *c = &detector_card_of(d)->calibration;
    double before = c->prior;
    if (prior == 0) return FOIL_OK;
    TRY(detector_set_prior(d, prior));
    if (!cli_quiet())
        fprintf(stderr, "foil %s: scores assume that %.4g %% are fake instead of %.4g %%: log-odds shifted by %+.3f, thresholds along with them\n",
                by, 100 * prior, 100 * before, c->shift);
    return FOIL_OK;
}
