#include "nn/layers/read.h"

#include <stdlib.h>
#include <string.h>

#include "nn/layers/repeat.h"

static foil_status no_memory(void) {
    return foil_fail(FOIL_MEMORY, "out of memory for the layers of a network");
}

static const layer_type *find_type(const char *name) {
    for (int i = 0; LAYER_TYPES[i]; i++) {
        if (strcmp(LAYER_TYPES[i]->name, name) == 0) return LAYER_TYPES[i];
    }
    return NULL;
}

static foil_status unknown_layer(const yaml_node *at, const char *name) {
    const char *names[64] = {0};
    for (int i = 0; LAYER_TYPES[i] && i < 63; i++) names[i] = LAYER_TYPES[i]->name;
    return yaml_unknown(at, "layer", name, names);
}

// An item is `type`, or a map of one key, `type: keys`.
static foil_status read_type(const yaml_node *item, const layer_type **type, const yaml_node **keys) {
    const char *name = yaml_text(item);
    const yaml_node *place = item;
    *keys = NULL;
    if (yaml_kind_of(item) == YAML_MAP && yaml_length(item) == 1) {
        name = yaml_key(item, 0);
        place = yaml_key_node(item, 0);
        *keys = yaml_item(item, 0);
    }
    if (!name) return yaml_fail(item, "expected a layer: a map with one key, its type; this is a %s of %d", yaml_kind_name(item), yaml_length(item));
    *type = find_type(name);
    return *type ? FOIL_OK : unknown_layer(place, name);
}

// Keys -------------------------------------------------------------------------------------------------------------------------------------------

enum { MAX_KEYS = 24 };

// The type's own keys and `name`, which every layer takes: a field after the type's struct.
static foil_status read_keys(layer_reader *r, const layer_type *type, const yaml_node *item, const yaml_node *map, void **keys, const char **name) {
    size_t name_at = (type->size + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);
    key table[MAX_KEYS + 2] = {{0}};
    int n = 0;
    for (const key *k = type->keys; k->name; k++) table[n++] = *k;
    table[n] = (key){"name", KEY_TEXT, name_at, "", .doc = "replaces the layer's index in the names of its parameters"};
    *keys = arena_alloc(r->memory, name_at + sizeof(char *));
    if (!*keys) return no_memory();
    yaml *nothing = NULL;
    if (map && n == 0 && yaml_text(map) && *yaml_text(map)) return yaml_fail(map, "%s takes no value", type->name);
    if (!map) TRY(yaml_parse("", "", &nothing));
    foil_status status = keys_read(map ? map : yaml_root(nothing), table, *keys, type->name);
    yaml_free(nothing);
    if (status == FOIL_INVALID && !map) return yaml_fail(item, "%s needs keys, of which '%s' is required", type->name, type->keys->name);
    *name = *(const char **)((char *)*keys + name_at);
    return status;
}

// Branches ---------------------------------------------------------------------------------------------------------------------------------------

static foil_status add_branch(layer_reader *r, layer *l, const yaml_node *list, const char *path) {
    if (l->branches == MAX_BRANCHES) return yaml_fail(list, "more than %d branches", MAX_BRANCHES);
    layer_list *branch = arena_alloc(r->memory, sizeof *branch);
    if (!branch || !path) return no_memory();
    l->branch[l->branches++] = branch;
    return list ? layers_read(r, list, path, branch) : FOIL_OK;
}

static foil_status add_branches(layer_reader *r, layer *l, const yaml_node *lists, const char *name) {
    if (yaml_kind_of(lists) != YAML_LIST || yaml_length(lists) == 0)
        return yaml_fail(lists, "'%s' is a %s of %d, expected a list of lists of layers", name, yaml_kind_name(lists), yaml_length(lists));
    for (int i = 0; i < yaml_length(lists); i++) TRY(add_branch(r, l, yaml_item(lists, i), arena_format(r->memory, "%s.%s.%d", l->path, name, i)));
    return FOIL_OK;
}

static foil_status read_branches(layer_reader *r, layer *l) {
    for (const key *k = l->type->keys; k->name; k++) {
        if (k->type != KEY_NODE) continue;
        const yaml_node *value = *(const yaml_node *const *)((const char *)l->keys + k->offset);
        if (l->type->branches == LIST_OF_BRANCHES)
            TRY(add_branches(r, l, value, k->name));
        else
            TRY(add_branch(r, l, value, arena_format(r->memory, "%s.%s", l->path, k->name)));
    }
    return FOIL_OK;
}

// Lists ------------------------------------------------------------------------------------------------------------------------------------------

typedef struct growing {
    layer_list list;
    int capacity;
    const char *path;
} growing;

static foil_status append(layer_reader *r, growing *to, const layer *l, const yaml_node *item) {
    for (int i = 0; i < to->list.n; i++) {
        if (strcmp(to->list.at[i].path, l->path) == 0) return yaml_fail(item, "a second layer by the name '%s'", l->path);
    }
    if (to->list.n == to->capacity) {
        int capacity = 2 * to->capacity + 16;
        layer *more = arena_alloc(r->memory, (size_t)capacity * sizeof *more);
        if (!more) return no_memory();
        if (to->list.n > 0) memcpy(more, to->list.at, (size_t)to->list.n * sizeof *more);
        to->list.at = more;
        to->capacity = capacity;
    }
    to->list.at[to->list.n++] = *l;
    return FOIL_OK;
}

foil_status layer_name_check(const yaml_node *at, const char *name) {
    if (*name && !strchr(name, '.')) return FOIL_OK;
    return yaml_fail(at, "the name '%s': expected one or more characters and no dot, which parts the names of parameters", name);
}

static foil_status read_list(layer_reader *r, const yaml_node *list, growing *to);

typedef struct repeated {
    const yaml_node *lists; // or NULL
    const struct repeated *around;
} repeated;

// A name has its value before a `repeat` within sees it: a list of the same name would not be read.
static foil_status check_names(const layer_reader *r, const yaml_node *lists) {
    for (int i = 0; lists && i < yaml_length(lists); i++) {
        const char *name = yaml_key(lists, i);
        bool taken = strcmp(name, "channels") == 0;
        for (const repeated *a = r->around; a && !taken; a = a->around) taken = a->lists && yaml_get(a->lists, name);
        if (taken) return yaml_fail(yaml_key_node(lists, i), "'$%s' has a value here already, expected another name", name);
    }
    return FOIL_OK;
}

static foil_status unroll(layer_reader *r, const repeat_keys *repeat, const yaml_node *at, growing *to) {
    int times;
    TRY(repeat_times(repeat, at, &times));
    TRY(check_names(r, repeat->lists));
    const repeated here = {repeat->lists, r->around};
    r->around = &here;
    foil_status status = FOIL_OK;
    for (int i = 0; status == FOIL_OK && i < times; i++) {
        const yaml_node *layers = repeat->layers;
        if (repeat->lists) status = yaml_substitute(layers, repeat->lists, i, &layers);
        if (status == FOIL_OK) status = read_list(r, layers, to);
    }
    r->around = here.around;
    return status;
}

static foil_status read_layer(layer_reader *r, const yaml_node *item, growing *to) {
    const yaml_node *map;
    const layer_type *type;
    void *keys;
    const char *name = NULL;
    TRY(read_type(item, &type, &map));
    TRY(read_keys(r, type, item, map, &keys, &name));
    if (name) TRY(layer_name_check(item, name));
    if (!type->build) return unroll(r, keys, item, to);
    layer l = {.type = type, .keys = keys, .id = r->n++};
    l.label = arena_format(r->memory, "%s %s", yaml_place(item), type->name);
    l.path = name ? arena_format(r->memory, "%s.%s", to->path, name) : arena_format(r->memory, "%s.%d", to->path, to->list.n);
    if (!l.label || !l.path) return no_memory();
    if (r->n > MAX_LAYERS) return yaml_fail(item, "more than %d layers", MAX_LAYERS);
    if (type->branches) TRY(read_branches(r, &l));
    return append(r, to, &l, item);
}

static foil_status read_list(layer_reader *r, const yaml_node *list, growing *to) {
    if (yaml_kind_of(list) != YAML_LIST) return yaml_fail(list, "a %s, expected a list of layers", yaml_kind_name(list));
    for (int i = 0; i < yaml_length(list); i++) TRY(read_layer(r, yaml_item(list, i), to));
    return FOIL_OK;
}

foil_status layers_read(layer_reader *r, const yaml_node *list, const char *path, layer_list *out) {
    growing to = {.path = path};
    TRY(read_list(r, list, &to));
    *out = to.list;
    return FOIL_OK;
}
