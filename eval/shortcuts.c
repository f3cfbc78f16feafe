// One property at a time: how differently are reals and fakes distributed?
#include "eval/shortcuts.h"

#include <math.h>
#include <stdlib.h>

#include "base/sort.h"

// Values of one class or method, sorted, and of how many clips they are.
typedef struct sample {
    double *value;
    int64_t n, clips;
} sample;

enum { ANY = -2 }; // method

// `clip` is room for as many as the table has.
static void take(const file_table *t, file_property by, bool fake, int method, double *clip, sample *out) {
    out->n = out->clips = 0;
    int64_t grouped = 0;
    for (int64_t i = 0; i < t->n; i++) {
        const file_row *r = &t->row[i];
        if (r->fake != fake || (method != ANY && r->method != method) || isnan(r->value[by])) continue;
        out->value[out->n++] = r->value[by];
        if (r->clip < 0)
            out->clips++;
        else
            clip[grouped++] = r->clip;
    }
    sort_numbers(out->value, (size_t)out->n);
    sort_numbers(clip, (size_t)grouped);
    for (int64_t i = 0; i < grouped; i++) out->clips += i == 0 || clip[i] != clip[i - 1];
}

static int64_t end_of_equals(const sample *s, int64_t at, double value) {
    while (at < s->n && s->value[at] == value) at++;
    return at;
}

// In one walk over the values of both: the largest gap between the distributions, and half the sum of the differences of shares.
static double separation(const sample *a, const sample *b, bool words) {
    double gap = 0, variation = 0;
    for (int64_t i = 0, j = 0; i < a->n || j < b->n;) {
        double value = j == b->n || (i < a->n && a->value[i] < b->value[j]) ? a->value[i] : b->value[j];
        int64_t next_i = end_of_equals(a, i, value), next_j = end_of_equals(b, j, value);
        variation += fabs((double)(next_i - i) / (double)a->n - (double)(next_j - j) / (double)b->n) / 2;
        i = next_i;
        j = next_j;
        gap = fmax(gap, fabs((double)i / (double)a->n - (double)j / (double)b->n));
    }
    return words ? variation : gap;
}

static property_side side_of(const sample *s, bool words) {
    property_side side = {NAN, NAN, NAN};
    if (s->n == 0) return side;
    if (!words) return (property_side){s->value[s->n / 2], s->value[s->n / 20], s->value[s->n - 1 - s->n / 20]};
    int64_t most = 0;
    for (int64_t i = 0, end; i < s->n; i = end) {
        end = end_of_equals(s, i, s->value[i]);
        if (end - i <= most) continue;
        most = end - i;
        side = (property_side){s->value[i], (double)most / (double)s->n, (double)most / (double)s->n};
    }
    return side;
}

// Balanced accuracy; `*notable`: it matters, and is not chance (Smirnov's bound for two samples, 1 in 1,000).
static double accuracy_of(const sample *real, const sample *fake, bool words, bool *notable) {
    *notable = false;
    if (real->n < SHORTCUT_LEAST || fake->n < SHORTCUT_LEAST) return NAN;
    double d = separation(real, fake, words), chance = 1.95 * sqrt(1 / (double)real->clips + 1 / (double)fake->clips);
    *notable = d >= .2 && d > chance;
    return (1 + d) / 2;
}

static void compare(const set *s, const file_table *t, file_property by, sample *real, sample *fake, double *clip, property_difference *out) {
    bool words = PROPERTY_TYPES[by].words != NULL, notable;
    take(t, by, false, ANY, clip, real);
    take(t, by, true, ANY, clip, fake);
    *out = (property_difference){.real = side_of(real, words), .fake = side_of(fake, words), .worst = -1, .worst_accuracy = NAN};
    out->all = accuracy_of(real, fake, words, &out->notable);
    for (int m = 0; m < set_methods(s); m++) {
        take(t, by, true, m, clip, fake);
        double accuracy = accuracy_of(real, fake, words, &notable);
        if (notable && out->methods++ == 0) out->worst_accuracy = NAN; // what chance may have made gives way to what it did not
        out->notable |= notable;
        if (isnan(accuracy) || (out->methods > 0 && !notable) || accuracy <= out->worst_accuracy) continue;
        out->worst = m;
        out->worst_accuracy = accuracy;
        out->worst_side = side_of(fake, words);
    }
}

static foil_status compare_all(const set *s, const file_table *t, property_difference out[FILE_PROPERTIES]) {
    size_t bytes = (size_t)(t->n + 1) * sizeof(double);
    sample real = {.value = malloc(bytes)}, fake = {.value = malloc(bytes)};
    double *clip = malloc(bytes);
    bool ok = real.value && fake.value && clip;
    for (int by = 0; ok && by < FILE_PROPERTIES; by++) compare(s, t, (file_property)by, &real, &fake, clip, &out[by]);
    free(real.value);
    free(fake.value);
    free(clip);
    return ok ? FOIL_OK : foil_fail_memory(3 * bytes, "the properties of files");
}

foil_status shortcuts_find(const set *s, shortcut_findings *out) {
    *out = (shortcut_findings){0};
    file_table t;
    TRY(file_table_read(s, &t));
    out->known = t.n;
    out->looked = t.looked;
    foil_status status = properties_solve(&t, &out->judged, &out->auc);
    if (status == FOIL_OK && out->judged) status = compare_all(s, &t, out->difference);
    file_table_free(&t);
    return status;
}
