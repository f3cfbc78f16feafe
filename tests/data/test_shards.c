// A set in many files is as good as one in one: the same pictures in the same order, few files open, and every broken index refused with a reason.
#include <dirent.h>

#include "base/text.h"
#include "data/index.h"
#include "data/loader.h"
#include "data/shuffle.h"
#include "tests/data/pictures.h"

enum { SIDE = 6, LABELS = 4, MANY = 100 };
static const set_label LABEL[LABELS] = {{false, 0, SPLIT_TRAIN}, {true, 1, SPLIT_TRAIN}, {false, 0, SPLIT_VAL}, {true, -1, SPLIT_TEST}};
static const char *METHODS[] = {"cam\"era\\", "gän: x"};

// Each shard's pictures of label k.
static int64_t pictures_of(int at, int k) {
    return (at + 3 * k) % 5 + (k == 0);
}

static void add(set_writer *w, int *number, const set_label *l) {
    char name[32];
    snprintf(name, sizeof name, "%d.png", *number);
    image im = picture(SIDE, SIDE, 3, (uint64_t)*number);
    unsigned char digest[32];
    sha256(im.pixels, image_bytes(&im), digest);
    OK(set_add(w, &im, l->fake, l->method < 0 ? "" : METHODS[l->method], *number % 3 ? "" : "somebody", *number % 7 - 1, l->split, name, digest));
    image_free(&im);
    ++*number;
}

static set_writer *begun(const char *path, int64_t count) {
    set_writer *w;
    OK(set_create(path, &(set_description){SIDE, SIDE, 3, FIT_CROP, RESIZE_LANCZOS, 1, count, "", ""}, &w));
    for (int i = 0; i < 2; i++) OK(set_name_method(w, METHODS[i]));
    return w;
}

static void add_shard(set_writer *w, int at, int *number) {
    for (int k = 0; k < LABELS; k++)
        for (int64_t i = 0; i < pictures_of(at, k); i++) add(w, number, &LABEL[k]);
}

static int64_t size_of(int first, int end) {
    int64_t n = 0;
    for (int s = first; s < end; s++)
        for (int k = 0; k < LABELS; k++) n += pictures_of(s, k);
    return n;
}

// folder/many.yaml and its shards, and folder/one.h5 with the same pictures.
static void write_both(const char *in, int shards) {
    char path[64];
    folder(in);
    set_index x = {.facts = {SIDE, SIDE, 3, FIT_CROP, RESIZE_LANCZOS}, .methods = 2, .method = METHODS, .labels = LABELS, .shards = shards};
    x.label = (set_label *)(uintptr_t)LABEL;
    x.shard = arena_alloc(&x.memory, (size_t)shards * sizeof *x.shard);
    assert_non_null(x.shard);
    snprintf(path, sizeof path, "%s/one.h5", in);
    set_writer *one = begun(path, size_of(0, shards));
    for (int s = 0, number = 0; s < shards; s++) {
        int before = number;
        char *print = arena_alloc(&x.memory, 65);
        int64_t *pictures = arena_alloc(&x.memory, sizeof *pictures * LABELS), bytes;
        for (int k = 0; k < LABELS; k++) pictures[k] = pictures_of(s, k);
        add_shard(one, s, &number);
        number = before;
        snprintf(path, sizeof path, "%s/%03d.h5", in, s);
        set_writer *w = begun(path, size_of(s, s + 1));
        add_shard(w, s, &number);
        OK(set_finish(w, print, &bytes));
        assert_false(file_exists(path));
        OK(set_commit(w));
        x.shard[s] = (index_shard){arena_text(&x.memory, file_name(path)), bytes, print, pictures, 0};
    }
    OK(set_commit(one));
    snprintf(path, sizeof path, "%s/many.yaml", in);
    OK(index_write(path, &x));
    arena_free(&x.memory);
}

static void check_same(const set *one, const set *many) {
    arena texts = {0};
    assert_int_equal(set_count(one), set_count(many));
    assert_int_equal(set_methods(many), 2);
    for (int64_t i = 0; i < set_count(one); i++) {
        image a, b;
        set_label p = set_label_at(one, i), q = set_label_at(many, i);
        set_source s, t;
        OK(set_read(one, i, &a));
        OK(set_read(many, i, &b));
        assert_same(&a, &b);
        image_free(&a), image_free(&b);
        assert_int_equal(p.fake, q.fake);
        assert_int_equal(p.split, q.split);
        assert_string_equal(set_method_name(one, p.method), set_method_name(many, q.method));
        OK(set_source_at(one, i, &texts, &s));
        OK(set_source_at(many, i, &texts, &t));
        assert_string_equal(s.path, t.path);
        assert_string_equal(s.subject, t.subject);
        assert_int_equal(s.clip, t.clip);
        assert_memory_equal(s.sha256, t.sha256, 32);
    }
    image im;
    REFUSED(set_read(many, set_count(many), &im), "many.yaml: picture");
    arena_free(&texts);
}

static bool is_real(const set *s, set_label label, const void *context) {
    (void)s, (void)context;
    return !label.fake;
}

// Batches from one file and from few shards, the latter by several threads.
static void test_same_batches(void **state) {
    (void)state;
    write_both("shards_few", 5);
    set *s[2];
    selection reals[2];
    loader *l[2];
    for (int i = 0; i < 2; i++) {
        OK(set_open(i ? "shards_few/many.yaml" : "shards_few/one.h5", &s[i]));
        OK(set_select(s[i], SPLIT_TRAIN, is_real, NULL, &reals[i]));
        loader_options o = {.set = s[i], .from = &reals[i], .batch = 4, .height = SIDE, .width = SIDE, .channels = 3};
        o.shuffle = true;
        o.threads = 1 + 2 * i;
        OK(loader_open(&o, 3, &l[i]));
    }
    check_same(s[0], s[1]);
    for (int k = 0; k < 50; k++) {
        const batch *a, *b;
        OK(loader_next(l[0], &a));
        OK(loader_next(l[1], &b));
        assert_memory_equal(a->pixels, b->pixels, 4 * SIDE * SIDE * 3);
        assert_memory_equal(a->index, b->index, 4 * sizeof *a->index);
    }
    for (int i = 0; i < 2; i++) {
        loader_close(l[i]);
        selection_free(&reals[i]);
        set_close(s[i]);
    }
}

// The lines of this process's maps that name the folder: one for each of its files that is mapped. To be freed.
static char *maps_of(const char *in) {
    char *maps, wanted[64], *end = NULL;
    OK(file_read("/proc/self/maps", 0, &maps, NULL));
    char *kept = maps;
    snprintf(wanted, sizeof wanted, "/%s/", in);
    for (char *line = strtok_r(maps, "\n", &end); line; line = strtok_r(NULL, "\n", &end)) {
        if (!strstr(line, wanted)) continue;
        size_t n = strlen(line);
        memmove(kept, line, n);
        kept[n] = '\n';
        kept += n + 1;
    }
    *kept = 0;
    return maps;
}

// How many of the folder's files are mapped at one moment. The kernel hands maps out a page at a time, so a list may have both
// the file that a thread of the loader closed meanwhile and the one that it opened: what counts is a list read twice alike.
// There is one, since a loader rests when enough batches wait.
static int mapped(const char *in) {
    int n = 0;
    char *maps = maps_of(in), *before = NULL;
    while (!before || strcmp(maps, before) != 0) {
        free(before);
        before = maps;
        maps = maps_of(in);
    }
    for (const char *at = maps; (at = strchr(at, '\n')); at++) n++;
    free(before);
    free(maps);
    return n;
}

// How many files this process has open.
static int handles(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void test_few_files_are_open(void **state) {
    (void)state;
    write_both("shards_many", MANY);
    set *s, *one;
    int before = handles();
    OK(set_open("shards_many/many.yaml", &s));
    assert_int_equal(mapped("shards_many"), 0);
    selection all;
    OK(set_select(s, SPLIT_ALL, NULL, NULL, &all));
    assert_int_equal(mapped("shards_many"), 0); // labels are known without
    loader_options o = {.set = s, .from = &all, .batch = 8, .height = SIDE, .width = SIDE, .channels = 3, .shuffle = true, .threads = 4};
    loader *l;
    OK(loader_open(&o, 0, &l));
    const batch *b;
    for (int64_t k = 0; k < 2 * all.n / 8; k++) {
        OK(loader_next(l, &b));
        assert_in_range(mapped("shards_many"), 1, SET_OPEN);
        assert_in_range(handles(), before, before + 4); // a thread that opens one
        if (k == 0) assert_in_range(mapped("shards_many"), 1, 2 * SHUFFLE_SHARDS);
    }
    loader_close(l);
    assert_int_equal(handles(), before);
    selection_free(&all);
    OK(set_open("shards_many/one.h5", &one));
    check_same(one, s);
    set_close(one);
    set_close(s);
    assert_int_equal(mapped("shards_many"), 0);
}

static int shard_of(const set *s, int64_t i) {
    int at = 0;
    while (set_shard_first(s, at + 1) <= i) at++;
    return at;
}

static void test_shuffles_of_many(void **state) {
    (void)state;
    set *s;
    selection all;
    OK(set_open("shards_many/many.yaml", &s));
    OK(set_select(s, SPLIT_TRAIN, NULL, NULL, &all));
    size_t n = (size_t)all.n;
    if (n == 0) {
        fail_msg("nothing to shuffle");
        return;
    }
    int64_t *order[3];
    shuffle first;
    OK(shuffle_open(&all, 7, 2, &first));
    for (uint64_t e = 0; e < 3; e++) {
        bool *seen = calloc((size_t)set_count(s), 1);
        order[e] = malloc(n * sizeof(int64_t));
        assert_true(seen && order[e]);
        int used[SHUFFLE_SHARDS] = {0}, distinct = 0, mixed = 0;
        for (size_t p = 0; p < n; p++) {
            int64_t i = order[e][p] = shuffle_at(&first, e * n + p);
            assert_false(seen[i]);
            seen[i] = true;
            assert_int_equal(set_label_at(s, i).split, SPLIT_TRAIN);
            // A window's pictures are of no other shards: new ones come only when all of those before have given all.
            int at = shard_of(s, i), k = 0;
            while (k < distinct && used[k] != at) k++;
            mixed += k < distinct - 1;
            if (k == SHUFFLE_SHARDS) {
                for (int w = distinct = 0; w < SHUFFLE_SHARDS; w++)
                    for (int64_t left = set_shard_first(s, used[w]); left < set_shard_first(s, used[w] + 1); left++)
                        assert_true(seen[left] || set_label_at(s, left).split != SPLIT_TRAIN);
                k = 0;
            }
            if (k == distinct) used[distinct++] = at;
        }
        assert_true(mixed > (int)n / 2);
        free(seen);
    }
    assert_memory_not_equal(order[0], order[1], n * sizeof(int64_t));
    assert_memory_not_equal(order[1], order[2], n * sizeof(int64_t));
    shuffle again, other;
    OK(shuffle_open(&all, 7, 2, &again));
    OK(shuffle_open(&all, 7, 3, &other));
    int same = 0;
    for (size_t p = 3 * n; p-- > 0;) { // from anywhere, in any direction
        assert_int_equal(shuffle_at(&again, p), order[p / n][p % n]);
        same += shuffle_at(&other, p) == order[p / n][p % n];
    }
    assert_true(same < (int)n / 4);
    shuffle_close(&first), shuffle_close(&again), shuffle_close(&other);
    for (int e = 0; e < 3; e++) free(order[e]);
    OK(selection_thin(s, &all, 11));
    assert_int_equal(all.n, 11);
    assert_int_equal(all.part[all.parts], 11);
    for (int j = 0; j < 11; j++) {
        int at = shard_of(s, selection_at(&all, j));
        assert_true(all.part[at] <= j && j < all.part[at + 1]);
    }
    selection_free(&all);
    set_close(s);
}

// The index with one text in it replaced by another.
static void edited(const char *from, const char *to) {
    char *before;
    text after = {0};
    OK(file_read("shards_few/many.yaml", 0, &before, NULL));
    char *at = strstr(before, from);
    if (!at) fail_msg("no '%s' in %s", from, before);
    text_add_bytes(&after, before, (size_t)(at - before));
    text_add(&after, to);
    text_add(&after, at + strlen(from));
    write_bytes("shards_few/edited.yaml", after.data, after.length);
    free(before);
    text_free(&after);
}

static void test_broken_indices(void **state) {
    (void)state;
    static const char *const WRONG[][3] = {{"foil_set: 1", "foil_set: 2", "edited.yaml:2:11: "},
                                           {"foil_set: 1", "foil_get: 1", "not the index of a set"},
                                           {"kind: image", "kind: audio", "edited.yaml:3:7: "},
                                           {"channels: 3", "channels: 2", "2 channels, expected 1 or 3"},
                                           {"[6, 6]", "[6, 0]", "expected both or none"},
                                           {"fit: crop", "fit: cut", "edited.yaml:6:6: "},
                                           {"resize: lanczos\n", "", "'resize'"},
                                           {"split: val", "split: vol", "'vol'"},
                                           {"class: fake", "class: fake, of: x", "unknown key 'of'"},
                                           {"method: \"gän: x\"", "method: gone", "method 'gone' is not one of the index's methods"},
                                           {"shards:\n", "shards: []\nother:\n", "'other'"},
                                           {"000.h5", "009.h5", "shards_few/009.h5 is missing or can't be read"},
                                           {"000.h5", ".", "is not a file"},
                                           {"000.h5", "001.h5", "the file of a shard, '001.h5', is there twice: first at shards_few/edited.yaml:15"},
                                           {"bytes: ", "bytes: 1", "it was cut short or changed after the index was written"},
                                           {"fingerprint: ", "fingerprint: 0", "64 digits were expected"},
                                           {"pictures: [", "pictures: [1, ", "5 counts of pictures, expected 4"},
                                           {"pictures: [", "pictures: [x", "a number of pictures was expected"},
                                           {"pictures: [", "pictures: [-", "a number of pictures was expected"}};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        set *s;
        edited(WRONG[i][0], WRONG[i][1]);
        REFUSED(set_open("shards_few/edited.yaml", &s), WRONG[i][2]);
        assert_null(s);
        assert_non_null(strstr(foil_error(), "shards_few/edited.yaml"));
    }
}

// What only the shard itself tells comes out when its first picture is read; the others go on.
static void refused_when_read(const char *words) {
    set *s;
    image im;
    OK(set_open("shards_few/edited.yaml", &s));
    for (int again = 0; again < 2; again++) {
        REFUSED(set_read(s, 0, &im), words);
        OK(set_read(s, set_shard_first(s, 1), &im));
        image_free(&im);
    }
    set_close(s);
}

static void test_shards_of_another_set(void **state) {
    (void)state;
    char *index, print[80];
    OK(file_read("shards_few/many.yaml", 0, &index, NULL));
    snprintf(print, sizeof print, "%.77s", strstr(index, "fingerprint: "));
    char *wrong = strdup(print);
    wrong[20] = wrong[20] == '0' ? '1' : '0';
    edited(print, wrong);
    refused_when_read("shards_few/000.h5: fingerprint ");
    free(wrong);
    free(index);
    edited("[1, 3, 1, 4]", "[1, 3, 2, 3]");
    refused_when_read("000.h5: its labels are not those of shard 0 in shards_few/edited.yaml");
    edited("[1, 3, 1, 4]", "[1, 3, 1, 5]");
    refused_when_read("000.h5: its numbers of pictures are not those");
    edited("gän: x\"]", "gän: x\", more]");
    set *s;
    image im;
    OK(set_open("shards_few/edited.yaml", &s));
    REFUSED(set_read(s, 0, &im), "000.h5: its methods are not those");
    set_close(s);
    edited("[6, 6]", "[7, 6]");
    OK(set_open("shards_few/edited.yaml", &s));
    REFUSED(set_read(s, 0, &im), "000.h5: pictures of 6 x 6 x 3, crop, lanczos; shards_few/edited.yaml expects 7 x 6 x 3");
    set_close(s);
    OK(set_open("shards_few/many.yaml", &s));
    assert_int_equal(rename("shards_few/000.h5", "shards_few/gone.h5"), 0);
    REFUSED(set_read(s, 0, &im), "shards_few/000.h5: ");
    assert_int_equal(rename("shards_few/gone.h5", "shards_few/000.h5"), 0);
    OK(set_read(s, 0, &im));
    image_free(&im);
    set_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_batches), cmocka_unit_test(test_few_files_are_open),
                                       cmocka_unit_test(test_shuffles_of_many), cmocka_unit_test(test_broken_indices),
                                       cmocka_unit_test(test_shards_of_another_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
