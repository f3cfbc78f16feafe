#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

foil_status csv_wrong(const csv_reader *c, const char *what) {
    return foil_fail(FOIL_INVALID, "%s:%d: %s", c->path, c->record, what);
}

foil_status csv_open(const char *path, csv_reader *out) {
    size_t n;
    *out = (csv_reader){.path = path, .line = 1};
    TRY(file_read(path, 0, &out->bytes, &n));
    out->at = out->bytes + (text_starts(out->bytes, "\xef\xbb\xbf") ? 3 : 0);
    if (strlen(out->bytes) == n) return FOIL_OK;
    csv_close(out);
    return foil_fail(FOIL_INVALID, "%s: not a text file: it holds a zero byte", path);
}

void csv_close(csv_reader *c) {
    free(c->bytes);
    c->bytes = NULL;
}

// A quoted field (RFC 4180), unquoted in place. `*at` is behind its closing quote afterwards.
static bool take_quoted(csv_reader *c, char **at, char **field) {
    char *to = *at + 1, *from = to;
    *field = to;
    for (; *from; from++) {
        if (*from == '"' && from[1] != '"') break;
        if (*from == '"') from++;
        if (*from == '\n') c->line++;
        *to++ = *from;
    }
    if (!*from) return false;
    *at = from + 1;
    *to = 0; // at or before the quote's place
    return true;
}

foil_status csv_next(csv_reader *c, bool *more) {
    while (*c->at == '\n' || (*c->at == '\r' && c->at[1] == '\n')) c->line += *c->at++ == '\n';
    *more = *c->at != 0;
    c->record = c->line;
    c->fields = 0;
    for (char *at = c->at; *more;) {
        if (c->fields == CSV_FIELDS) return csv_wrong(c, "more than 64 fields");
        char **field = &c->field[c->fields++];
        if (*at == '"') {
            if (!take_quoted(c, &at, field)) return csv_wrong(c, "a quoted field without an end");
        } else {
            *field = at;
            at += strcspn(at, ",\r\n");
        }
        char end = *at;
        if (end == '\r' && at[1] == '\n') *at++ = 0;
        if (end != ',' && end != '\n' && end != '\r' && end) return csv_wrong(c, "text behind a quoted field");
        c->line += end == '\n' || end == '\r';
        c->at = *at ? at + 1 : at;
        *at = 0;
        if (end != ',') break;
        at = c->at;
    }
    return FOIL_OK;
}

void csv_columns(const csv_reader *c, const char *const *names, int *column) {
    for (int n = 0; names[n]; n++) {
        column[n] = -1;
        for (int i = 0; i < c->fields; i++)
            if (!strcmp(c->field[i], names[n])) column[n] = i;
    }
}

const char *csv_value(const csv_reader *c, int column) {
    return column >= 0 && column < c->fields ? c->field[column] : "";
}
