// What `foil inspect` says of a set's shortcuts.
#include <math.h>
#include <string.h>

#include "cli/inspect.h"
#include "eval/json.h"
#include "eval/shortcuts.h"

static const char *side_words(file_property by, property_side side, char out[96]) {
    const char *const *words = PROPERTY_TYPES[by].words;
    if (words)
        snprintf(out, 96, "%s %.0f %%", words[(int)side.typical], 100 * side.low);
    else if (side.low == side.high)
        snprintf(out, 96, "%.4g", side.typical);
    else
        snprintf(out, 96, "%.4g (%.4g to %.4g)", side.typical, side.low, side.high);
    return out;
}

static void print_difference(const set *s, file_property by, const property_difference *d) {
    char real[96], fake[96];
    bool method = d->methods > 0 && !(d->all >= d->worst_accuracy - .05); // some method gives itself away where all fakes together don't
    const char *who = method ? set_method_name(s, d->worst) : "fakes";
    printf("WARNING      %s tells %s from reals in %.0f %% of cases: reals %s, %s %s", PROPERTY_TYPES[by].name, who,
           floor(100 * (method ? d->worst_accuracy : d->all)), side_words(by, d->real, real), who,
           side_words(by, method ? d->worst_side : d->fake, fake));
    if (method && d->methods > 1) printf("; %d more methods differ", d->methods - 1);
    putchar('\n');
}

static bool solved(const shortcut_findings *f) {
    return f->judged && f->auc.value >= .6 && f->auc.low > .5;
}

void inspect_print_shortcuts(const set *s, const shortcut_findings *f) {
    char number[32];
    int notable = 0;
    printf("\nshortcuts    ");
    if (f->known == 0) {
        puts("can't be checked: the set does not say what its files were (pack it again, from the files)");
        return;
    }
    printf("%s files compared by their properties alone", inspect_number(f->known, number));
    if (f->looked < set_count(s)) printf(", evenly through the set");
    if (f->known < f->looked) printf("; of %s more they aren't known", inspect_number(f->looked - f->known, number));
    putchar('\n');
    if (!f->judged) {
        printf("             too few to judge: %d of each class are needed\n", SHORTCUT_LEAST);
        return;
    }
    for (int by = 0; by < FILE_PROPERTIES; by++) {
        if (f->difference[by].notable) print_difference(s, (file_property)by, &f->difference[by]);
        notable += f->difference[by].notable;
    }
    if (solved(f))
        printf("WARNING      this set can be solved at an AUC of %.2f (%.2f to %.2f) without a look at the content\n", f->auc.value, f->auc.low,
               f->auc.high);
    else if (isnan(f->auc.low))
        printf("             a regression on them reaches an AUC of %.2f; how sure that is can't be told from fewer than %d clips of a class\n",
               f->auc.value, INTERVAL_CLIPS);
    else
        printf("             a regression on them reaches an AUC of %.2f (%.2f to %.2f)%s\n", f->auc.value, f->auc.low, f->auc.high,
               notable ? "" : ": none was found");
}

static json_t *side_json(file_property by, property_side side) {
    const char *const *words = PROPERTY_TYPES[by].words;
    if (isnan(side.typical)) return json_null();
    if (words) return json_pack("{ss sf}", "most", words[(int)side.typical], "share", side.low);
    return json_pack("{sf sf sf}", "median", side.typical, "low", side.low, "high", side.high);
}

static json_t *difference_json(const set *s, file_property by, const property_difference *d) {
    return json_pack("{ss sb so so so so* so si}", "property", PROPERTY_TYPES[by].name, "warning", d->notable, "accuracy", number_json(d->all),
                     "real", side_json(by, d->real), "fake", side_json(by, d->fake), "worst_method",
                     d->worst < 0 ? NULL : text_json(set_method_name(s, d->worst)), "worst_accuracy", number_json(d->worst_accuracy), "methods",
                     d->methods);
}

json_t *inspect_shortcuts_json(const set *s, const shortcut_findings *f) {
    json_t *differences = json_array(), *auc = json_null();
    for (int by = 0; f->judged && by < FILE_PROPERTIES; by++)
        json_array_append_new(differences, difference_json(s, (file_property)by, &f->difference[by]));
    if (f->judged)
        auc = json_pack("{so so so}", "value", number_json(f->auc.value), "low", number_json(f->auc.low), "high", number_json(f->auc.high));
    return json_pack("{sI sI sb so so}", "files", (json_int_t)f->known, "looked_at", (json_int_t)f->looked, "warning", solved(f), "auc", auc,
                     "properties", differences);
}
