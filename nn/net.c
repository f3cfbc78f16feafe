#include "nn/net.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/layers/builder.h"
#include "nn/layers/read.h"

enum { MAX_HEADS = 8 };

typedef struct head {
    const char *name, *place; // in the file
    layer_list layers;
} head;

struct net {
    arena memory;
    yaml *doc;
    char *text;
    int channels;
    shape input, output; // of a sample
    layer_list body;
    int heads;
    head head[MAX_HEADS];
    uint32_t layers; // branches included
    net_row *rows;   // one for each of them
};

// Reading ----------------------------------------------------------------------------------------------------------------------------------------

typedef struct file_keys {
    int64_t channels;
    const yaml_node *input, *layers, *heads;
} file_keys;

#define AT(field) offsetof(file_keys, field)
static const key FILE_KEYS[] = {{"channels", KEY_INT, AT(channels), "3", .min = 1, .max = 4096, .doc = "of the images: what `$channels` stands for"},
                                {"input", KEY_NODE, AT(input), .doc = "{image: [height, width, channels]} or {latent: size}"},
                                {"layers", KEY_NODE, AT(layers), .doc = "the body: a list of layers"},
                                {"heads", KEY_NODE, AT(heads), "", .doc = "{name: {layers: [...]}}, each on the body's output"},
                                {0}};

typedef struct input_keys {
    key_ints image;
    int64_t latent;
} input_keys;

static const key INPUT_KEYS[] = {{"image", KEY_INTS, offsetof(input_keys, image), "[]", .min = 1, .max = 65536, .doc = "[height, width, channels]"},
                                 {"latent", KEY_INT, offsetof(input_keys, latent), "0", .min = 0, .max = 65536, .doc = "numbers in a latent vector"},
                                 {0}};

typedef struct head_keys {
    const yaml_node *layers;
} head_keys;

static const key HEAD_KEYS[] = {{"layers", KEY_NODE, offsetof(head_keys, layers), .doc = "a list of layers"}, {0}};

static foil_status read_input(net *n, const yaml_node *at) {
    input_keys k;
    TRY(keys_read(at, INPUT_KEYS, &k, "input"));
    bool image = k.image.n == 3 && k.latent == 0, latent = k.image.n == 0 && k.latent > 0;
    if (image && k.image.at[0] * k.image.at[1] * k.image.at[2] > 1 << 30) return yaml_fail(at, "an image of more than 2^30 values");
    if (!image && !latent) return yaml_fail(at, "input is neither {image: [height, width, channels]} nor {latent: size}");
    n->input = image ? SHAPE(k.image.at[0], k.image.at[1], k.image.at[2]) : SHAPE(k.latent);
    return FOIL_OK;
}

static foil_status read_head(net *n, layer_reader *r, const char *name, const yaml_node *at) {
    head_keys k;
    TRY(layer_name_check(at, name));
    TRY(keys_read(at, HEAD_KEYS, &k, "a head"));
    if (n->heads == MAX_HEADS) return yaml_fail(at, "more than %d heads", MAX_HEADS);
    const char *path = arena_format(&n->memory, "heads.%s", name);
    if (!path) return foil_fail(FOIL_MEMORY, "out of memory for a network");
    head *h = &n->head[n->heads++];
    h->name = name;
    h->place = yaml_place(at);
    return layers_read(r, k.layers, path, &h->layers);
}

static foil_status read_root(net *n) {
    const yaml_node *root = yaml_root(n->doc);
    file_keys k;
    TRY(yaml_substitute(root, root, 0, &root)); // of `$name`, the root has `channels` alone to offer
    TRY(keys_read(root, FILE_KEYS, &k, "a network file"));
    TRY(read_input(n, k.input));
    layer_reader r = {.memory = &n->memory};
    TRY(layers_read(&r, k.layers, "layers", &n->body));
    if (k.heads && yaml_kind_of(k.heads) != YAML_MAP) return yaml_fail(k.heads, "a %s, expected a map of heads by name", yaml_kind_name(k.heads));
    for (int i = 0; k.heads && i < yaml_length(k.heads); i++) TRY(read_head(n, &r, yaml_key(k.heads, i), yaml_item(k.heads, i)));
    n->layers = r.n;
    return FOIL_OK;
}

// Puts the number of channels into the document, and keeps its text.
static foil_status set_channels(net *n, int channels) {
    const yaml_node *root = yaml_root(n->doc), *written = yaml_get(root, "channels");
    char number[16];
    if (yaml_kind_of(root) != YAML_MAP) return yaml_fail(root, "a %s, expected a map with 'input' and 'layers'", yaml_kind_name(root));
    snprintf(number, sizeof number, "%d", channels ? channels : 3);
    if (channels || !written) TRY(yaml_set(n->doc, "channels", number));
    file_keys k;
    TRY(keys_read(yaml_root(n->doc), FILE_KEYS, &k, "a network file"));
    n->channels = (int)k.channels;
    return yaml_emit(n->doc, &n->text);
}

// Building ---------------------------------------------------------------------------------------------------------------------------------------

static shape batch_of(const net *n, int64_t samples) {
    shape s = {.n = n->input.n + 1, .d = {samples}};
    for (int i = 0; i < n->input.n; i++) s.d[i + 1] = n->input.d[i];
    return s;
}

static node *apply_body(builder *b, const net *n, node *x) {
    if (graph_is_poison(x)) return x;
    if (!shape_equal(x->shape, batch_of(n, x->shape.d[0])))
        return graph_fail(b->g, "the network takes samples of %s, got %s", shape_text(n->input), shape_text(x->shape));
    return builder_layers(b, &n->body, x);
}

// Logits: f32, [N] if there is one for each sample.
static node *apply_head(builder *b, const head *h, node *features) {
    if (graph_is_poison(features)) return features;
    node *y = builder_layers(b, &h->layers, features);
    if (graph_is_poison(y)) return y;
    int64_t samples = features->shape.d[0];
    if (shape_count(y->shape) == samples) y = nn_reshape(y, SHAPE(samples));
    return nn_cast(y, F32);
}

node *net_apply(const net *n, graph *g, store *s, node *x, net_mode mode, uint32_t pass, net_updates *updates) {
    return apply_body(&(builder){.g = g, .s = s, .mode = mode, .pass = pass, .updates = updates}, n, x);
}

static const head *find_head(const net *n, const char *name) {
    for (int i = 0; i < n->heads; i++) {
        if (strcmp(n->head[i].name, name) == 0) return &n->head[i];
    }
    return NULL;
}

node *net_apply_head(const net *n, graph *g, store *s, const char *name, node *features, net_mode mode, uint32_t pass, net_updates *updates) {
    const head *h = find_head(n, name);
    if (!h) return graph_fail(g, "the network has no head '%s'", name);
    return apply_head(&(builder){.g = g, .s = s, .mode = mode, .pass = pass, .updates = updates}, h, features);
}

node *net_logits(const net *n, graph *g, store *s, const char *name, node *x, net_mode mode, uint32_t pass, net_updates *updates) {
    node *y = net_apply_head(n, g, s, name, net_apply(n, g, s, x, mode, pass, updates), mode, pass, updates);
    if (graph_is_poison(y) || y->shape.n == 1) return y;
    return graph_fail(g, "%s: the head '%s' gives %s for %" PRId64 " pictures, expected one number for each", find_head(n, name)->place, name,
                      shape_text(y->shape), x->shape.d[0]);
}

// One sample through everything, in a graph that is thrown away: declares the parameters, finds the shapes. `output` and `rows` may be NULL.
static foil_status trial(const net *n, store *s, shape *output, net_row *rows) {
    graph *g = graph_new(F32);
    if (!g) return foil_fail(FOIL_MEMORY, "out of memory for a graph");
    builder b = {.g = g, .s = s, .mode = NET_INFER, .declare = true, .rows = rows};
    node *y = apply_body(&b, n, graph_input(g, "x", batch_of(n, 1), F32));
    for (int i = 0; i < n->heads; i++) apply_head(&b, &n->head[i], y);
    foil_status status = graph_status(g);
    if (status == FOIL_OK && output) *output = sample_shape(y);
    graph_free(g);
    return status;
}

foil_status net_declare(const net *n, store *s) {
    return trial(n, s, NULL, NULL);
}

static foil_status measure(net *n) {
    n->rows = arena_alloc(&n->memory, (n->layers + 1) * sizeof *n->rows);
    store *s = store_new();
    foil_status status = n->rows && s ? trial(n, s, &n->output, n->rows) : foil_fail(FOIL_MEMORY, "out of memory for a network");
    store_free(s);
    return status;
}

// Takes `doc`.
static foil_status make(yaml *doc, int channels, net **out) {
    net *n = calloc(1, sizeof *n);
    if (!n) {
        yaml_free(doc);
        return foil_fail_memory(sizeof *n, "a network");
    }
    n->doc = doc;
    foil_status status = set_channels(n, channels);
    if (status == FOIL_OK) status = read_root(n);
    if (status == FOIL_OK) status = measure(n);
    if (status == FOIL_OK)
        *out = n;
    else
        net_free(n);
    return status;
}

foil_status net_read(const char *path, int channels, net **out) {
    *out = NULL;
    yaml *doc;
    TRY(yaml_read(path, &doc));
    return make(doc, channels, out);
}

foil_status net_parse(const char *source, const char *name, int channels, net **out) {
    *out = NULL;
    yaml *doc;
    TRY(yaml_parse(source, name, &doc));
    return make(doc, channels, out);
}

void net_free(net *n) {
    if (!n) return;
    yaml_free(n->doc);
    free(n->text);
    arena_free(&n->memory);
    free(n);
}

// Asking -----------------------------------------------------------------------------------------------------------------------------------------

const char *net_text(const net *n) {
    return n->text;
}

int net_channels(const net *n) {
    return n->channels;
}

shape net_input(const net *n) {
    return n->input;
}

bool net_takes_latent(const net *n) {
    return n->input.n == 1;
}

shape net_output(const net *n) {
    return n->output;
}

int net_heads(const net *n) {
    return n->heads;
}

const char *net_head_name(const net *n, int i) {
    return n->head[i].name;
}

bool net_has_head(const net *n, const char *name) {
    return find_head(n, name) != NULL;
}

// The first layer that binds the samples of a batch together: in training, or always.
static const char *binding(const layer_list *list, bool always) {
    for (int i = 0; list && i < list->n; i++) {
        const layer *l = &list->at[i];
        const char *label = (always ? l->type->compares_batch : l->type->mixes_batch) ? l->label : NULL;
        for (int k = 0; !label && k < l->branches; k++) label = binding(l->branch[k], always);
        if (label) return label;
    }
    return NULL;
}

static const char *binding_up_to(const net *n, const char *name, bool always) {
    const char *label = binding(&n->body, always);
    for (int i = 0; !label && i < n->heads; i++)
        if (!name || !strcmp(n->head[i].name, name)) label = binding(&n->head[i].layers, always);
    return label;
}

const char *net_mixes_batch(const net *n, const char *name) {
    return binding_up_to(n, name, false);
}

const char *net_compares_batch(const net *n, const char *name) {
    return binding_up_to(n, name, true);
}

int64_t net_parameters(const net *n) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < n->layers; i++) sum += n->rows[i].parameters;
    return sum;
}

int64_t net_activations(const net *n) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < n->layers; i++) sum += shape_count(n->rows[i].out);
    return sum;
}

double net_flops(const net *n) {
    double sum = 0;
    for (uint32_t i = 0; i < n->layers; i++) sum += n->rows[i].flops;
    return sum;
}

foil_status net_rows(const net *n, net_row **rows, int *count) {
    *count = (int)n->layers;
    *rows = malloc((n->layers + 1) * sizeof **rows);
    if (!*rows) return foil_fail_memory(n->layers * sizeof **rows, "a table of layers");
    memcpy(*rows, n->rows, n->layers * sizeof **rows);
    return FOIL_OK;
}
