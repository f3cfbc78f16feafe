// A detector's calibration in plain words: how scores come about, what they assume, and what its thresholds rest on.
#include <stdlib.h>

#include "cli/inspect.h"

static void print_method(const calibration *c) {
    if (c->reals + c->fakes == 0) {
        printf("calibration  none: score = sigmoid(logit)\n");
        return;
    }
    printf("calibration  %s, on %lld reals and %lld fakes: score = ", CALIBRATION_NAMES[c->method], (long long)c->reals, (long long)c->fakes);
    if (c->method == CALIBRATION_ISOTONIC)
        printf("a line through %d knots, probability %.4f to %.4f\n", c->knots.n, c->knots.y[0], c->knots.y[c->knots.n - 1]);
    else if (c->bias != 0)
        printf("sigmoid(logit / %.4f %c %.4f)\n", c->temperature, c->bias < 0 ? '-' : '+', c->bias < 0 ? -c->bias : c->bias);
    else
        printf("sigmoid(logit / %.4f)\n", c->temperature);
    double share = 100 * (double)c->fakes / (double)(c->reals + c->fakes);
    if (c->shift == 0)
        printf("prior        scores assume that %.3g %% are fake, as among these\n", share);
    else
        printf("prior        scores assume that %.3g %% are fake; among these %.3g %% were (log-odds shifted by %+.3f)\n", 100 * c->prior, share,
               c->shift);
}

static void print_threshold(const calibration *c, const operating_point *t) {
    text name = {0};
    threshold_name(t, &name);
    printf("threshold    %-10s %.6f", name.failed ? "" : name.data, t->score);
    text_free(&name);
    if (t->false_alarms >= 0 && c->reals)
        printf("  %lld of %lld reals reach it: the real rate is at most %.3g %% (at 95 %%)", (long long)t->false_alarms, (long long)c->reals,
               100 * proportion_limit(t->false_alarms, c->reals));
    else if (t->fpr > 0 && c->reals < reals_needed(t->fpr))
        printf("  by an older version: %lld reals can't back it, at least %lld are needed", (long long)c->reals, (long long)reals_needed(t->fpr));
    putchar('\n');
}

static bool has(const calibration *c, double fpr) {
    for (int t = 0; t < c->thresholds; t++)
        if (c->threshold[t].fpr == fpr) return true;
    return false;
}

void inspect_print_calibration(const calibration *c) {
    print_method(c);
    for (int t = 0; t < c->thresholds; t++) print_threshold(c, &c->threshold[t]);
    for (int i = 0; i < STANDARD_FPRS; i++) {
        double fpr = STANDARD_FPR[i];
        if (!has(c, fpr) && c->reals < reals_needed(fpr))
            printf("no threshold fpr=%-6g %lld reals can't back it: at least %lld are needed\n", fpr, (long long)c->reals,
                   (long long)reals_needed(fpr));
    }
}

json_t *inspect_calibration_json(const calibration *c) {
    json_t *scores = json_object(), *false_alarms = json_object(), *limits = json_object();
    for (int t = 0; t < c->thresholds; t++) {
        text name = {0};
        threshold_name(&c->threshold[t], &name);
        if (!name.failed) {
            json_object_set_new(scores, name.data, json_real(c->threshold[t].score));
            bool known = c->threshold[t].false_alarms >= 0 && c->reals;
            json_object_set_new(false_alarms, name.data, known ? json_integer(c->threshold[t].false_alarms) : json_null());
            json_object_set_new(limits, name.data, known ? json_real(proportion_limit(c->threshold[t].false_alarms, c->reals)) : json_null());
        }
        text_free(&name);
    }
    return json_pack("{ss sf sf si sI sI sf sf so so so}", "method", CALIBRATION_NAMES[c->method], "temperature", c->temperature, "bias", c->bias,
                     "knots", c->knots.n, "reals", (json_int_t)c->reals, "fakes", (json_int_t)c->fakes, "prior", c->prior, "shift", c->shift,
                     "thresholds", scores, "false_alarms", false_alarms, "fpr_limits", limits);
}
