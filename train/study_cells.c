#include "train/study_cells.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/set.h"

static foil_status no_memory(void) {
    return foil_fail_memory(256, "the cells of a study");
}

// Sets. ---------------------------------------------------------------------------------------------------------------------------------------------

// What a set has of one class in training and in test, by method.
typedef struct census {
    int64_t train[2], test[2]; // reals, fakes
} census;

static void count(const set *s, census *of) {
    set_label l;
    for (int64_t i = 0, n; i < set_count(s); i += n) {
        n = set_label_run(s, i, &l);
        if (l.method < 0) continue;
        if (l.split == SPLIT_TRAIN) of[l.method].train[l.fake] += n;
        if (l.split == SPLIT_TEST) of[l.method].test[l.fake] += n;
    }
}

static foil_status add_word(study *s, const char ***list, int *n, const char *word) {
    const char **more = arena_alloc(&s->memory, ((size_t)*n + 1) * sizeof *more);
    const char *copy = arena_text(&s->memory, word);
    if (!more || !copy) return no_memory();
    for (int i = 0; i < *n; i++) more[i] = (*list)[i];
    more[(*n)++] = copy;
    *list = more;
    return FOIL_OK;
}

static foil_status list_methods(study *s, study_set *t, const set *of, const census *c) {
    for (int m = 0; m < set_methods(of); m++) {
        const char *name = set_method_name(of, m);
        if (c[m].train[1] + c[m].test[1] > 0) TRY(add_word(s, &t->method, &t->methods, name));
        if (c[m].train[0] + c[m].test[0] > 0) TRY(add_word(s, &t->source, &t->sources, name));
    }
    return FOIL_OK;
}

static int find_word(const char *const *list, int n, const char *word) {
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0) return i;
    return -1;
}

// The names of the study, or all of the set's: each must be there, to learn from and to judge on.
static foil_status take_names(study *s, study_set *t, const set *of, const census *c, bool fakes) {
    const char *const *have = fakes ? t->method : t->source;
    const int n = fakes ? t->methods : t->sources;
    const char *what = fakes ? "method of forgery" : "source of reals";
    text known = {0};
    for (int i = 0; i < n; i++) text_format(&known, "%s%s", i ? ", " : "", have[i]);
    foil_status status = FOIL_OK;
    for (int i = 0; i < (s->parts.n ? s->parts.n : n) && status == FOIL_OK; i++) {
        const char *name = s->parts.n ? s->parts.at[i] : have[i];
        if (find_word(have, n, name) < 0) {
            const char *near = NULL;
            const char **words = arena_alloc(&s->memory, ((size_t)n + 1) * sizeof *words);
            for (int k = 0; words && k < n; k++) words[k] = have[k];
            if (words) near = text_nearest(name, words);
            status = yaml_fail(s->parts_at, "%s has no %s '%s'%s%s%s; it has: %s", t->name, what, name, near ? " (did you mean '" : "",
                               near ? near : "", near ? "'?)" : "", known.failed || !known.data ? "none" : known.data);
        } else if (find_word(t->part, t->parts, name) >= 0) {
            status = yaml_fail(s->parts_at, "'%s' is there twice", name);
        } else {
            const census *there = &c[set_method_find(of, name)];
            status = there->test[fakes] ? add_word(s, &t->part, &t->parts, name)
                                        : yaml_fail(s->parts_at, "%s: the test split has no pictures of '%s' to judge on", t->name, name);
            if (status == FOIL_OK && s->protocol == STUDY_CONTINUAL && !there->train[1])
                status = yaml_fail(s->parts_at, "%s: the training split has no pictures of '%s' to learn from", t->name, name);
        }
    }
    text_free(&known);
    TRY(status);
    const int least = s->protocol == STUDY_CONTINUAL ? t->parts : n;
    if (least >= 2) return FOIL_OK;
    return yaml_fail(s->parts_at, "%s has %d %s, expected at least two: %s", t->name, least, what,
                     s->protocol == STUDY_CONTINUAL ? "with one nothing can be forgotten" : "with one left out nothing is left to learn from");
}

static foil_status take_amounts(study *s, study_set *t) {
    double before = 0;
    for (int i = 0; i < s->parts.n; i++) {
        double amount;
        const char *word = s->parts.at[i];
        if (!text_to_float(word, &amount) || !(amount > 0) || (amount > 1 && amount != floor(amount)))
            return yaml_fail(s->parts_at, "amount '%s': expected a share above 0 and up to 1, or a whole number of pictures", word);
        if (amount <= before) return yaml_fail(s->parts_at, "amount '%s' follows '%s': expected them to ascend", word, s->parts.at[i - 1]);
        if (i && (amount > 1) != (before > 1))
            return yaml_fail(s->parts_at, "amounts are shares up to 1 or numbers of pictures, but both are here: '%s' and '%s'", s->parts.at[i - 1],
                             word);
        before = amount;
        TRY(add_word(s, &t->part, &t->parts, word));
    }
    return t->parts > 0 ? FOIL_OK : yaml_fail(s->parts_at, "'amounts' is empty, expected at least one");
}

static foil_status take_parts(study *s, study_set *t, const set *of, const census *c) {
    int64_t reals = 0, fakes = 0;
    for (int m = 0; m < set_methods(of); m++) {
        reals += c[m].test[0];
        fakes += c[m].test[1];
    }
    if (!reals || !fakes)
        return foil_fail(FOIL_INVALID, "%s: the test split has %" PRId64 " reals and %" PRId64 " fakes, expected both: it judges the cells", t->path,
                         reals, fakes);
    switch (s->protocol) {
    case STUDY_METHOD_OUT:
    case STUDY_CONTINUAL:
        return take_names(s, t, of, c, true);
    case STUDY_SOURCE_OUT:
        return take_names(s, t, of, c, false);
    case STUDY_CURVE:
        return take_amounts(s, t);
    default:
        return add_word(s, &t->part, &t->parts, "");
    }
}

static foil_status look_into(study *s, study_set *t) {
    set *of;
    const char *name = file_name(t->path), *dot = strrchr(name, '.');
    t->name = arena_format(&s->memory, "%.*s", (int)(dot && dot != name ? dot - name : (ptrdiff_t)strlen(name)), name);
    if (!t->name) return no_memory();
    TRY(set_open(t->path, &of));
    census *c = calloc((size_t)set_methods(of) + 1, sizeof *c);
    foil_status status = c ? FOIL_OK : no_memory();
    if (status == FOIL_OK) {
        count(of, c);
        status = list_methods(s, t, of, c);
    }
    if (status == FOIL_OK) status = take_parts(s, t, of, c);
    free(c);
    set_close(of);
    return status;
}

// Cells. --------------------------------------------------------------------------------------------------------------------------------------------

const study_cell *study_before(const study *s, const study_cell *c) {
    if (s->protocol != STUDY_CONTINUAL || c->part == 0) return NULL;
    for (const study_cell *b = c - 1; b >= s->cell; b--)
        if (b->set == c->set && b->part == c->part - 1 && b->variant == c->variant && b->seed == c->seed) return b;
    return NULL;
}

const study_cell *study_baseline(const study *s, int which, int part) {
    for (int i = 0; i < s->cells && s->protocol != STUDY_CONTINUAL; i++)
        if (s->cell[i].set == which && s->cell[i].part == part) return &s->cell[i];
    return NULL;
}

// A word as part of a folder's name.
static void add_for_folder(text *t, const char *word) {
    for (; *word; word++) {
        bool plain = (*word >= 'a' && *word <= 'z') || (*word >= 'A' && *word <= 'Z') || (*word >= '0' && *word <= '9') || strchr("_-.", *word);
        text_add_bytes(t, plain ? word : "_", 1);
    }
}

static foil_status name_cell(study *s, const char *folder, study_cell *c) {
    static const char *const BEFORE[STUDY_PROTOCOLS] = {
        [STUDY_METHOD_OUT] = ".without-", [STUDY_SOURCE_OUT] = ".without-", [STUDY_CURVE] = ".amount-", [STUDY_CONTINUAL] = ".stage-"};
    const study_set *t = &s->set[c->set];
    text name = {0};
    if (s->sets > 1) {
        add_for_folder(&name, t->name);
        text_add(&name, ".");
    }
    text_add(&name, s->variant[c->variant].name);
    if (BEFORE[s->protocol]) text_add(&name, BEFORE[s->protocol]);
    if (s->protocol == STUDY_CONTINUAL) text_format(&name, "%d-", c->part + 1);
    add_for_folder(&name, t->part[c->part]);
    text_format(&name, ".seed-%" PRId64, s->seeds.at[c->seed]);
    c->name = name.failed ? NULL : arena_text(&s->memory, name.data);
    text_free(&name);
    c->folder = c->name ? arena_format(&s->memory, "%s/cells/%s", folder, c->name) : NULL;
    if (!c->folder) return no_memory();
    for (const study_cell *other = s->cell; other < c; other++)
        if (strcmp(other->name, c->name) == 0)
            return foil_fail(FOIL_INVALID,
                             "two cells of the study would be called %s: expected sets and methods with names that differ in letters and digits",
                             c->name);
    return FOIL_OK;
}

static void add_name(text *t, const char *name, bool first) {
    text_format(t, "%s\"", first ? "" : ", ");
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') text_add(t, "\\");
        text_add_bytes(t, name, 1);
    }
    text_add(t, "\"");
}

static foil_status add_override(study *s, study_cell *c, text *t) {
    c->overrides[c->n] = t->failed ? NULL : arena_text(&s->memory, t->data);
    text_free(t);
    return c->overrides[c->n++] ? FOIL_OK : no_memory();
}

static foil_status add_part(study *s, study_cell *c) {
    const study_set *t = &s->set[c->set];
    text own = {0};
    if (s->protocol == STUDY_CURVE) {
        text_format(&own, "data.amount=%s", t->part[c->part]);
    } else if (s->protocol == STUDY_CONTINUAL) { // all methods but the stage's
        text_add(&own, "data.without=[");
        for (int m = 0, n = 0; m < t->methods; m++)
            if (strcmp(t->method[m], t->part[c->part]) != 0) add_name(&own, t->method[m], n++ == 0);
        text_add(&own, "]");
    } else {
        text_add(&own, "data.without=[");
        add_name(&own, t->part[c->part], true);
        text_add(&own, "]");
    }
    return add_override(s, c, &own);
}

static foil_status set_overrides(study *s, study_cell *c) {
    const study_variant *v = &s->variant[c->variant];
    const study_cell *before = study_before(s, c);
    c->config = v->config;
    c->overrides = arena_alloc(&s->memory, ((size_t)v->overrides.n + 4) * sizeof *c->overrides);
    if (!c->overrides) return no_memory();
    while (c->n < v->overrides.n) {
        c->overrides[c->n] = v->overrides.at[c->n];
        c->n++;
    }
    text t = {0};
    text_format(&t, "data.set=%s", s->set[c->set].path);
    TRY(add_override(s, c, &t));
    text_format(&t, "run.seed=%" PRId64, s->seeds.at[c->seed]);
    TRY(add_override(s, c, &t));
    if (s->protocol != STUDY_SUPERVISED) TRY(add_part(s, c));
    if (!before) return FOIL_OK;
    text_format(&t, "run.from=%s", before->folder);
    return add_override(s, c, &t);
}

static foil_status check_config(const study *s, const study_cell *c) {
    const study_variant *v = &s->variant[c->variant];
    config read;
    foil_status status = config_read(c->config, c->overrides, c->n, &read);
    if (status != FOIL_OK) return foil_fail_within(status, "%s: variant '%s'", v->place, v->name);
    const bool detects = read.forgers != NULL, learns = read.run.steps > 0;
    config_free(&read);
    if (!learns) return foil_fail(FOIL_INVALID, "%s: variant '%s' has run.steps=0, expected at least 1", v->place, v->name);
    if (detects) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: variant '%s' trains no detector, expected forgers in %s or in its overrides", v->place, v->name, c->config);
}

foil_status study_make_cells(study *s, const char *folder) {
    int64_t n = 0;
    for (int i = 0; i < s->sets; i++) {
        TRY(look_into(s, &s->set[i]));
        n += (int64_t)s->set[i].parts * s->variants * s->seeds.n;
    }
    if (n > 100000) return foil_fail(FOIL_INVALID, "the study has %" PRId64 " cells, expected at most 100,000", n);
    s->cell = arena_alloc(&s->memory, (size_t)n * sizeof *s->cell);
    if (!s->cell) return no_memory();
    for (int t = 0; t < s->sets; t++)
        for (int seed = 0; seed < s->seeds.n; seed++)
            for (int part = 0; part < s->set[t].parts; part++)
                for (int v = 0; v < s->variants; v++) {
                    study_cell *c = &s->cell[s->cells];
                    *c = (study_cell){.set = t, .part = part, .variant = v, .seed = seed};
                    TRY(name_cell(s, folder, c));
                    TRY(set_overrides(s, c));
                    TRY(check_config(s, c));
                    s->cells++;
                }
    return FOIL_OK;
}

// Commands. -----------------------------------------------------------------------------------------------------------------------------------------

// As a shell takes it for one word.
static void add_word_for_shell(text *t, const char *word) {
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";
    text_add(t, " ");
    if (*word && !word[strspn(word, plain)]) {
        text_add(t, word);
        return;
    }
    text_add(t, "'");
    for (; *word; word++) {
        if (*word == '\'')
            text_add(t, "'\\''");
        else
            text_add_bytes(t, word, 1);
    }
    text_add(t, "'");
}

void study_command(const study_cell *c, text *out) {
    text_add(out, "foil train");
    add_word_for_shell(out, c->config);
    for (int i = 0; i < c->n; i++) add_word_for_shell(out, c->overrides[i]);
    text_add(out, " --out");
    add_word_for_shell(out, c->folder);
}
