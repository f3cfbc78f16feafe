// DeepfakeBench's lists of extracted frames: {dataset: {label: {split: {[compression:] {video: {"label": …, "frames": [path, …]}}}}}}. Paths are relative to
// the JSON's folder; backslashes are slashes.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "datasets/below.h"

typedef struct level { // of the JSON, from the outermost one inwards
    const char *source, *dataset, *label, *compression;
    int split;
    const import_options *options;
    import_list *list;
} level;

// "FF-real", "CelebDFv2_real", "DFDC_Real"; all other labels are of fakes.
static bool is_fake(const char *label) {
    return !text_ends_nocase(label, "real");
}

static foil_status wrong(const level *l, const char *video, const char *what) {
    return foil_fail(FOIL_INVALID, "%s: %s, %s, %s%s%s: %s", l->source, l->dataset, l->label, SPLIT_NAMES[l->split], *video ? ", " : "", video, what);
}

static foil_status add_frame(const level *l, const char *video, char *frame) {
    char method[512], clip[1024], subject[512] = "";
    for (char *c = frame; *c; c++)
        if (*c == '\\') *c = '/';
    const char *compression = l->compression ? l->compression : "";
    int m = snprintf(method, sizeof method, "%s%s%s", l->label, *compression ? "/" : "", compression);
    int c = snprintf(clip, sizeof clip, "%s/%s/%s", l->dataset, method, video), s = 0;
    if (text_starts(l->dataset, "FaceForensics")) s = snprintf(subject, sizeof subject, "faceforensics/%.*s", (int)strcspn(video, "_"), video);
    if (m >= (int)sizeof method || c >= (int)sizeof clip || s >= (int)sizeof subject) return wrong(l, "", "a name of more than 500 bytes");
    char *path = file_beside(l->source, frame);
    if (!path) return foil_fail_memory(strlen(frame), "a path");
    foil_status status = import_add_picture(
        l->list, l->options, path, &(import_item){.fake = is_fake(l->label), .method = method, .subject = subject, .clip = clip, .split = l->split});
    free(path);
    return status;
}

static foil_status add_video(const level *l, const char *name, const json_t *video) {
    const json_t *frames = json_object_get(video, "frames"), *frame;
    const char *label = json_string_value(json_object_get(video, "label"));
    size_t i;
    if (!json_is_array(frames) || !label) return wrong(l, name, "a label and a list of frames were expected");
    if (is_fake(label) != is_fake(l->label)) return wrong(l, name, "its own label says the opposite");
    json_array_foreach(frames, i, frame) {
        if (!json_is_string(frame)) return wrong(l, name, "a frame that is not a path");
        char *path = strdup(json_string_value(frame));
        foil_status s = path ? add_frame(l, name, path) : foil_fail_memory(json_string_length(frame), "a path");
        free(path);
        TRY(s);
    }
    return FOIL_OK;
}

// What has frames is a video; else it is a level of compression, once.
static foil_status add_videos(const level *l, json_t *videos) {
    const char *name;
    json_t *video;
    if (!json_is_object(videos)) return wrong(l, "", "videos by name were expected");
    json_object_foreach(videos, name, video) {
        level inner = *l;
        inner.compression = name;
        if (l->compression || !json_is_object(video) || json_object_get(video, "frames") || json_object_get(video, "label"))
            TRY(add_video(l, name, video));
        else
            TRY(add_videos(&inner, video));
    }
    return FOIL_OK;
}

static foil_status add_splits(level *l, json_t *splits) {
    const char *name;
    json_t *videos;
    if (!json_is_object(splits)) return foil_fail(FOIL_INVALID, "%s: %s, %s: train, val and test were expected", l->source, l->dataset, l->label);
    json_object_foreach(splits, name, videos) {
        l->split = split_named(name);
        if (l->split < 0)
            return foil_fail(FOIL_INVALID, "%s: %s, %s: split '%s'; train, val or test was expected", l->source, l->dataset, l->label, name);
        // Sets without a validation split repeat their test there: it stays the test.
        if (l->split == SPLIT_VAL && json_equal(videos, json_object_get(splits, "test"))) continue;
        TRY(add_videos(l, videos));
    }
    return FOIL_OK;
}

static foil_status add_datasets(level *l, json_t *root) {
    json_t *labels, *splits;
    if (!json_is_object(root)) return foil_fail(FOIL_INVALID, "%s: an object was expected, by dataset, label, split and video", l->source);
    json_object_foreach(root, l->dataset, labels) {
        if (!json_is_object(labels)) return foil_fail(FOIL_INVALID, "%s: %s: labels were expected, such as FF-real", l->source, l->dataset);
        json_object_foreach(labels, l->label, splits) TRY(add_splits(l, splits));
    }
    return FOIL_OK;
}

static foil_status list_deepfakebench(const char *source, const import_options *o, import_list *into) {
    json_error_t error;
    if (file_is_folder(source)) return foil_fail(FOIL_INVALID, "%s: a folder; one of DeepfakeBench's JSON files was expected", source);
    json_t *root = json_load_file(source, JSON_REJECT_DUPLICATES, &error);
    if (!root) return foil_fail(FOIL_INVALID, "%s:%d: not JSON: %s", source, error.line, error.text);
    foil_status s = add_datasets(&(level){.source = source, .options = o, .list = into}, root);
    json_decref(root);
    return s;
}

static bool sniff_deepfakebench(const char *source) {
    return text_ends_nocase(source, ".json") && !file_is_folder(source);
}

extern const importer IMPORT_DEEPFAKEBENCH;
const importer IMPORT_DEEPFAKEBENCH = {"deepfakebench", "DeepfakeBench's JSON of extracted frames", sniff_deepfakebench, list_deepfakebench};
