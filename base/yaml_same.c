#include <string.h>

#include "base/text.h"
#include "base/yaml.h"

typedef struct comparison {
    const char *free, *what;
} comparison;

static void describe(const yaml_node *n, text *out) {
    if (yaml_kind_of(n) == YAML_SCALAR) {
        text_format(out, "'%s'", yaml_text(n));
    } else if (yaml_kind_of(n) == YAML_MAP) {
        text_add(out, "{");
        for (int i = 0; i < yaml_length(n); i++) text_format(out, "%s%s", i ? ", " : "", yaml_key(n, i));
        text_add(out, "}");
    } else {
        text_add(out, "[");
        for (int i = 0; i < yaml_length(n); i++) {
            text_add(out, i ? ", " : "");
            describe(yaml_item(n, i), out);
        }
        text_add(out, "]");
    }
}

static foil_status differ(const comparison *c, const yaml_node *now, const yaml_node *before, const char *path) {
    if (!now || !before) return foil_fail(FOIL_INVALID, "%s is %s, unlike when %s began", path, now ? "set" : "not set", c->what);
    text t = {0};
    text_format(&t, "%s is ", path);
    describe(now, &t);
    text_format(&t, ", but %s began with ", c->what);
    describe(before, &t);
    foil_status status = t.failed ? foil_fail_memory(t.length, "a difference") : foil_fail(FOIL_INVALID, "%s", t.data);
    text_free(&t);
    return status;
}

// Each key of either map, or each item of two lists of one length; those keys of `before` that `now` has were compared in the first round.
static foil_status compare(const comparison *c, const yaml_node *now, const yaml_node *before, const char *path) {
    if (c->free && strcmp(path, c->free) == 0) return FOIL_OK;
    if (!now || !before || yaml_kind_of(now) != yaml_kind_of(before)) return differ(c, now, before, path);
    if (yaml_kind_of(now) == YAML_SCALAR) return strcmp(yaml_text(now), yaml_text(before)) == 0 ? FOIL_OK : differ(c, now, before, path);
    bool map = yaml_kind_of(now) == YAML_MAP;
    if (!map && yaml_length(now) != yaml_length(before)) return differ(c, now, before, path);
    for (int round = 0; round < (map ? 2 : 1); round++) {
        const yaml_node *of = round ? before : now;
        for (int i = 0; i < yaml_length(of); i++) {
            text inner = {0};
            if (map) {
                text_format(&inner, "%s%s%s", path, *path ? "." : "", yaml_key(of, i));
            } else {
                text_format(&inner, "%s[%d]", path, i);
            }
            const yaml_node *a = map ? yaml_get(now, yaml_key(of, i)) : yaml_item(now, i);
            const yaml_node *b = map ? yaml_get(before, yaml_key(of, i)) : yaml_item(before, i);
            foil_status status = inner.failed ? foil_fail_memory(64, "a key") : round && a ? FOIL_OK : compare(c, a, b, inner.data);
            text_free(&inner);
            TRY(status);
        }
    }
    return FOIL_OK;
}

foil_status yaml_same(const yaml_node *now, const yaml_node *before, const char *free, const char *what) {
    return compare(&(comparison){free, what}, now, before, "");
}
