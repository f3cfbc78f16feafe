// foil inspect: what a file holds. One printer per kind of file; which kind it is shows in its first bytes or its suffix.
#include "cli/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "train/config.h"
#include "train/study.h"

static option OPTIONS[] = {
    {.name = "--json", .doc = "for programs"},
    {.name = "--layers", .doc = "instead of a file: every layer that a network file may hold, as Markdown"},
    {.name = "--config", .doc = "instead of a file: every key of a training file, as Markdown"},
    {.name = "--study-file", .doc = "instead of a file: every key of a study file, as Markdown"},
    {.name = NULL},
};
enum { OPTION_JSON, OPTION_LAYERS, OPTION_CONFIG, OPTION_STUDY };

json_t *inspect_shape_json(shape s) {
    json_t *list = json_array();
    for (int i = 0; i < s.n; i++) json_array_append_new(list, json_integer(s.d[i]));
    return list;
}

const char *inspect_number(long long v, char out[32]) {
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", v), length = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0 && digits[i - 1] != '-') out[length++] = ',';
        out[length++] = digits[i];
    }
    out[length] = 0;
    return out;
}

static int print_document(void (*document)(text *)) {
    text t = {0};
    document(&t);
    int status = EXIT_DONE;
    if (t.failed || !t.data) {
        foil_fail_memory(t.length, "the text");
        status = cli_failed("inspect");
    } else {
        fputs(t.data, stdout);
    }
    text_free(&t);
    return status;
}

// A network file has layers, a training file names a discriminator, the index of a set says so.
static int inspect_yaml(const char *path, bool json) {
    yaml *document;
    if (yaml_read(path, &document) != FOIL_OK) return cli_failed("inspect");
    const yaml_node *root = yaml_root(document);
    bool map = yaml_kind_of(root) == YAML_MAP, index = map && yaml_get(root, "foil_set");
    bool training = map && yaml_get(root, "discriminator") && !yaml_get(root, "layers");
    yaml_free(document);
    if (index) return inspect_set(path, json);
    return training ? inspect_config(path, json) : inspect_net(path, json);
}

static int inspect_file(const char *path, bool json) {
    unsigned char head[8] = {0};
    FILE *f = file_is_folder(path) ? NULL : fopen(path, "rb");
    if (!f) {
        if (file_is_folder(path))
            foil_fail(FOIL_INVALID, "%s: a folder; a file was expected (of a run: its checkpoint.safetensors, best.safetensors or config.yaml)",
                      path);
        else
            foil_fail_errno(errno, "%s", path);
        return cli_failed("inspect");
    }
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    if (n == sizeof head && !memcmp(head, "\x89HDF\r\n\x1a\n", sizeof head)) return inspect_set(path, json);
    if (text_ends_nocase(path, ".yaml") || text_ends_nocase(path, ".yml")) return inspect_yaml(path, json);
    if (text_ends_nocase(path, ".safetensors")) return inspect_safetensors(path, json);
    foil_fail(FOIL_INVALID, "%s: not a network or training file (.yaml), a data set (HDF5) or weights (.safetensors)", path);
    return cli_failed("inspect");
}

int cmd_inspect(int argc, char **argv) {
    int count, status;
    if (!cli_parse(
            argc, argv, "FILE [--json]",
            "Shows what a file holds: of a network its layers with shapes, parameters and operations for one picture, of a data set its counts,\n"
            "of a detector its card, of a checkpoint or any .safetensors its tensors, of a training file all keys with their defaults.",
            OPTIONS, &count, &status))
        return status;
    const bool json = OPTIONS[OPTION_JSON].text;
    for (int o = OPTION_LAYERS; json && o <= OPTION_STUDY; o++)
        if (OPTIONS[o].text) return cli_usage("inspect", "--json is of a file; %s is Markdown", OPTIONS[o].name);
    if (OPTIONS[OPTION_LAYERS].text) return print_document(net_document_layers);
    if (OPTIONS[OPTION_CONFIG].text) return print_document(config_document);
    if (OPTIONS[OPTION_STUDY].text) return print_document(study_document);
    if (count != 1) return cli_usage("inspect", "one file was expected, %d given", count);
    return inspect_file(argv[1], json);
}
