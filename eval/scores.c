// Scores that some other tool gave: a table with a header, or ASVspoof's lines "utterance attack key score".
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "eval/harness.h"

enum { COLUMN_PATH, COLUMN_SCORE, COLUMN_FAKE, COLUMN_METHOD, COLUMN_SUBJECT, COLUMN_CLIP, COLUMNS };
static const char *const NAMES[] = {"path", "score", "fake", "method", "subject", "clip", NULL};

typedef struct score_file {
    csv_reader csv;
    int column[COLUMNS];
    scored *item;
    int64_t n, capacity;
} score_file;

static foil_status expected(const score_file *f, const char *column, const char *value, const char *what) {
    return foil_fail(FOIL_INVALID, "%s:%d: %s '%.80s'; %s was expected", f->csv.path, f->csv.record, column, value, what);
}

static foil_status add(score_file *f, const scored *item) {
    if (f->n == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 1024;
        scored *more = realloc(f->item, (size_t)f->capacity * sizeof *more);
        if (!more) return foil_fail_memory((size_t)f->capacity * sizeof *more, "scores");
        f->item = more;
    }
    f->item[f->n++] = *item;
    return FOIL_OK;
}

static foil_status read_score(const score_file *f, const char *word, double *score) {
    if (text_to_float(word, score) && isfinite(*score)) return FOIL_OK;
    return expected(f, "score", word, "a finite number");
}

// A table. --------------------------------------------------------------------------------------------------------------------------------------

static const char *value(const score_file *f, int column) {
    return csv_value(&f->csv, f->column[column]);
}

static foil_status add_record(score_file *f, int width) {
    const char *fake = value(f, COLUMN_FAKE), *clip = value(f, COLUMN_CLIP);
    scored item = {.path = value(f, COLUMN_PATH), .method = value(f, COLUMN_METHOD), .subject = value(f, COLUMN_SUBJECT), .clip = -1};
    if (f->csv.fields != width)
        return foil_fail(FOIL_INVALID, "%s:%d: %d fields; %d were expected, as in the header", f->csv.path, f->csv.record, f->csv.fields, width);
    TRY(read_score(f, value(f, COLUMN_SCORE), &item.score));
    if (strcmp(fake, "0") != 0 && strcmp(fake, "1") != 0) return expected(f, "fake", fake, "0 or 1");
    item.fake = *fake == '1';
    if (*clip) {
        long long number;
        if (!text_to_int(clip, &number) || number < 0 || number > INT32_MAX) return expected(f, "clip", clip, "nothing or a whole number from 0 on");
        item.clip = (int)number;
    }
    return add(f, &item);
}

static foil_status read_table(score_file *f) {
    bool more;
    TRY(csv_next(&f->csv, &more));
    csv_columns(&f->csv, NAMES, f->column);
    if (!more || f->column[COLUMN_SCORE] < 0 || f->column[COLUMN_FAKE] < 0)
        return csv_wrong(&f->csv, "a header with the columns score and fake was expected (and path, method, subject, clip, if known), or lines "
                                  "'utterance attack bonafide|spoof score'");
    for (int width = f->csv.fields;;) {
        TRY(csv_next(&f->csv, &more));
        if (!more) return FOIL_OK;
        TRY(add_record(f, width));
    }
}

// ASVspoof. -------------------------------------------------------------------------------------------------------------------------------------

static foil_status add_line(score_file *f, char *line) {
    char *word[5], *rest = NULL;
    int n = 0;
    for (char *w = strtok_r(line, " \t", &rest); w && n < 5; w = strtok_r(NULL, " \t", &rest)) word[n++] = w;
    if (n != 4 || f->csv.fields != 1) return csv_wrong(&f->csv, "four words were expected: utterance attack bonafide|spoof score");
    scored item = {.path = word[0], .fake = !strcmp(word[2], "spoof"), .subject = "", .clip = -1};
    if (!item.fake && strcmp(word[2], "bonafide") != 0) return expected(f, "key", word[2], "bonafide or spoof");
    item.method = item.fake ? word[1] : "";
    TRY(read_score(f, word[3], &item.score));
    item.score = -item.score; // there, higher is bona fide
    return add(f, &item);
}

static foil_status read_asvspoof(score_file *f) {
    for (;;) {
        bool more;
        TRY(csv_next(&f->csv, &more));
        if (!more) return FOIL_OK;
        TRY(add_line(f, f->csv.field[0]));
    }
}

// Lines of words, the third of which is a key.
static bool is_asvspoof(const char *at) {
    size_t line = strcspn(at, "\r\n");
    const char *spoof = strstr(at, " spoof "), *bonafide = strstr(at, " bonafide "), *comma = memchr(at, ',', line);
    return !comma && ((spoof && spoof < at + line) || (bonafide && bonafide < at + line));
}

// Both. -----------------------------------------------------------------------------------------------------------------------------------------

static foil_status judge(const score_file *f, const evaluation_options *o, evaluation *e) {
    int64_t fakes = 0;
    bool probabilities = true;
    for (int64_t i = 0; i < f->n; i++) {
        fakes += f->item[i].fake;
        if (f->item[i].score < 0 || f->item[i].score > 1) probabilities = false;
    }
    if (!fakes || fakes == f->n)
        return foil_fail(FOIL_INVALID, "%s has %lld reals and %lld fakes: an evaluation needs both", f->csv.path, (long long)(f->n - fakes),
                         (long long)fakes);
    *e = (evaluation){.n = f->n, .item = f->item, .draws = o->draws, .seed = o->seed};
    e->threshold = probabilities ? .5 : NAN;
    e->threshold_name = probabilities ? "0.5" : "none";
    return evaluation_judge(e);
}

static foil_status read_all(score_file *f) {
    return is_asvspoof(f->csv.at) ? read_asvspoof(f) : read_table(f);
}

foil_status with_scores(const char *path, const evaluation_options *o, foil_status (*use)(const evaluation *e)) {
    score_file f = {0};
    evaluation e = {0};
    TRY(csv_open(path, &f.csv));
    foil_status status = read_all(&f);
    if (status == FOIL_OK) status = judge(&f, o, &e);
    if (status == FOIL_OK) status = use(&e);
    evaluation_free(&e);
    free(f.item);
    csv_close(&f.csv);
    return status;
}
