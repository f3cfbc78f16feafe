// Batches depend on (set, options, number) alone: not on threads, not on where a run was taken up again.
#include "data/loader.h"
#include "tests/data/pictures.h"

enum { N = 23, BATCH = 5 };
static set *pictures, *native;
static selection every;

static set *made(const char *path, int height, int width, int channels) {
    set_description d = {height, width, channels, height ? FIT_CROP : FIT_NATIVE, RESIZE_BICUBIC, 0, N, "", ""};
    set_writer *w;
    OK(set_create(path, &d, &w));
    for (int i = 0; i < N; i++) {
        image im = picture(height ? height : 6 + i % 4 * 7, width ? width : 30 - i, channels, (uint64_t)i);
        unsigned char digest[32] = {(unsigned char)i};
        OK(set_add(w, &im, i % 3 == 0, "m", "", -1, SPLIT_TRAIN, "x", digest));
        image_free(&im);
    }
    OK(set_commit(w));
    set *s;
    OK(set_open(path, &s));
    return s;
}

static int open_sets(void **state) {
    (void)state;
    folder("loader");
    pictures = made("loader/a.h5", 16, 16, 3);
    native = made("loader/n.h5", 0, 0, 1);
    OK(set_select(pictures, SPLIT_ALL, NULL, NULL, &every));
    return 0;
}

static int close_sets(void **state) {
    (void)state;
    selection_free(&every);
    set_close(pictures);
    set_close(native);
    return 0;
}

static loader_options usual(void) {
    return (loader_options){.set = pictures, .from = &every, .batch = BATCH, .height = 16, .width = 16, .channels = 3, .shuffle = true, .seed = 7};
}

static void test_an_epoch_has_every_picture_once(void **state) {
    (void)state;
    loader_options o = usual();
    loader *l;
    OK(loader_open(&o, 0, &l));
    int seen[N] = {0};
    int64_t order[3 * N];
    for (int p = 0; p < 3 * N;) {
        const batch *b;
        OK(loader_next(l, &b));
        assert_int_equal(b->n, BATCH);
        for (int j = 0; j < BATCH && p < 3 * N; j++, p++) {
            order[p] = b->index[j];
            seen[b->index[j]]++;
            assert_int_equal(b->label[j].fake, b->index[j] % 3 == 0);
            image im;
            OK(set_read(pictures, b->index[j], &im));
            assert_memory_equal(b->pixels + j * 16 * 16 * 3, im.pixels, 16 * 16 * 3);
            image_free(&im);
        }
        if (p % N == 0)
            for (int i = 0; i < N; i++) assert_int_equal(seen[i], p / N);
    }
    assert_memory_not_equal(order, order + N, sizeof(int64_t) * N);
    int same = 0;
    for (int i = 0; i < N; i++) same += order[i] == i;
    assert_true(same < N / 2);
    loader_close(l);
}

static void test_in_order_epochs_are_whole_batches(void **state) {
    (void)state;
    loader_options o = usual();
    o.shuffle = false;
    loader *l;
    OK(loader_open(&o, 0, &l));
    for (int k = 0; k < 10; k++) { // 5 batches make an epoch, the last with two from the start
        const batch *b;
        OK(loader_next(l, &b));
        for (int j = 0; j < BATCH; j++) assert_int_equal(b->index[j], (k % 5 * BATCH + j) % N);
    }
    assert_true(loader_waited(l) >= 0);
    loader_close(l);
}

static void test_threads_and_seeking_change_nothing(void **state) {
    (void)state;
    yaml *doc;
    transform *t;
    OK(yaml_parse("[flip, crop, {jpeg: {p: 0.5}}, {blur: {p: 0.5}}, {scale: {p: 0.5}}]", "t", &doc));
    OK(transform_parse(yaml_root(doc), &t));
    loader_options o = usual();
    o.transform = t;
    loader *one;
    OK(loader_open(&o, 0, &one));
    enum { BATCHES = 40 };
    uint8_t *first = malloc(BATCHES * BATCH * 768);
    assert_non_null(first);
    for (int k = 0; k < BATCHES; k++) {
        const batch *b;
        OK(loader_next(one, &b));
        memcpy(first + k * BATCH * 768, b->pixels, BATCH * 768);
    }
    loader_close(one);
    for (int from = 0; from < BATCHES; from += 13) {
        loader *many;
        o.threads = 3;
        o.prefetch = 1 + from % 3;
        OK(loader_open(&o, (uint64_t)from, &many));
        for (int k = from; k < BATCHES; k++) {
            const batch *b;
            OK(loader_next(many, &b));
            assert_memory_equal(b->pixels, first + k * BATCH * 768, BATCH * 768);
        }
        loader_close(many);
    }
    o.stream = 1;
    loader *other;
    const batch *b;
    OK(loader_open(&o, 0, &other));
    OK(loader_next(other, &b));
    assert_memory_not_equal(b->pixels, first, BATCH * 768);
    loader_close(other);
    free(first);
    transform_free(t);
    yaml_free(doc);
}

static void test_other_sizes_and_channels(void **state) {
    (void)state;
    for (int fit = FIT_CROP; fit <= FIT_NATIVE; fit++) {
        loader_options o = usual();
        o.set = native;
        o.fit = (image_fit)fit;
        o.shuffle = false;
        o.height = 12;
        loader *l;
        OK(loader_open(&o, 0, &l));
        const batch *b;
        OK(loader_next(l, &b));
        for (int j = 0; j < BATCH; j++) {
            image im, want;
            OK(set_read(native, j, &im));
            OK(image_fitted(&im, 12, 16, 3, (image_fit)fit, RESIZE_BICUBIC, &want));
            assert_memory_equal(b->pixels + (size_t)j * image_bytes(&want), want.pixels, image_bytes(&want));
            image_free(&im);
            image_free(&want);
        }
        loader_close(l);
    }
}

static void test_errors_come_out(void **state) {
    (void)state;
    loader_options o = usual();
    struct range rows[] = {{0, 0}, {N + 3, 2}};
    selection wrong = {.n = 3, .ranges = 2, .range = rows, .parts = 1, .part = (int64_t[]){0, 3}};
    o.from = &wrong;
    o.batch = 2;
    o.shuffle = false;
    loader *l;
    const batch *b;
    OK(loader_open(&o, 0, &l));
    OK(loader_next(l, &b));
    REFUSED(loader_next(l, &b), "picture 26 of 23");
    OK(loader_next(l, &b)); // and the loader lives on
    loader_close(l);
    wrong.n = 0;
    REFUSED(loader_open(&o, 0, &l), "no pictures");
    wrong.n = 1;
    o.channels = 2;
    REFUSED(loader_open(&o, 0, &l), "2 x 16 x 16 x 2");
}

static void test_fewer_pictures_than_a_batch(void **state) {
    (void)state;
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        loader_options o = usual();
        selection two = every;
        two.n = 2;
        o.from = &two;
        o.shuffle = shuffle;
        loader *l;
        const batch *b;
        OK(loader_open(&o, 0, &l));
        for (int k = 0; k < 4; k++) {
            OK(loader_next(l, &b));
            for (int j = 0; j < BATCH; j++) assert_in_range(b->index[j], 0, 1);
        }
        loader_close(l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_an_epoch_has_every_picture_once),
                                       cmocka_unit_test(test_in_order_epochs_are_whole_batches),
                                       cmocka_unit_test(test_threads_and_seeking_change_nothing),
                                       cmocka_unit_test(test_other_sizes_and_channels),
                                       cmocka_unit_test(test_errors_come_out),
                                       cmocka_unit_test(test_fewer_pictures_than_a_batch)};
    return cmocka_run_group_tests(tests, open_sets, close_sets);
}
