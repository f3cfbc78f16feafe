// The program: one file per subcommand, the only place that prints or exits.
#ifndef FOIL_CLI_CLI_H
#define FOIL_CLI_CLI_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/status.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

// argv[0] is the subcommand's name. Gives the exit status.
typedef struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
    bool shared; // takes long, and several ranks (base/ranks.h) may share its work, or it refuses them
} command;
extern const command COMMANDS[]; // {0} ends

// Options of one command: `--name value`, `--name=value` or a flag; `-o` and `-n` as short names. Everything else is positional; `--` ends options.
typedef struct option {
    const char *name;  // "--size"; NULL ends
    char letter;       // 'o', or 0
    const char *value; // placeholder for the help ("N"), NULL = a flag
    const char *doc;
    const char **given; // of an option that may be repeated: out, all values; NULL ends; [most + 1]
    int most;
    const char *text; // out: the value given last, "" for a flag, NULL if absent
} option;

// `usage` is what follows "foil NAME" ("SOURCE... -o SET.h5"), `about` a sentence or more for the help.
// Parses; -h/--help prints the help to stdout and gives EXIT_DONE in *status with false. Unknown options (nearest named), missing values: message on stderr,
// EXIT_USAGE. --threads N and --quiet are understood everywhere and acted on. Positionals end up in argv[1 … *count].
bool cli_parse(int argc, char **argv, const char *usage, const char *about, option *options, int *count, int *status);
bool cli_int(const option *o, long long low, long long high, long long *out); // false: message printed, EXIT_USAGE is due
bool cli_float(const option *o, double low, double high, double *out);
bool cli_choice(const option *o, const char *const *choices, int *out);
bool cli_settings(const char *of, int count, char **argv); // whether what follows argv[1], the training or study file, is KEY=VALUE throughout
bool cli_quiet(void);
// Whether `written`, which `o` names, is another place than `read`, and outside of it if that is a folder, links followed.
bool cli_elsewhere(const option *o, const char *written, const char *read);

// "foil train: " and foil_error() on stderr, once if all ranks failed together; gives EXIT_FAILED, or EXIT_USAGE never.
int cli_failed(const char *name);
int cli_ended(const char *name, foil_status status); // EXIT_DONE, or as above
int cli_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Prints j with so many digits, for programs, and frees it; NULL = out of memory. EXIT_FAILED also if nobody takes it, which main then tells.
int cli_print_json(const char *name, json_t *j, size_t digits);

// A bar with rate and time left on stderr when it is a terminal, otherwise a line now and then; nothing with --quiet.
void cli_progress(const char *what, long long done, long long total, const char *note);
void cli_progress_end(void);

// From now on control characters are shown, not sent: on stderr, and on stdout if it is a terminal; programs read them as they are.
void cli_show_controls(void);

// A signal that ends the process removes what it was writing.
void cli_leave_nothing(void);
// From now on SIGINT and SIGTERM set what it gives; a second one ends the process.
const volatile sig_atomic_t *cli_stop(void);

int cmd_pack(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_study(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_cues(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_bench(int argc, char **argv);

#endif
