#include "data/portion.h"

#include <math.h>
#include <string.h>

foil_status set_check_methods(const set *s, const key_texts *names, const yaml_node *at) {
    for (int i = 0; i < names->n; i++) {
        if (set_method_find(s, names->at[i]) >= 0) continue;
        text known = {0};
        for (int m = 0; m < set_methods(s); m++) text_format(&known, "%s%s", m ? ", " : "", set_method_name(s, m));
        foil_status status =
            yaml_fail(at, "the set has no method '%s' (it has: %s)", names->at[i], known.failed || !known.data ? "none" : known.data);
        text_free(&known);
        return status;
    }
    return FOIL_OK;
}

static bool is_one_of(const set *s, set_label label, const key_texts *names) {
    if (label.method < 0) return false;
    for (int i = 0; i < names->n; i++)
        if (strcmp(set_method_name(s, label.method), names->at[i]) == 0) return true;
    return false;
}

bool portion_has(const set *s, set_label label, const void *context) {
    const portion *p = context;
    return !p || !is_one_of(s, label, &p->without);
}

typedef struct wanted {
    const portion *portion;
    const key_texts *methods;
    bool fake;
} wanted;

static bool is_wanted(const set *s, set_label label, const void *context) {
    const wanted *w = context;
    if (label.fake != w->fake || !portion_has(s, label, w->portion)) return false;
    return !w->methods || w->methods->n == 0 || is_one_of(s, label, w->methods);
}

foil_status portion_select(const set *s, const portion *p, bool fake, const key_texts *methods, selection *out) {
    TRY(set_select(s, SPLIT_TRAIN, is_wanted, &(wanted){p, methods, fake}, out));
    if (!p || p->amount == 1) return FOIL_OK;
    double n = p->amount < 1 ? ceil(p->amount * (double)out->n) : p->amount;
    foil_status status = n < (double)out->n ? selection_thin(s, out, (int64_t)n) : FOIL_OK;
    if (status != FOIL_OK) selection_free(out);
    return status;
}
