#include "base/cores.h"

#include <math.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "base/text.h"

static FILE *open_beneath(const char *folder, const char *name) {
    text path = {0};
    text_format(&path, "%s/%s", folder, name);
    FILE *f = path.failed ? NULL : fopen(path.data, "re");
    text_free(&path);
    return f;
}

// Microseconds, the only ones in a file of this name; `fallback` when there is no such file.
static double read_number(const char *folder, const char *name, double fallback) {
    FILE *f = open_beneath(folder, name);
    if (!f) return fallback;
    double n;
    if (fscanf(f, "%lf", &n) != 1) n = fallback;
    fclose(f);
    return n;
}

// What one group may use: version 2 has "QUOTA PERIOD" or "max PERIOD" in one file, version 1 two files, with -1 for no quota.
static double quota_of(const char *folder) {
    double quota, period;
    FILE *f = open_beneath(folder, "cpu.max");
    if (f) {
        if (fscanf(f, "%lf %lf", &quota, &period) != 2) quota = -1;
        fclose(f);
    } else {
        quota = read_number(folder, "cpu.cfs_quota_us", -1);
        period = read_number(folder, "cpu.cfs_period_us", 0);
    }
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

// Whether `word` is one of a list with commas between.
static bool lists(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == 0)) return true;
    return false;
}

// The process's place in a hierarchy, from a line "NUMBER:CONTROLLERS:PATH" for each of them; version 2 has no controllers there. "" when it has none.
static void find_group(const char *process, bool version_2, text *path) {
    FILE *f = open_beneath(process, "cgroup");
    char *line = NULL;
    size_t room = 0;
    while (f && getline(&line, &room, f) > 0) {
        char *rest = line;
        strsep(&rest, ":");
        const char *controllers = strsep(&rest, ":"), *place = strsep(&rest, "\n");
        if (place && (version_2 ? !*controllers : lists(controllers, "cpu"))) text_add(path, place);
    }
    free(line);
    if (f) fclose(f);
}

// The least quota from `group`, a folder at or beneath `top`, up to that.
static double least_quota(char *group, size_t top) {
    double least = INFINITY;
    for (;;) {
        least = fmin(least, quota_of(group));
        char *end = strrchr(group, '/');
        if (!end || (size_t)(end - group) < top) return least;
        *end = 0;
    }
}

// A line of mountinfo (proc(5)): "ID PARENT MAJOR:MINOR ROOT MOUNT OPTIONS [FIELDS] - TYPE SOURCE SUPER_OPTIONS".
static double quota_of_mount(char *line, const char *process) {
    char root[4096], mount[4096], type[64], options[4096];
    const char *tail = strstr(line, " - ");
    if (!tail || sscanf(line, "%*s %*s %*s %4095s %4095s", root, mount) != 2 || sscanf(tail, " - %63s %*s %4095s", type, options) != 2)
        return INFINITY;
    const bool version_2 = strcmp(type, "cgroup2") == 0;
    if (!version_2 && (strcmp(type, "cgroup") != 0 || !lists(options, "cpu"))) return INFINITY;
    text path = {0}, group = {0};
    find_group(process, version_2, &path);
    // Of a hierarchy only what is beneath `root` is mounted: in a container that is most often its own group, of which nothing above can be seen.
    const size_t above = strcmp(root, "/") == 0 ? 0 : strlen(root);
    const bool within = path.data && strncmp(path.data, root, above) == 0 && (path.data[above] == '/' || !path.data[above]);
    text_format(&group, "%s%s", mount, within ? path.data + above : "");
    if (group.length > 0 && group.data[group.length - 1] == '/') group.data[group.length - 1] = 0;
    const double quota = group.failed ? INFINITY : least_quota(group.data, strlen(mount));
    text_free(&path);
    text_free(&group);
    return quota;
}

double cores_quota(const char *process) {
    FILE *f = open_beneath(process, "mountinfo");
    char *line = NULL;
    size_t room = 0;
    double least = INFINITY;
    while (f && getline(&line, &room, f) > 0) least = fmin(least, quota_of_mount(line, process));
    free(line);
    if (f) fclose(f);
    return least;
}

// The cores that this process may run on; false = there are more than the set has room for. A thread that OpenMP has bound (OMP_PROC_BIND, OMP_PLACES) no
// longer has the process's mask; then OpenMP's places are it.
static bool find_mask(cpu_set_t *mask) {
    const int places = omp_get_num_places();
    if (places == 0) return sched_getaffinity(0, sizeof *mask, mask) == 0;
    CPU_ZERO(mask);
    for (int p = 0; p < places; p++) {
        int ids[CPU_SETSIZE];
        const int n = omp_get_place_num_procs(p);
        if (n > CPU_SETSIZE) return false;
        omp_get_place_proc_ids(p, ids);
        for (int i = 0; i < n; i++) {
            if (ids[i] >= CPU_SETSIZE) return false;
            CPU_SET((size_t)ids[i], mask);
        }
    }
    return true;
}

// Of the cores of the mask, a share of each: ranks that a launcher bound to cores of their own have those, others divide what they may all run on.
static int cores_of_mask(int *ranks) {
    cpu_set_t mine;
    int users[CPU_SETSIZE + 1] = {[CPU_SETSIZE] = 1}; // at the end: ranks
    const bool known = find_mask(&mine);
    for (size_t i = 0; known && i < CPU_SETSIZE; i++) users[i] = CPU_ISSET(i, &mine);
    ranks_sum_beside(users, CPU_SETSIZE + 1);
    *ranks = users[CPU_SETSIZE];
    if (!known) return omp_get_num_procs() / *ranks;
    double share = 0;
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &mine)) share += 1.0 / users[i];
    return (int)(share + 1e-6);
}

int cores_count(void) {
    int ranks;
    const int mask = cores_of_mask(&ranks);
    const double quota = ceil(cores_quota("/proc/self") / ranks);
    return (int)fmax(fmin(mask, quota), 1);
}
