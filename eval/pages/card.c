// A detector's card: what it is, what it learnt from, how its scores and thresholds came about, and what they cannot say.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/pages/evaluation.h"

// Formatted text, as JSON.
static json_t *words(const char *format, ...) __attribute__((format(printf, 1, 2)));
static json_t *words(const char *format, ...) {
    char *s;
    va_list list;
    va_start(list, format);
    int n = vasprintf(&s, format, list);
    va_end(list);
    if (n < 0) return NULL;
    json_t *json = text_json(s);
    free(s);
    return json;
}

static void add_input(json_t *card, const foil_detector *d, const detector_card *c) {
    const shape in = detector_input(d);
    json_put(card, "input",
             words("%lld × %lld, %s; %s, %s", (long long)in.d[0], (long long)in.d[1], in.d[2] == 1 ? "grey" : "RGB", FIT_NAMES[c->fit],
                   RESIZE_NAMES[c->filter]));
}

// The weight of each cue, once standardised: > 0 = speaks for a fake.
static void add_cues(json_t *card, const cue_model *m) {
    if (!m) return;
    char name[64];
    json_t *cues = json_object();
    for (int i = 0; i < m->n; i++) json_put(cues, cue_feature_name(i, name), json_real((double)m->weight[i]));
    json_put(card, "cues", cues);
}

static void add_calibration(json_t *card, const calibration *c) {
    if (c->reals + c->fakes == 0) {
        json_put(card, "calibration", json_string("none: scores are no probabilities"));
        return;
    }
    json_put(card, "calibration", words("%s, on %lld reals and %lld fakes", CALIBRATION_NAMES[c->method], (long long)c->reals, (long long)c->fakes));
    json_put(card, "prior",
             words("scores assume that %.3g %% of what is judged is fake%s", 100 * c->prior, c->shift == 0 ? ", as of those" : ", as was set"));
}

static void add_thresholds(json_t *card, const calibration *c) {
    json_t *all = json_object();
    for (int t = 0; t < c->thresholds; t++) {
        const operating_point *p = &c->threshold[t];
        text name = {0};
        threshold_name(p, &name);
        json_t *says = p->false_alarms < 0 || c->reals == 0
                           ? words("%.4f", p->score)
                           : words("%.4f; %lld of %lld reals reach it: of such reals fewer than %.3g %% would (at 95 %%)", p->score,
                                   (long long)p->false_alarms, (long long)c->reals, 100 * proportion_limit(p->false_alarms, c->reals));
        json_put(all, name.failed ? NULL : name.data, says);
        text_free(&name);
    }
    json_put(card, "thresholds", all);
}

// "generator 50 %, replay 50 %"
static json_t *forgers_json(const json_t *forgers) {
    size_t i;
    const json_t *one;
    json_t *list = json_array();
    json_array_foreach(forgers, i, one) {
        const char *name = json_string_value(json_object_get(one, "forger"));
        if (name) json_push(list, words("%s %.3g %%", name, 100 * json_number_value(json_object_get(one, "share"))));
    }
    return list;
}

// Under the names that people use; `forgers` as words; whatever else a card tells, as it is.
static void add_provenance(json_t *card, const json_t *from) {
    static const char *const NAMES[][2] = {
        {"set", "trained on"}, {"methods", "pictures of"}, {"step", "training step"}, {"validation", "on validation"}};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)from, key, value) {
        const char *name = key;
        for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
            if (!strcmp(key, NAMES[i][0])) name = NAMES[i][1];
        if (!strcmp(key, "forgers"))
            json_put(card, name, forgers_json(value));
        else if (strcmp(key, "config") != 0)
            json_put(card, name, json_incref(value));
    }
}

static void add_limits(json_t *card, const calibration *c) {
    json_t *limits = json_array();
    for (int i = 0; i < STANDARD_FPRS && c->reals > 0; i++)
        if (c->reals < reals_needed(STANDARD_FPR[i]))
            json_push(limits, words("no threshold for a false positive rate of %g %%: %lld reals cannot back it, %lld are needed",
                                    100 * STANDARD_FPR[i], (long long)c->reals, (long long)reals_needed(STANDARD_FPR[i])));
    json_push(limits, json_string("what it says of sources and methods that are not named here has to be measured first"));
    json_put(card, "limits", limits);
}

static json_t *provenance_of(const judge *j) {
    const char *told = j->detector ? detector_card_of(j->detector)->provenance : NULL;
    return told ? json_loads(told, 0, NULL) : NULL;
}

json_t *page_card(const judge *j) {
    json_t *card = json_object(), *from = provenance_of(j);
    if (j->detector) {
        const detector_card *c = detector_card_of(j->detector);
        json_put(card, "kind", json_string(j->kind == JUDGE_CUES ? "regression on cues" : "network"));
        add_input(card, j->detector, c);
        add_cues(card, detector_cues(j->detector));
        add_provenance(card, from);
        add_calibration(card, &c->calibration);
        add_thresholds(card, &c->calibration);
        add_limits(card, &c->calibration);
        if (json_object_get(from, "config")) json_put(card, "settings of the training", json_incref(json_object_get(from, "config")));
    }
    json_decref(from);
    return card;
}

const char *page_seen(const evaluation *e, const judge *j) {
    json_t *from = provenance_of(j);
    const char *own = json_string_value(json_object_get(from, "fingerprint"));
    const char *seen = !own || !*e->fingerprint ? NULL : strcmp(own, e->fingerprint) != 0 ? "other" : e->split;
    json_decref(from);
    return seen;
}

bool page_calibrated(const evaluation *e, const judge *j) {
    json_t *from = provenance_of(j);
    const char *of = NULL, *split = NULL;
    json_unpack(json_object_get(from, "calibrated"), "{s:s, s:s}", "fingerprint", &of, "split", &split);
    bool own = of && split && *of && strcmp(of, e->fingerprint) == 0;
    bool calibrated = own && (strcmp(split, e->split) == 0 || strcmp(split, "all") == 0 || strcmp(e->split, "all") == 0);
    json_decref(from);
    return calibrated;
}
