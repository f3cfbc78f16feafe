// foil eval: how good a detector is, and how sure one can be of it.
#include <string.h>

#include "base/file.h"
#include "base/ranks.h"
#include "cli/cli.h"
#include "eval/harness.h"

static option OPTIONS[] = {
    {.name = "--split", .value = "S", .doc = "of the set: train, val, test (default) or all"},
    {.name = "--out", .value = "DIR", .doc = "writes scores.csv and metrics.json there"},
    {.name = "--json", .doc = "prints metrics.json instead of the table"},
    {.name = "--draws", .value = "N", .doc = "bootstrap draws for the intervals (default 1000)"},
    {.name = "--seed", .value = "N", .doc = "of the bootstrap (default 1)"},
    {.name = "--scores",
     .value = "FILE",
     .doc = "judges another tool's scores instead: CSV with score,fake[,path,method,subject,clip], or ASVspoof's"},
    {.name = NULL},
};
enum { OPTION_SPLIT, OPTION_OUT, OPTION_JSON, OPTION_DRAWS, OPTION_SEED, OPTION_SCORES };

static void progress(int64_t done, int64_t total, void *context) {
    (void)context;
    cli_progress("scoring", done, total, NULL);
}

static foil_status write_json(const char *path, const text *json) {
    file_writer *w;
    TRY(file_create(path, &w));
    file_write(w, json->data, json->length);
    return file_commit(w);
}

static foil_status write_files(const evaluation *e, const text *json, const char *folder) {
    text path = {0};
    TRY(file_make_folder(folder));
    text_format(&path, "%s/scores.csv", folder);
    foil_status status = path.failed ? foil_fail_memory(strlen(folder), "a path") : evaluation_write_scores(e, path.data);
    text_free(&path);
    TRY(status);
    text_format(&path, "%s/metrics.json", folder);
    status = path.failed ? foil_fail_memory(strlen(folder), "a path") : write_json(path.data, json);
    text_free(&path);
    return status;
}

static foil_status report(const evaluation *e) {
    text json = {0}, table = {0};
    foil_status status = evaluation_json(e, &json);
    if (status == FOIL_OK && OPTIONS[OPTION_OUT].text) status = write_files(e, &json, OPTIONS[OPTION_OUT].text);
    evaluation_table(e, &table);
    if (status == FOIL_OK && table.failed) status = foil_fail_memory(table.length, "the table");
    if (status == FOIL_OK) fputs(OPTIONS[OPTION_JSON].text ? json.data : table.data, stdout);
    text_free(&json);
    text_free(&table);
    return status;
}

static foil_status run(const char *detector, const char *path, set_split split, const evaluation_options *o) {
    foil_detector *d = NULL;
    pictures *from = NULL;
    evaluation e;
    foil_status status = ranks_agree(foil_detector_load(detector, &d));
    if (status == FOIL_OK) status = ranks_agree(pictures_open(path, split, &from));
    if (status == FOIL_OK) {
        status = evaluate(d, from, o, &e);
        if (status != FOIL_OK && !strstr(foil_error(), path)) foil_fail_within(status, "%s", path);
        cli_progress_end();
        if (status == FOIL_OK) {
            status = ranks_agree(ranks_self() == 0 ? report(&e) : FOIL_OK);
            evaluation_free(&e);
        }
    }
    pictures_close(from);
    foil_detector_free(d);
    return status;
}

int cmd_eval(int argc, char **argv) {
    int count, status, split = SPLIT_TEST;
    long long draws = 1000, seed = 1;
    if (!cli_parse(
            argc, argv, "DETECTOR SET.h5|SET.yaml|FOLDER | --scores FILE [--split test] [--out DIR] [--json]",
            "Scores every picture and judges the scores: area under the ROC curve, average precision, equal error rate, accuracy at the detector's\n"
            "own threshold, true positives at few false alarms, Brier score and calibration error, overall and per method of forgery, with\n"
            "95 % intervals (bootstrap by clip). A folder has real/ and fake/METHOD/ in it. 'mpirun -n N foil eval …' shares the scoring.",
            OPTIONS, &count, &status))
        return status;
    const char *scores = OPTIONS[OPTION_SCORES].text;
    if (count != (scores ? 0 : 2)) return cli_usage("eval", "expected a detector and a set or folder, or --scores alone");
    if (OPTIONS[OPTION_SPLIT].text && !cli_choice(&OPTIONS[OPTION_SPLIT], SPLIT_NAMES, &split)) return EXIT_USAGE;
    if (OPTIONS[OPTION_DRAWS].text && !cli_int(&OPTIONS[OPTION_DRAWS], 0, 1000000, &draws)) return EXIT_USAGE;
    if (OPTIONS[OPTION_SEED].text && !cli_int(&OPTIONS[OPTION_SEED], 0, INT64_MAX, &seed)) return EXIT_USAGE;
    evaluation_options o = {.draws = (int)draws, .seed = (uint64_t)seed, .progress = progress};
    foil_status done =
        scores ? ranks_agree(ranks_self() == 0 ? with_scores(scores, &o, report) : FOIL_OK) : run(argv[1], argv[2], (set_split)split, &o);
    return done == FOIL_OK ? EXIT_DONE : cli_failed("eval");
}
