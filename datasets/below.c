#include "datasets/below.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

foil_status below_source(const char *path, const char *source, below *out) {
    const char *from = path + strlen(source);
    while (*from == '/') from++;
    if (snprintf(out->text, sizeof out->text, "%s", from) >= (int)sizeof out->text) return foil_fail(FOIL_INVALID, "%s: the path is too long", path);
    out->n = 0;
    for (char *rest = out->text, *part; (part = strsep(&rest, "/"));) {
        if (!*part) continue;
        if (out->n == (int)(sizeof out->at / sizeof *out->at)) return foil_fail(FOIL_INVALID, "%s: more than 31 folders deep", path);
        out->at[out->n++] = part;
    }
    return FOIL_OK;
}

static int find(const char *word, const char *const *words) {
    for (int i = 0; words[i]; i++)
        if (!strcmp(word, words[i])) return i;
    return -1;
}

int below_find(const below *b, const char *const *words, int *word) {
    for (int i = b->n - 1; i-- > 0;) {
        int at = find(b->at[i], words);
        if (at < 0) continue;
        if (word) *word = at;
        return i;
    }
    return -1;
}

int split_named(const char *word) {
    static const char *const FOLDERS[] = {"train", "val", "valid", "validation", "test", NULL};
    static const set_split SPLITS[] = {SPLIT_TRAIN, SPLIT_VAL, SPLIT_VAL, SPLIT_VAL, SPLIT_TEST};
    int at = find(word, FOLDERS);
    return at < 0 ? -1 : (int)SPLITS[at];
}

static void last_part(const char *path, char *out, size_t n) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    snprintf(out, n, "%.*s", (int)(end - start), path + start);
}

void source_name(const char *source, char *out, size_t n) {
    last_part(source, out, n);
    char *real = strcmp(out, ".") == 0 || strcmp(out, "..") == 0 ? realpath(source, NULL) : NULL;
    if (real) last_part(real, out, n);
    free(real);
}

foil_status import_add_picture(import_list *l, const import_options *o, const char *path, const import_item *item) {
    import_item it = *item;
    it.path = path;
    if (o->label >= 0) it.fake = o->label == 1;
    if (o->method) it.method = o->method;
    if (!it.subject) it.subject = "";
    if (!it.clip) it.clip = "";
    return import_add(l, &it);
}

foil_status import_add_frame(import_list *l, const import_options *o, const char *path, const import_item *item) {
    char clip[4096];
    import_item it = *item;
    if (snprintf(clip, sizeof clip, "%.*s", (int)(file_name(path) - path), path) >= (int)sizeof clip)
        return foil_fail(FOIL_INVALID, "%s: the path is too long", path);
    it.clip = clip;
    return import_add_picture(l, o, path, &it);
}
