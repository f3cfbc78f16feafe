// FakeAVCeleb: frames of its videos, one folder for each, at <type>/<race>/<gender>/<person>/<video>/, and its meta_data.csv, whose column `path` holds
// the video's file name and whose last column, without a name, its folder: "FakeAVCeleb/FakeVideo-RealAudio/African/men/id00076". One file may be there
// several times, under several methods.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/names.h"
#include "base/text.h"
#include "datasets/below.h"

enum { COLUMN_SOURCE, COLUMN_METHOD, COLUMN_TYPE, COLUMN_PATH, COLUMN_FOLDER, COLUMNS };
static const char *const COLUMN_NAMES[] = {"source", "method", "type", "path", "", NULL};
static const char *const TYPES[] = {"RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio", "FakeVideo-FakeAudio", NULL};
static const char ROOT[] = "FakeAVCeleb/";

typedef struct video {
    const char *person, *method; // several methods: "faceswap-wav2lip+wav2lip"
    bool fake;                   // the picture; a voice alone does not make it one
} video;

typedef struct walk {
    csv_reader csv;
    int column[COLUMNS];
    names names; // "FakeVideo-RealAudio/African/men/id00076/00109_1"
    video *video;
    int capacity;
    arena texts;
    import_list *list;
    const import_options *options;
    const char *source;
} walk;

static const char *value(const walk *w, int column) {
    return csv_value(&w->csv, w->column[column]);
}

static foil_status wrong(const walk *w, const char *what, const char *found, const char *expected) {
    return foil_fail(FOIL_INVALID, "%s:%d: %s '%s'; %s expected", w->csv.path, w->csv.record, what, found, expected);
}

static foil_status read_header(walk *w) {
    bool more;
    TRY(csv_next(&w->csv, &more));
    csv_columns(&w->csv, COLUMN_NAMES, w->column);
    bool all = more;
    for (int i = 0; i < COLUMNS; i++) all &= w->column[i] >= 0;
    if (all) return FOIL_OK;
    return csv_wrong(&w->csv,
                     "FakeAVCeleb's header was expected: source,target1,target2,method,category,type,race,gender,path, and a column without a name");
}

// Whether a list "a+b" has the method.
static bool has_method(const char *list, const char *method) {
    size_t n = strlen(method);
    for (const char *at = list; at; at = strchr(at, '+'), at += at != NULL)
        if (!strncmp(at, method, n) && (at[n] == '+' || !at[n])) return true;
    return false;
}

static foil_status add_video(walk *w, const char *key, bool fake) {
    const char *person = value(w, COLUMN_SOURCE), *method = value(w, COLUMN_METHOD);
    int known = names_find(&w->names, key), at = names_add(&w->names, key);
    if (at == w->capacity) {
        int capacity = w->capacity ? 2 * w->capacity : 1024;
        video *more = realloc(w->video, (size_t)capacity * sizeof *more);
        if (!more) return foil_fail_memory((size_t)capacity * sizeof *more, "the names of videos");
        w->video = more;
        w->capacity = capacity;
    }
    if (at < 0) return foil_fail_memory(strlen(key), "the names of videos");
    video *v = &w->video[at];
    if (known < 0) *v = (video){arena_text(&w->texts, person), arena_text(&w->texts, method), fake};
    if (!v->person || !v->method) return foil_fail_memory(strlen(key), "the names of videos");
    if (strcmp(v->person, person) != 0) return wrong(w, "source", person, v->person);
    if (has_method(v->method, method)) return FOIL_OK;
    bool first = strcmp(method, v->method) < 0; // whatever the order of the rows
    v->method = arena_format(&w->texts, "%s+%s", first ? method : v->method, first ? v->method : method);
    return v->method ? FOIL_OK : foil_fail_memory(strlen(key), "the names of videos");
}

static foil_status add_record(walk *w) {
    const char *type = value(w, COLUMN_TYPE), *path = value(w, COLUMN_PATH), *folder = value(w, COLUMN_FOLDER), *method = value(w, COLUMN_METHOD);
    const char *dot = strrchr(path, '.');
    char key[1024];
    int t = 0;
    while (TYPES[t] && strcmp(TYPES[t], type) != 0) t++;
    if (!TYPES[t]) return wrong(w, "type", type, "{Real,Fake}Video-{Real,Fake}Audio was");
    if (!dot || dot == path || strchr(path, '/')) return wrong(w, "path", path, "a video's file name was");
    if (!text_starts(folder, ROOT)) return wrong(w, "folder", folder, "FakeAVCeleb/<type>/<race>/<gender>/<person> was");
    folder += strlen(ROOT);
    if (!text_starts(folder, type) || folder[strlen(type)] != '/') return wrong(w, "folder", folder, "one of its type was");
    if (!*value(w, COLUMN_SOURCE)) return wrong(w, "source", "", "a person was");
    if (!*method || (t == 0) != !strcmp(method, "real")) return wrong(w, "method", method, t ? "what made the fake was" : "real was");
    if (snprintf(key, sizeof key, "%s/%.*s", folder, (int)(dot - path), path) >= (int)sizeof key)
        return csv_wrong(&w->csv, "a path of more than 1,000 bytes");
    return add_video(w, key, t >= 2);
}

static foil_status read_videos(walk *w) {
    TRY(read_header(w));
    for (;;) {
        bool more;
        TRY(csv_next(&w->csv, &more));
        if (!more) return w->names.count ? FOIL_OK : foil_fail(FOIL_INVALID, "%s: no videos are listed", w->csv.path);
        TRY(add_record(w));
    }
}

static foil_status visit(const char *path, void *context) {
    const walk *w = context;
    char key[1024], subject[512];
    below b;
    if (!image_has_known_suffix(path)) return FOIL_OK;
    TRY(below_source(path, w->source, &b));
    if (b.n < 3) return foil_fail(FOIL_INVALID, "%s: not where FakeAVCeleb has frames: <type>/<race>/<gender>/<person>/<video>/", path);
    const char *below_it = path + strlen(w->source);
    while (*below_it == '/') below_it++;
    int n = snprintf(key, sizeof key, "%.*s", (int)(file_name(path) - below_it - 1), below_it);
    int at = n < (int)sizeof key ? names_find(&w->names, key) : -1;
    if (at < 0) return foil_fail(FOIL_INVALID, "%s: its folder is no video of %s", path, w->csv.path);
    const video *v = &w->video[at];
    if (snprintf(subject, sizeof subject, "fakeavceleb/%s", v->person) >= (int)sizeof subject)
        return foil_fail(FOIL_INVALID, "%s: a person's name of more than 500 bytes", path);
    return import_add_frame(w->list, w->options, path, &(import_item){.fake = v->fake, .method = v->method, .subject = subject, .split = -1});
}

static foil_status list_fakeavceleb(const char *source, const import_options *o, import_list *into) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/meta_data.csv", source) >= (int)sizeof path)
        return foil_fail(FOIL_INVALID, "%s: the path is too long", source);
    if (!file_exists(path)) return foil_fail(FOIL_IO, "%s: no such file; FakeAVCeleb's list of videos was expected there", path);
    walk w = {.list = into, .options = o, .source = source};
    TRY(csv_open(path, &w.csv));
    foil_status s = read_videos(&w);
    if (s == FOIL_OK) s = file_walk(source, visit, &w);
    csv_close(&w.csv);
    names_free(&w.names);
    arena_free(&w.texts);
    free(w.video);
    return s;
}

static bool sniff_fakeavceleb(const char *source) {
    char path[4096];
    return snprintf(path, sizeof path, "%s/meta_data.csv", source) < (int)sizeof path && file_exists(path);
}

extern const importer IMPORT_FAKEAVCELEB;
const importer IMPORT_FAKEAVCELEB = {"fakeavceleb", "FakeAVCeleb: frames, one folder per video, and meta_data.csv", sniff_fakeavceleb,
                                     list_fakeavceleb};
