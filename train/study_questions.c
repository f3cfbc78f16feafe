// What a study asks of its cells: numbers for each seed, put together, and their differences tested.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/philox.h"
#include "train/study_judge.h"

enum { SEED_STREAM = STREAM_BOOTSTRAP | 1U << 8 };
enum { SEED_OF_SEEDS = 1 };

typedef enum reduction {
    MEAN,
    FORGETTING, // mean over all methods but the last of: the best that any earlier stage made of it, minus what the last one does (Chaudhry et al. 2018)
    BACKWARD, // mean over all methods but the last of: what the last stage makes of it, minus what its own stage did (Lopez-Paz, Ranzato 2017)
} reduction;

// One number of one variant and seed: reduced from n entries, the view of a cell each.
typedef struct ask {
    reduction kind;
    int n, parts; // entries; stages
    int *part, *view;
} ask;

typedef struct asker {
    study_results *r;
    const study *study;
    int set;
} asker;

static foil_status no_memory(void) {
    return foil_fail_memory(4096, "the questions of a study");
}

// What cells with this part, variant and seed are judged by; of the baseline whatever the seed. NULL: there is none.
static const study_view *views_of(const asker *a, int part, int variant, int seed) {
    const study *s = a->study;
    if (variant == s->variants) {
        const study_cell *b = study_baseline(s, a->set, part);
        return b ? a->r->cell[b - s->cell].cues : NULL;
    }
    for (int i = 0; i < s->cells; i++) {
        const study_cell *c = &s->cell[i];
        if (c->set == a->set && c->part == part && c->variant == variant && c->seed == seed) return a->r->cell[i].ended ? a->r->cell[i].view : NULL;
    }
    return NULL;
}

// x: [n]; of FORGETTING and BACKWARD [stages][methods].
static double reduce(const ask *q, const double *x, bool lower_is_better) {
    double sum = 0;
    const int t = q->parts;
    if (q->kind == MEAN) {
        for (int i = 0; i < q->n; i++) sum += x[i];
        return sum / q->n;
    }
    for (int j = 0; j + 1 < t; j++) {
        double last = x[(t - 1) * t + j], then = x[j * t + j];
        for (int i = 0; i + 1 < t && q->kind == FORGETTING; i++) then = lower_is_better ? fmin(then, x[i * t + j]) : fmax(then, x[i * t + j]);
        double loss = lower_is_better ? last - then : then - last;
        sum += q->kind == FORGETTING ? loss : last - then;
    }
    return sum / (t - 1);
}

// Seeds that are drawn for draw d, as indices of `there`.
static int drawn_seed(const int *there, int n, int64_t d, int k) {
    philox_key of = {SEED_OF_SEEDS, SEED_STREAM, (uint64_t)d};
    return there[philox_below(of, (uint64_t)k, (uint32_t)n)];
}

// Of each draw: the mean over the seeds drawn with it.
static void draw_means(const study_answer *of, const int *there, int n, int64_t draws, double *out) {
    for (int64_t d = 0; d < draws; d++) {
        double sum = 0;
        for (int k = 0; k < n; k++) sum += of->drawn[drawn_seed(there, n, d, k)][d];
        out[d] = sum / n;
    }
}

static foil_status summarize(asker *a, study_answer *w) {
    const int64_t draws = a->study->draws;
    int there[STUDY_SEEDS], n = 0;
    double sum = 0, squares = 0;
    for (int i = 0; i < a->study->seeds.n; i++)
        if (w->there[i]) there[n++] = i;
    w->seeds = n;
    w->mean = w->deviation = w->low = w->high = NAN;
    if (!n) return FOIL_OK;
    for (int i = 0; i < n; i++) sum += w->value[there[i]];
    w->mean = sum / n;
    for (int i = 0; i < n; i++) squares += (w->value[there[i]] - w->mean) * (w->value[there[i]] - w->mean);
    if (n > 1 && !w->fixed) w->deviation = sqrt(squares / (n - 1));
    double *means = arena_alloc(&a->r->memory, (size_t)draws * 2 * sizeof *means);
    if (!means) return no_memory();
    draw_means(w, there, n, draws, means);
    difference d = {0};
    TRY(difference_of(w->mean, means, 0, means + draws, (int)draws, &d)); // against nothing: its interval
    w->low = d.low;
    w->high = d.high;
    return FOIL_OK;
}

static foil_status answer_seed(asker *a, const ask *q, int variant, int seed, double *x, study_answer *out) {
    const study *s = a->study;
    const bool lower = METRIC_LOWER_IS_BETTER[s->metric];
    const study_view **view = arena_alloc(&a->r->memory, (size_t)q->n * sizeof *view); // NOLINT(bugprone-sizeof-expression)
    if (!view) return no_memory();
    for (int i = 0; i < q->n; i++) {
        const study_view *views = views_of(a, q->part[i], variant, seed);
        if (!views) return FOIL_OK;
        view[i] = &views[q->view[i]];
    }
    out->there[seed] = true;
    out->drawn[seed] = arena_alloc(&a->r->memory, (size_t)s->draws * sizeof(double));
    if (!out->drawn[seed]) return no_memory();
    for (int i = 0; i < q->n; i++) x[i] = view[i]->metric[s->metric].value;
    out->value[seed] = reduce(q, x, lower);
    for (int64_t d = 0; d < s->draws; d++) {
        for (int i = 0; i < q->n; i++) x[i] = view[i]->drawn[d];
        out->drawn[seed][d] = reduce(q, x, lower);
    }
    for (int m = 0; m < METRICS && q->kind == MEAN; m++)
        for (int i = 0; i < q->n; i++) out->other[m] += view[i]->metric[m].value / q->n;
    return FOIL_OK;
}

static foil_status add_question(asker *a, const char *name, int table, const ask *q) {
    study_result *to = &a->r->set[a->set];
    study_question *out = &to->question[to->questions++];
    double *x = arena_alloc(&a->r->memory, (size_t)q->n * sizeof *x);
    *out = (study_question){.name = name, .view = table, .answer = arena_alloc(&a->r->memory, (size_t)to->answers * sizeof *out->answer)};
    if (!x || !out->answer) return no_memory();
    for (int v = 0; v < to->answers; v++) {
        study_answer *w = &out->answer[v];
        w->fixed = v == a->study->variants;
        for (int seed = 0; seed < a->study->seeds.n; seed++) TRY(answer_seed(a, q, v, seed, x, w));
        TRY(summarize(a, w));
        for (int m = 0; m < METRICS; m++) w->other[m] = w->seeds && q->kind == MEAN ? w->other[m] / w->seeds : NAN;
    }
    return FOIL_OK;
}

// Questions. ----------------------------------------------------------------------------------------------------------------------------------------

static foil_status ask_parts(asker *a, int view) {
    const study_set *t = &a->study->set[a->set];
    ask all = {.kind = MEAN,
               .n = t->parts,
               .part = arena_alloc(&a->r->memory, (size_t)t->parts * sizeof(int)),
               .view = arena_alloc(&a->r->memory, (size_t)t->parts * sizeof(int))};
    if (!all.part || !all.view) return no_memory();
    for (int p = 0; p < t->parts; p++) {
        all.part[p] = p;
        all.view[p] = view;
        ask one = {.kind = MEAN, .n = 1, .part = &all.part[p], .view = &all.view[p]};
        TRY(add_question(a, *t->part[p] ? t->part[p] : "all", view, &one));
    }
    bool mean = t->parts > 1 && a->study->protocol != STUDY_CURVE;
    return mean ? add_question(a, "mean", view, &all) : FOIL_OK;
}

// After the last stage: each method, their mean, and what was lost on the way.
static foil_status ask_stages(asker *a) {
    const int t = a->study->set[a->set].parts;
    ask all = {.n = t * t,
               .parts = t,
               .part = arena_alloc(&a->r->memory, (size_t)(t * t) * sizeof(int)),
               .view = arena_alloc(&a->r->memory, (size_t)(t * t) * sizeof(int))};
    if (!all.part || !all.view) return no_memory();
    for (int i = 0; i < t * t; i++) {
        all.part[i] = i / t;
        all.view[i] = i % t;
    }
    const int last = (t - 1) * t;
    for (int j = 0; j < t; j++) {
        ask one = {.kind = MEAN, .n = 1, .part = &all.part[last + j], .view = &all.view[last + j]};
        TRY(add_question(a, a->study->set[a->set].part[j], 0, &one));
    }
    ask mean = {.kind = MEAN, .n = t, .part = all.part + last, .view = all.view + last};
    TRY(add_question(a, "mean", 0, &mean));
    all.kind = FORGETTING;
    TRY(add_question(a, "forgetting", 1, &all));
    all.kind = BACKWARD;
    return add_question(a, "backward transfer", 2, &all);
}

// Tests. --------------------------------------------------------------------------------------------------------------------------------------------

static foil_status test(asker *a, int question_a, int variant_a, int question_b, int variant_b) {
    study_result *to = &a->r->set[a->set];
    const study_answer *x = &to->question[question_a].answer[variant_a], *y = &to->question[question_b].answer[variant_b];
    const int64_t draws = a->study->draws;
    int there[STUDY_SEEDS], n = 0;
    double sum_x = 0, sum_y = 0;
    for (int i = 0; i < a->study->seeds.n; i++) {
        if (!x->there[i] || !y->there[i]) continue;
        sum_x += x->value[i];
        sum_y += y->value[i];
        there[n++] = i;
    }
    if (!n) return FOIL_OK; // no seed has both
    double *means = arena_alloc(&a->r->memory, (size_t)draws * 2 * sizeof *means);
    if (!means) return no_memory();
    draw_means(x, there, n, draws, means);
    draw_means(y, there, n, draws, means + draws);
    study_difference *d = &to->difference[to->differences++];
    *d = (study_difference){.question_a = question_a, .variant_a = variant_a, .question_b = question_b, .variant_b = variant_b, .seeds = n};
    d->of.metric = (metric)a->study->metric;
    for (int i = 0; i < n; i++) d->agree += (x->value[there[i]] - y->value[there[i]]) * (sum_x - sum_y) > 0;
    return difference_of(sum_x / n, means, sum_y / n, means + draws, (int)draws, &d->of);
}

static int find_question(const study_result *r, const char *name, int view) {
    for (int q = 0; q < r->questions; q++)
        if (r->question[q].view == view && strcmp(r->question[q].name, name) == 0) return q;
    return -1;
}

// Whether the study is about this question first: about the mean, where there is one.
static bool is_headline(const study_result *r, int q) {
    return r->question[q].view == 0 && (find_question(r, "mean", 0) < 0 || strcmp(r->question[q].name, "mean") == 0);
}

static foil_status test_all(asker *a) {
    const study *s = a->study;
    study_result *to = &a->r->set[a->set];
    const bool out = s->protocol == STUDY_METHOD_OUT || s->protocol == STUDY_SOURCE_OUT;
    for (int q = 0; q < to->questions; q++) {
        bool tested = out ? to->question[q].view == 0 : s->protocol != STUDY_CONTINUAL || to->question[q].view < 2;
        for (int v = 0; v < s->variants && tested; v++)
            for (int w = v + 1; w < (is_headline(to, q) ? to->answers : s->variants); w++) TRY(test(a, q, v, q, w));
    }
    for (int v = 0; v < s->variants; v++) {
        if (s->protocol == STUDY_CURVE) // each amount against the one before
            for (int q = 1; q < to->questions; q++) TRY(test(a, q, v, q - 1, v));
        const char *mean = s->set[a->set].parts > 1 ? "mean" : s->set[a->set].part[0];
        if (out) TRY(test(a, find_question(to, mean, 0), v, find_question(to, mean, 1), v)); // what leaving out costs
    }
    // One family for everything that is tested on a set. holm() takes an array of differences.
    difference *family = arena_alloc(&a->r->memory, (size_t)(to->differences + 1) * sizeof *family);
    if (!family) return no_memory();
    for (int i = 0; i < to->differences; i++) family[i] = to->difference[i].of;
    TRY(holm(family, to->differences, (metric)s->metric));
    for (int i = 0; i < to->differences; i++) to->difference[i].of = family[i];
    return FOIL_OK;
}

foil_status study_ask(study_results *r, int which) {
    asker a = {r, r->study, which};
    const study *s = r->study;
    study_result *to = &r->set[which];
    const size_t most = 2 * ((size_t)s->set[which].parts + 1) + 2, v = (size_t)s->variants + 1;
    to->answers = s->variants + 1;
    for (int part = 0; part < s->set[which].parts; part++)
        if (!views_of(&a, part, s->variants, 0)) to->answers = s->variants;
    to->question = arena_alloc(&r->memory, most * sizeof *to->question);
    to->difference = arena_alloc(&r->memory, (most * v * (v - 1) / 2 + most * v) * sizeof *to->difference);
    if (!to->question || !to->difference) return no_memory();
    if (s->protocol == STUDY_CONTINUAL) {
        TRY(ask_stages(&a));
    } else {
        for (int view = 0; view < study_views(s, which); view++) TRY(ask_parts(&a, view));
    }
    return test_all(&a);
}
