// Detectors, checkpoints, any other safetensors file.
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/inspect.h"
#include "eval/detector.h"
#include "nn/safetensors.h"

static json_t *tensors_json(const safetensors *f) {
    json_t *list = json_array();
    for (int i = 0; i < safetensors_count(f); i++) {
        safetensors_entry e = safetensors_at(f, i);
        json_array_append_new(
            list, json_pack("{ss ss so sI}", "name", e.name, "type", e.type, "shape", inspect_shape_json(e.shape), "bytes", (json_int_t)e.bytes));
    }
    return list;
}

static json_t *metadata_json(const safetensors *f) {
    json_t *map = json_object();
    for (int i = 0; i < safetensors_metadata_count(f); i++) {
        const char *key, *value;
        safetensors_metadata_at(f, i, &key, &value);
        json_object_set_new(map, key, json_string(value));
    }
    return map;
}

static void print_tensors(const safetensors *f) {
    char number[32];
    int64_t values = 0;
    size_t bytes = 0;
    for (int i = 0; i < safetensors_count(f); i++) {
        safetensors_entry e = safetensors_at(f, i);
        printf("%-48s %-5s %s\n", e.name, e.type, shape_text(e.shape));
        values += shape_count(e.shape);
        bytes += e.bytes;
    }
    printf("%d tensors, %s values, %.1f MB\n", safetensors_count(f), inspect_number(values, number), (double)bytes / 1e6);
}

// Texts of more than one line are set below their key.
static void print_text(int indent, const char *key, const char *value) {
    if (!strchr(value, '\n')) {
        printf("%*s%-16s %s\n", indent, "", key, value);
        return;
    }
    printf("%*s%s\n", indent, "", key);
    for (const char *line = value; *line;) {
        size_t n = strcspn(line, "\n");
        printf("%*s%.*s\n", indent + 4, "", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

static void print_metadata(const safetensors *f) {
    for (int i = 0; i < safetensors_metadata_count(f); i++) {
        const char *key, *value;
        safetensors_metadata_at(f, i, &key, &value);
        print_text(0, key, value);
    }
    if (safetensors_metadata_count(f)) putchar('\n');
}

// A line for each thing that is told of how the detector came to be.
static void print_provenance(const char *provenance) {
    json_t *all = provenance ? json_loads(provenance, 0, NULL) : NULL, *value;
    const char *key;
    puts(json_object_size(all) ? "provenance" : "provenance   unknown");
    json_object_foreach(all, key, value) {
        char *words = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));
        print_text(4, key, json_is_string(value) ? json_string_value(value) : words ? words : "");
        free(words);
    }
    putchar('\n');
    json_decref(all);
}

// The card of a detector: what someone who was handed the file wants to know.
static int inspect_detector(const char *path, const safetensors *f, bool json) {
    foil_detector *d;
    net_row *rows = NULL;
    int count = 0, height, width, channels;
    if (foil_detector_load(path, &d) != FOIL_OK) return cli_failed("inspect");
    const net *n = detector_net(d);
    if (n && net_rows(n, &rows, &count) != FOIL_OK) {
        foil_detector_free(d);
        return cli_failed("inspect");
    }
    foil_detector_input(d, &height, &width, &channels);
    const detector_card *card = detector_card_of(d);
    int status = EXIT_DONE;
    if (json) {
        json_t *provenance = json_loads(card->provenance ? card->provenance : "{}", 0, NULL);
        status = cli_print_json("inspect",
                                json_pack("{ss ss si si si ss ss ss so so? so so}", "kind", "detector", "looks_at", n ? "pixels" : "cues", "height",
                                          height, "width", width, "channels", channels, "fit", FIT_NAMES[card->fit], "resize",
                                          RESIZE_NAMES[card->filter], "head", card->head, "calibration", inspect_calibration_json(&card->calibration),
                                          "provenance", provenance, n ? "network" : "baseline",
                                          n ? inspect_rows_json(n, rows, count) : inspect_cues_json(detector_cues(d)), "metadata", metadata_json(f)),
                                9);
    } else {
        printf("%s of synthetic pictures; score: calibrated probability of fake\n", n ? "detector    " : "baseline     of cues, for a detector");
        printf("input        %d x %d, %s; other sizes fitted by %s, %s\n", width, height, channels == 1 ? "grey" : "RGB", FIT_NAMES[card->fit],
               RESIZE_NAMES[card->filter]);
        inspect_print_calibration(&card->calibration);
        print_provenance(card->provenance);
        if (n)
            inspect_print_rows(n, rows, count);
        else
            inspect_print_cues(detector_cues(d));
    }
    free(rows);
    foil_detector_free(d);
    return status;
}

int inspect_safetensors(const char *path, bool json) {
    safetensors *f;
    if (safetensors_open(path, &f) != FOIL_OK) return cli_failed("inspect");
    int status = EXIT_DONE;
    if (safetensors_metadata(f, "foil_detector")) {
        status = inspect_detector(path, f, json);
    } else if (json) {
        status = cli_print_json("inspect", json_pack("{ss so so}", "kind", "tensors", "metadata", metadata_json(f), "tensors", tensors_json(f)), 9);
    } else {
        print_metadata(f);
        print_tensors(f);
    }
    safetensors_close(f);
    return status;
}
