// foil calibrate: a detector's probabilities and thresholds from other data, its network untouched.
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/calibration.h"
#include "cli/inspect.h"
#include "datasets/below.h"
#include "eval/json.h"
#include "eval/metric.h"
#include "eval/pictures.h"
#include "eval/scoring.h"

static option OPTIONS[] = {
    {.name = "--out", .letter = 'o', .value = "FILE", .doc = "the calibrated detector, a new .safetensors"},
    {.name = "--split", .value = "S", .doc = "of the set: train, val (default), test or all"},
    {.name = "--method", .value = "M", .doc = "temperature (default), platt or isotonic: docs/calibration.md"},
    {.name = "--fpr", .value = "LIST", .doc = "thresholds beside eer, as 0.01,0.001 (default 0.1,0.01,0.001 where the reals back them)"},
    {.name = "--prior", .value = "P", .doc = CLI_PRIOR_DOC},
    {.name = NULL},
};
enum { OPTION_OUT, OPTION_SPLIT, OPTION_METHOD, OPTION_FPR, OPTION_PRIOR };

typedef struct request {
    const char *out;
    set_split split;
    calibrate_options options;
    double fpr[THRESHOLDS - 1];
    double prior; // 0 = the data's
} request;

// The pictures, and what the detector says of them.
typedef struct judged {
    const pictures *from;
    int64_t n, reals;
    double *logit, *score;
    bool *fake;
    int *clip;
} judged;

// Scoring. --------------------------------------------------------------------------------------------------------------------------------------

static foil_status read_picture(const void *from, int64_t i, image *out) {
    return pictures_read(((const judged *)from)->from, i, out);
}

static foil_status take_logit(void *to, int64_t i, foil_status read, const double *logit) {
    judged *j = to;
    if (read != FOIL_OK) return pictures_failed(j->from, i, read);
    j->logit[i] = *logit;
    cli_progress("scoring", i + 1, j->n, NULL);
    return FOIL_OK;
}

static foil_status label_all(judged *j) {
    for (int64_t i = 0; i < j->n; i++) {
        arena texts = {0};
        picture_label l = {0};
        foil_status status = pictures_label(j->from, i, &texts, &l);
        j->fake[i] = l.fake;
        j->clip[i] = l.clip;
        arena_free(&texts);
        TRY(status);
    }
    return FOIL_OK;
}

static foil_status score_all(foil_detector *d, judged *j) {
    size_t n = (size_t)j->n;
    j->logit = malloc(n * sizeof *j->logit);
    j->score = malloc(n * sizeof *j->score);
    j->fake = malloc(n * sizeof *j->fake);
    j->clip = malloc(n * sizeof *j->clip);
    if (!j->logit || !j->score || !j->fake || !j->clip) return foil_fail_memory(n * sizeof *j->logit, "scores");
    TRY(label_all(j));
    foil_status status =
        score_pictures(&(scoring){.detector = &d, .detectors = 1, .n = j->n, .read = read_picture, .from = j, .take = take_logit, .to = j});
    cli_progress_end();
    return status;
}

// What is said. ---------------------------------------------------------------------------------------------------------------------------------

// The log-loss; NaN if it can't be had.
static double print_line(const char *what, const judged *j, const char *about) {
    double value[METRICS], mean = 0;
    if (metrics(&(metric_input){.score = j->score, .fake = j->fake, .n = j->n, .threshold = .5}, value) != FOIL_OK) return NAN;
    for (int64_t i = 0; i < j->n; i++) mean += j->score[i] / (double)j->n;
    printf("%-12s %8.4f  %6.4f  %6.4f  %10.4f  %s\n", what, value[METRIC_LOG_LOSS], value[METRIC_BRIER], value[METRIC_ECE], mean, about);
    return value[METRIC_LOG_LOSS];
}

static double print_with(const char *what, judged *j, const calibration *c, const char *about) {
    for (int64_t i = 0; i < j->n; i++) j->score[i] = calibrated_score(c, j->logit[i]);
    return print_line(what, j, about);
}

static void print_losses(const request *r, judged *j, const calibration *before, const calibration *after) {
    printf("%s, split %s: %lld reals, %lld fakes\n\n", pictures_name(j->from), pictures_split(j->from), (long long)j->reals,
           (long long)(j->n - j->reals));
    printf("%-12s %8s  %6s  %6s  %10s\n", "", "log-loss", "brier", "ece", "mean score");
    const double loss = print_with("before", j, before, ""), fitted = print_with("after", j, after, "on the pictures that it was fitted to");
    if (calibrate_crosswise(&r->options, j->logit, j->fake, j->clip, j->n, j->score) == FOIL_OK)
        print_line("crosswise", j, "each fifth by a fit to the other four");
    printf("\n");
    if (fitted > loss + 5e-5 && r->options.method == CALIBRATION_TEMPERATURE) {
        fflush(stdout);
        fprintf(stderr, "foil calibrate: warning: worse than before, even on these pictures: a temperature can't move scores as a whole, as "
                        "--method platt does\n");
    }
}

// Writing. --------------------------------------------------------------------------------------------------------------------------------------

// The provenance, which now says what the calibration is of.
static foil_status add_provenance(const judged *j, const char *before, char **out) {
    char name[4096];
    source_name(pictures_name(j->from), name, sizeof name);
    json_t *all = json_loads(before ? before : "{}", 0, NULL);
    json_t *calibrated =
        json_pack("{s:o, s:s, s:s}", "set", text_json(name), "fingerprint", pictures_fingerprint(j->from), "split", pictures_split(j->from));
    bool done = json_is_object(all) && calibrated && json_object_set(all, "calibrated", calibrated) == 0;
    *out = done ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(calibrated);
    json_decref(all);
    return *out ? FOIL_OK : foil_fail(FOIL_INVALID, "the detector's provenance is no JSON object");
}

static foil_status write_calibrated(const foil_detector *d, const judged *j, const calibration *c, const char *path) {
    detector_card card = *detector_card_of(d);
    char *provenance;
    TRY(add_provenance(j, card.provenance, &provenance));
    card.calibration = *c;
    card.provenance = provenance;
    foil_status status = detector_rewrite(path, d, &card);
    free(provenance);
    return status;
}

// All of it. ------------------------------------------------------------------------------------------------------------------------------------

static foil_status check_counts(const request *r, const judged *j) {
    if (!j->reals || j->reals == j->n)
        return foil_fail(FOIL_INVALID, "%s: calibration needs both classes, but there are %lld reals and %lld fakes", pictures_name(j->from),
                         (long long)j->reals, (long long)(j->n - j->reals));
    for (int i = 0; i < r->options.fprs; i++)
        if (j->reals < reals_needed(r->fpr[i])) return threshold_unbacked(r->fpr[i], j->reals);
    return FOIL_OK;
}

static foil_status recalibrate(const request *r, foil_detector *d, judged *j, arena *memory) {
    calibration c;
    TRY(check_counts(r, j));
    TRY(score_all(d, j));
    TRY(calibrate(&r->options, j->logit, j->fake, j->n, memory, &c));
    calibration shipped = c;
    if (r->prior > 0) TRY(calibration_set_prior(&shipped, r->prior));
    TRY(write_calibrated(d, j, &shipped, r->out));
    print_losses(r, j, &detector_card_of(d)->calibration, &c);
    inspect_print_calibration(&shipped);
    return FOIL_OK;
}

static foil_status run(const request *r, const char *detector, const char *path) {
    foil_detector *d;
    pictures *from;
    arena memory = {0};
    TRY(foil_detector_load(detector, &d));
    foil_status status = pictures_open(path, r->split, &from);
    if (status == FOIL_OK) {
        judged j = {.from = from, .n = pictures_count(from), .reals = pictures_count(from) - pictures_fakes(from)};
        status = recalibrate(r, d, &j, &memory);
        free(j.logit);
        free(j.score);
        free(j.fake);
        free(j.clip);
        pictures_close(from);
    }
    arena_free(&memory);
    foil_detector_free(d);
    return status;
}

// "0.01,0.001"
static bool parse_rates(const char *list, request *r) {
    for (const char *at = list;;) {
        char word[32] = "";
        size_t n = strcspn(at, ",");
        double *rate = &r->fpr[r->options.fprs];
        if (n < sizeof word) memcpy(word, at, n);
        if (r->options.fprs == THRESHOLDS - 1 || !text_to_float(word, rate) || *rate < 1e-6 || *rate > .5) {
            cli_usage("calibrate", "--fpr '%s': at most %d numbers from 1e-06 to 0.5 were expected, separated by commas", list, THRESHOLDS - 1);
            return false;
        }
        r->options.fprs++;
        if (!at[n]) break;
        at += n + 1;
    }
    r->options.fpr = r->fpr;
    return true;
}

static bool parse_options(request *r) {
    int split = SPLIT_VAL, method = CALIBRATION_TEMPERATURE;
    if (!cli_choice(&OPTIONS[OPTION_SPLIT], SPLIT_NAMES, &split) || !cli_choice(&OPTIONS[OPTION_METHOD], CALIBRATION_NAMES, &method)) return false;
    if (!cli_float(&OPTIONS[OPTION_PRIOR], PRIOR_LEAST, 1 - PRIOR_LEAST, &r->prior)) return false;
    r->split = (set_split)split;
    r->options.method = (calibration_method)method;
    return !OPTIONS[OPTION_FPR].text || parse_rates(OPTIONS[OPTION_FPR].text, r);
}

int cmd_calibrate(int argc, char **argv) {
    int count, status;
    request r = {0};
    if (!cli_parse(
            argc, argv, "DETECTOR SET.h5|SET.yaml|FOLDER -o NEW.safetensors [--split val] [--method M] [--fpr LIST] [--prior P]",
            "Fits a detector's probabilities and sets its thresholds anew, on pictures that it did not learn from, without training. Says what\n"
            "that changes, and what the thresholds rest on. A folder has real/ and fake/METHOD/ in it and is taken whole.",
            OPTIONS, &count, &status))
        return status;
    r.out = OPTIONS[OPTION_OUT].text;
    if (count != 2) return cli_usage("calibrate", "expected a detector, and a set or a folder");
    if (!r.out) return cli_usage("calibrate", "which file? give it with -o");
    if (!text_ends_nocase(r.out, ".safetensors")) return cli_usage("calibrate", "-o '%s': expected a file ending in .safetensors", r.out);
    if (!parse_options(&r)) return EXIT_USAGE;
    if ((r.split == SPLIT_TEST || r.split == SPLIT_ALL) && !file_is_folder(argv[2]))
        fprintf(stderr,
                "foil calibrate: warning: split '%s' has the test's pictures: no figure that they give this detector afterwards says anything of the "
                "unseen\n",
                SPLIT_NAMES[r.split]);
    return cli_ended("calibrate", run(&r, argv[1], argv[2]));
}
