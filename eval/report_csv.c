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
