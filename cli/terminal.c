// What people read. Names of files, methods and classes come from anywhere, and a terminal obeys the control characters in them: they are shown as "\x1b".
#include <unistd.h>

#include "cli/cli.h"

typedef struct shown {
    FILE *on;
    unsigned char before; // the last byte
} shown;

// All but the ends of lines and tabs; of UTF-8 also U+0080 to U+009F.
static bool is_control(unsigned char before, unsigned char c) {
    if (c < 0x20) return c != '\n' && c != '\t';
    return c == 0x7f || (before == 0xc2 && c >= 0x80 && c < 0xa0);
}

static ssize_t show(void *to, const char *bytes, size_t n) {
    shown *s = to;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        fprintf(s->on, is_control(s->before, c) ? "\\x%02x" : "%c", c);
        s->before = c;
    }
    return fflush(s->on) == 0 && !ferror(s->on) ? (ssize_t)n : 0;
}

// Puts a stream in front of `*stream`, which is as it was if memory is short.
static void stand_before(FILE **stream, shown *s, int buffering) {
    FILE *f = fopencookie(s, "w", (cookie_io_functions_t){.write = show});
    if (!f) return;
    s->on = *stream;
    setvbuf(s->on, NULL, _IOFBF, BUFSIZ);
    setvbuf(f, NULL, buffering, BUFSIZ);
    *stream = f;
}

void cli_show_controls(void) {
    static shown out, error;
    if (isatty(STDOUT_FILENO)) stand_before(&stdout, &out, _IOLBF);
    stand_before(&stderr, &error, _IONBF);
}
