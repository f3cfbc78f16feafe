// foil study: one question asked of many runs.
#include "train/study.h"

#include <math.h>
#include <string.h>

#include "base/ranks.h"
#include "cli/cli.h"

static option OPTIONS[] = {
    {.name = "--out", .letter = 'o', .value = "DIR", .doc = "where the cells and the report go; a study that was begun there is continued"},
    {.name = "--dry-run", .doc = "prints the cells with the commands that repeat them, and runs nothing"},
    {.name = NULL},
};
enum { OPTION_OUT, OPTION_DRY_RUN };

static void show(const study_progress *p, void *context) {
    (void)context;
    text what = {0}, note = {0};
    text_format(&what, "%d/%d %s", p->number, p->of, p->cell->name);
    if (p->train && !isnan(p->train->metric)) text_format(&note, "val %.3f", p->train->metric);
    if (p->train)
        cli_progress(what.failed ? "" : what.data, p->train->step, p->train->steps, note.data);
    else
        cli_progress("scoring", p->scored, p->to_score, what.data);
    text_free(&what);
    text_free(&note);
}

static foil_status print_cells(const study *s) {
    for (int i = 0; i < s->cells; i++) {
        text line = {0};
        study_command(&s->cell[i], &line);
        if (line.failed) return foil_fail_memory(line.length, "a command");
        printf("%s\n", line.data);
        text_free(&line);
    }
    return FOIL_OK;
}

static foil_status run(const study *s, const char *folder) {
    study_options o = {.folder = folder, .stop = cli_stop(), .progress = show};
    TRY(study_run(s, &o));
    cli_progress_end();
    text report = {0};
    foil_status status = study_report(s, folder, &report);
    if (status == FOIL_OK) fputs(report.data, stdout);
    text_free(&report);
    return status;
}

int cmd_study(int argc, char **argv) {
    int count, status;
    study s;
    if (!cli_parse(argc, argv, "STUDY.yaml [KEY=VALUE...] --out DIR [--dry-run]",
                   "Trains and judges every cell of a study: its variants, with its seeds, on its sets, by its protocol (supervised, a method or a "
                   "source of\n"
                   "reals left out, growing amounts of data, methods that come one after the other). Each cell is a run folder of its own. The "
                   "report has means and\n"
                   "deviations over seeds, intervals, paired tests and a verdict. The same command goes on with a study that was interrupted.",
                   OPTIONS, &count, &status))
        return status;
    const char *folder = OPTIONS[OPTION_OUT].text;
    const char *alone = "a study is the work of one process; the commands of its cells, which --dry-run prints, can be shared";
    if (ranks_count() > 1) return cli_ended("study", ranks_agree(foil_fail(FOIL_UNSUPPORTED, "%s", alone)));
    if (count < 1) return cli_usage("study", "a study file was expected");
    if (!folder || !*folder) return cli_usage("study", "--out DIR was expected");
    if (!cli_settings("study", count, argv)) return EXIT_USAGE;
    foil_status done = study_read(argv[1], (const char *const *)argv + 2, count - 1, folder, &s);
    if (done == FOIL_OK) done = OPTIONS[OPTION_DRY_RUN].text ? print_cells(&s) : run(&s, folder);
    study_free(&s);
    return cli_ended("study", done);
}
