// foil eval: how good detectors are, and how sure one can be of it.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/ranks.h"
#include "cli/calibration.h"
#include "eval/pages/evaluation.h"
#include "train/folder.h"

enum { MOST_SCORES = 32 };
static const char *scores_given[MOST_SCORES + 1];
static text typed; // the command, for the report

static option OPTIONS[] = {
    {.name = "--split", .value = "S", .doc = "of the sets: train, val, test (default) or all"},
    {.name = "--out", .value = "DIR", .doc = "writes report.html, scores and metrics.json there"},
    {.name = "--json", .doc = "prints metrics.json instead of the table"},
    {.name = "--scores",
     .value = "FILE",
     .doc = "judges another tool's scores, too: CSV with score,fake[,path,method,subject,clip], or ASVspoof's; may be repeated",
     .given = scores_given,
     .most = MOST_SCORES},
    {.name = "--by", .value = "LIST", .doc = "rows of the table: any of method,level,subject (default method,level)"},
    {.name = "--clips", .value = "RULE", .doc = "judges clips: mean, max, median or mean_logit of their pictures' scores"},
    {.name = "--frames", .value = "N", .doc = "at most N pictures of each clip, spread evenly over it"},
    {.name = "--asv", .value = "FILE", .doc = "t-DCF: scores of speaker verification, lines 'source target|nontarget|spoof score'"},
    {.name = "--perturb", .value = "LIST", .doc = "robustness to perturbed pictures: standard, or names with commas; list shows what there is"},
    {.name = "--no-cues", .doc = "leaves out the baseline of cues (cues.safetensors) that lies beside a detector"},
    {.name = "--threshold", .value = "T", .doc = "that decisions are made at: eer (default), fpr=0.01 …, or a number from 0 to 1"},
    {.name = "--prior", .value = "P", .doc = CLI_PRIOR_DOC},
    {.name = "--draws", .value = "N", .doc = "bootstrap draws for the intervals, 40 at least (default 1000); 0: no intervals"},
    {.name = "--seed", .value = "N", .doc = "of the bootstrap and of perturbations (default 1)"},
    {.name = NULL},
};
enum {
    OPTION_SPLIT,
    OPTION_OUT,
    OPTION_JSON,
    OPTION_SCORES,
    OPTION_BY,
    OPTION_CLIPS,
    OPTION_FRAMES,
    OPTION_ASV,
    OPTION_PERTURB,
    OPTION_NO_CUES,
    OPTION_THRESHOLD,
    OPTION_PRIOR,
    OPTION_DRAWS,
    OPTION_SEED
};

// What was asked for.
typedef struct request {
    int detectors, files, sets;
    int given;       // detectors that were asked for; the others are the baselines beside them
    contestant *who; // [detectors + files]
    foil_detector **detector;
    arena names; // of baselines
    score_file **file;
    pictures **set;
    evaluation *e;  // [sets], at least one
    bool misplaced; // --out is where scores are read: the usage has been told
    set_split split;
    double prior; // 0 = the detectors' own
    tandem tandem;
    perturbation_list perturb;
    evaluation_options options;
} request;

// Writing. ----------------------------------------------------------------------------------------------------------------------------------------

// "scores.csv", or of several, and of a baseline, "scores-SET-DETECTOR.csv", numbered as in metrics.json.
static text scores_path(const request *r, const char *folder, int at, int by) {
    text path = {0};
    text_format(&path, "%s/scores", folder);
    if (r->sets > 1 || r->given + r->files > 1 || by > 0) text_format(&path, "-%d-%d", at, by);
    text_add(&path, ".csv");
    return path;
}

static foil_status write_scores(const request *r, const char *folder, int at, int by) {
    text path = scores_path(r, folder, at, by);
    const evaluation *e = &r->e[at];
    foil_status status = path.failed ? foil_fail_memory(strlen(folder), "a path") : evaluation_write_scores(e, &e->judge[by], path.data);
    text_free(&path);
    return status;
}

static foil_status write_page(const request *r, const char *folder) {
    text path = {0};
    text_format(&path, "%s/report.html", folder);
    bool failed = path.failed || typed.failed;
    const evaluation_page page = {.command = typed.data, .e = r->e, .from = (const pictures *const *)r->set, .sets = r->sets};
    foil_status status = failed ? foil_fail_memory(strlen(folder), "a path") : evaluation_page_write(&page, path.data);
    text_free(&path);
    return status;
}

static foil_status write_robustness(const request *r, const char *folder) {
    text path = {0};
    text_format(&path, "%s/robustness.csv", folder);
    foil_status status = path.failed ? foil_fail_memory(strlen(folder), "a path") : evaluations_write_robustness(r->e, r->sets, path.data);
    text_free(&path);
    return status;
}

static foil_status write_files(const request *r, const text *json, const char *folder) {
    text path = {0};
    TRY(file_make_folder(folder));
    for (int i = 0; i < r->sets; i++)
        for (int k = 0; k < r->e[i].judges; k++) TRY(write_scores(r, folder, i, k));
    text_format(&path, "%s/metrics.json", folder);
    foil_status status = path.failed ? foil_fail_memory(strlen(folder), "a path") : file_save(path.data, json->data, json->length);
    text_free(&path);
    if (status == FOIL_OK && r->perturb.n) status = write_robustness(r, folder);
    return status == FOIL_OK ? write_page(r, folder) : status;
}

static foil_status report(const request *r) {
    text json = {0}, table = {0};
    TRY(evaluations_correct(r->e, r->sets));
    foil_status status = evaluations_json(r->e, r->sets, &json);
    if (status == FOIL_OK && OPTIONS[OPTION_OUT].text) status = write_files(r, &json, OPTIONS[OPTION_OUT].text);
    evaluations_table(r->e, r->sets, &table);
    if (status == FOIL_OK && table.failed) status = foil_fail_memory(table.length, "the table");
    if (status == FOIL_OK) fputs(OPTIONS[OPTION_JSON].text ? json.data : table.data, stdout);
    text_free(&json);
    text_free(&table);
    return status;
}

// Detectors, files of scores, sets. -----------------------------------------------------------------------------------------------------------------

// Whether it is the folder of a run: no set, and loading it as a detector says what was meant.
static bool is_run(const char *path) {
    return folder_has(path, "best.safetensors") || folder_has_checkpoint(path);
}

// Weights begin with the length of their header and the header, JSON.
static bool is_detector(const char *path) {
    char begin[9] = "";
    FILE *f = file_is_folder(path) ? NULL : fopen(path, "rb");
    size_t n = f ? fread(begin, 1, sizeof begin, f) : 0;
    if (f) fclose(f);
    return (n == sizeof begin && begin[8] == '{') || text_ends_nocase(path, ".safetensors") || is_run(path);
}

static bool has_detector(char *const *path, int count) {
    for (int i = 0; i < count; i++)
        if (is_detector(path[i])) return true;
    return false;
}

static void progress(int64_t done, int64_t total, void *context) {
    (void)context;
    cli_progress("scoring", done, total, NULL);
}

static bool same_bytes(const char *a, const char *b) {
    file_map x = {0}, y = {0};
    bool same = file_map_open(a, &x) == FOIL_OK && file_map_open(b, &y) == FOIL_OK && x.n == y.n && memcmp(x.bytes, y.bytes, x.n) == 0;
    file_map_close(&x);
    file_map_close(&y);
    return same;
}

// Runs on the same data have the same baseline beside them: twice in a table it would double the pairs that p-values are corrected for.
static bool is_open(const request *r, const char *path) {
    for (int i = 0; i < r->detectors; i++)
        if (strcmp(r->who[i].name, path) == 0 || same_bytes(r->who[i].name, path)) return true;
    return false;
}

static foil_status add_detector(request *r, const char *path) {
    foil_detector **d = &r->detector[r->detectors];
    TRY(foil_detector_load(path, d));
    r->who[r->detectors++] = (contestant){.name = path, .detector = *d};
    foil_status status = cli_prior("eval", *d, r->prior);
    return status == FOIL_OK ? FOIL_OK : foil_fail_within(status, "%s", path);
}

static foil_status set_threshold(contestant *c) {
    TRY(cli_threshold(c->detector, &OPTIONS[OPTION_THRESHOLD], &c->threshold));
    c->threshold_name = OPTIONS[OPTION_THRESHOLD].text;
    return FOIL_OK;
}

// The baseline that training left beside a network. Nobody named it: if it lacks the threshold that was asked for, it is judged at its eer.
static foil_status open_baseline(request *r, const char *detector) {
    char *beside = file_beside(detector, "cues.safetensors");
    const char *path = beside ? arena_text(&r->names, beside) : NULL;
    free(beside);
    if (!path) return foil_fail_memory(64, "a path");
    if (!file_exists(path) || is_open(r, path)) return FOIL_OK;
    TRY(add_detector(r, path));
    (void)set_threshold(&r->who[r->detectors - 1]);
    return FOIL_OK;
}

// All of them, before anything is scored.
static foil_status open_all(request *r, char **path, int count) {
    for (int i = 0; i < count; i++) {
        if (is_detector(path[i])) {
            TRY(add_detector(r, path[i]));
            foil_status status = set_threshold(&r->who[r->detectors - 1]);
            if (status != FOIL_OK) return foil_fail_within(status, "%s", path[i]);
        } else if (text_ends_nocase(path[i], ".csv") || text_ends_nocase(path[i], ".txt")) {
            return foil_fail(FOIL_INVALID, "%s: neither a detector nor a set; for scores, --scores %s was expected", path[i], path[i]);
        } else {
            TRY(pictures_open(path[i], r->split, &r->set[r->sets]));
            r->sets++;
        }
    }
    r->given = r->detectors;
    for (int i = 0; i < count && !OPTIONS[OPTION_NO_CUES].text; i++)
        if (is_detector(path[i])) TRY(open_baseline(r, path[i]));
    for (; scores_given[r->files]; r->files++) {
        TRY(scores_open(scores_given[r->files], &r->file[r->files]));
        r->who[r->detectors + r->files] = (contestant){.name = scores_given[r->files], .scores = r->file[r->files]};
    }
    if (OPTIONS[OPTION_ASV].text) {
        TRY(tandem_read(OPTIONS[OPTION_ASV].text, &r->tandem));
        r->options.tandem = &r->tandem;
    }
    return FOIL_OK;
}

static foil_status evaluate_one(request *r, const pictures *from, evaluation *e) {
    foil_status status = evaluate(from, r->who, r->detectors + r->files, &r->options, e);
    cli_progress_end();
    if (status == FOIL_OK || !from || strstr(foil_error(), pictures_name(from))) return status;
    return foil_fail_within(status, "%s", pictures_name(from));
}

// Scores that are read are not written over by those that come out. false: message printed, EXIT_USAGE is due.
static bool scores_elsewhere(const request *r) {
    const option *to = &OPTIONS[OPTION_OUT], *asv = &OPTIONS[OPTION_ASV];
    bool elsewhere = true;
    for (int at = 0; to->text && at < (r->sets ? r->sets : 1); at++)
        for (int by = 0; elsewhere && by < r->detectors + r->files; by++) {
            text path = scores_path(r, to->text, at, by);
            const char *written = path.failed ? to->text : path.data; // too short of memory for a path, files are not made either
            elsewhere = !asv->text || cli_elsewhere(to, written, asv->text);
            for (int f = 0; elsewhere && f < r->files; f++) elsewhere = cli_elsewhere(to, written, scores_given[f]);
            text_free(&path);
        }
    return elsewhere;
}

// What would keep the report from being made is told before all is scored.
static foil_status check_ahead(const request *r) {
    const char *folder = OPTIONS[OPTION_OUT].text;
    for (int i = 0; i < r->sets; i++) TRY(pictures_need_both(r->set[i]));
    return folder && ranks_self() == 0 ? file_make_folder(folder) : FOIL_OK;
}

static foil_status evaluate_all(request *r) {
    if (!r->sets) return evaluate_one(r, NULL, &r->e[r->sets++]);
    for (int i = 0; i < r->sets; i++) TRY(evaluate_one(r, r->set[i], &r->e[i]));
    return FOIL_OK;
}

static foil_status run(request *r, char **path, int count) {
    size_t most = 2 * (size_t)count + MOST_SCORES + 1;
    r->who = calloc(most, sizeof *r->who);
    r->detector = calloc(most, sizeof *r->detector);
    r->file = calloc(most, sizeof *r->file);
    r->set = calloc(most, sizeof *r->set);
    r->e = calloc(most, sizeof *r->e);
    bool short_of_memory = !r->who || !r->detector || !r->file || !r->set || !r->e;
    foil_status status = ranks_agree(short_of_memory ? foil_fail_memory(most * sizeof *r->e, "evaluations") : open_all(r, path, count));
    bool lacking = status == FOIL_OK && (r->sets ? !r->detectors && !r->files : r->detectors || !r->files);
    if (lacking)
        status = foil_fail(FOIL_INVALID, "detectors: %d, sets or folders: %d; at least one of each was expected, or --scores", r->detectors, r->sets);
    if (status == FOIL_OK && r->perturb.n && !r->detectors)
        status = foil_fail(FOIL_INVALID, "--perturb needs a detector: scores from a file stay as they are");
    r->misplaced = status == FOIL_OK && !scores_elsewhere(r);
    if (r->misplaced) status = FOIL_INVALID;
    if (status == FOIL_OK) status = ranks_agree(check_ahead(r));
    if (status == FOIL_OK) status = evaluate_all(r);
    if (status == FOIL_OK) status = ranks_agree(ranks_self() == 0 ? report(r) : FOIL_OK);
    for (int i = 0; !short_of_memory && i < (int)most; i++) {
        evaluation_free(&r->e[i]);
        foil_detector_free(r->detector[i]);
        scores_close(r->file[i]);
        pictures_close(r->set[i]);
    }
    free(r->who);
    free((void *)r->detector);
    arena_free(&r->names);
    free((void *)r->file);
    free((void *)r->set);
    free(r->e);
    return status;
}

// The command line. ---------------------------------------------------------------------------------------------------------------------------------

// "method,subject"
static bool parse_rows(const char *list, int *rows) {
    *rows = 0;
    for (const char *at = list;;) {
        size_t n = strcspn(at, ",");
        row_kind k = ROW_METHOD;
        while (k < ROW_KINDS && (strlen(ROW_KIND_NAMES[k]) != n || strncmp(ROW_KIND_NAMES[k], at, n) != 0)) k++;
        if (k == ROW_KINDS) {
            cli_usage("eval", "--by '%s': some of method, level and subject were expected, separated by commas", list);
            return false;
        }
        *rows |= 1 << k;
        if (!at[n]) return true;
        at += n + 1;
    }
}

static bool parse_options(request *r) {
    int split = SPLIT_TEST, rule = -1, rows = 1 << ROW_METHOD | 1 << ROW_LEVEL;
    long long draws = 1000, seed = 1, frames = 0;
    if (OPTIONS[OPTION_SPLIT].text && !cli_choice(&OPTIONS[OPTION_SPLIT], SPLIT_NAMES, &split)) return false;
    if (OPTIONS[OPTION_CLIPS].text && !cli_choice(&OPTIONS[OPTION_CLIPS], CLIP_RULES, &rule)) return false;
    if (OPTIONS[OPTION_BY].text && !parse_rows(OPTIONS[OPTION_BY].text, &rows)) return false;
    if (!cli_int(&OPTIONS[OPTION_DRAWS], 0, 1000000, &draws) || !cli_int(&OPTIONS[OPTION_SEED], 0, INT64_MAX, &seed)) return false;
    if (draws && draws < INTERVAL_DRAWS) {
        cli_usage("eval", "--draws %lld: at least %d were expected, of which 95 %% leave some out, or 0 for no intervals", draws, INTERVAL_DRAWS);
        return false;
    }
    if (!cli_int(&OPTIONS[OPTION_FRAMES], 1, 1000000, &frames)) return false;
    if (!cli_threshold_sound("eval", &OPTIONS[OPTION_THRESHOLD])) return false;
    if (!cli_float(&OPTIONS[OPTION_PRIOR], PRIOR_LEAST, 1 - PRIOR_LEAST, &r->prior)) return false;
    r->split = (set_split)split;
    r->options = (evaluation_options){
        .draws = (int)draws, .seed = (uint64_t)seed, .rows = rows, .clip_rule = rule, .frames = (int)frames, .progress = progress};
    if (!OPTIONS[OPTION_PERTURB].text) return true;
    if (perturbation_parse(OPTIONS[OPTION_PERTURB].text, &r->perturb) != FOIL_OK) {
        cli_usage("eval", "--perturb: %s", foil_error());
        return false;
    }
    r->options.perturb = &r->perturb;
    return true;
}

static int list_perturbations(void) {
    text table = {0};
    perturbation_document(&table);
    if (!table.failed) fputs(table.data, stdout);
    bool failed = table.failed;
    text_free(&table);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

// As a shell takes it.
static void add_argument(const char *s) {
    text_add(&typed, " ");
    if (*s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%") == strlen(s)) {
        text_add(&typed, s);
        return;
    }
    text_add(&typed, "'");
    for (; *s; s++)
        if (*s == '\'')
            text_add(&typed, "'\\''");
        else
            text_add_bytes(&typed, s, 1);
    text_add(&typed, "'");
}

int cmd_eval(int argc, char **argv) {
    int count, status;
    request r = {0};
    text_add(&typed, "foil");
    for (int i = 0; i < argc; i++) add_argument(argv[i]); // before the options are taken out
    if (!cli_parse(
            argc, argv, "DETECTOR... SET.h5|SET.yaml|FOLDER... [--scores FILE]... [--split test] [--out DIR] [--json]",
            "Scores every picture and judges the scores: area under the ROC curve, average precision, equal error rate, accuracy at the detector's\n"
            "own threshold, true positives at few false alarms, Brier score and calibration error, overall and per method of forgery, with\n"
            "95 % intervals (bootstrap by clip). Several detectors judge the same pictures: their differences, with p-values. Files with weights\n"
            "are detectors, all else are sets; a folder has real/ and fake/METHOD/ in it. --scores takes another tool's scores: with sets joined\n"
            "with their pictures by path, without as a set of their own. 'mpirun -n N foil eval …' shares the scoring.",
            OPTIONS, &count, &status))
        return status;
    if (OPTIONS[OPTION_PERTURB].text && strcmp(OPTIONS[OPTION_PERTURB].text, "list") == 0) return list_perturbations();
    if (!count && !scores_given[0]) return cli_usage("eval", "expected detectors and sets or folders, or --scores");
    if (OPTIONS[OPTION_OUT].text && !*OPTIONS[OPTION_OUT].text) return cli_usage("eval", "--out: the name of a folder was expected, not ''");
    const option *shift = OPTIONS[OPTION_THRESHOLD].text ? &OPTIONS[OPTION_THRESHOLD] : &OPTIONS[OPTION_PRIOR];
    if (shift->text && !has_detector(argv + 1, count))
        return cli_usage("eval", "%s is of a detector, and there is none: scores from a file stay as they are, and are judged at 0.5", shift->name);
    if (!parse_options(&r)) return EXIT_USAGE;
    foil_status ended = run(&r, argv + 1, count);
    return r.misplaced ? EXIT_USAGE : cli_ended("eval", ended);
}
