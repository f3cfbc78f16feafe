#include "cli/calibration.h"

#include <string.h>

#include "base/text.h"

bool cli_threshold_sound(const char *by, const option *o) {
    double v;
    if (!o->text || strcmp(o->text, "eer") == 0) return true;
    const bool rate = text_starts(o->text, "fpr=");
    if (text_to_float(o->text + (rate ? strlen("fpr=") : 0), &v) && (rate ? v > 0 && v < 1 : v >= 0 && v <= 1)) return true;
    cli_usage(by, "%s '%s': eer, fpr=RATE or a number from 0 to 1 was expected", o->name, o->text);
    return false;
}

foil_status cli_threshold(const foil_detector *d, const option *o, double *out) {
    const char *name = o->text ? o->text : "eer";
    foil_status status = calibration_threshold(&detector_card_of(d)->calibration, name, out);
    return text_to_float(name, out) ? FOIL_OK : status;
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
