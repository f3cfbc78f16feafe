#define FOIL_YAML_DEFINED_HERE
#include "base/yaml.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/text.h"

// libfyaml's events are turned into a tree of our own: it keeps the place of everything and can be changed by yaml_set.
struct yaml_node {
    yaml *doc;
    yaml_kind kind;
    const char *place;
    size_t position;  // in the source, of what `place` says
    const char *text; // scalars
    bool plain;       // not quoted in the source
    bool flow;        // a list or map written as […] or {…}
    int n, capacity;
    yaml_node **item;
    yaml_node **key; // maps
};

struct yaml {
    arena memory;
    yaml_node *root;
};

enum { MAX_DEPTH = 64, MAX_FILE = 4 << 20, MAX_ITEMS = 1 << 16 };

// Building -------------------------------------------------------------------------------------------------------------------------------------

typedef struct reader {
    yaml *doc;
    const char *name;
    bool override; // the text of a yaml_set: places are its name alone
    struct fy_parser *parser;
    struct fy_diag *diag;
    int depth;
    const char *around; // the place of what is left empty, and so is nowhere in the source: its key's, its list's; NULL: the document's
} reader;

static foil_status no_memory(void) {
    return foil_fail(FOIL_MEMORY, "out of memory for a YAML document");
}

static const char *place_of(reader *r, struct fy_token *token) {
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (r->override || !mark) return r->around ? r->around : arena_text(&r->doc->memory, r->name);
    return arena_format(&r->doc->memory, "%s:%d:%d", r->name, mark->line + 1, mark->column + 1);
}

static size_t position_of(struct fy_token *token) {
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark ? mark->input_pos : 0;
}

static yaml_node *new_node(yaml *doc, yaml_kind kind, const char *place) {
    yaml_node *n = arena_alloc(&doc->memory, sizeof *n);
    if (n) *n = (yaml_node){.doc = doc, .kind = kind, .place = place};
    return n;
}

static foil_status append(yaml_node *to, yaml_node *key, yaml_node *item) {
    if (to->n == MAX_ITEMS) return yaml_fail(item, "more than %d items", MAX_ITEMS);
    if (to->n == to->capacity) {
        int capacity = 2 * to->capacity + 8;
        yaml_node **keys = arena_alloc(&to->doc->memory, (size_t)capacity * sizeof *keys);
        yaml_node **items = arena_alloc(&to->doc->memory, (size_t)capacity * sizeof *items);
        if (!keys || !items) return no_memory();
        if (to->n > 0) {
            memcpy(keys, to->key, (size_t)to->n * sizeof *keys);
            memcpy(items, to->item, (size_t)to->n * sizeof *items);
        }
        to->key = keys;
        to->item = items;
        to->capacity = capacity;
    }
    to->key[to->n] = key;
    to->item[to->n++] = item;
    return FOIL_OK;
}

// libfyaml's first collected message.
static foil_status syntax_error(reader *r) {
    void *cursor = NULL;
    const struct fy_diag_error *e = fy_diag_errors_iterate(r->diag, &cursor);
    if (!e || !e->msg) return foil_fail(FOIL_INVALID, "%s: not readable as YAML", r->name);
    if (r->override || e->line < 1) return foil_fail(FOIL_INVALID, "%s: %s", r->name, e->msg);
    return foil_fail(FOIL_INVALID, "%s:%d:%d: %s", r->name, e->line, e->column, e->msg);
}

static foil_status read_scalar(reader *r, struct fy_token *token, yaml_node **out) {
    yaml_node *n = new_node(r->doc, YAML_SCALAR, place_of(r, token));
    size_t length = 0;
    const char *source = token ? fy_token_get_text(token, &length) : "";
    char *copy = arena_alloc(&r->doc->memory, length + 1);
    if (!n || !n->place || !copy || !source) return no_memory();
    if (length > 0) memcpy(copy, source, length);
    if (strlen(copy) != length) return yaml_fail(n, "a NUL character, which no text may hold");
    n->position = position_of(token);
    n->plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    if (n->plain && (strcmp(copy, "null") == 0 || strcmp(copy, "~") == 0)) *copy = '\0';
    n->text = copy;
    *out = n;
    return FOIL_OK;
}

static foil_status read_node(reader *r, struct fy_event *event, yaml_node **out);

static foil_status read_next(reader *r, enum fy_event_type end, bool *ended, yaml_node **out) {
    struct fy_event *event = fy_parser_parse(r->parser);
    if (!event) return syntax_error(r);
    foil_status status = FOIL_OK;
    *ended = event->type == end;
    if (!*ended) status = read_node(r, event, out);
    fy_parser_event_free(r->parser, event);
    return status;
}

static foil_status read_list(reader *r, yaml_node *list) {
    for (;;) {
        bool ended;
        yaml_node *item = NULL;
        r->around = list->place;
        TRY(read_next(r, FYET_SEQUENCE_END, &ended, &item));
        if (ended) return FOIL_OK;
        TRY(append(list, NULL, item));
    }
}

static foil_status read_map(reader *r, yaml_node *map) {
    for (;;) {
        bool ended;
        yaml_node *key = NULL, *item = NULL;
        r->around = map->place;
        TRY(read_next(r, FYET_MAPPING_END, &ended, &key));
        if (ended) return FOIL_OK;
        if (key->kind != YAML_SCALAR) return yaml_fail(key, "a %s as a key, expected a word", yaml_kind_name(key));
        if (yaml_get(map, key->text)) return yaml_fail(key, "duplicate key '%s'", key->text);
        if (map->n == 0 && (!map->flow || key->position < map->position)) map->place = key->place; // without '{' it begins at its first key
        r->around = key->place;
        TRY(read_next(r, FYET_NONE, &ended, &item));
        TRY(append(map, key, item));
    }
}

static foil_status read_collection(reader *r, yaml_kind kind, struct fy_token *start, yaml_node **out) {
    yaml_node *n = new_node(r->doc, kind, place_of(r, start));
    if (!n || !n->place) return no_memory();
    if (r->depth == MAX_DEPTH) return yaml_fail(n, "nested more than %d deep", MAX_DEPTH);
    n->position = position_of(start);
    enum fy_token_type type = start ? fy_token_get_type(start) : FYTT_NONE;
    n->flow = type == FYTT_FLOW_SEQUENCE_START || type == FYTT_FLOW_MAPPING_START;
    *out = n;
    r->depth++;
    TRY(kind == YAML_LIST ? read_list(r, n) : read_map(r, n));
    r->depth--;
    return FOIL_OK;
}

static foil_status read_node(reader *r, struct fy_event *event, yaml_node **out) {
    switch (event->type) {
    case FYET_SCALAR:
        return read_scalar(r, event->scalar.value, out);
    case FYET_SEQUENCE_START:
        return read_collection(r, YAML_LIST, event->sequence_start.sequence_start, out);
    case FYET_MAPPING_START:
        return read_collection(r, YAML_MAP, event->mapping_start.mapping_start, out);
    case FYET_ALIAS:
        return foil_fail(FOIL_INVALID, "%s: aliases (*name) are not supported, write the value again", place_of(r, event->alias.anchor));
    default:
        return syntax_error(r);
    }
}

// The one document of the stream; an empty stream gives an empty map.
static foil_status read_stream(reader *r, yaml_node **out) {
    yaml_node *root = NULL;
    foil_status status = FOIL_OK;
    bool ended = false;
    while (status == FOIL_OK && !ended) {
        struct fy_event *event = fy_parser_parse(r->parser);
        if (!event) return syntax_error(r);
        ended = event->type == FYET_STREAM_END;
        if (event->type == FYET_DOCUMENT_START && root) {
            status = foil_fail(FOIL_INVALID, "%s: a second document, expected one", place_of(r, event->document_start.document_start));
        } else if (event->type == FYET_SCALAR || event->type == FYET_SEQUENCE_START || event->type == FYET_MAPPING_START ||
                   event->type == FYET_ALIAS) {
            status = read_node(r, event, &root);
        }
        fy_parser_event_free(r->parser, event);
    }
    if (status != FOIL_OK) return status;
    bool empty = !root || (root->kind == YAML_SCALAR && root->plain && !*root->text);
    if (empty && !r->override) root = new_node(r->doc, YAML_MAP, arena_format(&r->doc->memory, "%s:1:1", r->name));
    if (!root) root = new_node(r->doc, YAML_SCALAR, arena_text(&r->doc->memory, r->name));
    if (!root || !root->place) return no_memory();
    if (root->kind == YAML_SCALAR && !root->text) root->text = "";
    *out = root;
    return FOIL_OK;
}

static void discard(struct fy_diag *diag, void *user, const char *bytes, size_t n) {
    (void)diag, (void)user, (void)bytes, (void)n;
}

static foil_status parse(yaml *doc, const char *source, const char *name, bool override, yaml_node **out) {
    if (!text_is_utf8(source)) return foil_fail(FOIL_INVALID, "%s: not UTF-8 text, expected YAML", name);
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.output_fn = discard;
    reader r = {.doc = doc, .name = name, .override = override, .diag = fy_diag_create(&quiet)};
    if (!r.diag) return no_memory();
    fy_diag_set_collect_errors(r.diag, true);
    const struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = r.diag};
    r.parser = fy_parser_create(&config);
    foil_status status = no_memory();
    if (r.parser && fy_parser_set_string(r.parser, source, strlen(source)) == 0) status = read_stream(&r, out);
    if (r.parser) fy_parser_destroy(r.parser);
    fy_diag_destroy(r.diag);
    return status;
}

foil_status yaml_parse(const char *source, const char *name, yaml **out) {
    *out = NULL;
    yaml *doc = calloc(1, sizeof *doc);
    if (!doc) return no_memory();
    foil_status status = parse(doc, source, name, false, &doc->root);
    if (status != FOIL_OK) {
        yaml_free(doc);
        return status;
    }
    *out = doc;
    return FOIL_OK;
}

foil_status yaml_read(const char *path, yaml **out) {
    *out = NULL;
    char *bytes;
    size_t n;
    TRY(file_read(path, MAX_FILE, &bytes, &n));
    foil_status status;
    if (strlen(bytes) != n) {
        status = foil_fail(FOIL_INVALID, "%s: not a text file, expected YAML", path);
    } else {
        status = yaml_parse(bytes, path, out);
    }
    free(bytes);
    return status;
}

void yaml_free(yaml *doc) {
    if (!doc) return;
    arena_free(&doc->memory);
    free(doc);
}

// Reading --------------------------------------------------------------------------------------------------------------------------------------

const yaml_node *yaml_root(const yaml *doc) {
    return doc->root;
}

yaml_kind yaml_kind_of(const yaml_node *n) {
    return n->kind;
}

const char *yaml_kind_name(const yaml_node *n) {
    static const char *const names[] = {[YAML_SCALAR] = "text", [YAML_LIST] = "list", [YAML_MAP] = "map"};
    return names[n->kind];
}

const char *yaml_text(const yaml_node *n) {
    return n->text;
}

bool yaml_is_plain(const yaml_node *n) {
    return n->plain;
}

int yaml_length(const yaml_node *n) {
    return n->n;
}

const yaml_node *yaml_item(const yaml_node *n, int i) {
    return n->item[i];
}

const char *yaml_key(const yaml_node *n, int i) {
    return n->key[i]->text;
}

const yaml_node *yaml_key_node(const yaml_node *n, int i) {
    return n->key[i];
}

static int find_key(const yaml_node *map, const char *key, size_t length) {
    for (int i = 0; map->kind == YAML_MAP && i < map->n; i++) {
        if (strlen(map->key[i]->text) == length && memcmp(map->key[i]->text, key, length) == 0) return i;
    }
    return -1;
}

const yaml_node *yaml_get(const yaml_node *map, const char *key) {
    int i = find_key(map, key, strlen(key));
    return i < 0 ? NULL : map->item[i];
}

const char *yaml_place(const yaml_node *n) {
    return n->place;
}

foil_status yaml_fail(const yaml_node *at, const char *format, ...) {
    char what[900];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return foil_fail(FOIL_INVALID, "%s: %s", at->place, what);
}

foil_status yaml_unknown(const yaml_node *at, const char *what, const char *word, const char *const *known) {
    const char *near = text_nearest(word, known);
    text t = {0};
    if (near) text_format(&t, " (did you mean '%s'?)", near);
    for (int i = 0; known[i]; i++) text_format(&t, "%s%s", i > 0 ? ", " : "; known: ", known[i]);
    foil_status status = yaml_fail(at, "unknown %s '%s'%s", what, word, t.failed || !t.data ? "" : t.data);
    text_free(&t);
    return status;
}

// Changing -------------------------------------------------------------------------------------------------------------------------------------

// The index of the item that the first `length` bytes of `part` name, in a map (where it is made if it is not there) or a list.
static foil_status step_into(yaml_node *at, const char *part, size_t length, const char *place, int *index) {
    if (at->kind == YAML_SCALAR && !*at->text) at->kind = YAML_MAP; // "key:" with nothing after it, or ''
    if (length == 0) return foil_fail(FOIL_INVALID, "%s: expected KEY=VALUE with words between the dots of KEY", place);
    if (at->kind == YAML_SCALAR) return foil_fail(FOIL_INVALID, "%s: '%.*s' is wanted inside the text '%s'", place, (int)length, part, at->text);
    if (at->kind == YAML_LIST) {
        char *end;
        long i = strtol(part, &end, 10);
        if (end != part + length || i < 0 || i >= at->n)
            return foil_fail(FOIL_INVALID, "%s: '%.*s' is not an index of a list of %d", place, (int)length, part, at->n);
        *index = (int)i;
        return FOIL_OK;
    }
    *index = find_key(at, part, length);
    if (*index >= 0) return FOIL_OK;
    yaml_node *key = new_node(at->doc, YAML_SCALAR, place), *item = new_node(at->doc, YAML_MAP, place);
    if (!key || !item) return no_memory();
    key->text = arena_format(&at->doc->memory, "%.*s", (int)length, part);
    key->plain = true;
    if (!key->text) return no_memory();
    *index = at->n;
    return append(at, key, item);
}

foil_status yaml_set(yaml *doc, const char *path, const char *value) {
    const char *place = arena_format(&doc->memory, "%s=%s", path, value);
    if (!place) return no_memory();
    yaml_node *wanted = NULL, *at = doc->root;
    TRY(parse(doc, value, place, true, &wanted));
    for (const char *part = path;; part++) {
        size_t length = strcspn(part, ".");
        int i = 0;
        TRY(step_into(at, part, length, place, &i));
        yaml_node **slot = &at->item[i];
        part += length;
        if (*part) {
            at = *slot; // NOLINT(clang-analyzer-core.NullDereference): a node with items has their list
            continue;
        }
        *slot = wanted; // NOLINT(clang-analyzer-core.NullDereference)
        return FOIL_OK;
    }
}

foil_status yaml_nest(const yaml_node *n, const char *key) {
    yaml_node *outer = (yaml_node *)(uintptr_t)n, *inner = new_node(n->doc, n->kind, n->place), *name = new_node(n->doc, YAML_SCALAR, n->place);
    if (!inner || !name || !(name->text = arena_text(&n->doc->memory, key))) return no_memory();
    name->plain = true;
    *inner = *n;
    *outer = (yaml_node){.doc = n->doc, .kind = YAML_MAP, .place = n->place, .flow = true};
    return append(outer, name, inner);
}

static const yaml_node *replacement(const yaml_node *n, const yaml_node *lists, int i) {
    bool variable = n->kind == YAML_SCALAR && n->plain && *n->text == '$';
    const yaml_node *list = variable ? yaml_get(lists, n->text + 1) : NULL;
    if (!list || list->kind != YAML_LIST) return list;
    return i < list->n ? list->item[i] : NULL;
}

foil_status yaml_substitute(const yaml_node *n, const yaml_node *lists, int i, const yaml_node **out) {
    *out = replacement(n, lists, i);
    if (*out) return FOIL_OK;
    yaml_node *copy = new_node(n->doc, n->kind, n->place);
    if (!copy) return no_memory();
    *copy = *n;
    copy->n = copy->capacity = 0;
    for (int k = 0; k < n->n; k++) {
        const yaml_node *item;
        TRY(yaml_substitute(n->item[k], lists, i, &item));
        TRY(append(copy, n->key[k], (yaml_node *)(uintptr_t)item));
    }
    *out = copy;
    return FOIL_OK;
}

// Writing --------------------------------------------------------------------------------------------------------------------------------------

static void emit_scalar(const char *s, bool plain, text *out) {
    bool special = strpbrk(s, ",[]{}#\n") || strstr(s, ": ");
    if (plain && !special) {
        text_add(out, *s ? s : "null");
        return;
    }
    text_add(out, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            text_format(out, "\\%c", c);
        else if (c == '\n')
            text_add(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            text_format(out, "\\x%02x", c);
        else
            text_add_bytes(out, s, 1);
    }
    text_add(out, "\"");
}

static void emit_flow(const yaml_node *n, text *out) {
    if (n->kind == YAML_SCALAR) {
        emit_scalar(n->text, n->plain, out);
        return;
    }
    text_add(out, n->kind == YAML_MAP ? "{" : "[");
    for (int i = 0; i < n->n; i++) {
        if (i > 0) text_add(out, ", ");
        if (n->kind == YAML_MAP) {
            emit_scalar(n->key[i]->text, n->key[i]->plain, out);
            text_add(out, ": ");
        }
        emit_flow(n->item[i], out);
    }
    text_add(out, n->kind == YAML_MAP ? "}" : "]");
}

static bool on_one_line(const yaml_node *n) {
    return n->kind == YAML_SCALAR || n->flow || n->n == 0;
}

// A block at `indent`; the cursor stands there already.
static void emit_block(const yaml_node *n, int indent, text *out) {
    if (on_one_line(n)) {
        emit_flow(n, out);
        text_add(out, "\n");
        return;
    }
    for (int i = 0; i < n->n; i++) {
        if (i > 0) text_format(out, "%*s", indent, "");
        if (n->kind == YAML_LIST) {
            text_add(out, "- ");
        } else {
            emit_scalar(n->key[i]->text, n->key[i]->plain, out);
            text_add(out, ":");
            if (on_one_line(n->item[i]))
                text_add(out, " ");
            else
                text_format(out, "\n%*s", indent + 2, "");
        }
        emit_block(n->item[i], indent + 2, out);
    }
}

foil_status yaml_emit(const yaml *doc, char **out) {
    text t = {0};
    emit_block(doc->root, 0, &t);
    if (t.failed) {
        text_free(&t);
        return no_memory();
    }
    *out = t.data;
    return FOIL_OK;
}
