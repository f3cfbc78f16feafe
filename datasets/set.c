// Data sets that were packed before, and those that open as sets: to join several; labels, paths, clips and splits are kept.
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "datasets/importer.h"

// "#17": what a picture without a path goes by.
static bool is_number(const char *path) {
    return *path == '#' && path[1] && !path[1 + strspn(path + 1, "0123456789")];
}

static foil_status add_picture(const char *source, const set *s, int64_t i, arena *texts, const import_options *o, import_list *into) {
    set_label l = set_label_at(s, i);
    set_source from;
    TRY(set_source_at(s, i, texts, &from));
    const char *method = l.method < 0 ? file_name(source) : set_method_name(s, l.method);
    const char *path = arena_format(texts, "%s#%lld", source, (long long)i);
    const char *clip = from.clip < 0 ? "" : arena_format(texts, "%s#clip %d", source, from.clip);
    if (!path || !clip) return foil_fail_memory(64, "the list of pictures");
    return import_add(into, &(import_item){.path = path,
                                           .stored = is_number(from.path) ? NULL : from.path,
                                           .set = s,
                                           .record = i,
                                           .fake = o->label >= 0 ? o->label == 1 : l.fake,
                                           .method = o->method ? o->method : method,
                                           .subject = from.subject,
                                           .clip = clip,
                                           .split = (int)l.split});
}

static foil_status list_set(const char *source, const import_options *o, import_list *into) {
    set *s;
    TRY(set_open(source, &s));
    TRY(import_hold_set(into, s));
    arena texts = {0};
    foil_status status = FOIL_OK;
    for (int64_t i = 0; status == FOIL_OK && i < set_count(s); i++) {
        status = add_picture(source, s, i, &texts, o, into);
        if (i % 4096 == 0) arena_free(&texts); // import_add made its copies
    }
    arena_free(&texts);
    return status;
}

static bool sniff_set(const char *source) {
    static const char *const SUFFIXES[] = {".h5", ".hdf5", ".yaml", ".yml"};
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++)
        if (text_ends_nocase(source, SUFFIXES[i])) return !file_is_folder(source);
    return false;
}

extern const importer IMPORT_SET;
const importer IMPORT_SET = {"set", "data sets (.h5, or the .yaml of many), with the labels, clips and splits that they have", sniff_set, list_set};
