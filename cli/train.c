// foil train: a generator against a discriminator, or a detector alone.
#include <math.h>
#include <string.h>

#include "base/ranks.h"
#include "base/text.h"
#include "cli/cli.h"
#include "train/trainer.h"

static option OPTIONS[] = {
    {.name = "--out", .letter = 'o', .value = "DIR", .doc = "the run folder; it must not hold a run yet"},
    {.name = "--resume",
     .doc = "go on with the run in DIR, or begin it if it was killed before its first checkpoint; set and networks may have moved"},
    {.name = NULL},
};
enum { OPTION_OUT, OPTION_RESUME };

static void add(text *t, const char *name, double v) {
    if (!isnan(v)) text_format(t, "%s%s %.3f", t->length ? "  " : "", name, v);
}

static void show(const train_progress *p, void *context) {
    (void)context;
    text note = {0};
    add(&note, "d", p->loss_d);
    add(&note, "g", p->loss_g);
    add(&note, "detect", p->loss_detect);
    add(&note, "val", p->metric);
    if (p->images_per_second > 0) text_format(&note, "  %.1f images/s  waited %.1f %%", p->images_per_second, 100 * p->waited);
    cli_progress("train", p->step, p->steps, note.failed || !note.data ? "" : note.data);
    text_free(&note);
}

static int run(const char *path, const char *const *overrides, int n) {
    config c;
    if (ranks_agree(config_read(path, overrides, n, &c)) != FOIL_OK) return cli_failed("train");
    train_options o = {.folder = OPTIONS[OPTION_OUT].text, .resume = OPTIONS[OPTION_RESUME].text != NULL, .stop = cli_stop(), .progress = show};
    foil_status status = train(&c, &o);
    cli_progress_end();
    if (status == FOIL_OK && ranks_speaks(false)) printf("%s: %lld steps\n", o.folder, (long long)c.run.steps);
    config_free(&c);
    return cli_ended("train", status);
}

int cmd_train(int argc, char **argv) {
    int count, status;
    if (!cli_parse(argc, argv, "CONFIG.yaml [KEY=VALUE...] --out DIR [OPTIONS]",
                   "Trains as the file says; KEY=VALUE replaces a key of it, as in run.steps=500. The run folder gets the settings in full, logs, "
                   "sample grids, "
                   "checkpoints and, if a detect head is trained, the best detector on validation.",
                   OPTIONS, &count, &status))
        return status;
    if (count < 1) return cli_usage("train", "a training file was expected");
    if (!OPTIONS[OPTION_OUT].text || !*OPTIONS[OPTION_OUT].text) return cli_usage("train", "--out DIR was expected");
    if (!cli_settings("training", count, argv)) return EXIT_USAGE;
    return run(argv[1], (const char *const *)argv + 2, count - 1);
}
