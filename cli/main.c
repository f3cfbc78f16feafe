// foil: the table of commands, and what holds for each of them.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ranks.h"
#include "base/text.h"
#include "cli/cli.h"
#include "nn/dnnl.h"

const command COMMANDS[] = {
    {"pack", "pictures into one data set", cmd_pack, true},
    {"train", "a generator against a discriminator, or a detector alone", cmd_train, true},
    {"study", "the same training in many variants, seeds and methods left out, with one verdict", cmd_study, true},
    {"eval", "a detector on pictures it has never seen, with confidence intervals", cmd_eval, true},
    {"detect", "a score per file: how likely it is a fake", cmd_detect, false},
    {"explain", "what in a picture speaks for a fake to a detector", cmd_explain, false},
    {"cues", "what anyone can check about a picture, in numbers and plain words", cmd_cues, false},
    {"calibrate", "a detector's probabilities and thresholds, from other data", cmd_calibrate, false},
    {"export", "a detector or generator for other tools", cmd_export, false},
    {"generate", "samples of a trained generator", cmd_generate, false},
    {"inspect", "what a file holds: network, data set, checkpoint, detector", cmd_inspect, false},
    {"bench", "images/s of a network or of a training step", cmd_bench, true},
    {0},
};

static void help(void) {
    puts("usage: foil COMMAND [ARGUMENTS]\n\n"
         "Trains a forger and a detector of fakes against each other, and ships the detector.\n\ncommands:");
    for (const command *c = COMMANDS; c->name; c++) printf("  %-10s %s\n", c->name, c->summary);
    puts("\n'foil COMMAND --help' tells more. Exit status: 0 done, 1 failed, 2 wrong usage.");
}

static int unknown(const char *word) {
    const char *names[2 + sizeof COMMANDS / sizeof *COMMANDS] = {"--help", "--version"};
    size_t n = 2;
    for (const command *c = COMMANDS; c->name; c++) names[n++] = c->name;
    names[n] = NULL;
    const char *near = text_nearest(word, names);
    fprintf(stderr, "foil: unknown %s '%s'", *word == '-' ? "option" : "command", word);
    if (near) fprintf(stderr, " (did you mean '%s'?)", near);
    fputs("; 'foil --help' lists the commands\n", stderr);
    return EXIT_USAGE;
}

// Threads of gcc's OpenMP wait for one another in a loop, for milliseconds, and keep from its core the one that is waited for if others use the cores, too:
// training takes up to 40 times as long then, 2.4 with this (docs/performance.md). OpenMP reads how long before main begins, so the program starts itself
// again; not under valgrind and the like, which are preloaded and would lose it. If that fails it goes on as it is.
static void wait_briefly(char **argv) {
    char program[PATH_MAX];
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY") || getenv("LD_PRELOAD")) return;
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program);
    if (n < 1 || n == (ssize_t)sizeof program) return;
    program[n] = 0;
    if (setenv("GOMP_SPINCOUNT", "3000", 1) == 0) (void)execv(program, argv);
}

// Those whose work may be shared are those that take long. Usage is the same on all ranks: they leave together whatever it says.
static int run_command(const command *c, int argc, char **argv) {
    if (!c->shared) return c->run(argc - 1, argv + 1);
    wait_briefly(argv);
    int status = ranks_open() == FOIL_OK ? c->run(argc - 1, argv + 1) : cli_failed(c->name);
    ranks_close(status == EXIT_FAILED);
    return status;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        fputs("foil: which command? 'foil --help' lists them\n", stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, "--version")) {
        printf("foil %s (oneDNN %s)\n", FOIL_VERSION, onednn_version_text());
        return EXIT_DONE;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        help();
        return EXIT_DONE;
    }
    for (const command *c = COMMANDS; c->name; c++)
        if (!strcmp(word, c->name)) return run_command(c, argc, argv);
    return unknown(word);
}

// A standard stream that is closed would give its number to the next file opened, which messages would then overwrite.
static void occupy_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv) {
    occupy_standard_streams();
    cli_show_controls();
    signal(SIGPIPE, SIG_IGN); // a reader that left is an error like any other: seen below
    signal(SIGXFSZ, SIG_IGN); // so is a file that is larger than the shell's limit allows
    cli_leave_nothing();
    int status = run(argc, argv);
    int flushed = fflush(stdout);
    if (flushed != 0 || ferror(stdout)) {
        fprintf(stderr, "foil: standard output: %s\n", flushed != 0 ? strerror(errno) : "not everything could be written");
        if (status == EXIT_DONE) status = EXIT_FAILED;
    }
    return status;
}
