// Published trees of pictures, where folders' names say split, class and what made the fakes: one table.
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "datasets/below.h"

// Where a tree says what made the fakes.
typedef enum method_place {
    PLACE_NOWHERE,     // one pair of names for all
    PLACE_UNDER_CLASS, // a folder below the class, if there is one
    PLACE_ABOVE_SPLIT, // the folder that holds the splits
    PLACE_UNDER_SPLIT, // in test the first folder, with reals of its own; train and val are of one
} method_place;

typedef struct tree {
    const char *name, *shape;
    const char *classes[3]; // folders of reals, of fakes
    const char *methods[2]; // of reals, of fakes, unless the place says another
    method_place place;
    int without; // the split of pictures under no split's folder; -1 = none
} tree;

enum { FORENSYNTHS, CIFAKE, GENIMAGE, SPLITS, TREES };
static const tree TREE[TREES] = {
    [FORENSYNTHS] = {"forensynths",
                     "[train/|val/|test/]<generator>[/<class>]/{0_real,1_fake}/",
                     {"0_real", "1_fake"},
                     {"progan", "progan"},
                     PLACE_UNDER_SPLIT,
                     SPLIT_TEST},
    [CIFAKE] = {"cifake", "{train,test}/{REAL,FAKE}/", {"REAL", "FAKE"}, {"cifar-10", "stable-diffusion-1.4"}, PLACE_NOWHERE, -1},
    [GENIMAGE] = {"genimage", "<generator>/{train,val}/{nature,ai}/", {"nature", "ai"}, {"", ""}, PLACE_ABOVE_SPLIT, -1},
    [SPLITS] = {"splits", "{train,valid,test}/{real,fake}[/<method>]/", {"real", "fake"}, {"real", "fake"}, PLACE_UNDER_CLASS, -1},
};

typedef struct walk {
    const tree *tree;
    import_list *list;
    const import_options *options;
    const char *source;
} walk;

typedef struct place {
    below path;
    int split_at, class_at; // -1 = none
    int split, fake;
} place;

// ForenSynths has folders of generators and objects between those of splits and of classes, and one of ProGAN's objects is a train: the outermost is the split.
// Where objects lie right below the source, that may be a split's folder itself.
static bool find_above(const tree *t, const char *source, place *p) {
    char name[256];
    source_name(source, name, sizeof name);
    p->class_at = below_find(&p->path, t->classes, &p->fake);
    const int whole = p->class_at > 0 ? split_named(name) : -1;
    p->split = whole >= 0 ? whole : t->without;
    p->split_at = -1;
    for (int i = 0; i < p->class_at && p->split_at < 0; i++) {
        const int split = split_named(p->path.at[i]);
        if (split < 0 || ((i > 0 || whole >= 0) && i + 1 == p->class_at)) continue;
        p->split = split;
        p->split_at = i;
    }
    return p->class_at >= 0;
}

// The others have a class right under its split. What lies deeper may have any name.
static bool find_pair(const tree *t, place *p) {
    for (p->split_at = 0; p->split_at + 2 < p->path.n; p->split_at++) {
        p->class_at = p->split_at + 1;
        p->split = split_named(p->path.at[p->split_at]);
        for (p->fake = 0; p->split >= 0 && p->fake < 2; p->fake++)
            if (!strcmp(p->path.at[p->class_at], t->classes[p->fake])) return true;
    }
    return false;
}

// False: the picture isn't where the tree has pictures.
static bool find_place(const tree *t, const char *source, place *p) {
    return t->place == PLACE_UNDER_SPLIT ? find_above(t, source, p) : find_pair(t, p);
}

// Where generators have reals of their own, these are named after them.
static foil_status name_method(const walk *w, const place *p, char *out, size_t n) {
    char whole[256];
    const char *name = w->tree->methods[p->fake], *reals = "";
    source_name(w->source, whole, sizeof whole);
    switch (w->tree->place) {
    case PLACE_NOWHERE:
        break;
    case PLACE_UNDER_CLASS:
        if (p->class_at + 2 < p->path.n) name = p->path.at[p->class_at + 1];
        break;
    case PLACE_ABOVE_SPLIT:
        name = p->split_at > 0 ? p->path.at[p->split_at - 1] : whole;
        reals = "-reals";
        break;
    case PLACE_UNDER_SPLIT:
        if (p->split == SPLIT_TEST) name = p->split_at + 1 < p->class_at ? p->path.at[p->split_at + 1] : whole;
        reals = "-reals";
        break;
    }
    if (snprintf(out, n, "%s%s", name, p->fake ? "" : reals) < (int)n) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: a folder's name of more than 255 bytes", w->source);
}

static foil_status visit(const char *path, void *context) {
    const walk *w = context;
    const tree *t = w->tree;
    place p;
    char method[256];
    if (!image_has_known_suffix(path)) return FOIL_OK;
    TRY(below_source(path, w->source, &p.path));
    if (!find_place(t, w->source, &p)) return foil_fail(FOIL_INVALID, "%s: not where the layout %s has pictures: %s", path, t->name, t->shape);
    TRY(name_method(w, &p, method, sizeof method));
    return import_add_picture(w->list, w->options, path, &(import_item){.fake = p.fake == 1, .method = method, .split = p.split});
}

static foil_status list_tree(const tree *t, const char *source, const import_options *o, import_list *into) {
    if (!file_is_folder(source)) return foil_fail(FOIL_INVALID, "%s: the layout %s is a folder: %s", source, t->name, t->shape);
    return file_walk(source, visit, &(walk){t, into, o, source});
}

// The first picture tells.
typedef struct look {
    const tree *tree;
    const char *source;
    bool found;
} look;

static foil_status look_at(const char *path, void *context) {
    look *l = context;
    place p;
    if (!image_has_known_suffix(path)) return FOIL_OK;
    l->found = below_source(path, l->source, &p.path) == FOIL_OK && find_place(l->tree, l->source, &p);
    return FOIL_INVALID; // enough
}

static bool sniff_tree(const tree *t, const char *source) {
    look l = {t, source, false};
    if (file_is_folder(source)) (void)file_walk(source, look_at, &l);
    return l.found;
}

#define IMPORTER(ID, NAME, DOC)                                                                                                                      \
    static bool sniff_##ID(const char *source) {                                                                                                     \
        return sniff_tree(&TREE[ID], source);                                                                                                        \
    }                                                                                                                                                \
    static foil_status list_##ID(const char *source, const import_options *o, import_list *into) {                                                   \
        return list_tree(&TREE[ID], source, o, into);                                                                                                \
    }                                                                                                                                                \
    extern const importer IMPORT_##ID;                                                                                                               \
    const importer IMPORT_##ID = {NAME, DOC, sniff_##ID, list_##ID};

IMPORTER(FORENSYNTHS, "forensynths", "ForenSynths (CNNDetection): <generator>[/<class>]/{0_real,1_fake}, under train, val or test")
IMPORTER(CIFAKE, "cifake", "CIFAKE: {train,test}/{REAL,FAKE}")
IMPORTER(GENIMAGE, "genimage", "GenImage: <generator>/{train,val}/{nature,ai}")
IMPORTER(SPLITS, "splits", "{train,valid,test}/{real,fake}[/<method>], as 140k faces has it")
