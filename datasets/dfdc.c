// DFDC: frames of a part's videos, one folder for each, and the part's metadata.json: {"x.mp4": {"label": "FAKE", "split": "train", "original": "y.mp4"}}.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "datasets/below.h"

typedef struct walk {
    const char *metadata, *source;
    const json_t *videos;
    import_list *list;
    const import_options *options;
} walk;

static const char *word(const json_t *video, const char *key) {
    const char *value = json_string_value(json_object_get(video, key));
    return value ? value : "";
}

static foil_status visit(const char *path, void *context) {
    const walk *w = context;
    below b;
    char file[512], subject[512];
    if (!image_has_known_suffix(path)) return FOIL_OK;
    TRY(below_source(path, w->source, &b));
    if (b.n < 2 || snprintf(file, sizeof file, "%s.mp4", b.at[b.n - 2]) >= (int)sizeof file)
        return foil_fail(FOIL_INVALID, "%s: not where DFDC has frames: <part>/<video>/", path);
    const json_t *video = json_object_get(w->videos, file);
    if (!video) return foil_fail(FOIL_INVALID, "%s: video %s is not in %s", path, file, w->metadata);
    const char *label = word(video, "label"), *original = word(video, "original");
    bool fake = !strcmp(label, "FAKE");
    int split = split_named(word(video, "split"));
    if (!fake && strcmp(label, "REAL") != 0)
        return foil_fail(FOIL_INVALID, "%s: %s: label '%s'; REAL or FAKE was expected", w->metadata, file, label);
    if (split < 0)
        return foil_fail(FOIL_INVALID, "%s: %s: split '%s'; train, validation or test was expected", w->metadata, file, word(video, "split"));
    if (fake == !*original)
        return foil_fail(FOIL_INVALID, "%s: %s: a %s video %s original", w->metadata, file, fake ? "fake" : "real", fake ? "without its" : "with an");
    if (snprintf(subject, sizeof subject, "dfdc/%s", fake ? original : file) >= (int)sizeof subject)
        return foil_fail(FOIL_INVALID, "%s: %s: a name of more than 500 bytes", w->metadata, file);
    return import_add_frame(w->list, w->options, path,
                            &(import_item){.fake = fake, .method = fake ? "dfdc" : "dfdc-reals", .subject = subject, .split = split});
}

static foil_status list_dfdc(const char *source, const import_options *o, import_list *into) {
    char path[4096];
    json_error_t error;
    if (snprintf(path, sizeof path, "%s/metadata.json", source) >= (int)sizeof path)
        return foil_fail(FOIL_INVALID, "%s: the path is too long", source);
    if (!file_exists(path)) return foil_fail(FOIL_IO, "%s: no such file; the metadata of a part of DFDC was expected there", path);
    json_t *videos = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!videos) return foil_fail(FOIL_INVALID, "%s:%d: not JSON: %s", path, error.line, error.text);
    foil_status s = json_is_object(videos) ? file_walk(source, visit, &(walk){path, source, videos, into, o})
                                           : foil_fail(FOIL_INVALID, "%s: videos by name were expected", path);
    json_decref(videos);
    return s;
}

// Many collections have a metadata.json: the folder's name must tell, too.
static bool sniff_dfdc(const char *source) {
    char path[4096], name[8];
    source_name(source, name, sizeof name);
    return text_starts(name, "dfdc") && snprintf(path, sizeof path, "%s/metadata.json", source) < (int)sizeof path && file_exists(path);
}

extern const importer IMPORT_DFDC;
const importer IMPORT_DFDC = {"dfdc", "a part of DFDC: frames, one folder per video, and metadata.json", sniff_dfdc, list_dfdc};
