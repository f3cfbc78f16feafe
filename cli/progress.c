// The progress bar.
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

static const double BAR_PERIOD = 0.1, LINE_PERIOD = 10; // seconds between drawings on a terminal, and elsewhere

static struct {
    bool active;
    char what[64];
    long long first; // what was done already when the bar appeared: not ours to count in the rate
    long long shown; // the last number drawn
    double started, drawn;
} bar;

static int terminal_columns(void) {
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

static void format_seconds(double s, char *out, size_t n) {
    long long t = (long long)(s + 0.5);
    if (t >= 3600)
        snprintf(out, n, "%lld:%02lld:%02lld", t / 3600, t / 60 % 60, t % 60);
    else
        snprintf(out, n, "%lld:%02lld", t / 60, t % 60);
}

static void draw(long long done, long long total, const char *note, bool terminal) {
    char line[512], meter[24] = "", rate[32] = "", left[32] = "";
    double elapsed = clock_now() - bar.started, per_second = elapsed > 0 ? (double)(done - bar.first) / elapsed : 0;
    if (per_second > 0) snprintf(rate, sizeof rate, "  %.*f/s", per_second < 10 ? 2 : 0, per_second);
    if (per_second > 0 && total > done) {
        char t[24];
        format_seconds((double)(total - done) / per_second, t, sizeof t);
        snprintf(left, sizeof left, "  %s left", t);
    }
    if (terminal && total > 0) {
        int filled = (int)(20 * done / total);
        for (int i = 0; i < 20; i++) meter[i] = i < filled ? '#' : '.';
        snprintf(meter + 20, sizeof meter - 20, "  ");
    }
    if (total > 0)
        snprintf(line, sizeof line, "%s  %s%lld/%lld%s%s%s%s", bar.what, meter, done, total, rate, left, note ? "  " : "", note ? note : "");
    else
        snprintf(line, sizeof line, "%s  %lld%s%s%s", bar.what, done, rate, note ? "  " : "", note ? note : "");
    if (!terminal) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    dprintf(STDERR_FILENO, "\r"); // not through stderr, which shows what is meant for the terminal itself
    fprintf(stderr, "%.*s", terminal_columns() - 1, line);
    dprintf(STDERR_FILENO, "\x1b[K");
}

void cli_progress(const char *what, long long done, long long total, const char *note) {
    if (cli_quiet()) return;
    double t = clock_now();
    bool terminal = isatty(STDERR_FILENO) != 0, fresh = !bar.active || strncmp(bar.what, what, sizeof bar.what - 1) != 0;
    if (fresh) {
        cli_progress_end();
        snprintf(bar.what, sizeof bar.what, "%s", what);
        bar.active = true;
        bar.first = done;
        bar.started = t;
        bar.drawn = terminal ? 0 : t;
    }
    bool last = total > 0 && done >= total;
    if (last && !terminal && !fresh && bar.shown == done) return; // lines are not drawn over
    if (!last && t - bar.drawn < (terminal ? BAR_PERIOD : LINE_PERIOD)) return;
    bar.drawn = t;
    bar.shown = done;
    draw(done, total, note, terminal);
}

void cli_progress_end(void) {
    if (bar.active && isatty(STDERR_FILENO)) fputc('\n', stderr);
    bar.active = false;
}
