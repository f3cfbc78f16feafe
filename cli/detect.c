// foil detect: a score per file. Files that cannot be read or scored are reported and do not keep the others from being scored.
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/calibration.h"
#include "eval/json.h"
#include "eval/scoring.h"

static option OPTIONS[] = {
    {.name = "--csv", .doc = "path,score,verdict with a header line, quoted as in RFC 4180"},
    {.name = "--json", .doc = "a list of {path, score, logit, fake}, with the threshold and the prior"},
    {.name = "--threshold", .value = "T", .doc = CLI_THRESHOLD_DOC},
    {.name = "--prior", .value = "P", .doc = CLI_PRIOR_DOC},
    {.name = NULL},
};
enum { OPTION_CSV, OPTION_JSON, OPTION_THRESHOLD, OPTION_PRIOR };

enum { MANY = 128 }; // more files than this have a progress bar

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

static void json_line(output *o, const char *path, double logit) {
    json_t *item = json_object();
    json_object_set_new(item, "path", text_json(path));
    json_object_set_new(item, "score", json_real(detector_score(o->detector, logit)));
    json_object_set_new(item, "logit", json_real(logit));
    json_object_set_new(item, "fake", json_boolean(is_fake(o, logit)));
    json_array_append_new(o->list, item);
}

static int json_end(output *o) {
    json_t *root = json_object();
    json_object_set_new(root, "threshold", json_real(o->threshold));
    json_object_set_new(root, "prior", json_real(detector_card_of(o->detector)->calibration.prior));
    json_object_set_new(root, "files", o->list);
    return cli_print_json("detect", root, 17);
}

static const format FORMATS[] = {{begin_nothing, text_line, end_nothing}, {csv_begin, csv_line, end_nothing}, {json_begin, json_line, json_end}};

// What becomes of the scores.
typedef struct job {
    const file_list *files;
    const format *format;
    output output;
    const volatile sig_atomic_t *stop;
    int failed; // files that could not be read or scored
} job;

static foil_status read_file(const void *from, int64_t i, image *out) {
    return image_read(((const file_list *)from)->path[i], out);
}

static void report_failure(job *j, const char *path) {
    bool named = strstr(foil_error(), path) != NULL;
    cli_progress_end();
    fprintf(stderr, "foil detect: %s%s%s\n", named ? "" : path, named ? "" : ": ", foil_error());
    j->failed++;
}

static foil_status take_score(void *to, int64_t i, foil_status read, const double *logit) {
    job *j = to;
    const file_list *l = j->files;
    if (*j->stop) return foil_fail(FOIL_INTERRUPTED, "interrupted after %lld of %d files", (long long)i, l->n);
    if (read == FOIL_OK)
        j->format->line(&j->output, l->path[i], *logit);
    else
        report_failure(j, l->path[i]);
    if (l->n > MANY) cli_progress("scoring", i + 1, l->n, NULL);
    return FOIL_OK;
}

static int longest(const file_list *l) {
    int width = 0;
    for (int i = 0; i < l->n; i++) {
        int n = (int)strlen(l->path[i]);
        if (n > width) width = n;
    }
    return width < 100 ? width : 100;
}

// What has been scored when a signal comes is printed.
static int score_files(foil_detector *d, const file_list *l, const format *f, double threshold) {
    job j = {.files = l, .format = f, .stop = cli_stop(), .output = {.detector = d, .threshold = threshold, .width = longest(l)}};
    f->begin(&j.output);
    foil_status status =
        score_pictures(&(scoring){.detector = &d, .detectors = 1, .n = l->n, .read = read_file, .from = l, .take = take_score, .to = &j});
    cli_progress_end();
    int failed = cli_ended("detect", status); // before the end's own failures
    int ended = f->end(&j.output);
    return failed || j.failed ? EXIT_FAILED : ended;
}

static int detect(foil_detector *d, char *const *arguments, int n, const format *f) {
    const option *asked = &OPTIONS[OPTION_THRESHOLD];
    double threshold, prior = 0;
    int status;
    if (!cli_threshold_sound("detect", asked) || !cli_float(&OPTIONS[OPTION_PRIOR], PRIOR_LEAST, 1 - PRIOR_LEAST, &prior)) return EXIT_USAGE;
    if (cli_prior("detect", d, prior) != FOIL_OK) return cli_failed("detect");
    if (cli_threshold(d, asked, &threshold) != FOIL_OK) return cli_failed("detect");
    file_list files = {0};
    foil_status listed = FOIL_OK;
    for (int i = 0; i < n && listed == FOIL_OK; i++) listed = add_argument(&files, arguments[i]);
    status = listed == FOIL_OK ? score_files(d, &files, f, threshold) : cli_failed("detect");
    free_files(&files);
    return status;
}

int cmd_detect(int argc, char **argv) {
    int count, status;
    if (!cli_parse(argc, argv, "DETECTOR FILE|FOLDER... [--csv|--json] [--threshold T] [--prior P]",
                   "Prints for each picture how likely it is a fake, 0 to 1, and the verdict. The exit status does not depend on the verdict;\n"
                   "it is 1 if a file could not be read or scored (the others are scored all the same).",
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
