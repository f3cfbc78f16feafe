// The report for people, in Markdown, and both of its files.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "train/folder.h"
#include "train/study_judge.h"

const char *study_answer_name(const study *s, int variant) {
    return variant < s->variants ? s->variant[variant].name : "cues alone";
}

const char *study_view_title(const study *s, int view) {
    if (s->protocol == STUDY_METHOD_OUT) return view ? "methods learnt from" : "the method left out";
    if (s->protocol == STUDY_SOURCE_OUT) return view ? "sources learnt from" : "the source left out";
    if (s->protocol == STUDY_CONTINUAL) return view ? "what the last stage lost and changed" : "after the last stage";
    return "the test split";
}

static void add_number(text *t, double v) {
    if (isnan(v))
        text_add(t, "–");
    else
        text_format(t, "%.3f", v);
}

// A cell of a table.
static void add_value(text *t, double v) {
    text_add(t, " ");
    add_number(t, v);
    text_add(t, " |");
}

static void add_range(text *t, double low, double high) {
    text_add(t, " ");
    add_number(t, low);
    text_add(t, " … ");
    add_number(t, high);
    text_add(t, " |");
}

static void add_answer(text *t, const study *s, const study_question *q, int variant) {
    const study_answer *a = &q->answer[variant];
    text_format(t, "| %s | %s | ", q->name, study_answer_name(s, variant));
    if (a->fixed)
        text_add(t, "–");
    else
        text_format(t, "%d", a->seeds);
    text_add(t, " | ");
    add_number(t, a->mean);
    text_add(t, " ±");
    add_value(t, a->deviation);
    add_range(t, a->low, a->high);
    for (int i = 0; i < s->seeds.n && !a->fixed; i++) {
        text_add(t, " ");
        add_number(t, a->there[i] ? a->value[i] : (double)NAN);
    }
    text_add(t, " |");
    add_value(t, a->other[METRIC_EER]);
    add_value(t, a->other[METRIC_ACCURACY]);
    add_value(t, a->other[METRIC_TPR_FPR1]);
    text_add(t, "\n");
}

static void add_answers(text *t, const study *s, const study_result *r) {
    for (int q = 0, before = -1; q < r->questions; q++) {
        const study_question *of = &r->question[q];
        int table = s->protocol == STUDY_CONTINUAL && of->view ? 1 : of->view;
        if (table != before) {
            text_format(t,
                        "\n### %s%s%s\n\n| %s | variant | seeds | mean ± deviation | 95 %% | of each seed | eer | accuracy | tpr@fpr=0.01 |\n"
                        "|---|---|---|---|---|---|---|---|---|\n",
                        METRIC_NAMES[s->metric], s->protocol == STUDY_CONTINUAL ? ": " : " on ", study_view_title(s, table),
                        s->protocol == STUDY_CURVE        ? "amount"
                        : s->protocol == STUDY_CONTINUAL  ? "tested on"
                        : s->protocol == STUDY_SUPERVISED ? ""
                                                          : "left out");
            before = table;
        }
        for (int v = 0; v < r->answers; v++) add_answer(t, s, of, v);
    }
}

// R[i][j]: trained up to method i, tested on method j; means over seeds.
static void add_matrix(text *t, const study_results *r, int which) {
    const study *s = r->study;
    const study_set *of = &s->set[which];
    for (int v = 0; v < s->variants; v++) {
        text_format(t, "\n### %s, trained up to (row), tested on (column): %s\n\n| |", s->variant[v].name, METRIC_NAMES[s->metric]);
        for (int j = 0; j < of->parts; j++) text_format(t, " %s |", of->part[j]);
        text_add(t, "\n|---|");
        for (int j = 0; j < of->parts; j++) text_add(t, "---|");
        for (int i = 0; i < of->parts; i++) {
            text_format(t, "\n| %d. %s |", i + 1, of->part[i]);
            for (int j = 0; j < of->parts; j++) {
                double sum = 0, n = 0;
                for (int c = 0; c < s->cells; c++) {
                    if (s->cell[c].set != which || s->cell[c].part != i || s->cell[c].variant != v || !r->cell[c].ended) continue;
                    sum += r->cell[c].view[j].metric[s->metric].value;
                    n++;
                }
                add_value(t, n > 0 ? sum / n : (double)NAN);
            }
        }
        text_add(t, "\n");
    }
}

static void add_side(text *t, const study *s, const study_result *r, int question, int variant, bool named) {
    const study_question *q = &r->question[question];
    text_add(t, study_answer_name(s, variant));
    if (named && (s->protocol == STUDY_METHOD_OUT || s->protocol == STUDY_SOURCE_OUT)) text_format(t, ", %s", study_view_title(s, q->view));
    if (named && s->protocol == STUDY_CURVE) text_format(t, ", %s", q->name);
}

static void add_differences(text *t, const study *s, const study_result *r) {
    if (!r->differences) return;
    text_add(t, "\n### Differences\n\n| | a | b | a − b | 95 % | p | Holm | seeds that agree |\n|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < r->differences; i++) {
        const study_difference *d = &r->difference[i];
        const bool two = d->question_a != d->question_b;
        text_format(t, "| %s | ", two && s->protocol == STUDY_CURVE ? "amounts" : r->question[d->question_a].name);
        add_side(t, s, r, d->question_a, d->variant_a, two);
        text_add(t, " | ");
        add_side(t, s, r, d->question_b, d->variant_b, two);
        if (isnan(d->of.p))
            text_format(t, " | %+.3f | – … – | – | – |", d->of.value);
        else
            text_format(t, " | %+.3f | %+.3f … %+.3f | %.2g | %.2g |", d->of.value, d->of.low, d->of.high, d->of.p, d->of.p_holm);
        text_format(t, " %d of %d |\n", d->agree, d->seeds);
    }
}

static void add_cells(text *t, const study_results *r, int which) {
    const study *s = r->study;
    text_format(t, "\n### Cells\n\n| cell | %s | 95 %% over pictures |\n|---|---|---|\n", METRIC_NAMES[s->metric]);
    for (int i = 0; i < s->cells; i++) {
        const study_judged *c = &r->cell[i];
        if (s->cell[i].set != which) continue;
        text_format(t, "| %s |", s->cell[i].name);
        if (!c->ended) {
            text_format(t, " – | %s: %s |\n", c->diverged ? "diverged" : "not run", c->why);
            continue;
        }
        const interval *v = &c->view[s->protocol == STUDY_CONTINUAL ? s->cell[i].part : 0].metric[s->metric];
        add_value(t, v->value);
        add_range(t, v->low, v->high);
        text_add(t, "\n");
    }
}

static void add_verdict(text *t, const char *sentence) {
    while (*sentence) {
        int n = (int)strcspn(sentence, "\n");
        text_format(t, "- %.*s\n", n, sentence);
        sentence += n + (sentence[n] == '\n');
    }
}

static void add_set(text *t, const study_results *r, int which) {
    const study *s = r->study;
    const study_result *of = &r->set[which];
    text_format(t, "\n## %s\n\n%" PRId64 " test pictures, %" PRId64 " reals and %" PRId64 " fakes, the same for all cells; fingerprint %.12s.\n\n",
                s->set[which].name, of->test.n, of->test.reals, of->test.fakes, of->test.fingerprint);
    add_verdict(t, of->verdict);
    if (s->protocol == STUDY_CONTINUAL) add_matrix(t, r, which);
    add_answers(t, s, of);
    add_differences(t, s, of);
    add_cells(t, r, which);
}

static foil_status study_markdown(const study_results *r, text *t) {
    const study *s = r->study;
    int ended = 0;
    for (int i = 0; i < s->cells; i++) ended += r->cell[i].ended;
    text_format(t, "# Study: %s\n\n%d of %d cells ended. Seeds:", study_protocol_name(s->protocol), ended, s->cells);
    for (int i = 0; i < s->seeds.n; i++) text_format(t, "%s %" PRId64, i ? "," : "", s->seeds.at[i]);
    text_add(t, ".\n\n");
    for (int v = 0; v < s->variants; v++) {
        text_format(t, "- %s: %s", s->variant[v].name, file_name(s->variant[v].config));
        for (int i = 0; i < s->variant[v].overrides.n; i++) text_format(t, " `%s`", s->variant[v].overrides.at[i]);
        text_add(t, "\n");
    }
    for (int i = 0; i < s->sets; i++) add_set(t, r, i);
    return t->failed ? foil_fail_memory(t->length, "a report") : FOIL_OK;
}

foil_status study_report(const study *s, const char *folder, text *report) {
    study_results r;
    text json = {0};
    TRY(study_judge(s, &r));
    foil_status status = study_markdown(&r, report);
    if (status == FOIL_OK) status = study_json(&r, &json);
    if (status == FOIL_OK) status = folder_write(folder, "study.md", report->data);
    if (status == FOIL_OK) status = folder_write(folder, "study.json", json.data);
    text_free(&json);
    study_results_free(&r);
    return status;
}
