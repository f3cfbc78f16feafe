// Data sets that were packed before, and those that open as sets: to join several, labels, clips and splits kept.
#include "base/file.h"
#include "base/text.h"
#include "datasets/importer.h"

static foil_status add_picture(const char *source, const set *s, int64_t i, const import_options *o, import_list *into) {
    set_label l = set_label_at(s, i);
    const char *method = l.method < 0 ? file_name(source) : set_method_name(s, l.method);
    text path = {0}, clip = {0};
    text_format(&path, "%s#%lld", source, (long long)i);
    text_format(&clip, "%s#clip %d", source, l.clip);
    foil_status status = path.failed || clip.failed ? foil_fail_memory(64, "the list of pictures") : FOIL_OK;
    if (status == FOIL_OK)
        status = import_add(into, &(import_item){.path = path.data,
                                                 .set = s,
                                                 .record = i,
                                                 .fake = o->label >= 0 ? o->label == 1 : l.fake,
                                                 .method = o->method ? o->method : method,
                                                 .subject = l.subject < 0 ? "" : set_subject_name(s, l.subject),
                                                 .clip = l.clip < 0 ? "" : clip.data,
                                                 .split = l.split});
    text_free(&path);
    text_free(&clip);
    return status;
}

static foil_status list_set(const char *source, const import_options *o, import_list *into) {
    set *s;
    TRY(set_open(source, &s));
    TRY(import_hold_set(into, s));
    for (int64_t i = 0; i < set_count(s); i++) TRY(add_picture(source, s, i, o, into));
    return FOIL_OK;
}

static bool sniff_set(const char *source) {
    return (text_ends_nocase(source, ".h5") || text_ends_nocase(source, ".hdf5")) && !file_is_folder(source);
}

extern const importer IMPORT_SET;
const importer IMPORT_SET = {"set", "data sets (.h5), with the labels, clips and splits that they have", sniff_set, list_set};
