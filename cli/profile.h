// Where the time of a run goes: the steps of its plans and what lies between them.
#ifndef FOIL_CLI_PROFILE_H
#define FOIL_CLI_PROFILE_H

#include <jansson.h>

#include "nn/plan.h"

typedef struct profile profile;

profile *profile_new(void); // NULL when out of memory
void profile_free(profile *p);

// Around each run; of those that do not count, warm-ups, nothing is kept.
void profile_begin(profile *p);
foil_status profile_end(profile *p, bool counts);

// Within a run: the steps of a plan's phase that has just been run with plan_time, under the name `phase`; and one step that is no plan's, from the end of the
// last one until now.
void profile_add_plan(profile *p, const plan *of, int phase, const char *name);
void profile_add_rest(profile *p, const char *phase, const char *what, shape s, double bytes);

// What the machine can give.
typedef struct roofline {
    double flops_per_second, bytes_per_second;
} roofline;

// A table sorted by time and one of each kind of step.
foil_status profile_print(const profile *p, const roofline *peak);
// The steps, sorted by time; NULL = out of memory.
json_t *profile_json(const profile *p, const roofline *peak);
// The last run as trace events (the format of Chrome's and Perfetto's viewers); NULL = out of memory.
json_t *profile_trace(const profile *p);

#endif
