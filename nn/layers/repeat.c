#include "nn/layers/repeat.h"

foil_status repeat_times(const repeat_keys *r, const yaml_node *at, int *times) {
    *times = (int)r->times;
    if (r->lists && yaml_kind_of(r->lists) != YAML_MAP)
        return yaml_fail(r->lists, "'for' is a %s, expected a map of lists: {width: [128, 256]}", yaml_kind_name(r->lists));
    for (int i = 0; r->lists && i < yaml_length(r->lists); i++) {
        const yaml_node *list = yaml_item(r->lists, i);
        if (yaml_kind_of(list) != YAML_LIST) return yaml_fail(list, "'%s' is %s, expected a list", yaml_key(r->lists, i), yaml_kind_name(list));
        int n = yaml_length(list);
        if (*times && n != *times) return yaml_fail(list, "'%s' has %d items, expected %d, one for each time", yaml_key(r->lists, i), n, *times);
        *times = n;
    }
    if (*times == 0) return yaml_fail(at, "repeat needs 'times', or 'for' with lists that are not empty");
    return FOIL_OK;
}

static const key KEYS[] = {
    {"times", KEY_INT, offsetof(repeat_keys, times), "0", .min = 0, .max = 256, .doc = "how often; 0 = as often as the lists of `for` have items"},
    {"for", KEY_NODE, offsetof(repeat_keys, lists), "",
     .doc =
         "lists by name, `{width: [128, 256]}`: in each repetition `$width` is the next item; `channels`, and names of a `repeat` around, are taken"},
    {"layers", KEY_NODE, offsetof(repeat_keys, layers), .doc = "what is repeated, in place: indices count on"},
    {0}};

const layer_type LAYER_REPEAT = {
    .name = "repeat", .doc = "The same layers several times, as if they were written out.", .keys = KEYS, .size = sizeof(repeat_keys)};
