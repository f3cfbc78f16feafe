// What a baseline of cues looks at, and what it makes of it.
#include "cli/inspect.h"

void inspect_print_cues(const cue_model *m) {
    char name[64];
    printf("%-28s %12s %12s %10s\n", "cue", "mean", "deviation", "weight");
    for (int i = 0; i < m->n; i++)
        printf("%-28s %12.4g %12.4g %+10.4f\n", cue_feature_name(i, name), (double)m->mean[i], (double)m->scale[i], (double)m->weight[i]);
    printf("%-28s %12s %12s %+10.4f\n", "bias", "", "", (double)m->bias);
    printf("\nlogit = bias + sum of weight x (value - mean) / deviation, each kept in -5 ... 5, 0 where a value is missing; > 0 = fake\n");
}

json_t *inspect_cues_json(const cue_model *m) {
    json_t *list = json_array();
    char name[64];
    for (int i = 0; i < m->n; i++)
        json_array_append_new(list, json_pack("{ss sf sf sf}", "name", cue_feature_name(i, name), "mean", (double)m->mean[i], "deviation",
                                              (double)m->scale[i], "weight", (double)m->weight[i]));
    return json_pack("{so sf}", "cues", list, "bias", (double)m->bias);
}
