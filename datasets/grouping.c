#include "datasets/grouping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/philox.h"

typedef struct grouping {
    const import_item *const *item;
    int64_t n;
    int64_t *parent;  // union–find
    int64_t *witness; // of a root: the item that fixed its split, or -1
    int64_t *first;   // by number of a name: the first item that had it
} grouping;

static int64_t root_of(grouping *g, int64_t i) {
    while (g->parent[i] != i) i = g->parent[i] = g->parent[g->parent[i]];
    return i;
}

// The smaller root stays, so that a group's root is its first item.
static foil_status unite(grouping *g, int64_t a, int64_t b, const char *why) {
    int64_t ra = root_of(g, a), rb = root_of(g, b);
    if (ra == rb) return FOIL_OK;
    int64_t wa = g->witness[ra], wb = g->witness[rb];
    if (wa >= 0 && wb >= 0 && g->item[wa]->split != g->item[wb]->split)
        return foil_fail(FOIL_INVALID, "%s is in split %s, %s in %s, but they %s", g->item[wa]->path, SPLIT_NAMES[g->item[wa]->split],
                         g->item[wb]->path, SPLIT_NAMES[g->item[wb]->split], why);
    int64_t keep = ra < rb ? ra : rb;
    g->parent[ra < rb ? rb : ra] = keep;
    g->witness[keep] = wa >= 0 ? wa : wb;
    return FOIL_OK;
}

// Unites item i with the first one of that name.
static foil_status unite_named(grouping *g, names *seen, const char *name, int64_t i, const char *why, bool *known) {
    int before = seen->count, at = names_add(seen, name);
    if (at < 0) return foil_fail_memory(strlen(name), "the groups of pictures");
    *known = at < before;
    if (!*known) g->first[at] = i;
    return *known ? unite(g, g->first[at], i, why) : FOIL_OK;
}

static foil_status unite_equal(grouping *g, const unsigned char (*sha)[32], int64_t *duplicates) {
    names seen = {0};
    foil_status s = FOIL_OK;
    *duplicates = 0;
    for (int64_t i = 0; s == FOIL_OK && i < g->n; i++) {
        char hex[65];
        bool known = false;
        for (int j = 0; j < 32; j++) snprintf(hex + 2 * j, 3, "%02x", sha[i][j]);
        s = unite_named(g, &seen, hex, i, "hold the same bytes", &known);
        if (s != FOIL_OK || !known) continue;
        const import_item *a = g->item[g->first[names_find(&seen, hex)]], *b = g->item[i];
        *duplicates += !a->set || a->set != b->set || strcmp(a->clip, b->clip) != 0; // a set may hold many patches of one file
        if (a->fake != b->fake)
            s = foil_fail(FOIL_INVALID, "%s is labelled %s, %s %s, but they hold the same bytes", a->path, a->fake ? "fake" : "real", b->path,
                          b->fake ? "fake" : "real");
    }
    names_free(&seen);
    return s;
}

static foil_status unite_by(grouping *g, size_t offset, const char *why) {
    names seen = {0};
    foil_status s = FOIL_OK;
    for (int64_t i = 0; s == FOIL_OK && i < g->n; i++) {
        const char *name;
        bool known;
        memcpy(&name, (const char *)g->item[i] + offset, sizeof name);
        if (*name) s = unite_named(g, &seen, name, i, why, &known);
    }
    names_free(&seen);
    return s;
}

// Dealing. ------------------------------------------------------------------------------------------------------------------------------------------

typedef struct stratum { // of one class and method, or of a class's methods that have too few groups for all shares
    int64_t items, groups, given[3], groups_left;
} stratum;

// The split that lacks most; one that has nothing yet when there are just enough groups left.
static set_split deal(stratum *t, const double share[3]) {
    int best = -1, empty = 0;
    double lack = 0;
    for (int s = 0; s < 3; s++) empty += share[s] > 0 && t->given[s] == 0;
    bool only_empty = t->groups_left <= empty;
    for (int s = 0; s < 3; s++) {
        if (share[s] <= 0 || (only_empty && t->given[s] > 0)) continue;
        double d = share[s] * (double)t->items - (double)t->given[s];
        if (best < 0 || d > lack) {
            best = s;
            lack = d;
        }
    }
    return (set_split)best;
}

typedef struct dealing {
    stratum *stratum; // 0 and 1 are the classes'
    int *of;          // by item
    int64_t *size;    // by root
    int64_t *order;
} dealing;

static foil_status find_strata(const grouping *g, dealing *d) {
    names seen = {0};
    foil_status s = FOIL_OK;
    for (int64_t i = 0; s == FOIL_OK && i < g->n; i++) {
        char name[512];
        snprintf(name, sizeof name, "%d %s", g->item[i]->fake, g->item[i]->method);
        d->of[i] = 2 + names_add(&seen, name);
        if (d->of[i] < 2) s = foil_fail_memory(sizeof name, "the groups of pictures");
    }
    names_free(&seen);
    return s;
}

static void deal_all(grouping *g, dealing *d, const double share[3], uint64_t seed, set_split *split) {
    int shares = (share[0] > 0) + (share[1] > 0) + (share[2] > 0);
    for (int64_t i = 0; i < g->n; i++) d->size[root_of(g, i)]++;
    for (int64_t i = 0; i < g->n; i++) d->stratum[d->of[i]].groups += g->parent[i] == i;
    for (int64_t i = 0; i < g->n; i++) {
        if (g->parent[i] != i) continue;
        if (d->stratum[d->of[i]].groups < shares) d->of[i] = g->item[i]->fake;
        stratum *t = &d->stratum[d->of[i]];
        t->items += d->size[i];
        t->groups_left += g->witness[i] < 0;
        if (g->witness[i] >= 0) t->given[g->item[g->witness[i]]->split] += d->size[i];
    }
    philox_permutation((philox_key){seed, STREAM_SPLIT, 0}, d->order, (size_t)g->n);
    for (int64_t j = 0; j < g->n; j++) {
        int64_t i = d->order[j];
        if (g->parent[i] != i) continue;
        stratum *t = &d->stratum[d->of[i]];
        if (g->witness[i] >= 0) {
            split[i] = (set_split)g->item[g->witness[i]]->split;
            continue;
        }
        split[i] = deal(t, share);
        t->given[split[i]] += d->size[i];
        t->groups_left--;
    }
    for (int64_t i = 0; i < g->n; i++) split[i] = split[root_of(g, i)];
}

static foil_status group(grouping *g, dealing *d, const unsigned char (*sha)[32], const double share[3], uint64_t seed, int *clip, set_split *split,
                         int64_t *duplicates) {
    for (int64_t i = 0; i < g->n; i++) {
        g->parent[i] = i;
        g->witness[i] = g->item[i]->split >= 0 ? i : -1;
    }
    TRY(unite_equal(g, sha, duplicates));
    TRY(unite_by(g, offsetof(import_item, clip), "are of one clip"));
    for (int64_t i = 0; i < g->n; i++) clip[i] = (int)root_of(g, i);
    TRY(unite_by(g, offsetof(import_item, subject), "are of one subject"));
    TRY(find_strata(g, d));
    deal_all(g, d, share, seed, split);
    return FOIL_OK;
}

foil_status group_items(const import_item *const *item, int64_t n, const unsigned char (*sha)[32], const double share[3], uint64_t seed, int *clip,
                        set_split *split, int64_t *duplicates) {
    size_t m = (size_t)n + 1;
    grouping g = {item, n, calloc(m, sizeof(int64_t)), calloc(m, sizeof(int64_t)), calloc(m, sizeof(int64_t))};
    dealing d = {calloc(m + 2, sizeof(stratum)), calloc(m, sizeof(int)), calloc(m, sizeof(int64_t)), calloc(m, sizeof(int64_t))};
    bool ok = g.parent && g.witness && g.first && d.stratum && d.of && d.size && d.order;
    foil_status s = ok ? group(&g, &d, sha, share, seed, clip, split, duplicates) : foil_fail_memory(m * 100, "the groups of pictures");
    void *all[] = {g.parent, g.witness, g.first, d.stratum, d.of, d.size, d.order};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return s;
}
