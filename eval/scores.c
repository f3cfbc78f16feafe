// A table with a header, or ASVspoof's lines "utterance attack key score".
#include "eval/scores.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/text.h"

enum { COLUMN_PATH, COLUMN_SCORE, COLUMN_FAKE, COLUMN_METHOD, COLUMN_SUBJECT, COLUMN_CLIP, COLUMNS };
static const char *const NAMES[] = {"path", "score", "fake", "method", "subject", "clip", NULL};

typedef struct reader {
    csv_reader csv;
    int column[COLUMNS];
    int64_t capacity;
    score_file *file;
} reader;

static foil_status expected(const reader *r, const char *column, const char *value, const char *what) {
    return foil_fail(FOIL_INVALID, "%s:%d: %s '%.80s'; %s was expected", r->csv.path, r->csv.record, column, value, what);
}

static bool grow(score_file *f, int64_t n) {
    picture_label *item = realloc(f->item, (size_t)n * sizeof *item);
    if (item) f->item = item;
    double *score = realloc(f->score, (size_t)n * sizeof *score);
    if (score) f->score = score;
    int32_t *line = realloc(f->line, (size_t)n * sizeof *line);
    if (line) f->line = line;
    return item && score && line;
}

static foil_status add(reader *r, picture_label item, double score) {
    score_file *f = r->file;
    if (f->n == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 1024;
        if (!grow(f, r->capacity)) return foil_fail_memory((size_t)r->capacity * sizeof *f->item, "scores");
    }
    item.level = method_level(item.method);
    f->item[f->n] = item;
    f->score[f->n] = score;
    f->line[f->n++] = r->csv.record;
    if (score < 0 || score > 1) f->probabilities = false;
    return FOIL_OK;
}

static foil_status read_score(const reader *r, const char *word, double *score) {
    if (text_to_float(word, score) && isfinite(*score)) return FOIL_OK;
    return expected(r, "score", word, "a finite number");
}

// A table. --------------------------------------------------------------------------------------------------------------------------------------

static const char *value(const reader *r, int column) {
    return csv_value(&r->csv, r->column[column]);
}

static foil_status add_record(reader *r, int width) {
    const char *fake = value(r, COLUMN_FAKE), *clip = value(r, COLUMN_CLIP);
    picture_label item = {.path = value(r, COLUMN_PATH), .method = value(r, COLUMN_METHOD), .subject = value(r, COLUMN_SUBJECT), .clip = -1};
    double score;
    if (r->csv.fields != width)
        return foil_fail(FOIL_INVALID, "%s:%d: %d fields; %d were expected, as in the header", r->csv.path, r->csv.record, r->csv.fields, width);
    TRY(read_score(r, value(r, COLUMN_SCORE), &score));
    if (r->file->labelled && strcmp(fake, "0") != 0 && strcmp(fake, "1") != 0) return expected(r, "fake", fake, "0 or 1");
    item.fake = *fake == '1';
    if (*clip) {
        long long number;
        if (!text_to_int(clip, &number) || number < 0 || number > INT32_MAX)
            return expected(r, "clip", clip, "nothing or a whole number from 0 to 2147483647");
        item.clip = (int)number;
    }
    return add(r, item, score);
}

static foil_status check_header(const reader *r, bool any) {
    if (!any || r->column[COLUMN_SCORE] < 0)
        return csv_wrong(&r->csv, "a header with the column score was expected (and path, fake, method, subject, clip, if known), or lines "
                                  "'utterance attack bonafide|spoof score'");
    for (int i = 0; i < r->csv.fields; i++)
        for (int c = 0; c < COLUMNS; c++)
            if (r->column[c] != i && !strcmp(r->csv.field[i], NAMES[c]))
                return foil_fail(FOIL_INVALID, "%s:%d: column '%s' is there twice", r->csv.path, r->csv.record, NAMES[c]);
    return FOIL_OK;
}

static foil_status read_table(reader *r) {
    bool more;
    TRY(csv_next(&r->csv, &more));
    csv_columns(&r->csv, NAMES, r->column);
    TRY(check_header(r, more));
    r->file->labelled = r->column[COLUMN_FAKE] >= 0;
    r->file->named = r->column[COLUMN_PATH] >= 0;
    for (int width = r->csv.fields;;) {
        TRY(csv_next(&r->csv, &more));
        if (!more) return FOIL_OK;
        TRY(add_record(r, width));
    }
}

// ASVspoof. -------------------------------------------------------------------------------------------------------------------------------------

static foil_status add_line(reader *r, char *line) {
    char *word[5], *rest = NULL;
    int n = 0;
    for (char *w = strtok_r(line, " \t", &rest); w && n < 5; w = strtok_r(NULL, " \t", &rest)) word[n++] = w;
    if (n != 4 || r->csv.fields != 1) return csv_wrong(&r->csv, "four words were expected: utterance attack bonafide|spoof score");
    picture_label item = {.path = word[0], .fake = !strcmp(word[2], "spoof"), .subject = "", .clip = -1};
    double score;
    if (!item.fake && strcmp(word[2], "bonafide") != 0) return expected(r, "key", word[2], "bonafide or spoof");
    item.method = item.fake ? word[1] : "";
    TRY(read_score(r, word[3], &score));
    return add(r, item, -score); // there, higher is bona fide
}

static foil_status read_asvspoof(reader *r) {
    r->file->labelled = r->file->named = true;
    for (;;) {
        bool more;
        TRY(csv_next(&r->csv, &more));
        if (!more) return FOIL_OK;
        TRY(add_line(r, r->csv.field[0]));
    }
}

// Lines of words, the third of which is a key.
static bool is_asvspoof(const char *at) {
    size_t line = strcspn(at, "\r\n");
    const char *spoof = strstr(at, " spoof "), *bonafide = strstr(at, " bonafide "), *comma = memchr(at, ',', line);
    return !comma && ((spoof && spoof < at + line) || (bonafide && bonafide < at + line));
}

// Both. -----------------------------------------------------------------------------------------------------------------------------------------

foil_status scores_open(const char *path, score_file **out) {
    *out = NULL;
    score_file *f = calloc(1, sizeof *f);
    if (f) f->path = strdup(path);
    if (!f || !f->path) {
        scores_close(f);
        return foil_fail_memory(sizeof *f, "scores");
    }
    reader r = {.file = f};
    f->probabilities = true;
    foil_status status = csv_open(path, &r.csv);
    if (status == FOIL_OK) {
        f->bytes = r.csv.bytes;
        status = is_asvspoof(r.csv.at) ? read_asvspoof(&r) : read_table(&r);
    }
    if (status == FOIL_OK && !f->n) status = foil_fail(FOIL_INVALID, "%s: a header and no scores", path);
    if (status == FOIL_OK)
        *out = f;
    else
        scores_close(f);
    return status;
}

void scores_close(score_file *f) {
    if (!f) return;
    free(f->path);
    free(f->item);
    free(f->score);
    free(f->line);
    free(f->bytes);
    free(f);
}

foil_status scores_need_both(const score_file *f) {
    int64_t fakes = 0;
    if (!f->labelled)
        return foil_fail(FOIL_INVALID, "%s: no column fake; without a set beside it, it must say what is fake (1) and what is real (0)", f->path);
    for (int64_t i = 0; i < f->n; i++) fakes += f->item[i].fake;
    if (fakes && fakes < f->n) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s has %" PRId64 " reals and %" PRId64 " fakes: an evaluation needs both", f->path, f->n - fakes, fakes);
}

// Joining. --------------------------------------------------------------------------------------------------------------------------------------

typedef struct place {
    const char *path;
    int64_t at;
    bool taken; // by an item
} place;

static int by_path(const void *a, const void *b) {
    const place *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int path_of(const void *path, const void *p) {
    return strcmp(path, ((const place *)p)->path);
}

static foil_status sort_places(const score_file *f, place *p) {
    for (int64_t i = 0; i < f->n; i++) p[i] = (place){f->item[i].path, i, false};
    qsort(p, (size_t)f->n, sizeof *p, by_path);
    for (int64_t i = 1; i < f->n; i++)
        if (!strcmp(p[i - 1].path, p[i].path))
            return foil_fail(FOIL_INVALID, "%s:%d: path '%.200s' is there twice, before in line %d; one score of each was expected", f->path,
                             f->line[p[i].at], p[i].path, f->line[p[i - 1].at]);
    return FOIL_OK;
}

static foil_status take(const score_file *f, place *p, const picture_label *item, int64_t n, const char *what, double *out) {
    const char *lacking = NULL;
    int64_t missing = 0;
    for (int64_t i = 0; i < n; i++) {
        place *found = bsearch(item[i].path, p, (size_t)f->n, sizeof *p, path_of);
        if (!found) {
            if (!missing++) lacking = item[i].path;
            continue;
        }
        if (found->taken)
            return foil_fail(FOIL_INVALID, "%s: two items of %s have the path '%.200s': which of them its score is of can't be told", f->path, what,
                             item[i].path);
        found->taken = true;
        out[i] = f->score[found->at];
        if (f->labelled && f->item[found->at].fake != item[i].fake)
            return foil_fail(FOIL_INVALID, "%s:%d: fake %d, but '%.200s' is %s in %s", f->path, f->line[found->at], f->item[found->at].fake,
                             item[i].path, item[i].fake ? "fake" : "real", what);
    }
    if (!missing) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s has no score for %" PRId64 " of the %" PRId64 " items of %s, the first: '%.200s'", f->path, missing, n, what,
                     lacking);
}

foil_status scores_join(const score_file *f, const picture_label *item, int64_t n, const char *what, bool all, double *out) {
    if (!f->named) return foil_fail(FOIL_INVALID, "%s: no column path, by which its scores could be joined with %s", f->path, what);
    place *p = malloc((size_t)f->n * sizeof *p);
    if (!p) return foil_fail_memory((size_t)f->n * sizeof *p, "paths");
    foil_status status = sort_places(f, p);
    if (status == FOIL_OK) status = take(f, p, item, n, what, out);
    free(p);
    if (status == FOIL_OK && all && f->n != n)
        return foil_fail(FOIL_INVALID, "%s has %" PRId64 " scores, %s has %" PRId64 ": the same items were expected", f->path, f->n, what, n);
    return status;
}
