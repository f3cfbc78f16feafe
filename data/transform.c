#include "data/transform.h"

#include <stdlib.h>
#include <string.h>

#include "data/transform_type.h"

static const transform_type *const TYPES[] = {&TRANSFORM_FLIP, &TRANSFORM_CROP, &TRANSFORM_COLOUR,
                                              &TRANSFORM_JPEG, &TRANSFORM_BLUR, &TRANSFORM_SCALE};
enum { N_TYPES = sizeof TYPES / sizeof *TYPES, DRAWS = 16 }; // room for the numbers of each step, so that no step's depend on another's

struct transform {
    int n;
    struct step {
        const transform_type *type;
        void *settings;
    } step[];
};

static foil_status find(const yaml_node *at, const char *name, const transform_type **out) {
    const char *known[N_TYPES + 1] = {0};
    for (int i = 0; i < N_TYPES; i++) {
        known[i] = TYPES[i]->name;
        if (strcmp(name, known[i]) == 0) {
            *out = TYPES[i];
            return FOIL_OK;
        }
    }
    return yaml_unknown(at, "transform", name, known);
}

// `flip`, or `jpeg: {…}`; `empty` is a map without keys.
static foil_status parse_step(const yaml_node *item, const yaml_node *empty, struct step *step) {
    const yaml_node *at = item, *map = empty;
    const char *name = yaml_text(item);
    if (yaml_kind_of(item) == YAML_MAP && yaml_length(item) == 1) {
        name = yaml_key(item, 0);
        at = yaml_key_node(item, 0);
        map = yaml_item(item, 0);
    }
    if (!name || !*name) return yaml_fail(item, "expected a transform: its name, or one name with its settings");
    TRY(find(at, name, &step->type));
    step->settings = calloc(1, step->type->size);
    if (!step->settings) return foil_fail_memory(step->type->size, "a transform");
    return keys_read(map, step->type->keys, step->settings, name);
}

foil_status transform_parse(const yaml_node *list, transform **out) {
    *out = NULL;
    if (list && yaml_kind_of(list) == YAML_SCALAR && !*yaml_text(list)) list = NULL;
    if (list && yaml_kind_of(list) != YAML_LIST) return yaml_fail(list, "expected a list of transforms");
    int n = list ? yaml_length(list) : 0;
    transform *t = calloc(1, sizeof *t + (size_t)n * sizeof *t->step);
    if (!t) return foil_fail_memory(sizeof *t, "transforms");
    yaml *nothing = NULL;
    foil_status s = n > 0 ? yaml_parse("", "defaults", &nothing) : FOIL_OK;
    for (; s == FOIL_OK && t->n < n; t->n++) s = parse_step(yaml_item(list, t->n), yaml_root(nothing), &t->step[t->n]);
    if (nothing) yaml_free(nothing);
    if (s != FOIL_OK) {
        transform_free(t);
        return s;
    }
    *out = t;
    return FOIL_OK;
}

void transform_free(transform *t) {
    if (!t) return;
    for (int i = 0; i < t->n; i++) free(t->step[i].settings);
    free(t);
}

foil_status transform_apply(const transform *t, image *im, philox_key k) {
    for (int i = 0; i < t->n; i++) {
        const struct step *step = &t->step[i];
        draws d = {k, (uint64_t)i * DRAWS};
        if (draw(&d, 0, 1) < *(const double *)step->settings) TRY(step->type->apply(step->settings, im, &d));
    }
    return FOIL_OK;
}

void transform_document(text *out) {
    for (int i = 0; i < N_TYPES; i++) {
        text_format(out, "### `%s`\n\n%s.\n\n", TYPES[i]->name, TYPES[i]->doc);
        keys_document(TYPES[i]->keys, out);
        if (i + 1 < N_TYPES) text_add(out, "\n");
    }
}
