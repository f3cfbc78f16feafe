#include <math.h>
#include <stdlib.h>

#include "eval/shortcuts.h"

const struct file_property_type PROPERTY_TYPES[FILE_PROPERTIES] = {
    [BY_FORMAT] = {"format", FILE_FORMATS}, [BY_COLOURS] = {"colours", FILE_COLOURS}, [BY_QUALITY] = {"JPEG quality", NULL},
    [BY_WIDTH] = {"width", NULL},           [BY_HEIGHT] = {"height", NULL},           [BY_ASPECT] = {"aspect", NULL},
    [BY_BYTES] = {"bytes per pixel", NULL}};

static double known(int32_t number) {
    return number > 0 ? (double)number : (double)NAN;
}

static void describe(const image_file *f, double value[FILE_PROPERTIES]) {
    value[BY_FORMAT] = f->format;
    value[BY_COLOURS] = f->colours;
    value[BY_QUALITY] = known(f->quality);
    value[BY_WIDTH] = known(f->width);
    value[BY_HEIGHT] = known(f->height);
    value[BY_ASPECT] = value[BY_WIDTH] / value[BY_HEIGHT];
    value[BY_BYTES] = known(f->bytes) / (value[BY_WIDTH] * value[BY_HEIGHT]);
}

static foil_status read_rows(const set *s, const selection *some, arena *texts, file_table *t) {
    for (int64_t j = 0; j < some->n; j++) {
        set_source from;
        int64_t i = selection_at(some, j);
        TRY(set_source_at(s, i, texts, &from));
        if (j % 4096 == 4095) arena_free(texts);
        if (from.file.format == FILE_UNKNOWN) continue;
        set_label label = set_label_at(s, i);
        file_row *row = &t->row[t->n++];
        *row = (file_row){.picture = i, .clip = from.clip, .method = label.method, .fake = label.fake};
        describe(&from.file, row->value);
    }
    return FOIL_OK;
}

foil_status file_table_read(const set *s, file_table *out) {
    *out = (file_table){0};
    selection some;
    TRY(set_select(s, SPLIT_ALL, NULL, NULL, &some));
    foil_status status = selection_thin(s, &some, SHORTCUT_PICTURES);
    if (status == FOIL_OK) {
        out->looked = some.n;
        out->row = malloc((size_t)(some.n + 1) * sizeof *out->row);
        if (!out->row) status = foil_fail_memory((size_t)some.n * sizeof *out->row, "the properties of files");
    }
    arena texts = {0};
    if (status == FOIL_OK) status = read_rows(s, &some, &texts, out);
    arena_free(&texts);
    selection_free(&some);
    if (status != FOIL_OK) file_table_free(out);
    return status;
}

void file_table_free(file_table *t) {
    free(t->row);
    *t = (file_table){0};
}
