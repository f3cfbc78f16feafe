// foil detect: a score per file. Files that cannot be read are reported and do not keep the others from being scored.
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "eval/detector.h"

enum { AT_ONCE = 128 }; // pictures in memory

static option OPTIONS[] = {
    {.name = "--csv", .doc = "path,score,verdict with a header line, quoted as in RFC 4180"},
    {.name = "--json", .doc = "a list of {path, score, logit, fake}, with the threshold"},
    {.name = "--threshold", .value = "T", .doc = "scores from it on are called fake: eer (default), fpr=0.01, or a number from 0 to 1"},
    {.name = NULL},
};
enum { OPTION_CSV, OPTION_JSON, OPTION_THRESHOLD };

typedef struct file_list {
    char **path;
    int n, capacity;
    bool anything; // files of any name, not pictures alone
} file_list;

static foil_status add_file(const char *path, void *context) {
    file_list *l = context;
    if (!l->anything && !image_has_known_suffix(path)) return FOIL_OK;
    if (l->n == l->capacity) {
        int capacity = l->capacity ? 2 * l->capacity : 64;
        char **larger = realloc(l->path, (size_t)capacity * sizeof *larger);
        if (!larger) return foil_fail_memory((size_t)capacity * sizeof *larger, "the list of files");
        l->path = larger;
        l->capacity = capacity;
    }
    l->path[l->n] = strdup(path);
    return l->path[l->n++] ? FOIL_OK : foil_fail_memory(strlen(path), "the list of files");
}

static void free_files(file_list *l) {
    for (int i = 0; i < l->n; i++) free(l->path[i]);
    free(l->path);
}

static foil_status add_argument(file_list *l, const char *path) {
    int before = l->n;
    l->anything = !file_is_folder(path);
    if (l->anything) return add_file(path, l); // also what is not there: said when it is read
    TRY(file_walk(path, add_file, l));
    return l->n > before ? FOIL_OK : foil_fail(FOIL_INVALID, "%s: no pictures in this folder", path);
}

// One output format: what comes before, for each file, and after.
typedef struct output {
    const foil_detector *detector;
    double threshold;
    int width; // of the longest path, for people
    json_t *list;
} output;

typedef struct format {
    void (*begin)(output *o);
    void (*line)(output *o, const char *path, double logit);
    int (*end)(output *o);
} format;

static bool is_fake(const output *o, double logit) {
    return detector_score(o->detector, logit) >= o->threshold;
}

static void begin_nothing(output *o) {
    (void)o;
}

static int end_nothing(output *o) {
    (void)o;
    return EXIT_DONE;
}

static void text_line(output *o, const char *path, double logit) {
    printf("%-*s  %.6f  %s\n", o->width, path, detector_score(o->detector, logit), is_fake(o, logit) ? "fake" : "real");
}

static void csv_begin(output *o) {
    (void)o;
    puts("path,score,verdict");
}

static void csv_line(output *o, const char *path, double logit) {
    if (strpbrk(path, ",\"\r\n")) {
        putchar('"');
        for (; *path; path++) {
            if (*path == '"') putchar('"');
            putchar(*path);
        }
        putchar('"');
    } else {
        fputs(path, stdout);
    }
    printf(",%.17g,%s\n", detector_score(o->detector, logit), is_fake(o, logit) ? "fake" : "real");
}

static void json_begin(output *o) {
    o->list = json_array();
}

// A path need not be UTF-8; JSON must be.
static json_t *json_path(const char *path) {
    json_t *t = json_string(path);
    if (t) return t;
    text escaped = {0};
    for (; *path; path++) text_format(&escaped, (unsigned char)*path < 0x80 ? "%c" : "\\x%02x", (unsigned char)*path);
    t = json_string(escaped.failed ? "" : escaped.data);
    text_free(&escaped);
    return t;
}

static void json_line(output *o, const char *path, double logit) {
    json_t *item = json_object();
    json_object_set_new(item, "path", json_path(path));
    json_object_set_new(item, "score", json_real(detector_score(o->detector, logit)));
    json_object_set_new(item, "logit", json_real(logit));
    json_object_set_new(item, "fake", json_boolean(is_fake(o, logit)));
    json_array_append_new(o->list, item);
}

static int json_end(output *o) {
    json_t *root = json_object();
    json_object_set_new(root, "threshold", json_real(o->threshold));
    json_object_set_new(root, "files", o->list);
    int failed = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    putchar('\n');
    if (failed) foil_fail_memory(0, "JSON");
    return failed ? cli_failed("detect") : EXIT_DONE;
}

static const format FORMATS[] = {{begin_nothing, text_line, end_nothing}, {csv_begin, csv_line, end_nothing}, {json_begin, json_line, json_end}};

// Reads at most AT_ONCE files, in parallel; those that fail are reported in order afterwards and have no pixels.
static int read_files(char *const *path, int n, image *pictures) {
    char why[AT_ONCE][512];
    int failed = 0;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; i++) {
        *why[i] = 0;
        if (image_read(path[i], &pictures[i]) != FOIL_OK) {
            pictures[i] = (image){0};
            snprintf(why[i], sizeof why[i], "%s", foil_error());
        }
    }
    for (int i = 0; i < n; i++) {
        if (pictures[i].pixels) continue;
        cli_progress_end();
        fprintf(stderr, "foil detect: %s\n", why[i]);
        failed++;
    }
    return failed;
}

static foil_status score_some(foil_detector *d, char *const *path, int n, const format *f, output *o, int *failed) {
    image pictures[AT_ONCE] = {0};
    const image *good[AT_ONCE];
    double logit[AT_ONCE];
    int n_good = 0;
    *failed += read_files(path, n, pictures);
    for (int i = 0; i < n; i++)
        if (pictures[i].pixels) good[n_good++] = &pictures[i];
    foil_status status = detector_logits(d, good, n_good, logit);
    for (int i = 0, k = 0; i < n && status == FOIL_OK; i++)
        if (pictures[i].pixels) f->line(o, path[i], logit[k++]);
    for (int i = 0; i < n; i++) image_free(&pictures[i]);
    return status;
}

static int score_files(foil_detector *d, const file_list *l, const format *f, double threshold) {
    output o = {.detector = d, .threshold = threshold};
    int failed = 0, width;
    for (int i = 0; i < l->n; i++) o.width = (width = (int)strlen(l->path[i])) > o.width ? width : o.width;
    if (o.width > 100) o.width = 100;
    f->begin(&o);
    foil_status status = FOIL_OK;
    for (int done = 0; done < l->n && status == FOIL_OK;) {
        int some = l->n - done < AT_ONCE ? l->n - done : AT_ONCE;
        status = score_some(d, l->path + done, some, f, &o, &failed);
        done += some;
        if (l->n > AT_ONCE) cli_progress("scoring", done, l->n, NULL);
    }
    cli_progress_end();
    int ended = f->end(&o);
    if (status != FOIL_OK) return cli_failed("detect");
    return failed ? EXIT_FAILED : ended;
}

// By name, or a number.
static bool find_threshold(const foil_detector *d, const char *name, double *out, int *status) {
    *status = EXIT_FAILED;
    if (!name) name = "eer";
    if (foil_detector_threshold(d, name, out) == FOIL_OK) return true;
    if (text_to_float(name, out) && *out >= 0 && *out <= 1) return true;
    *status = cli_usage("detect", "--threshold '%s': expected eer, fpr=0.01 or a number from 0 to 1", name);
    return false;
}

static int detect(foil_detector *d, char *const *arguments, int n, const format *f) {
    double threshold;
    int status;
    if (!find_threshold(d, OPTIONS[OPTION_THRESHOLD].text, &threshold, &status)) return status;
    file_list files = {0};
    foil_status listed = FOIL_OK;
    for (int i = 0; i < n && listed == FOIL_OK; i++) listed = add_argument(&files, arguments[i]);
    status = listed == FOIL_OK ? score_files(d, &files, f, threshold) : cli_failed("detect");
    free_files(&files);
    return status;
}

int cmd_detect(int argc, char **argv) {
    int count, status;
    if (!cli_parse(argc, argv, "DETECTOR FILE|FOLDER... [--csv|--json] [--threshold T]",
                   "Prints for each picture how likely it is a fake, 0 to 1, and the verdict. The exit status does not depend on the verdict;\n"
                   "it is 1 if a file could not be read (the others are scored all the same).",
                   OPTIONS, &count, &status))
        return status;
    if (count < 2) return cli_usage("detect", "expected a detector and at least one file or folder");
    if (OPTIONS[OPTION_CSV].text && OPTIONS[OPTION_JSON].text) return cli_usage("detect", "--csv or --json, not both");
    const format *f = &FORMATS[OPTIONS[OPTION_CSV].text ? 1 : OPTIONS[OPTION_JSON].text ? 2 : 0];
    foil_detector *d;
    if (foil_detector_load(argv[1], &d) != FOIL_OK) return cli_failed("detect");
    status = detect(d, argv + 2, count - 1, f);
    foil_detector_free(d);
    return status;
}
