// What `foil inspect` says of pictures that are in two splits.
#include "cli/inspect.h"

static foil_status print_example(const set *s, const int64_t pair[2]) {
    arena texts = {0};
    set_source a, b;
    foil_status status = set_source_at(s, pair[0], &texts, &a);
    if (status == FOIL_OK) status = set_source_at(s, pair[1], &texts, &b);
    if (status == FOIL_OK)
        printf("             %s (%s) is like %s (%s)\n", a.path, SPLIT_NAMES[set_label_at(s, pair[0]).split], b.path,
               SPLIT_NAMES[set_label_at(s, pair[1]).split]);
    arena_free(&texts);
    return status;
}

foil_status inspect_print_near(const set *s, const near_duplicates *d) {
    char a[32], b[32], c[32], e[32];
    printf("\nsplits       %s pictures compared%s", inspect_number(d->looked, a), d->looked < set_count(s) ? ", evenly through the set" : "");
    if (d->val + d->test == 0) {
        puts(": none in val or test is nearly one of an earlier split");
        return FOIL_OK;
    }
    printf("\nWARNING      near-duplicates across splits: %s of %s pictures in val, %s of %s in test, are nearly one of an earlier split\n",
           inspect_number(d->val, a), inspect_number(d->of_val, b), inspect_number(d->test, c), inspect_number(d->of_test, e));
    for (int64_t i = 0; i < d->shown; i++) TRY(print_example(s, d->example[i]));
    return FOIL_OK;
}

json_t *inspect_near_json(const near_duplicates *d) {
    json_t *examples = json_array();
    for (int64_t i = 0; i < d->shown; i++)
        json_array_append_new(examples, json_pack("[II]", (json_int_t)d->example[i][0], (json_int_t)d->example[i][1]));
    return json_pack("{sI sI sI so}", "looked_at", (json_int_t)d->looked, SPLIT_NAMES[SPLIT_VAL], (json_int_t)d->val, SPLIT_NAMES[SPLIT_TEST],
                     (json_int_t)d->test, "examples", examples);
}
