// foil explain: what in a picture speaks for a fake, and what for a real, to this detector.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "eval/maps/explain.h"

static option OPTIONS[] = {
    {.name = "--out",
     .letter = 'o',
     .value = "MAP.png|DIR",
     .doc = "the picture as the network sees it, and beside it the map over it; DIR for a folder's"},
    {.name = "--method", .value = "M", .doc = "gradcam (default), integrated or occlusion: docs/explain.md"},
    {.name = NULL},
};
enum { OPTION_OUT, OPTION_METHOD };

enum { VIEWABLE = 256 }; // pixels that the shorter side shall have

// Each pixel `times` times in both directions, in colour.
static foil_status enlarged(const image *im, int times, image *out) {
    size_t row = (size_t)(im->width * times), bytes = (size_t)im->channels;
    TRY(image_new(im->height * times, im->width * times, im->channels, out));
    for (size_t i = 0; i < (size_t)out->height * row; i++)
        memcpy(out->pixels + i * bytes, im->pixels + (i / row / (size_t)times * (size_t)im->width + i % row / (size_t)times) * bytes, bytes);
    return image_to_channels(out, 3);
}

static foil_status write_pair(const image *fitted, const image *map, const char *path) {
    int shorter = fitted->height < fitted->width ? fitted->height : fitted->width, times = (VIEWABLE + shorter - 1) / shorter;
    image left = {0}, right = {0}, pair = {0};
    foil_status status = enlarged(fitted, times, &left);
    if (status == FOIL_OK) status = enlarged(map, times, &right);
    if (status == FOIL_OK) status = image_grid((const image *const[]){&left, &right}, 2, 2, &pair);
    if (status == FOIL_OK) status = image_write_png(path, &pair);
    image_free(&left);
    image_free(&right);
    image_free(&pair);
    return status;
}

typedef struct job {
    const foil_detector *detector;
    explainer *explainer;
    explain_method method;
    image fitted; // what the network sees
    float *heat;
    const char *folder, *out; // where pictures come from, and maps go
    int maps, failed;
} job;

static void free_job(job *j) {
    explainer_free(j->explainer);
    image_free(&j->fitted);
    free(j->heat);
}

static foil_status open_job(const foil_detector *d, explain_method m, job *j) {
    TRY(explainer_new(d, m, &j->explainer));
    shape in = detector_input(d);
    size_t places = (size_t)(in.d[0] * in.d[1]);
    j->detector = d;
    j->method = m;
    j->heat = malloc(places * sizeof *j->heat);
    return j->heat ? image_new((int)in.d[0], (int)in.d[1], (int)in.d[2], &j->fitted) : foil_fail_memory(places * sizeof *j->heat, "a map");
}

static void print(const job *j, const char *path, const char *out, const explanation *about) {
    const calibration *c = &detector_card_of(j->detector)->calibration;
    double score = detector_score(j->detector, about->logit);
    printf("%s  %.6f  %s\n", path, score, score >= c->threshold[0].score ? "fake" : "real");
    if (j->method == EXPLAIN_GRADCAM)
        printf("Grad-CAM of %d x %d places after %s", about->rows, about->columns, about->layer);
    else if (j->method == EXPLAIN_INTEGRATED)
        printf("integrated gradients in %d steps from grey; they sum to %.4f of a logit that goes from %.4f to %.4f%s", about->passes, about->sum,
               about->grey, about->logit, about->incomplete ? ": too far apart, this map is not to be believed" : "");
    else
        printf("occlusion by %d grey rectangles of %d x %d pixels", about->passes, about->rows, about->columns);
    printf("\n%s: orange speaks for fake, blue for real, in full colour from %.3g on; the logit is %.4f\n", out,
           explain_scale(j->heat, (size_t)j->fitted.height * (size_t)j->fitted.width), about->logit);
}

static foil_status explain_file(job *j, const char *path, const char *out) {
    image picture = {0}, map = {0};
    explanation about;
    TRY(image_read(path, &picture));
    foil_status status = detector_fit(j->detector, &picture, j->fitted.pixels);
    image_free(&picture);
    if (status == FOIL_OK) status = explainer_run(j->explainer, j->fitted.pixels, j->heat, &about);
    if (status != FOIL_OK) return foil_fail_within(status, "%s", path);
    TRY(explain_overlay(&j->fitted, j->heat, &map));
    status = write_pair(&j->fitted, &map, out);
    image_free(&map);
    if (status == FOIL_OK) print(j, path, out, &about);
    return status;
}

// "pictures/a/1.jpg" -> "maps/a/1.jpg.png"
static foil_status explain_into_folder(job *j, const char *path) {
    text out = {0};
    const char *below = path + strlen(j->folder);
    while (*below == '/') below++;
    text_format(&out, "%s/%s", j->out, below);
    if (out.failed) return foil_fail_memory(strlen(path), "a path");
    *strrchr(out.data, '/') = 0;
    foil_status status = file_make_folder(out.data);
    out.length = 0;
    text_format(&out, "%s/%s.png", j->out, below);
    if (status == FOIL_OK) status = out.failed ? foil_fail_memory(strlen(path), "a path") : explain_file(j, path, out.data);
    text_free(&out);
    return status;
}

// What cannot be read does not keep the others from being explained.
static foil_status visit(const char *path, void *context) {
    job *j = context;
    if (!image_has_known_suffix(path)) return FOIL_OK;
    j->maps++;
    if (explain_into_folder(j, path) == FOIL_OK) return FOIL_OK;
    j->failed++;
    cli_failed("explain");
    return FOIL_OK;
}

static foil_status explain_folder(job *j) {
    TRY(file_walk(j->folder, visit, j));
    return j->maps ? FOIL_OK : foil_fail(FOIL_INVALID, "%s: no pictures in this folder", j->folder);
}

static int explain_source(const char *detector, const char *source, const char *out, explain_method method) {
    foil_detector *d;
    job j = {.folder = source, .out = out};
    if (foil_detector_load(detector, &d) != FOIL_OK) return cli_failed("explain");
    foil_status s = open_job(d, method, &j);
    if (s != FOIL_OK) foil_fail_within(s, "%s", detector);
    if (s == FOIL_OK) s = file_is_folder(source) ? explain_folder(&j) : explain_file(&j, source, out);
    free_job(&j);
    foil_detector_free(d);
    if (s != FOIL_OK) return cli_failed("explain");
    return j.failed ? EXIT_FAILED : EXIT_DONE;
}

int cmd_explain(int argc, char **argv) {
    int count, status, method = EXPLAIN_GRADCAM;
    if (!cli_parse(
            argc, argv, "DETECTOR FILE|FOLDER -o MAP.png|DIR [--method gradcam|integrated|occlusion]",
            "Shows what in a picture speaks for a fake (orange), and what for a real (blue), to this detector. Of a folder, each picture's map.",
            OPTIONS, &count, &status))
        return status;
    if (count != 2) return cli_usage("explain", "expected a detector and a picture or folder, %d given", count);
    const char *out = OPTIONS[OPTION_OUT].text;
    bool folder = file_is_folder(argv[2]);
    if (!out || !*out) return cli_usage("explain", "-o %s was expected", folder ? "DIR" : "MAP.png");
    if (text_ends_nocase(out, ".png") == folder)
        return cli_usage("explain", "-o %s was expected for %s '%s', not '%s'", folder ? "DIR" : "MAP.png", folder ? "the folder" : "the picture",
                         argv[2], out);
    if (!cli_elsewhere(&OPTIONS[OPTION_OUT], out, argv[2])) return EXIT_USAGE;
    if (!cli_choice(&OPTIONS[OPTION_METHOD], EXPLAIN_NAMES, &method)) return EXIT_USAGE;
    return explain_source(argv[1], argv[2], out, (explain_method)method);
}
