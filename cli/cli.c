#include "cli/cli.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/ranks.h"
#include "base/text.h"
#include "base/thread.h"

enum { MAX_OPTIONS = 48 };

static option common[] = {
    {.name = "--threads", .value = "N", .doc = "threads to compute with (default: OMP_NUM_THREADS, else the process's cores)"},
    {.name = "--quiet", .letter = 'q', .doc = "no progress"},
    {.name = "--help", .letter = 'h', .doc = "this text"},
    {.name = NULL},
};
enum { COMMON_THREADS, COMMON_QUIET, COMMON_HELP };

static const char *current = ""; // the command whose options were parsed

bool cli_quiet(void) {
    return common[COMMON_QUIET].text != NULL || ranks_self() > 0;
}

int cli_failed(const char *name) {
    cli_progress_end();
    if (ranks_speaks(true)) fprintf(stderr, "foil %s: %s\n", name, foil_error());
    return EXIT_FAILED;
}

int cli_ended(const char *name, foil_status status) {
    return status == FOIL_OK ? EXIT_DONE : cli_failed(name);
}

int cli_print_json(const char *name, json_t *j, size_t digits) {
    const bool printed = j && json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(digits)) == 0;
    json_decref(j);
    if (printed) putchar('\n');
    if (printed || ferror(stdout)) return printed ? EXIT_DONE : EXIT_FAILED;
    foil_fail_memory(0, "JSON");
    return cli_failed(name);
}

int cli_usage(const char *name, const char *format, ...) {
    va_list args;
    cli_progress_end();
    fprintf(stderr, "foil %s: ", name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; 'foil %s --help' tells more\n", name);
    return EXIT_USAGE;
}

static volatile sig_atomic_t stop;

static void end(int number) {
    file_discard(); // NOLINT(bugprone-signal-handler): reads pointers and unlinks
    signal(number, SIG_DFL);
    raise(number);
}

void cli_leave_nothing(void) {
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        if (signal(SIGNALS[i], end) == SIG_IGN) signal(SIGNALS[i], SIG_IGN); // as nohup wants it
}

static void on_signal(int number) {
    stop = 1;
    signal(number, end);
}

const volatile sig_atomic_t *cli_stop(void) {
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &stop;
}

// Options on the command line ------------------------------------------------------------------------------------------------------------------------

// Steps through the command's own options, then the common ones; start with NULL.
static option *next_option(option *options, option *o) {
    if (!o) return options->name ? options : common;
    o++;
    if (o->name) return o;
    return o >= common && o <= common + COMMON_HELP + 1 ? NULL : common;
}

static void print_option(const option *o) {
    char left[64];
    char letter[4] = {'-', o->letter, ' ', 0};
    snprintf(left, sizeof left, "%s%s%s%s", o->letter ? letter : "", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-26s %s\n", left, o->doc);
}

static void print_help(const char *name, const char *usage, const char *about, option *options) {
    printf("usage: foil %s %s\n\n%s\n\noptions:\n", name, usage, about);
    for (option *o = next_option(options, NULL); o; o = next_option(options, o)) print_option(o);
}

// The option that `word` ("--size", "--size=64", "-o") names, or NULL.
static option *find_option(option *options, const char *word) {
    size_t length = strcspn(word, "=");
    for (option *o = next_option(options, NULL); o; o = next_option(options, o)) {
        if (strlen(o->name) == length && !strncmp(o->name, word, length)) return o;
        if (o->letter && word[1] == o->letter && !word[2]) return o;
    }
    return NULL;
}

static int unknown_option(const char *name, option *options, const char *word) {
    const char *names[MAX_OPTIONS];
    size_t n = 0;
    for (option *o = next_option(options, NULL); o && n < MAX_OPTIONS - 1; o = next_option(options, o)) names[n++] = o->name;
    names[n] = NULL;
    const char *near = text_nearest(word, names);
    if (near) return cli_usage(name, "unknown option '%s' (did you mean '%s'?)", word, near);
    return cli_usage(name, "unknown option '%s'", word);
}

static bool add_value(const char *name, option *o, int *status) {
    int n = 0;
    while (o->given[n]) n++;
    if (n == o->most) {
        *status = cli_usage(name, "%s is there more than %d times", o->name, o->most);
        return false;
    }
    o->given[n] = o->text;
    o->given[n + 1] = NULL;
    return true;
}

// Reads argv[*i], and its value after it, into an option.
static bool take_option(int argc, char **argv, int *i, option *options, int *status) {
    const char *word = argv[*i];
    option *o = find_option(options, word);
    if (!o) {
        *status = unknown_option(argv[0], options, word);
        return false;
    }
    const char *equals = strchr(word, '=');
    if (!o->value && equals) {
        *status = cli_usage(argv[0], "%s takes no value", o->name);
        return false;
    }
    if (o->value && !equals && *i + 1 >= argc) {
        *status = cli_usage(argv[0], "%s needs a value: %s %s", word, word, o->value);
        return false;
    }
    if (!o->value)
        o->text = "";
    else
        o->text = equals ? equals + 1 : argv[++*i];
    return !o->given || add_value(argv[0], o, status);
}

bool cli_parse(int argc, char **argv, const char *usage, const char *about, option *options, int *count, int *status) {
    for (option *o = next_option(options, NULL); o; o = next_option(options, o)) {
        o->text = NULL;
        if (o->given) o->given[0] = NULL;
    }
    bool options_ended = false;
    current = argv[0];
    *count = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (options_ended || word[0] != '-' || !word[1])
            argv[++*count] = argv[i];
        else if (!strcmp(word, "--"))
            options_ended = true;
        else if (!take_option(argc, argv, &i, options, status))
            return false;
    }
    if (common[COMMON_HELP].text) {
        print_help(argv[0], usage, about, options);
        *status = EXIT_DONE;
        return false;
    }
    long long threads = 0;
    if (!cli_int(&common[COMMON_THREADS], 1, 1024, &threads)) {
        *status = EXIT_USAGE;
        return false;
    }
    threads_set((int)threads);
    return true;
}

// Values --------------------------------------------------------------------------------------------------------------------------------------------

bool cli_int(const option *o, long long low, long long high, long long *out) {
    long long v;
    if (!o->text) return true; // absent: the caller's default stays
    if (text_to_int(o->text, &v) && v >= low && v <= high) {
        *out = v;
        return true;
    }
    cli_usage(current, "%s '%s': a whole number from %lld to %lld was expected", o->name, o->text, low, high);
    return false;
}

bool cli_float(const option *o, double low, double high, double *out) {
    double v;
    if (!o->text) return true;
    if (text_to_float(o->text, &v) && v >= low && v <= high) {
        *out = v;
        return true;
    }
    cli_usage(current, "%s '%s': a number from %g to %g was expected", o->name, o->text, low, high);
    return false;
}

bool cli_choice(const option *o, const char *const *choices, int *out) {
    if (!o->text) return true;
    for (int i = 0; choices[i]; i++) {
        if (strcmp(o->text, choices[i]) != 0) continue;
        *out = i;
        return true;
    }
    text known = {0};
    for (int i = 0; choices[i]; i++) text_format(&known, "%s%s", i ? ", " : "", choices[i]);
    cli_usage(current, "%s '%s': one of %s was expected", o->name, o->text, known.data ? known.data : "its words");
    text_free(&known);
    return false;
}

bool cli_elsewhere(const option *o, const char *written, const char *read) {
    const char letter[] = {'-', o->letter, 0};
    if (!file_is_within(written, read)) return true;
    cli_usage(current, "%s '%s': another place than '%s'%s was expected", o->letter ? letter : o->name, written, read,
              file_is_folder(read) ? ", and outside of it," : " itself");
    return false;
}

bool cli_settings(const char *of, int count, char **argv) {
    for (int i = 2; i <= count; i++) {
        if (strchr(argv[i], '=')) continue;
        cli_usage(current, "'%s': KEY=VALUE was expected after the %s file", argv[i], of);
        return false;
    }
    return true;
}
