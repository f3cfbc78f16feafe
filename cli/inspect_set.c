#include <stdlib.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/inspect.h"
#include "data/set.h"
#include "eval/json.h"

enum { SPLITS = 3 };

// Pictures per class, method (the last one: none) and split.
typedef struct census {
    int methods;
    int64_t *at; // [2][methods + 1][SPLITS]
    int64_t total[2][SPLITS];
    const char *source, *licence; // as packed; "" = not told
    arena texts;
} census;

static int64_t *census_row(const census *c, bool fake, int method) {
    return c->at + ((fake ? c->methods + 1 : 0) + method) * SPLITS;
}

static foil_status census_take(const set *s, census *c) {
    c->methods = set_methods(s);
    c->at = calloc((size_t)(2 * (c->methods + 1) * SPLITS), sizeof *c->at);
    if (!c->at) return foil_fail_memory(0, "counts");
    TRY(set_origin(s, &c->texts, &c->source, &c->licence));
    set_label l;
    for (int64_t i = 0, n; i < set_count(s); i += n) {
        n = set_label_run(s, i, &l);
        census_row(c, l.fake, l.method < 0 ? c->methods : l.method)[l.split] += n;
        c->total[l.fake][l.split] += n;
    }
    return FOIL_OK;
}

static const char *census_name(const set *s, const census *c, int method) {
    return method < c->methods ? set_method_name(s, method) : "-";
}

static void print_set(const set *s, const census *c) {
    char number[32];
    int height, width;
    printf("pictures     %s, %s\n", inspect_number(set_count(s), number), set_channels(s) == 1 ? "grey" : "RGB");
    if (set_size(s, &height, &width))
        printf("size         %d x %d, fitted by %s, %s\n", width, height, FIT_NAMES[set_fit(s)], RESIZE_NAMES[set_filter(s)]);
    else
        printf("size         native\n");
    if (*c->source) printf("source       %s\n", c->source);
    if (*c->licence) printf("licence      %s\n", c->licence);
    printf("fingerprint  %s\n\n%-6s %-24s %10s %10s %10s\n", set_fingerprint(s), "class", "source or method", SPLIT_NAMES[0], SPLIT_NAMES[1],
           SPLIT_NAMES[2]);
    for (int fake = 0; fake < 2; fake++) {
        for (int m = 0; m <= c->methods; m++) {
            const int64_t *n = census_row(c, fake, m);
            if (n[0] + n[1] + n[2] == 0) continue;
            printf("%-6s %-24s %10lld %10lld %10lld\n", fake ? "fake" : "real", census_name(s, c, m), (long long)n[0], (long long)n[1],
                   (long long)n[2]);
        }
    }
    printf("%-6s %-24s %10lld %10lld %10lld\n", "all", "", (long long)(c->total[0][0] + c->total[1][0]), (long long)(c->total[0][1] + c->total[1][1]),
           (long long)(c->total[0][2] + c->total[1][2]));
}

static void print_shards(const set *s) {
    char number[32];
    if (set_shards(s) == 1) return;
    printf("\n%-40s %15s\n", "shard", "pictures");
    for (int i = 0; i < set_shards(s); i++)
        printf("%-40s %15s\n", file_name(set_shard_path(s, i)), inspect_number(set_shard_first(s, i + 1) - set_shard_first(s, i), number));
}

static json_t *shards_json(const set *s) {
    json_t *shards = json_array();
    for (int i = 0; i < set_shards(s); i++)
        json_array_append_new(shards, json_pack("{so sI}", "file", text_json(file_name(set_shard_path(s, i))), "count",
                                                (json_int_t)(set_shard_first(s, i + 1) - set_shard_first(s, i))));
    return shards;
}

static json_t *set_json(const set *s, const census *c, const shortcut_findings *f, const near_duplicates *d) {
    int height = 0, width = 0;
    bool fixed = set_size(s, &height, &width);
    json_t *counts = json_array();
    for (int fake = 0; fake < 2; fake++) {
        for (int m = 0; m <= c->methods; m++) {
            const int64_t *n = census_row(c, fake, m);
            if (n[0] + n[1] + n[2] == 0) continue;
            json_array_append_new(counts, json_pack("{sb so sI sI sI}", "fake", fake, "method", text_json(census_name(s, c, m)), SPLIT_NAMES[0],
                                                    (json_int_t)n[0], SPLIT_NAMES[1], (json_int_t)n[1], SPLIT_NAMES[2], (json_int_t)n[2]));
        }
    }
    return json_pack("{ss sI si so? so? ss ss so so ss so so so so}", "kind", "set", "count", (json_int_t)set_count(s), "channels", set_channels(s),
                     "height", fixed ? json_integer(height) : NULL, "width", fixed ? json_integer(width) : NULL, "fit", FIT_NAMES[set_fit(s)],
                     "resize", RESIZE_NAMES[set_filter(s)], "source", text_json(c->source), "licence", text_json(c->licence), "fingerprint",
                     set_fingerprint(s), "counts", counts, "shards", shards_json(s), "shortcuts", inspect_shortcuts_json(s, f), "near_duplicates",
                     inspect_near_json(d));
}

static int print(const set *s, const census *c, bool json) {
    shortcut_findings f;
    near_duplicates d;
    if (shortcuts_find(s, &f) != FOIL_OK || near_duplicates_find(s, &d) != FOIL_OK) return cli_failed("inspect");
    if (json) return cli_print_json("inspect", set_json(s, c, &f, &d), 9);
    print_set(s, c);
    print_shards(s);
    inspect_print_shortcuts(s, &f);
    return cli_ended("inspect", inspect_print_near(s, &d));
}

int inspect_set(const char *path, bool json) {
    set *s;
    census c = {0};
    if (set_open(path, &s) != FOIL_OK) return cli_failed("inspect");
    int status = census_take(s, &c) == FOIL_OK ? print(s, &c, json) : cli_failed("inspect");
    free(c.at);
    arena_free(&c.texts);
    set_close(s);
    return status;
}
