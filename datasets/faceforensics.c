// FaceForensics++: frames of its videos, one folder for each, at
// {original_sequences,manipulated_sequences}/<method>/<compression>/<any>/<video>/, and its official splits, splits/{train,val,test}.json: pairs of videos.
// Masks of what was changed lie in folders `masks` of the same tree, in the place of the compression or, as DeepfakeBench has them, below it.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/names.h"
#include "datasets/below.h"

enum { SEQUENCE, METHOD, COMPRESSION, MOST_VIDEOS = 4096 };

typedef struct official {
    names video;
    int split[MOST_VIDEOS];           // by number of a video's name
    const char *partner[MOST_VIDEOS]; // the other one of its pair
} official;

typedef struct walk {
    const official *known;
    import_list *list;
    const import_options *options;
    const char *source;
} walk;

static foil_status add_video(official *o, const char *path, const char *video, const char *partner, int split) {
    int before = o->video.count, at = before < MOST_VIDEOS ? names_add(&o->video, video) : -1;
    if (before == MOST_VIDEOS) return foil_fail(FOIL_INVALID, "%s: more than %d videos in the splits", path, MOST_VIDEOS);
    if (at < 0) return foil_fail_memory(strlen(video), "the names of videos");
    if (at < before)
        return foil_fail(FOIL_INVALID, "%s: video %s is in a pair already, in split %s; in one was expected", path, video, SPLIT_NAMES[o->split[at]]);
    o->split[at] = split;
    o->partner[at] = arena_text(&o->video.texts, partner);
    return o->partner[at] ? FOIL_OK : foil_fail_memory(strlen(partner), "the names of videos");
}

static foil_status add_pairs(official *o, const char *path, const json_t *pairs, int split) {
    size_t i;
    const json_t *pair;
    if (!json_is_array(pairs)) return foil_fail(FOIL_INVALID, "%s: a list of pairs of videos was expected, [[\"071\", \"054\"], …]", path);
    json_array_foreach(pairs, i, pair) {
        const char *a = json_string_value(json_array_get(pair, 0)), *b = json_string_value(json_array_get(pair, 1));
        if (!a || !b || json_array_size(pair) != 2) return foil_fail(FOIL_INVALID, "%s: pair %zu is not two names of videos", path, i + 1);
        TRY(add_video(o, path, a, b, split));
        TRY(add_video(o, path, b, a, split));
    }
    return FOIL_OK;
}

static foil_status read_splits(const char *source, official *o) {
    for (int split = SPLIT_TRAIN; split < SPLIT_ALL; split++) {
        char path[4096];
        json_error_t error;
        if (snprintf(path, sizeof path, "%s/splits/%s.json", source, SPLIT_NAMES[split]) >= (int)sizeof path)
            return foil_fail(FOIL_INVALID, "%s: the path is too long", source);
        if (!file_exists(path)) return foil_fail(FOIL_IO, "%s: no such file; FaceForensics++'s official splits were expected there", path);
        json_t *pairs = json_load_file(path, 0, &error);
        if (!pairs) return foil_fail(FOIL_INVALID, "%s:%d: not JSON: %s", path, error.line, error.text);
        foil_status s = add_pairs(o, path, pairs, split);
        json_decref(pairs);
        TRY(s);
    }
    return FOIL_OK;
}

// A video's target, which is its subject, and its split. Fakes are named target_source.
static foil_status find_video(const walk *w, const char *path, const char *video, bool fake, char target[64], int *split) {
    size_t n = strcspn(video, "_");
    snprintf(target, 64, "%.*s", (int)(n < 63 ? n : 63), video);
    int at = names_find(&w->known->video, target);
    if (at < 0) return foil_fail(FOIL_INVALID, "%s: video %s is in none of the official splits", path, video);
    *split = w->known->split[at];
    const char *source = video[n] ? video + n + 1 : "";
    if (fake == (*source != 0) && (!fake || !strcmp(source, w->known->partner[at]))) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: video %s is no pair of the official splits; %s%s%s was expected", path, video, target, fake ? "_" : "",
                     fake ? w->known->partner[at] : "");
}

// DFD's videos, which stand in the same tree: actor__scene, target_source__scene__…; no official split.
static void find_actor(const char *video, char target[64], int *split) {
    snprintf(target, 64, "%.*s", (int)strcspn(video, "_"), video);
    *split = -1;
}

static foil_status visit(const char *path, void *context) {
    static const char *const SEQUENCES[] = {"original_sequences", "manipulated_sequences", NULL}, *const MASKS[] = {"masks", NULL};
    const walk *w = context;
    below b;
    int fake = 0, split = -1;
    char target[64], subject[80], method[512];
    if (!image_has_known_suffix(path)) return FOIL_OK;
    TRY(below_source(path, w->source, &b));
    if (below_find(&b, MASKS, NULL) >= COMPRESSION) return FOIL_OK;
    if (below_find(&b, SEQUENCES, &fake) != SEQUENCE || b.n < COMPRESSION + 3)
        return foil_fail(FOIL_INVALID,
                         "%s: not where FaceForensics++ has frames: {original_sequences,manipulated_sequences}/<method>/<compression>/…/<video>/",
                         path);
    bool actors = !strcmp(b.at[METHOD], "actors") || !strcmp(b.at[METHOD], "DeepFakeDetection");
    if (actors)
        find_actor(b.at[b.n - 2], target, &split);
    else
        TRY(find_video(w, path, b.at[b.n - 2], fake == 1, target, &split));
    snprintf(subject, sizeof subject, "%s/%s", actors ? "actor" : "faceforensics", target);
    if (snprintf(method, sizeof method, "%s/%s", b.at[METHOD], b.at[COMPRESSION]) >= (int)sizeof method)
        return foil_fail(FOIL_INVALID, "%s: a name of a method of more than 511 bytes", path);
    return import_add_frame(w->list, w->options, path, &(import_item){.fake = fake == 1, .method = method, .subject = subject, .split = split});
}

static foil_status list_faceforensics(const char *source, const import_options *o, import_list *into) {
    official known = {0};
    foil_status s = read_splits(source, &known);
    if (s == FOIL_OK) s = file_walk(source, visit, &(walk){&known, into, o, source});
    names_free(&known.video);
    return s;
}

static bool sniff_faceforensics(const char *source) {
    char path[4096];
    for (int i = 0; i < 2; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", source, i ? "original_sequences" : "manipulated_sequences");
        if (n < (int)sizeof path && file_is_folder(path)) return true;
    }
    return false;
}

extern const importer IMPORT_FACEFORENSICS;
const importer IMPORT_FACEFORENSICS = {"faceforensics", "FaceForensics++: frames, one folder per video, and splits/{train,val,test}.json",
                                       sniff_faceforensics, list_faceforensics};
