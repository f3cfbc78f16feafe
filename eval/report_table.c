// An evaluation for people, 100 columns wide.
#include <math.h>
#include <string.h>

#include "eval/harness.h"

enum { WIDTH = 100, NAME_MOST = 24, AUC_WIDTH = 25, VALUE_WIDTH = 8, COUNTS_WIDTH = 18 };

// The table's columns after the name and the AUC with its interval; as many of them as there is room for.
typedef struct column {
    const char *title;
    metric metric;
} column;
static const column COLUMNS[] = {{"ap", METRIC_AP},           {"eer", METRIC_EER},     {"acc", METRIC_ACCURACY},
                                 {"tpr@1%", METRIC_TPR_FPR1}, {"brier", METRIC_BRIER}, {"ece", METRIC_ECE}};
static const column TANDEM_COLUMNS[] = {{"ap", METRIC_AP},           {"eer", METRIC_EER},          {"acc", METRIC_ACCURACY},
                                        {"tpr@1%", METRIC_TPR_FPR1}, {"tdcf19", METRIC_TDCF_2019}, {"tdcf21", METRIC_TDCF_2021}};
enum { N_COLUMNS = sizeof COLUMNS / sizeof *COLUMNS };
static const metric DIFFERENCES[] = {METRIC_AUC, METRIC_EER};
enum { N_DIFFERENCES = sizeof DIFFERENCES / sizeof *DIFFERENCES };

// Characters, not bytes. --------------------------------------------------------------------------------------------------------------------------

static int length_of(const char *s) {
    int n = 0;
    for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static const char *skip(const char *s, int n) {
    for (; *s && n > 0; n--)
        for (s++; ((unsigned char)*s & 0xc0) == 0x80;) s++;
    return s;
}

// As wide as `width`: filled with spaces, or with its middle left out.
static void add_padded(text *out, const char *s, int width) {
    int n = length_of(s);
    if (n <= width) {
        text_format(out, "%s%*s", s, width - n, "");
        return;
    }
    int head = width / 3, tail = width - head - 1;
    text_add_bytes(out, s, (size_t)(skip(s, head) - s));
    text_format(out, "…%s", skip(s, n - tail));
}

static void add_row_name(text *out, const evaluation_row *row) {
    if (row->kind == ROW_LEVEL || row->kind == ROW_SUBJECT) text_format(out, "%s ", ROW_KIND_NAMES[row->kind]);
    text_add(out, row->name);
}

// Rows. -------------------------------------------------------------------------------------------------------------------------------------------

typedef struct layout {
    int name;      // width of rows' names
    bool numbered; // judges
    int columns;
    const column *column;
} layout;

static layout lay_out(const evaluation *e) {
    layout l = {.name = 7, .numbered = e->judges > 1, .column = e->tandem ? TANDEM_COLUMNS : COLUMNS};
    for (int r = 0; r < e->rows; r++) {
        text name = {0};
        add_row_name(&name, &e->row[r]);
        int n = name.data ? length_of(name.data) : 0;
        l.name = n > l.name ? n : l.name;
        text_free(&name);
    }
    if (l.name > NAME_MOST) l.name = NAME_MOST;
    l.columns = (WIDTH - l.name - (l.numbered ? 4 : 0) - AUC_WIDTH - COUNTS_WIDTH) / VALUE_WIDTH;
    if (l.columns > N_COLUMNS) l.columns = N_COLUMNS;
    return l;
}

static void add_value(text *out, double value) {
    text_add(out, "  ");
    number_add(out, false, value);
}

static void add_line(text *out, const evaluation *e, const layout *l, int row, int by) {
    const interval *value = e->judge[by].metric[row], *auc = &value[METRIC_AUC];
    text name = {0};
    if (by == 0) add_row_name(&name, &e->row[row]);
    add_padded(out, name.data ? name.data : "", l->name);
    text_free(&name);
    if (l->numbered) text_format(out, "  %2d", by + 1);
    text_add(out, "  ");
    interval_add(out, false, auc->value, auc->low, auc->high);
    for (int c = 0; c < l->columns; c++) add_value(out, value[l->column[c].metric].value);
    text_format(out, "  %7lld  %7lld\n", (long long)e->row[row].reals, (long long)e->row[row].fakes);
}

static void add_rows(text *out, const evaluation *e) {
    layout l = lay_out(e);
    text_format(out, "%*s  %-23s", l.name + (l.numbered ? 4 : 0), "", "auc [95 % interval]");
    for (int c = 0; c < l.columns; c++) text_format(out, "  %6s", l.column[c].title);
    text_format(out, "  %7s  %7s\n", "reals", "fakes");
    for (int r = 0; r < e->rows; r++)
        for (int k = 0; k < e->judges; k++) add_line(out, e, &l, r, k);
}

// What it is about, and differences. --------------------------------------------------------------------------------------------------------------

static void add_title(text *out, const evaluation *e) {
    text_format(out, "%s%s%s: ", e->name, *e->split ? ", split " : "", e->split);
    if (e->clip_rule >= 0) text_format(out, "%lld clips, each the %s of its pictures' scores: ", (long long)e->n, CLIP_RULES[e->clip_rule]);
    text_format(out, "%lld pictures", (long long)e->pictures);
    if (e->frames) text_format(out, ", at most %d of a clip", e->frames);
    text_add(out, "\n");
    for (int k = 0; k < e->judges && e->judges > 1; k++) {
        text_format(out, "  %2d  ", k + 1);
        add_padded(out, e->judge[k].name, length_of(e->judge[k].name) < WIDTH - 16 ? length_of(e->judge[k].name) : WIDTH - 16);
        if (e->judge[k].kind != JUDGE_NETWORK) text_format(out, "  (%s)", JUDGE_KINDS[e->judge[k].kind]);
        text_add(out, "\n");
    }
    text_add(out, "\n");
}

static const difference *find_difference(const evaluation *e, int a, int b, metric m) {
    for (int i = 0; i < e->differences; i++)
        if (e->difference[i].a == a && e->difference[i].b == b && e->difference[i].metric == m) return &e->difference[i];
    return NULL;
}

static void add_differences(text *out, const evaluation *e) {
    text_format(out, "\n%-10s", "difference");
    for (int m = 0; m < N_DIFFERENCES; m++) text_format(out, "  %-3s %-23s  %6s  %6s", metric_name(DIFFERENCES[m]), "[95 % interval]", "p", "p Holm");
    text_add(out, "\n");
    for (int a = 0; a < e->judges; a++)
        for (int b = a + 1; b < e->judges; b++) {
            text_format(out, "%3d - %-4d", a + 1, b + 1);
            for (int m = 0; m < N_DIFFERENCES; m++) {
                const difference *d = find_difference(e, a, b, DIFFERENCES[m]);
                text_add(out, "  ");
                interval_add(out, true, d->value, d->low, d->high);
                add_value(out, d->p);
                add_value(out, d->p_holm);
            }
            text_add(out, "\n");
        }
}

static void add_robustness(text *out, const evaluation *e) {
    for (int k = 0; k < e->judges; k++) {
        if (!e->judge[k].robustness) continue;
        text_add(out, "\n");
        if (e->judges > 1) text_format(out, "%2d  ", k + 1);
        text_add(out, "auc of perturbed pictures, from mild to severe\n");
        robustness_table(e->judge[k].robustness, out);
    }
}

// Notes. ------------------------------------------------------------------------------------------------------------------------------------------

static void add_compared(text *out, const evaluation *e, int n) {
    int tests = 0;
    for (int i = 0; i < n; i++) tests += e[i].judges * (e[i].judges - 1) / 2;
    text_format(out,
                "\nBoth judges see the same %d resamples of clips. p: two-sided, with so many never below %.3g.\n"
                "p Holm: corrected for all differences of that metric, of all pairs and sets (%d).\n",
                e->draws, 2. / (e->draws + 1), tests);
}

// What an interval cannot say, once for all rows.
static void add_doubts(text *out, const evaluation *e, int n) {
    const int64_t enough_reals = reals_needed(.01);
    bool few = false, apart = false, coarse = false;
    for (int i = 0; i < n; i++)
        for (int r = 0; r < e[i].rows; r++) {
            few |= e[i].row[r].real_clips < ENOUGH_CLIPS || e[i].row[r].fake_clips < ENOUGH_CLIPS;
            coarse |= e[i].row[r].real_clips < enough_reals;
            for (int k = 0; k < e[i].judges; k++) {
                const interval *auc = &e[i].judge[k].metric[r][METRIC_AUC];
                apart |= !isnan(auc->low) && (auc->value == 0 || auc->value == 1);
            }
        }
    if (few || apart || coarse) text_add(out, "\n");
    if (few)
        text_format(out, "No interval where a class has fewer than %d clips; where fewer than %d it is often too narrow.\n", INTERVAL_CLIPS,
                    ENOUGH_CLIPS);
    if (coarse)
        text_format(out, "tpr@1%% against fewer than %lld clips of reals is often too high, and so is its interval.\n", (long long)enough_reals);
    if (apart)
        text_add(out, "Reals and fakes that are wholly apart are so in every resample: an interval of no width is no proof.\n"
                      "Of a class with n clips, up to 3 / n may lie beyond those seen (rule of three, 95 %).\n");
}

static void add_reversed(text *out, const evaluation *e) {
    for (int k = 0; k < e->judges; k++) {
        if (!(e->judge[k].metric[0][METRIC_AUC].high < .5)) continue;
        text_add(out, "\n");
        if (e->judges > 1) text_format(out, "%2d  ", k + 1);
        text_add(out, "worse than guessing: here the scores point the wrong way");
        text_add(out, e->judge[k].kind == JUDGE_SCORES ? "; higher must be more likely fake\n" : "\n");
    }
}

void evaluations_table(const evaluation *e, int n, text *out) {
    for (int i = 0; i < n; i++) {
        if (i) text_add(out, "\n");
        if (n > 1 || e->judges > 1 || e->clip_rule >= 0 || e->frames) add_title(out, &e[i]);
        add_rows(out, &e[i]);
        add_reversed(out, &e[i]);
        if (e->judges > 1) add_differences(out, &e[i]);
        add_robustness(out, &e[i]);
    }
    if (e->judges > 1 && e->draws > 0) add_compared(out, e, n);
    if (e->draws > 0) add_doubts(out, e, n);
}
