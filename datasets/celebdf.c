// Celeb-DF: frames of its videos, one folder for each, at {Celeb-real,YouTube-real,Celeb-synthesis}/[<any>/]<video>/, and its list of test videos, with lines
// such as "1 YouTube-real/00170.mp4", where 1 is real. What is not listed is for training.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/names.h"
#include "datasets/below.h"

static const char LIST[] = "List_of_testing_videos.txt";
static const char *const FOLDERS[] = {"Celeb-real", "YouTube-real", "Celeb-synthesis", NULL};
enum { CELEB_REAL, YOUTUBE_REAL, CELEB_SYNTHESIS };

typedef struct walk {
    names test; // "YouTube-real/00170"
    import_list *list;
    const import_options *options;
    const char *source;
} walk;

static int folder_of(const char *video) {
    for (int i = 0; FOLDERS[i]; i++)
        if (!strncmp(video, FOLDERS[i], strlen(FOLDERS[i])) && video[strlen(FOLDERS[i])] == '/') return i;
    return -1;
}

static foil_status read_line(walk *w, const char *path, int number, char *line) {
    line[strcspn(line, "\r")] = 0;
    if (!*line) return FOIL_OK;
    char *video = line + 2, *dot = strrchr(line, '.');
    int folder = (*line == '0' || *line == '1') && line[1] == ' ' ? folder_of(video) : -1;
    if (folder < 0 || !dot || dot < video)
        return foil_fail(FOIL_INVALID, "%s:%d: '%s'; a line such as '1 YouTube-real/00170.mp4' was expected, with 1 for real", path, number, line);
    if ((*line == '0') != (folder == CELEB_SYNTHESIS))
        return foil_fail(FOIL_INVALID, "%s:%d: %s is listed as %s (%c), which its folder says it is not", path, number, video,
                         *line == '1' ? "real" : "fake", *line);
    *dot = 0;
    return names_add(&w->test, video) < 0 ? foil_fail_memory(strlen(video), "the names of videos") : FOIL_OK;
}

static foil_status read_list(walk *w) {
    char path[4096], *bytes;
    if (snprintf(path, sizeof path, "%s/%s", w->source, LIST) >= (int)sizeof path)
        return foil_fail(FOIL_INVALID, "%s: the path is too long", w->source);
    if (!file_exists(path)) return foil_fail(FOIL_IO, "%s: no such file; Celeb-DF's list of test videos was expected there", path);
    TRY(file_read(path, 0, &bytes, NULL));
    foil_status s = FOIL_OK;
    char *rest = bytes;
    for (int number = 1; s == FOIL_OK && rest; number++) s = read_line(w, path, number, strsep(&rest, "\n"));
    free(bytes);
    if (s == FOIL_OK && !w->test.count) s = foil_fail(FOIL_INVALID, "%s: no videos are listed", path);
    return s;
}

// Celebrities are named by the first part of id0_0000 and id0_id1_0000; of YouTube's nobody is known to be in two videos. The official test videos are of
// celebrities that the others show, too: subjects are named apart by split, since one subject's pictures stay in one.
static void name_subject(const char *video, int folder, int split, char *out, size_t n) {
    snprintf(out, n, "celebdf/%s/%.*s", SPLIT_NAMES[split], folder == YOUTUBE_REAL ? 63 : (int)strcspn(video, "_"), video);
}

static foil_status visit(const char *path, void *context) {
    const walk *w = context;
    below b;
    int folder;
    char subject[96], video[512];
    if (!image_has_known_suffix(path)) return FOIL_OK;
    TRY(below_source(path, w->source, &b));
    if (below_find(&b, FOLDERS, &folder) != 0 || b.n < 3)
        return foil_fail(FOIL_INVALID, "%s: not where Celeb-DF has frames: {Celeb-real,YouTube-real,Celeb-synthesis}/<video>/", path);
    const char *name = b.at[b.n - 2];
    if (snprintf(video, sizeof video, "%s/%s", b.at[0], name) >= (int)sizeof video)
        return foil_fail(FOIL_INVALID, "%s: a video's name of more than 500 bytes", path);
    int split = names_find(&w->test, video) < 0 ? SPLIT_TRAIN : SPLIT_TEST;
    name_subject(name, folder, split, subject, sizeof subject);
    return import_add_frame(w->list, w->options, path,
                            &(import_item){.fake = folder == CELEB_SYNTHESIS, .method = b.at[0], .subject = subject, .split = split});
}

static foil_status list_celebdf(const char *source, const import_options *o, import_list *into) {
    walk w = {.list = into, .options = o, .source = source};
    foil_status s = read_list(&w);
    if (s == FOIL_OK) s = file_walk(source, visit, &w);
    names_free(&w.test);
    return s;
}

static bool sniff_celebdf(const char *source) {
    char path[4096];
    return snprintf(path, sizeof path, "%s/%s", source, FOLDERS[CELEB_SYNTHESIS]) < (int)sizeof path && file_is_folder(path);
}

extern const importer IMPORT_CELEBDF;
const importer IMPORT_CELEBDF = {"celebdf", "Celeb-DF: frames, one folder per video, and List_of_testing_videos.txt (1 = real)", sniff_celebdf,
                                 list_celebdf};
