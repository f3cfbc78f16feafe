// Sentences made from the numbers, one a line, by rules that docs/study.md states.
#include <math.h>
#include <string.h>

#include "train/study_judge.h"

static const double LEVEL = .05;

typedef struct writer {
    const study_results *r;
    const study *study;
    const study_result *of;
    int set;
    text t;
} writer;

// "0.012 [0.003, 0.020]"
static void add_interval(writer *w, double value, double low, double high) {
    text_format(&w->t, "%.3f ", value);
    if (isnan(low))
        text_format(&w->t, "[no interval: fewer than %d clips of a class]", INTERVAL_CLIPS);
    else
        text_format(&w->t, "[%.3f, %.3f]", low, high);
}

static void add_p(writer *w, const study_difference *d) {
    text_add(&w->t, " (");
    if (!isnan(d->of.p)) text_format(&w->t, "p = %.2g, Holm %.2g; ", d->of.p, d->of.p_holm);
    text_format(&w->t, "%d of %d seeds agree)", d->agree, d->seeds);
}

static const char *variant(const writer *w, int v) {
    return study_answer_name(w->study, v);
}

// What a question of the first table is about, as the end of a sentence.
static void add_about(writer *w, const study_question *q) {
    const bool mean = strcmp(q->name, "mean") == 0;
    text *t = &w->t;
    switch (w->study->protocol) {
    case STUDY_METHOD_OUT:
        if (mean)
            text_add(t, "on methods it never learnt from (the mean of those left out)");
        else
            text_format(t, "on %s, never learnt from", q->name);
        break;
    case STUDY_SOURCE_OUT:
        if (mean)
            text_add(t, "with reals of sources it never learnt from (the mean of those left out)");
        else
            text_format(t, "with reals of %s, never learnt from", q->name);
        break;
    case STUDY_CURVE:
        text_format(t, "with the amount %s", q->name);
        break;
    case STUDY_CONTINUAL:
        if (q->view == 1)
            text_add(t, "in forgetting");
        else
            text_format(t, "on %s%s, after the last stage", mean ? "the mean of all methods" : "", mean ? "" : q->name);
        break;
    default:
        text_add(t, "on the test split");
        break;
    }
}

// One seed shows nothing of variants: another might turn them round.
static bool is_shown(const study_difference *d) {
    return d->of.p_holm < LEVEL && d->seeds > 1;
}

// Between two variants, in the words of the one that is better.
static void compare(writer *w, const study_difference *d) {
    const study_question *q = &w->of->question[d->question_a];
    const bool forgetting = w->study->protocol == STUDY_CONTINUAL && q->view == 1;
    const bool lower = forgetting || METRIC_LOWER_IS_BETTER[w->study->metric];
    const bool first = (d->of.value < 0) == lower;
    if (is_shown(d)) {
        text_format(&w->t, "**%s is better than %s** ", variant(w, first ? d->variant_a : d->variant_b),
                    variant(w, first ? d->variant_b : d->variant_a));
        add_about(w, q);
        text_add(&w->t, ": ");
    } else {
        text_format(&w->t, d->seeds > 1 ? "**No difference is shown** between %s and %s " : "With one seed nothing is claimed of %s and %s ",
                    variant(w, d->variant_a), variant(w, d->variant_b));
        add_about(w, q);
        text_format(&w->t, ": %s minus %s is ", variant(w, d->variant_a), variant(w, d->variant_b));
    }
    if (is_shown(d) && d->of.value < 0)
        add_interval(w, -d->of.value, -d->of.high, -d->of.low);
    else
        add_interval(w, d->of.value, d->of.low, d->of.high);
    add_p(w, d);
    text_add(&w->t, ".\n");
}

static bool has_mean(const writer *w) {
    for (int q = 0; q < w->of->questions; q++)
        if (strcmp(w->of->question[q].name, "mean") == 0) return true;
    return false;
}

// Pairs of variants on what the study is about first; of what that is the mean of, only what is shown.
static void compare_variants(writer *w) {
    const bool mean = has_mean(w);
    for (int second = 0; second < 2; second++)
        for (int i = 0; i < w->of->differences; i++) {
            const study_difference *d = &w->of->difference[i];
            const study_question *q = &w->of->question[d->question_a];
            if (d->question_a != d->question_b) continue;
            bool headline = !mean || strcmp(q->name, "mean") == 0 || (w->study->protocol == STUDY_CONTINUAL && q->view == 1);
            if (headline != (second == 0) || (second && !is_shown(d))) continue;
            compare(w, d);
        }
}

static void compare_questions(writer *w) {
    for (int i = 0; i < w->of->differences; i++) {
        const study_difference *d = &w->of->difference[i];
        if (d->question_a == d->question_b) continue;
        const study_question *a = &w->of->question[d->question_a], *b = &w->of->question[d->question_b];
        const char *name = variant(w, d->variant_a);
        if (w->study->protocol == STUDY_CURVE)
            text_format(&w->t, "%s with %s instead of %s: ", name, a->name, b->name);
        else
            text_format(&w->t, "%s on what was left out, against what it learnt from: ", name);
        if (!is_shown(d)) text_add(&w->t, d->seeds > 1 ? "no difference is shown, " : "with one seed nothing is claimed, ");
        add_interval(w, d->of.value, d->of.low, d->of.high);
        add_p(w, d);
        text_add(&w->t, ".\n");
    }
}

static void mention_chance(writer *w) {
    if (w->study->metric != METRIC_AUC) return;
    for (int q = 0; q < w->of->questions; q++) {
        const study_question *of = &w->of->question[q];
        if (of->view != 0 || strcmp(of->name, "mean") == 0) continue;
        for (int v = 0; v < w->of->answers; v++) {
            const study_answer *a = &of->answer[v];
            if (isnan(a->mean) || a->low > .5) continue;
            text_format(&w->t, a->high < .5 ? "On %s, %s is worse than a coin: " : "On %s, %s is not shown to be better than a coin: ", of->name,
                        variant(w, v));
            add_interval(w, a->mean, a->low, a->high);
            text_add(&w->t, ".\n");
        }
    }
}

static void mention_seeds(writer *w) {
    int cells = 0, lost = 0;
    for (int i = 0; i < w->study->cells; i++) {
        if (w->study->cell[i].set != w->set) continue;
        cells++;
        lost += !w->r->cell[i].ended;
    }
    if (lost) text_format(&w->t, "%d of %d cells have no scores (below); seeds without them are left out.\n", lost, cells);
    if (w->study->seeds.n == 1)
        text_add(&w->t, "With one seed, nothing is known of what training alone changes: intervals and p are about the choice of pictures only.\n");
    else if (w->study->seeds.n < 5)
        text_format(&w->t, "%d seeds are few: the deviation over them is itself uncertain.\n", w->study->seeds.n);
}

foil_status study_conclude(study_results *r, int which) {
    writer w = {.r = r, .study = r->study, .of = &r->set[which], .set = which};
    text_add(&w.t, "");
    compare_variants(&w);
    compare_questions(&w);
    mention_chance(&w);
    mention_seeds(&w);
    r->set[which].verdict = w.t.failed ? NULL : arena_text(&r->memory, w.t.data);
    text_free(&w.t);
    return r->set[which].verdict ? FOIL_OK : foil_fail_memory(1024, "a verdict");
}
