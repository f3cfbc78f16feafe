// A manifest: path,label,method,subject,split[,clip] with a header, in any order of columns; only path and label must be there. Paths are relative to it.
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/text.h"
#include "datasets/importer.h"

enum { COLUMN_PATH, COLUMN_LABEL, COLUMN_METHOD, COLUMN_SUBJECT, COLUMN_SPLIT, COLUMN_CLIP, COLUMNS };
static const char *const COLUMN_NAMES[] = {"path", "label", "method", "subject", "split", "clip", NULL};

typedef struct manifest {
    csv_reader csv;
    int column[COLUMNS]; // its place in a record, or -1
} manifest;

static foil_status read_header(manifest *m) {
    bool more;
    TRY(csv_next(&m->csv, &more));
    csv_columns(&m->csv, COLUMN_NAMES, m->column);
    if (more && m->column[COLUMN_PATH] >= 0 && m->column[COLUMN_LABEL] >= 0) return FOIL_OK;
    return csv_wrong(&m->csv, "a header with the columns path and label was expected (and method, subject, split, clip, if known)");
}

static const char *value(const manifest *m, int column) {
    return csv_value(&m->csv, m->column[column]);
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
    if (!*path) return csv_wrong(&m->csv, "no path");
    if (label < 0) return foil_fail(FOIL_INVALID, "%s:%d: label '%s'; real or fake was expected", m->csv.path, m->csv.record, value(m, COLUMN_LABEL));
    if (*split && (at < 0 || at == SPLIT_ALL))
        return foil_fail(FOIL_INVALID, "%s:%d: split '%s'; train, val or test was expected", m->csv.path, m->csv.record, split);
    bool fake = o->label >= 0 ? o->label == 1 : label & 1;
    if (!*method) method = fake ? "fake" : "real";
    char *whole = file_beside(m->csv.path, path);
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
        TRY(csv_next(&m->csv, &more));
        if (!more) return FOIL_OK;
        TRY(add_record(m, o, into));
    }
}

static foil_status list_csv(const char *source, const import_options *o, import_list *into) {
    manifest m;
    TRY(csv_open(source, &m.csv));
    foil_status s = read_manifest(&m, o, into);
    csv_close(&m.csv);
    return s;
}

static bool sniff_csv(const char *source) {
    return text_ends_nocase(source, ".csv") && !file_is_folder(source);
}

extern const importer IMPORT_CSV;
const importer IMPORT_CSV = {"csv", "a manifest with the columns path,label,method,subject,split,clip", sniff_csv, list_csv};
