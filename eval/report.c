// An evaluation for machines (CSV, JSON) and for people (a table).
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/harness.h"

// RFC 4180: quoted where it holds a separator, with quotes doubled.
static void write_field(file_writer *w, const char *field) {
    if (!strpbrk(field, ",\"\r\n")) {
        file_write(w, field, strlen(field));
        return;
    }
    file_write(w, "\"", 1);
    for (; *field; field++) {
        if (*field == '"') file_write(w, "\"", 1);
        file_write(w, field, 1);
    }
    file_write(w, "\"", 1);
}

foil_status evaluation_write_scores(const evaluation *e, const char *path) {
    file_writer *w;
    TRY(file_create(path, &w));
    file_printf(w, "path,score,fake,method,subject,clip\n");
    for (int64_t i = 0; i < e->n; i++) {
        const scored *item = &e->item[i];
        write_field(w, item->path);
        file_printf(w, ",%.17g,%d,", item->score, item->fake);
        write_field(w, item->method);
        file_write(w, ",", 1);
        write_field(w, item->subject);
        if (item->clip >= 0)
            file_printf(w, ",%d\n", item->clip);
        else
            file_write(w, ",\n", 2);
    }
    return file_commit(w);
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *row_json(const evaluation *e, int at) {
    json_t *row = json_object();
    json_object_set_new(row, "reals", json_integer(e->row[at].reals));
    json_object_set_new(row, "fakes", json_integer(e->row[at].fakes));
    for (int m = 0; m < METRICS; m++) {
        const interval *v = &e->row[at].metric[m];
        json_t *values = json_object();
        json_object_set_new(values, "value", number(v->value));
        json_object_set_new(values, "low", number(v->low));
        json_object_set_new(values, "high", number(v->high));
        json_object_set_new(row, METRIC_NAMES[m], values);
    }
    return row;
}

foil_status evaluation_json(const evaluation *e, text *out) {
    json_t *root = json_object(), *methods = json_object(), *threshold = json_object();
    for (int r = 1; r < e->rows; r++) json_object_set_new(methods, e->row[r].name, row_json(e, r));
    json_object_set_new(threshold, "name", json_string(e->threshold_name));
    json_object_set_new(threshold, "value", number(e->threshold));
    json_object_set_new(root, "overall", row_json(e, 0));
    json_object_set_new(root, "methods", methods);
    json_object_set_new(root, "threshold", threshold);
    json_object_set_new(root, "draws", json_integer(e->draws));
    json_object_set_new(root, "seed", json_integer((json_int_t)e->seed));
    char *dump = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (!dump) return foil_fail_memory(4096, "metrics as JSON");
    text_add(out, dump);
    text_add(out, "\n");
    free(dump);
    return out->failed ? foil_fail_memory(4096, "metrics as JSON") : FOIL_OK;
}

// The table's columns after the name and the AUC with its interval.
static const struct {
    const char *title;
    metric metric;
} COLUMNS[] = {{"ap", METRIC_AP},           {"eer", METRIC_EER},     {"acc", METRIC_ACCURACY},
               {"tpr@1%", METRIC_TPR_FPR1}, {"brier", METRIC_BRIER}, {"ece", METRIC_ECE}};
enum { N_COLUMNS = sizeof COLUMNS / sizeof *COLUMNS };

static void add_value(text *out, double value) {
    if (isnan(value))
        text_format(out, "  %6s", "-");
    else
        text_format(out, "  %6.4f", value);
}

void evaluation_table(const evaluation *e, text *out) {
    int width = 7;
    for (int r = 0; r < e->rows; r++) width = (int)strlen(e->row[r].name) > width ? (int)strlen(e->row[r].name) : width;
    text_format(out, "%-*s  %-23s", width, "", "auc [95 % interval]");
    for (int c = 0; c < N_COLUMNS; c++) text_format(out, "  %6s", COLUMNS[c].title);
    text_format(out, "  %7s  %7s\n", "reals", "fakes");
    for (int r = 0; r < e->rows; r++) {
        const interval *auc = &e->row[r].metric[METRIC_AUC];
        text_format(out, "%-*s  %.4f [%.4f, %.4f]", width, e->row[r].name, auc->value, auc->low, auc->high);
        for (int c = 0; c < N_COLUMNS; c++) add_value(out, e->row[r].metric[COLUMNS[c].metric].value);
        text_format(out, "  %7lld  %7lld\n", (long long)e->row[r].reals, (long long)e->row[r].fakes);
    }
}
