// A manifest: path,label,method,subject,split[,clip] with a header, in any order of columns; only path and label must be there. Paths are relative to it.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "datasets/importer.h"

enum { COLUMN_PATH, COLUMN_LABEL, COLUMN_METHOD, COLUMN_SUBJECT, COLUMN_SPLIT, COLUMN_CLIP, COLUMNS, MAX_FIELDS = 64 };
static const char *const COLUMN_NAMES[] = {"path", "label", "method", "subject", "split", "clip", NULL};

typedef struct manifest {
    const char *path;
    char *at;   // the next record
    int line;   // where that begins
    int record; // line where the record in `field` begins
    int fields;
    char *field[MAX_FIELDS];
    int column[COLUMNS]; // its place in a record, or -1
} manifest;

static foil_status wrong(const manifest *m, const char *what) {
    return foil_fail(FOIL_INVALID, "%s:%d: %s", m->path, m->record, what);
}

// A quoted field (RFC 4180), unquoted in place. `*at` is behind its closing quote afterwards.
static bool take_quoted(manifest *m, char **at, char **field) {
    char *to = *at + 1, *from = to;
    *field = to;
    for (; *from; from++) {
        if (*from == '"' && from[1] != '"') break;
        if (*from == '"') from++;
        if (*from == '\n') m->line++;
        *to++ = *from;
    }
    if (!*from) return false;
    *at = from + 1;
    *to = 0; // at or before the quote's place
    return true;
}

// The next record's fields, in place; *more = false at the end. Empty lines are passed over.
static foil_status next_record(manifest *m, bool *more) {
    while (*m->at == '\n' || (*m->at == '\r' && m->at[1] == '\n')) m->line += *m->at++ == '\n';
    *more = *m->at != 0;
    m->record = m->line;
    m->fields = 0;
    for (char *at = m->at; *more;) {
        if (m->fields == MAX_FIELDS) return wrong(m, "more than 64 fields");
        char **field = &m->field[m->fields++];
        if (*at == '"') {
            if (!take_quoted(m, &at, field)) return wrong(m, "a quoted field without an end");
        } else {
            *field = at;
            at += strcspn(at, ",\r\n");
        }
        char end = *at;
        if (end == '\r' && at[1] == '\n') *at++ = 0;
        if (end != ',' && end != '\n' && end != '\r' && end) return wrong(m, "text behind a quoted field");
        m->line += end == '\n' || end == '\r';
        m->at = *at ? at + 1 : at;
        *at = 0;
        if (end != ',') break;
        at = m->at;
    }
    return FOIL_OK;
}

static foil_status read_header(manifest *m) {
    bool more;
    if (text_starts(m->at, "\xef\xbb\xbf")) m->at += 3;
    TRY(next_record(m, &more));
    for (int c = 0; c < COLUMNS; c++) {
        m->column[c] = -1;
        for (int i = 0; i < m->fields; i++)
            if (!strcmp(m->field[i], COLUMN_NAMES[c])) m->column[c] = i;
    }
    if (more && m->column[COLUMN_PATH] >= 0 && m->column[COLUMN_LABEL] >= 0) return FOIL_OK;
    return wrong(m, "a header with the columns path and label was expected (and method, subject, split, clip, if known)");
}

static const char *value(const manifest *m, int column) {
    int i = m->column[column];
    return i >= 0 && i < m->fields ? m->field[i] : "";
}

static int find(const char *word, const char *const *words) {
    for (int i = 0; words[i]; i++)
        if (!strcmp(word, words[i])) return i;
    return -1;
}

static foil_status add_record(const manifest *m, const import_options *o, import_list *into) {
    static const char *const LABELS[] = {"real", "fake", "0", "1", NULL};
    const char *path = value(m, COLUMN_PATH), *split = value(m, COLUMN_SPLIT), *method = value(m, COLUMN_METHOD);
    int label = find(value(m, COLUMN_LABEL), LABELS), at = *split ? find(split, SPLIT_NAMES) : -1;
    if (!*path) return wrong(m, "no path");
    if (label < 0) return foil_fail(FOIL_INVALID, "%s:%d: label '%s'; real or fake was expected", m->path, m->record, value(m, COLUMN_LABEL));
    if (*split && (at < 0 || at == SPLIT_ALL))
        return foil_fail(FOIL_INVALID, "%s:%d: split '%s'; train, val or test was expected", m->path, m->record, split);
    bool fake = o->label >= 0 ? o->label == 1 : label & 1;
    if (!*method) method = fake ? "fake" : "real";
    char *whole = file_beside(m->path, path);
    if (!whole) return foil_fail_memory(strlen(path), "a path");
    foil_status s = import_add(into, &(import_item){.path = whole,
                                                    .fake = fake,
                                                    .method = o->method ? o->method : method,
                                                    .subject = value(m, COLUMN_SUBJECT),
                                                    .clip = value(m, COLUMN_CLIP),
                                                    .split = at});
    free(whole);
    return s;
}

static foil_status read_manifest(manifest *m, const import_options *o, import_list *into) {
    TRY(read_header(m));
    for (;;) {
        bool more;
        TRY(next_record(m, &more));
        if (!more) return FOIL_OK;
        TRY(add_record(m, o, into));
    }
}

static foil_status list_csv(const char *source, const import_options *o, import_list *into) {
    char *bytes;
    size_t n;
    TRY(file_read(source, 0, &bytes, &n));
    manifest m = {.path = source, .at = bytes, .line = 1};
    foil_status s = strlen(bytes) == n ? read_manifest(&m, o, into) : foil_fail(FOIL_INVALID, "%s: not a text file: it holds a zero byte", source);
    free(bytes);
    return s;
}

static bool sniff_csv(const char *source) {
    return text_ends_nocase(source, ".csv") && !file_is_folder(source);
}

extern const importer IMPORT_CSV;
const importer IMPORT_CSV = {"csv", "a manifest with the columns path,label,method,subject,split,clip", sniff_csv, list_csv};
