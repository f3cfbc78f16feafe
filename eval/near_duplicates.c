#include "eval/near_duplicates.h"

#include <stdlib.h>

#include "base/failure.h"
#include "data/phash.h"

typedef struct search {
    const set *s;
    selection some;
    phash *hash;
    int64_t *like; // by picture: the first one of an earlier split that it is like, or -1
} search;

static set_split split_of(const search *x, int64_t i) {
    return set_label_at(x->s, selection_at(&x->some, i)).split;
}

static void on_pair(int64_t i, int64_t j, void *context) {
    search *x = context;
    set_split a = split_of(x, i), b = split_of(x, j);
    if (a == b) return;
    int64_t later = a > b ? i : j, earlier = a > b ? j : i;
    if (x->like[later] < 0 || earlier < x->like[later]) x->like[later] = earlier;
}

static void count(const search *x, near_duplicates *out) {
    out->looked = x->some.n;
    for (int64_t i = 0; i < x->some.n; i++) {
        set_split split = split_of(x, i);
        if (split == SPLIT_TRAIN) continue;
        *(split == SPLIT_VAL ? &out->of_val : &out->of_test) += 1;
        if (x->like[i] < 0) continue;
        *(split == SPLIT_VAL ? &out->val : &out->test) += 1;
        if (out->shown == NEAR_SHOWN) continue;
        out->example[out->shown][0] = selection_at(&x->some, i);
        out->example[out->shown++][1] = selection_at(&x->some, x->like[i]);
    }
}

static foil_status hash_all(search *x) {
    failure failed = {0};
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = 0; i < x->some.n; i++) {
        image im;
        foil_status status = set_read(x->s, selection_at(&x->some, i), &im);
        if (status == FOIL_OK) phash_of(&im, &x->hash[i]);
        image_free(&im);
        failure_note(&failed, i, status);
        x->like[i] = -1;
    }
    return failure_status(&failed);
}

static int64_t most_pictures(const set *s) {
    int height, width;
    if (!set_size(s, &height, &width)) return NEAR_NATIVE;
    int64_t fit = ((int64_t)4 << 30) / ((int64_t)height * width * set_channels(s));
    return fit < NEAR_PICTURES ? fit : NEAR_PICTURES;
}

static foil_status find(search *x, near_duplicates *out) {
    TRY(selection_thin(x->s, &x->some, most_pictures(x->s)));
    size_t n = (size_t)x->some.n;
    x->hash = malloc((n + 1) * sizeof *x->hash);
    x->like = malloc((n + 1) * sizeof *x->like);
    if (!x->hash || !x->like) return foil_fail_memory(n * (sizeof *x->hash + sizeof *x->like), "hashes of pictures");
    TRY(hash_all(x));
    TRY(phash_pairs(x->hash, x->some.n, on_pair, x));
    count(x, out);
    return FOIL_OK;
}

foil_status near_duplicates_find(const set *s, near_duplicates *out) {
    *out = (near_duplicates){0};
    search x = {.s = s};
    TRY(set_select(s, SPLIT_ALL, NULL, NULL, &x.some));
    foil_status status = find(&x, out);
    free(x.hash);
    free(x.like);
    selection_free(&x.some);
    return status;
}
