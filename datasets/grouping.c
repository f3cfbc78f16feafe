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

// The slot of a table of item numbers + 1 where this digest is, or belongs. Digests are random already.
static size_t digest_slot(const int64_t *slot, size_t slots, const unsigned char (*sha)[32], const unsigned char *digest) {
    size_t at;
    memcpy(&at, digest, sizeof at);
    for (at &= slots - 1; slot[at] && memcmp(sha[slot[at] - 1], digest, 32) != 0; at = (at + 1) & (slots - 1)) {
    }
    return at;
}

static foil_status unite_twins(grouping *g, int64_t first, int64_t i, int64_t *duplicates) {
    const import_item *a = g->item[first], *b = g->item[i];
    TRY(unite(g, first, i, "hold the same bytes"));
    *duplicates += !a->set || a->set != b->set || strcmp(a->clip, b->clip) != 0; // a set may hold many patches of one file
    if (a->fake == b->fake) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s is labelled %s, %s %s, but they hold the same bytes", a->path, a->fake ? "fake" : "real", b->path,
                     b->fake ? "fake" : "real");
}

static foil_status unite_equal(grouping *g, const unsigned char (*sha)[32], int64_t *duplicates) {
    size_t slots = 64;
    while (slots < 2 * (size_t)g->n) slots *= 2;
    int64_t *slot = calloc(slots, sizeof *slot);
    if (!slot) return foil_fail_memory(slots * sizeof *slot, "the digests of pictures");
    foil_status s = FOIL_OK;
    *duplicates = 0;
    for (int64_t i = 0; s == FOIL_OK && i < g->n; i++) {
        size_t at = digest_slot(slot, slots, sha, sha[i]);
        if (slot[at])
            s = unite_twins(g, slot[at] - 1, i, duplicates);
        else
            slot[at] = i + 1;
    }
    free(slot);
    return s;
}

static foil_status unite_by(grouping *g, size_t offset, const char *why, int64_t *named) {
    names seen = {0};
    foil_status s = FOIL_OK;
    for (int64_t i = 0; s == FOIL_OK && i < g->n; i++) {
        const char *name;
        bool known;
        memcpy(&name, (const char *)g->item[i] + offset, sizeof name);
        if (*name) s = unite_named(g, &seen, name, i, why, &known);
    }
    *named = seen.count;
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
    if (s == FOIL_OK && !(d->stratum = calloc((size_t)seen.count + 2, sizeof *d->stratum)))
        s = foil_fail_memory((size_t)seen.count * sizeof *d->stratum, "the groups of pictures");
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

// Groups fill one shard after the other, each with its part of the items.
static foil_status deal_shards(grouping *g, const dealing *d, grouped *out) {
    int64_t before = 0, shards = out->shards, empty = -1, largest = 0;
    int last = -1;
    for (int64_t j = 0; j < g->n; j++) {
        int64_t i = d->order[j];
        if (g->parent[i] != i) continue;
        out->shard[i] = (int)((__int128)before * shards / g->n);
        if (out->shard[i] > last + 1 && empty < 0) empty = last + 1;
        last = out->shard[i];
        before += d->size[i];
        if (d->size[i] > largest) largest = d->size[i];
    }
    for (int64_t i = 0; i < g->n; i++) out->shard[i] = out->shard[root_of(g, i)];
    if (empty < 0 && last + 1 == shards) return FOIL_OK;
    return foil_fail(FOIL_INVALID,
                     "%lld pictures do not fill %lld shards: those of one clip, one subject or the same bytes stay together, up to %lld of them; "
                     "expected fewer shards",
                     (long long)g->n, (long long)shards, (long long)largest);
}

static foil_status group(grouping *g, dealing *d, const unsigned char (*sha)[32], const double share[3], uint64_t seed, grouped *out) {
    for (int64_t i = 0; i < g->n; i++) {
        g->parent[i] = i;
        g->witness[i] = g->item[i]->split >= 0 ? i : -1;
    }
    TRY(unite_equal(g, sha, &out->duplicates));
    TRY(unite_by(g, offsetof(import_item, clip), "are of one clip", &out->clips));
    for (int64_t i = 0; i < g->n; i++) out->clip[i] = (int)root_of(g, i);
    TRY(unite_by(g, offsetof(import_item, subject), "are of one subject", &out->subjects));
    TRY(find_strata(g, d));
    deal_all(g, d, share, seed, out->split);
    return deal_shards(g, d, out);
}

foil_status group_items(const import_item *const *item, int64_t n, const unsigned char (*sha)[32], const double share[3], uint64_t seed,
                        grouped *out) {
    size_t m = (size_t)n + 1;
    grouping g = {item, n, calloc(m, sizeof(int64_t)), calloc(m, sizeof(int64_t)), calloc(m, sizeof(int64_t))};
    dealing d = {NULL, calloc(m, sizeof(int)), calloc(m, sizeof(int64_t)), calloc(m, sizeof(int64_t))};
    bool ok = g.parent && g.witness && g.first && d.of && d.size && d.order;
    foil_status s = ok ? group(&g, &d, sha, share, seed, out) : foil_fail_memory(m * 60, "the groups of pictures");
    void *all[] = {g.parent, g.witness, g.first, d.stratum, d.of, d.size, d.order};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return s;
}
