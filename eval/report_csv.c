#include <math.h>
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

foil_status evaluation_write_scores(const evaluation *e, const judge *j, const char *path) {
    file_writer *w;
    TRY(file_create(path, &w));
    file_printf(w, "path,score,fake,method,subject,clip\n");
    for (int64_t i = 0; i < e->n; i++) {
        const picture_label *item = &e->item[i];
        write_field(w, item->path);
        file_printf(w, ",%.17g,%d,", j->score[i], item->fake);
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

// What is not known is left empty.
static void write_interval(file_writer *w, const interval *v) {
    const double number[] = {v->value, v->low, v->high};
    for (int i = 0; i < 3; i++) {
        file_write(w, ",", 1);
        if (!isnan(number[i])) file_printf(w, "%.17g", number[i]);
    }
}

static void write_intervals(file_writer *w, const interval *auc, const interval *loss) {
    write_interval(w, auc);
    write_interval(w, loss);
    file_write(w, "\n", 1);
}

static void write_names(file_writer *w, const char *const *names, int n) {
    for (int i = 0; i < n; i++) {
        if (i) file_write(w, ",", 1);
        write_field(w, names[i]);
    }
}

static void write_robustness(file_writer *w, const char *of, const char *detector, const robustness *r) {
    write_names(w, (const char *const[]){of, detector, "none", "", ""}, 5);
    file_write(w, ",", 1);
    write_intervals(w, &r->clean, &(interval){NAN, NAN, NAN});
    for (int i = 0; i < r->rows; i++)
        for (int s = 0; s < STRENGTHS; s++) {
            write_names(w, (const char *const[]){of, detector, r->row[i].name, r->row[i].library, r->row[i].parameter}, 5);
            file_printf(w, ",%g", r->row[i].strength[s].value);
            write_intervals(w, &r->row[i].strength[s].auc, &r->row[i].strength[s].loss);
        }
}

foil_status evaluations_write_robustness(const evaluation *e, int n, const char *path) {
    file_writer *w;
    TRY(file_create(path, &w));
    file_printf(w, "set,detector,perturbation,library,parameter,value,auc,auc_low,auc_high,relative_loss,loss_low,loss_high\n");
    for (int i = 0; i < n; i++)
        for (int k = 0; k < e[i].judges; k++)
            if (e[i].judge[k].robustness) write_robustness(w, e[i].name, e[i].judge[k].name, e[i].judge[k].robustness);
    return file_commit(w);
}
