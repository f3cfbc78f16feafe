// foil explain: what in a picture speaks for a fake, and what for a real, to this detector.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "eval/explain.h"

static option OPTIONS[] = {
    {.name = "--out", .letter = 'o', .value = "FILE.png", .doc = "the picture as the network sees it, and beside it the map over it"},
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
} job;

static void free_job(job *j) {
    explainer_free(j->explainer);
    image_free(&j->fitted);
    free(j->heat);
}

static foil_status open_job(const foil_detector *d, explain_method m, job *j) {
    shape in = net_input(detector_net(d));
    size_t places = (size_t)(in.d[0] * in.d[1]);
    *j = (job){.detector = d, .method = m, .heat = malloc(places * sizeof *j->heat)};
    if (!j->heat) return foil_fail_memory(places * sizeof *j->heat, "a map");
    TRY(image_new((int)in.d[0], (int)in.d[1], (int)in.d[2], &j->fitted));
    return explainer_new(d, m, &j->explainer);
}

static void print(const job *j, const char *path, const char *out, const explanation *about) {
    const calibration *c = &detector_card_of(j->detector)->calibration;
    double score = detector_score(j->detector, about->logit);
    printf("%s  %.6f  %s\n", path, score, score >= c->threshold[0].score ? "fake" : "real");
    if (j->method == EXPLAIN_GRADCAM)
        printf("Grad-CAM of %d x %d places after %s", about->rows, about->columns, about->layer);
    else if (j->method == EXPLAIN_INTEGRATED)
        printf("integrated gradients in %d steps from grey; they sum to %.4f of a logit that goes from %.4f to %.4f", about->passes, about->sum,
               about->grey, about->logit);
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

int cmd_explain(int argc, char **argv) {
    int count, status, method = EXPLAIN_GRADCAM;
    if (!cli_parse(argc, argv, "DETECTOR FILE -o MAP.png [--method gradcam|integrated|occlusion]",
                   "Shows what in a picture speaks for a fake (orange), and what for a real (blue), to this detector.", OPTIONS, &count, &status))
        return status;
    if (count != 2) return cli_usage("explain", "expected a detector and a picture, %d given", count);
    const char *out = OPTIONS[OPTION_OUT].text;
    if (!out || !text_ends_nocase(out, ".png")) return cli_usage("explain", "-o FILE.png was expected%s%s", out ? ", not " : "", out ? out : "");
    if (!cli_choice(&OPTIONS[OPTION_METHOD], EXPLAIN_NAMES, &method)) return EXIT_USAGE;
    foil_detector *d;
    job j = {0};
    if (foil_detector_load(argv[1], &d) != FOIL_OK) return cli_failed("explain");
    foil_status s = open_job(d, (explain_method)method, &j);
    if (s == FOIL_OK) s = explain_file(&j, argv[2], out);
    free_job(&j);
    foil_detector_free(d);
    return s == FOIL_OK ? EXIT_DONE : cli_failed("explain");
}
