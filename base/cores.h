// How many cores this process may keep busy.
#ifndef FOIL_BASE_CORES_H
#define FOIL_BASE_CORES_H

// Those that it may run on (sched_setaffinity(2): taskset, a job's binding), and no more than its control group's quota lets it use (cgroups(7): `docker run
// --cpus`, a Kubernetes limit), rounded up: what is left of the last core is worth having. Ranks on one machine (ranks.h: all of them call this) divide the
// cores that several may run on, and the quota. At least 1.
int cores_count(void);

// That quota in cores: the least over the process's group and those around it, as far as they can be seen; INFINITY = none. `process` is its folder under
// /proc, whose files `cgroup` and `mountinfo` are read; what can't be read there sets no limit. Both versions of control groups are known.
double cores_quota(const char *process);

#endif
