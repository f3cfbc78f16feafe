// foil cues: what a person can check about a picture, in numbers, plots and plain words.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "data/image.h"
#include "eval/cues/fit.h"
#include "eval/cues/report.h"
#include "eval/pages/page.h"

static option OPTIONS[] = {
    {.name = "--json", .doc = "all numbers, for programs"},
    {.name = "--out", .value = "DIR", .doc = "also writes cues.html, with plots, that opens anywhere, and cues.json"},
    {.name = "--fit", .value = "SET", .doc = "instead of looking at files: fits the cue-only baseline on a set's train split, calibrated on val"},
    {.name = "--output", .letter = 'o', .value = "FILE.safetensors", .doc = "where the baseline goes: a detector for eval, detect and inspect"},
    {.name = NULL},
};
enum { OPTION_JSON, OPTION_OUT, OPTION_FIT, OPTION_OUTPUT };

enum { LEFT = 13, RIGHT = 110 }; // columns of the text

// Words after words, from column LEFT on; `column` is where the last line ends.
static void print_wrapped(const char *words) {
    int column = LEFT;
    printf("%*s", LEFT, "");
    while (*words) {
        int n = (int)strcspn(words, " ");
        if (column > LEFT && column + n >= RIGHT) {
            printf("\n%*s", LEFT, "");
            column = LEFT;
        }
        printf("%s%.*s", column > LEFT ? " " : "", n, words);
        column += n + (column > LEFT);
        words += n + (words[n] == ' ');
    }
    putchar('\n');
}

static void print_cue(const json_t *c) {
    text line = {0};
    size_t i;
    const json_t *number;
    json_array_foreach(json_object_get(c, "numbers"), i, number) {
        const json_t *value = json_object_get(number, "value");
        const char *unit = json_string_value(json_object_get(number, "unit"));
        text_format(&line, "%s%s ", i ? ", " : "", json_string_value(json_object_get(number, "name")));
        if (json_is_null(value))
            text_add(&line, "-");
        else
            text_format(&line, "%.4g%s%s", json_number_value(value), *unit ? " " : "", unit);
    }
    printf("  %s\n", json_string_value(json_object_get(c, "name")));
    print_wrapped(line.failed || !line.data ? "" : line.data);
    print_wrapped(json_string_value(json_object_get(c, "words")));
    text_free(&line);
}

static void print_file(const json_t *file) {
    size_t i;
    const json_t *c;
    printf("%s: %d x %d, %s\n", json_string_value(json_object_get(file, "path")), (int)json_integer_value(json_object_get(file, "width")),
           (int)json_integer_value(json_object_get(file, "height")), json_integer_value(json_object_get(file, "channels")) == 1 ? "grey" : "RGB");
    json_array_foreach(json_object_get(file, "cues"), i, c) print_cue(c);
    putchar('\n');
}

static foil_status write_json(const char *path, const json_t *data) {
    char *bytes = json_dumps(data, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    file_writer *w;
    if (!bytes) return foil_fail_memory(4096, "JSON");
    foil_status status = file_create(path, &w);
    if (status == FOIL_OK) {
        file_printf(w, "%s\n", bytes);
        status = file_commit(w);
    }
    free(bytes);
    return status;
}

static foil_status write_folder(const char *folder, const json_t *data) {
    text page = {0}, json = {0};
    text_format(&page, "%s/cues.html", folder);
    text_format(&json, "%s/cues.json", folder);
    foil_status status = page.failed || json.failed ? foil_fail_memory(strlen(folder), "a path") : file_make_folder(folder);
    if (status == FOIL_OK) status = page_write(page.data, PAGE_CUES, data);
    if (status == FOIL_OK) status = write_json(json.data, data);
    text_free(&page);
    text_free(&json);
    return status;
}

static json_t *command_json(int n, char *const *paths, const char *folder) {
    text t = {0};
    text_add(&t, "foil cues");
    for (int i = 0; i < n; i++) text_format(&t, " %s", paths[i]);
    if (folder) text_format(&t, " --out %s", folder);
    json_t *j = t.failed ? NULL : text_json(t.data);
    text_free(&t);
    return j;
}

typedef struct looking {
    bool drawn, json; // with plots; nothing is printed file by file
    json_t *files;
    int pictures, failed;
} looking;

// What cannot be read is reported and does not keep the others from being looked at.
static void look_at_file(looking *l, const char *path) {
    json_t *file;
    l->pictures++;
    if (cue_report(path, l->drawn, &file) != FOIL_OK) {
        cli_failed("cues");
        l->failed++;
        return;
    }
    if (!l->json) print_file(file);
    json_array_append_new(l->files, file);
}

static foil_status visit(const char *path, void *context) {
    if (image_has_known_suffix(path)) look_at_file(context, path);
    return FOIL_OK;
}

static foil_status look_at_folder(looking *l, const char *path) {
    int before = l->pictures;
    TRY(file_walk(path, visit, l));
    return l->pictures > before ? FOIL_OK : foil_fail(FOIL_INVALID, "%s: no pictures in this folder", path);
}

static int look_at(int n, char *const *paths) {
    const char *folder = OPTIONS[OPTION_OUT].text;
    looking l = {.drawn = folder != NULL, .json = OPTIONS[OPTION_JSON].text != NULL, .files = json_array()};
    for (int i = 0; i < n; i++) {
        if (!file_is_folder(paths[i]))
            look_at_file(&l, paths[i]);
        else if (look_at_folder(&l, paths[i]) != FOIL_OK) {
            cli_failed("cues");
            l.failed++;
        }
    }
    int status = l.failed ? EXIT_FAILED : EXIT_DONE;
    const size_t seen = json_array_size(l.files);
    if (!l.json && seen) print_wrapped(CUE_CAUTION);
    json_t *data = json_pack("{s:s, s:o, s:s, s:o}", "foil", foil_version(), "command", command_json(n, paths, folder), "caution", CUE_CAUTION,
                             "files", l.files);
    if (!data) {
        foil_fail_memory(4096, "JSON");
        return cli_failed("cues");
    }
    if (folder && seen && write_folder(folder, data) != FOIL_OK) status = cli_failed("cues");
    if (l.json && cli_print_json("cues", json_incref(data), 9) != EXIT_DONE) status = EXIT_FAILED;
    json_decref(data);
    return status;
}

static foil_status fit_set(const set *s, const char *path, const char *to) {
    int height, width;
    if (!set_size(s, &height, &width))
        return foil_fail(FOIL_UNSUPPORTED, "%s: pictures of native size; a baseline needs one size: foil pack %s --size N -o SET.h5", path, path);
    const cue_fitting f = {.set = s, .input = SHAPE(height, width, set_channels(s)), .fit = set_fit(s)};
    foil_status status = cue_detector_fit(&f, to);
    return status == FOIL_OK || strstr(foil_error(), path) ? status : foil_fail_within(status, "%s", path);
}

static int fit(const char *path, const char *to) {
    set *s;
    foil_status status = set_open(path, &s);
    if (status == FOIL_OK) {
        status = fit_set(s, path, to);
        set_close(s);
    }
    return cli_ended("cues", status);
}

int cmd_cues(int argc, char **argv) {
    int count, status;
    if (!cli_parse(argc, argv, "FILE|FOLDER... [--json] [--out DIR] | --fit SET -o FILE.safetensors",
                   "Says of each picture what anyone can check: how its detail falls off, traces of resizing, JPEG's blocks and their grid, one\n"
                   "JPEG or two, noise, colours, and what the file says about itself. Each in numbers and plain words; none proves anything.\n"
                   "Of a folder, all pictures in it.",
                   OPTIONS, &count, &status))
        return status;
    const char *from = OPTIONS[OPTION_FIT].text, *to = OPTIONS[OPTION_OUTPUT].text, *folder = OPTIONS[OPTION_OUT].text;
    if (from && (count || !to)) return cli_usage("cues", count ? "--fit takes no files" : "where shall the baseline go? give it with -o");
    if (to && !from) return cli_usage("cues", "-o is where --fit writes; plots go to --out DIR");
    if (to && !text_ends_nocase(to, ".safetensors")) return cli_usage("cues", "-o '%s': expected a file ending in .safetensors", to);
    if (folder && !*folder) return cli_usage("cues", "--out: the name of a folder was expected, not ''");
    if (from) return fit(from, to);
    if (count < 1) return cli_usage("cues", "expected at least one picture or folder");
    return look_at(count, argv + 1);
}
