#include "cli/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/inspect.h"

typedef struct row { // a step
    const plan *of;  // NULL: not a plan's
    const char *phase;
    plan_step step;
    double seconds, bytes; // of all runs that count
    int64_t times;
    double last, last_bytes; // of the run at hand
    int64_t last_times;
} row;

typedef struct event {
    int row;
    double start, seconds;
} event;

struct profile {
    arena memory; // of names: plans may go before the profile
    row *row;
    int rows, row_capacity;
    event *event; // of the last run
    int events, event_capacity;
    int runs;
    double start, end; // of the last run
    double seconds;    // of all runs that count
    bool failed;
};

profile *profile_new(void) {
    return calloc(1, sizeof(profile));
}

void profile_free(profile *p) {
    if (!p) return;
    arena_free(&p->memory);
    free(p->row);
    free(p->event);
    free(p);
}

// Collecting. ------------------------------------------------------------------------------------------------------------------------------------------------

// Room for one more.
static bool grow(profile *p, void **at, int n, int *capacity, size_t size) {
    if (n < *capacity) return true;
    int more = *capacity ? 2 * *capacity : 256;
    void *new = realloc(*at, (size_t)more * size);
    p->failed |= !new;
    if (!new) return false;
    *at = new;
    *capacity = more;
    return true;
}

static const char *keep(profile *p, const char *name) {
    const char *kept = name ? arena_text(&p->memory, name) : "";
    p->failed |= !kept;
    return kept;
}

// Without the folders of its file.
static const char *layer_of(const char *label) {
    const char *slash = label ? strrchr(label, '/') : NULL;
    return slash ? slash + 1 : label;
}

static int add_row(profile *p, const plan *of, const char *phase, plan_step s) {
    if (!grow(p, (void **)&p->row, p->rows, &p->row_capacity, sizeof *p->row)) return -1;
    s.name = keep(p, s.name), s.kind = keep(p, s.kind), s.label = keep(p, layer_of(s.label)), s.implementation = keep(p, s.implementation);
    p->row[p->rows] = (row){.of = of, .phase = phase, .step = s};
    return p->failed ? -1 : p->rows++;
}

static void add_event(profile *p, int at, double start, double seconds, double bytes) {
    if (at < 0 || !grow(p, (void **)&p->event, p->events, &p->event_capacity, sizeof *p->event)) return;
    p->event[p->events++] = (event){at, start, seconds}; // NOLINT(clang-analyzer-core.NullDereference): grow saw to it
    p->row[at].last += seconds;
    p->row[at].last_bytes += bytes;
    p->row[at].last_times++;
}

// The rows of a phase follow each other.
static int first_row(const profile *p, const plan *of, const char *phase, const char *name) {
    for (int i = 0; i < p->rows; i++)
        if (p->row[i].of == of && !strcmp(p->row[i].phase, phase) && (!name || !strcmp(p->row[i].step.name, name))) return i;
    return -1;
}

void profile_begin(profile *p) {
    p->events = 0;
    for (int i = 0; i < p->rows; i++) p->row[i].last = p->row[i].last_bytes = 0, p->row[i].last_times = 0;
    p->start = clock_now();
}

void profile_add_plan(profile *p, const plan *of, int phase, const char *name) {
    int at = first_row(p, of, name, NULL);
    bool new = at < 0;
    for (int i = 0; i < plan_steps(of); i++) {
        plan_step s = plan_step_at(of, i);
        if (s.phase == phase) add_event(p, new ? add_row(p, of, name, s) : at++, s.start, s.seconds, s.bytes);
    }
}

void profile_add_rest(profile *p, const char *phase, const char *what, shape s, double bytes) {
    const event *last = p->events ? &p->event[p->events - 1] : NULL;
    double start = last ? last->start + last->seconds : p->start;
    int at = first_row(p, NULL, phase, what);
    plan_step step = {.name = what, .kind = what, .implementation = "foil", .shape = s, .bytes = bytes};
    add_event(p, at < 0 ? add_row(p, NULL, phase, step) : at, start, clock_now() - start, bytes);
}

foil_status profile_end(profile *p, bool counts) {
    p->end = clock_now();
    if (p->failed) return foil_fail_memory(sizeof(event) * (size_t)p->event_capacity, "a profile");
    if (!counts) return FOIL_OK;
    p->runs++;
    p->seconds += p->end - p->start;
    for (int i = 0; i < p->rows; i++) {
        row *r = &p->row[i];
        r->seconds += r->last, r->bytes += r->last_bytes, r->times += r->last_times;
    }
    return FOIL_OK;
}

// Telling: all of one run, on the average. ------------------------------------------------------------------------------------------------------------------

typedef struct share { // of the run: a step, or all of a kind
    const row *row;
    const char *kind;
    double seconds, flops, bytes;
    double bound; // the time that the machine would need
} share;

static share share_of(const profile *p, const row *r, const roofline *peak) {
    double runs = p->runs ? p->runs : 1, times = (double)r->times / runs;
    share s = {.row = r, .kind = r->step.kind, .seconds = r->seconds / runs, .flops = times * r->step.flops, .bytes = r->bytes / runs};
    double compute = s.flops / peak->flops_per_second, memory = s.bytes / peak->bytes_per_second;
    s.bound = compute > memory ? compute : memory;
    return s;
}

static int by_time(const void *a, const void *b) {
    const share *x = a, *y = b;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static share *shares_by_time(const profile *p, const roofline *peak) {
    share *s = malloc(((size_t)p->rows + 1) * sizeof *s);
    if (!s) return NULL;
    for (int i = 0; i < p->rows; i++) s[i] = share_of(p, &p->row[i], peak);
    qsort(s, (size_t)p->rows, sizeof *s, by_time);
    return s;
}

static double ratio(double a, double b) {
    return b > 0 ? a / b : 0;
}

static void print_numbers(const share *s, double all) {
    printf("%9.3f %5.1f %9.3f %9.2f %8.1f %7.1f %5.0f", 1e3 * s->seconds, 100 * ratio(s->seconds, all), s->flops / 1e9, s->bytes / 1e6,
           ratio(s->flops, s->seconds) / 1e9, ratio(s->bytes, s->seconds) / 1e9, 100 * ratio(s->bound, s->seconds));
}

static void print_kinds(const share *s, int n, double all) {
    share kind[64];
    int kinds = 0;
    for (int i = 0; i < n; i++) {
        int at = 0;
        while (at < kinds && strcmp(kind[at].kind, s[i].kind) != 0) at++;
        if (at == 64) at = 63; // the last one takes the rest
        if (at == kinds) kind[kinds++] = (share){.row = s[i].row, .kind = s[i].kind};
        kind[at].seconds += s[i].seconds, kind[at].flops += s[i].flops, kind[at].bytes += s[i].bytes, kind[at].bound += s[i].bound;
    }
    qsort(kind, (size_t)kinds, sizeof *kind, by_time);
    for (int i = 0; i < kinds; i++) {
        print_numbers(&kind[i], all);
        printf("  %s\n", kind[i].kind);
    }
}

foil_status profile_print(const profile *p, const roofline *peak) {
    static const char *const HEAD = "       ms     %     GFLOP        MB  GFLOP/s    GB/s  roof";
    static const double LITTLE = 1e-3; // of the run: told in one line
    share *s = shares_by_time(p, peak), rest = {0};
    if (!s) return foil_fail_memory((size_t)p->rows * sizeof *s, "a profile");
    double all = ratio(p->seconds, p->runs), steps = 0;
    int little = 0;
    printf("\nroof: the share of what is possible at %.1f GFLOP/s and %.1f GB/s; more than 100 %% where operands come from a cache\n\n",
           peak->flops_per_second / 1e9, peak->bytes_per_second / 1e9);
    printf("%s  %-14s %-32s %-20s %-26s %s\n", HEAD, "phase", "step", "shape", "implementation", "layer");
    for (int i = 0; i < p->rows; i++) {
        const row *r = s[i].row;
        steps += s[i].seconds;
        if (s[i].seconds < LITTLE * all) {
            rest.seconds += s[i].seconds, rest.flops += s[i].flops, rest.bytes += s[i].bytes, rest.bound += s[i].bound;
            little++;
            continue;
        }
        print_numbers(&s[i], all);
        printf("  %-14s %-32.32s %-20s %-26.26s %s\n", r->phase, r->step.name, shape_text(r->step.shape), r->step.implementation, r->step.label);
    }
    print_numbers(&rest, all);
    printf("  %d more steps\n\n%s  kind\n", little, HEAD);
    print_kinds(s, p->rows, all);
    printf("\n%.2f ms of steps in a run of %.2f ms, mean of %d\n", 1e3 * steps, 1e3 * all, p->runs);
    free(s);
    return FOIL_OK;
}

json_t *profile_json(const profile *p, const roofline *peak) {
    share *s = shares_by_time(p, peak);
    json_t *list = s ? json_array() : NULL;
    for (int i = 0; list && i < p->rows; i++) {
        const plan_step *step = &s[i].row->step;
        json_array_append_new(list, json_pack("{ss ss ss ss ss so sf sf sf sf}", "phase", s[i].row->phase, "step", step->name, "kind", step->kind,
                                              "layer", step->label, "implementation", step->implementation, "shape", inspect_shape_json(step->shape),
                                              "seconds", s[i].seconds, "flops", s[i].flops, "bytes", s[i].bytes, "share_of_roofline",
                                              ratio(s[i].bound, s[i].seconds)));
    }
    free(s);
    return list;
}

// The trace: thread 1 is the run, thread 2 its steps. -----------------------------------------------------------------------------------------------------
static json_t *thread_name(int thread, const char *name) {
    return json_pack("{ss ss si si s{ss}}", "name", "thread_name", "ph", "M", "pid", 1, "tid", thread, "args", "name", name);
}

static json_t *step_event(const profile *p, const event *e) {
    const row *r = &p->row[e->row];
    json_t *args = json_pack("{ss ss ss ss sf sf}", "layer", r->step.label, "shape", shape_text(r->step.shape), "implementation",
                             r->step.implementation, "kind", r->step.kind, "flops", r->step.flops, "bytes", r->step.bytes);
    return json_pack("{ss ss ss sf sf si si so}", "name", r->step.name, "cat", r->phase, "ph", "X", "ts", 1e6 * (e->start - p->start), "dur",
                     1e6 * e->seconds, "pid", 1, "tid", 2, "args", args);
}

json_t *profile_trace(const profile *p) {
    json_t *events = json_array();
    json_array_append_new(events, thread_name(1, "run"));
    json_array_append_new(events, thread_name(2, "steps"));
    json_array_append_new(
        events, json_pack("{ss ss sf sf si si}", "name", "run", "ph", "X", "ts", 0.0, "dur", 1e6 * (p->end - p->start), "pid", 1, "tid", 1));
    for (int i = 0; i < p->events; i++) json_array_append_new(events, step_event(p, &p->event[i]));
    return json_pack("{so ss}", "traceEvents", events, "displayTimeUnit", "ms");
}
