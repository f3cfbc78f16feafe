#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cores.h"
#include "base/file.h"
#include "base/text.h"
#include "base/thread.h"
#include "tests/base/own_folder.h"
#include "tests/cmocka.h"

static void put(const char *group, const char *name, const char *content) {
    text path = {0};
    text_format(&path, "%s/%s", group, name);
    if (file_make_folder(group) != FOIL_OK || file_save(path.data, content, strlen(content)) != FOIL_OK) fail_msg("%s", foil_error());
    text_free(&path);
}

// What the process sees: its place in the hierarchies, and where these are mounted. %s in `mounts` is the test's folder.
static void place(const char *cgroup, const char *mounts) {
    char table[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(table, sizeof table, mounts, folder, folder);
#pragma GCC diagnostic pop
    put("process", "cgroup", cgroup);
    put("process", "mountinfo", table);
}

#define DISK "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"

static void version_2_asks_the_group_and_those_around_it(void **state) {
    (void)state;
    place("0::/user/job\n", DISK "31 22 0:38 / %s/v2 rw,relatime shared:9 - cgroup2 cgroup2 rw\n");
    put("v2/user/job", "cpu.max", "max 100000\n");
    assert_true(isinf(cores_quota("process")));
    put("v2/user/job", "cpu.max", "350000 100000\n");
    assert_float_equal(cores_quota("process"), 3.5, 0);
    put("v2/user", "cpu.max", "50000 25000\n");
    assert_float_equal(cores_quota("process"), 2, 0);
    put(".", "cpu.max", "1000 100000\n"); // above where groups are mounted
    assert_float_equal(cores_quota("process"), 2, 0);
}

static void a_container_sees_its_own_group_only(void **state) {
    (void)state;
    // With a name space of its own, the group is the root; without, the mount's root is what the process's path begins with.
    put("own", "cpu.max", "150000 100000\n");
    place("0::/\n", "31 22 0:38 / %s/own rw - cgroup2 cgroup rw\n");
    assert_float_equal(cores_quota("process"), 1.5, 0);
    place("0::/docker/c0ffee\n", "31 22 0:38 /docker/c0ffee %s/own rw - cgroup2 cgroup rw\n");
    assert_float_equal(cores_quota("process"), 1.5, 0);
    place("0::/docker/c0ffee2\n", "31 22 0:38 /docker/c0ffee %s/own rw - cgroup2 cgroup rw\n"); // elsewhere: what is mounted counts
    assert_float_equal(cores_quota("process"), 1.5, 0);
}

static void version_1_asks_the_controller_of_the_cpu(void **state) {
    (void)state;
    put("cpuset/job", "cpu.cfs_quota_us", "1000\n");
    put("cpuset/job", "cpu.cfs_period_us", "100000\n");
    put("cpu/job", "cpu.cfs_quota_us", "-1\n");
    put("cpu/job", "cpu.cfs_period_us", "100000\n");
    place("4:cpuset:/job\n3:cpuacct,cpu:/job\n0::/\n",
          DISK "32 22 0:29 / %s/cpuset rw - cgroup cgroup rw,cpuset\n33 22 0:30 / %s/cpu rw - cgroup cgroup rw,cpuacct,cpu\n");
    assert_true(isinf(cores_quota("process")));
    put("cpu/job", "cpu.cfs_quota_us", "25000\n");
    assert_float_equal(cores_quota("process"), 0.25, 0);
}

static void what_cannot_be_read_sets_no_limit(void **state) {
    (void)state;
    assert_true(isinf(cores_quota("nobody")));
    static const char *const MOUNTS[] = {
        "", "\n", "31\n", " - cgroup2 x y\n", "31 22 0:38 / %s/none rw - cgroup2 cgroup rw\n", "31 22 0:38 / %s/odd rw - cgroup2 cgroup rw\n"};
    static const char *const GROUPS[] = {"", "\n", "0\n", "0:\n", "0::", "0::\n", "0::/../..\n", "3:cpu\n"};
    static const char *const QUOTAS[] = {"", "max\n", "100000\n", "much more\n", "0 0\n", "100000 0\n", "-5 100000\n", "nan 1\n"};
    for (size_t i = 0; i < sizeof MOUNTS / sizeof *MOUNTS; i++) {
        for (size_t j = 0; j < sizeof GROUPS / sizeof *GROUPS; j++) {
            place(GROUPS[j], MOUNTS[i]);
            for (size_t k = 0; k < sizeof QUOTAS / sizeof *QUOTAS; k++) {
                put("odd", "cpu.max", QUOTAS[k]);
                assert_true(isinf(cores_quota("process")));
            }
        }
    }
}

static void as_many_as_the_mask_and_the_quota_allow(void **state) {
    (void)state;
    const double quota = cores_quota("/proc/self");
    assert_true(quota > 0);
    assert_int_equal(cores_count(), (int)fmin(omp_get_num_procs(), ceil(quota)));
    unsetenv("OMP_NUM_THREADS");
    threads_set(0);
    assert_int_equal(threads_count(), cores_count());
}

// OpenMP binds the first thread before main: this program, started again, says how many cores it finds.
static void bound_threads_hide_no_cores(void **state) {
    (void)state;
    static const char *const BINDINGS[] = {"OMP_PROC_BIND=true", "OMP_PLACES=cores", "OMP_PROC_BIND=spread OMP_PLACES=threads"};
    for (size_t i = 0; i < sizeof BINDINGS / sizeof *BINDINGS; i++) {
        char command[96];
        snprintf(command, sizeof command, "%s /proc/%d/exe count", BINDINGS[i], (int)getpid());
        FILE *p = popen(command, "r"); // NOLINT(cert-env33-c): a path of our own
        assert_non_null(p);
        int count = 0;
        assert_int_equal(fscanf(p, "%d", &count), 1); // NOLINT(cert-err34-c): our own words
        assert_int_equal(pclose(p), 0);
        assert_int_equal(count, cores_count());
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "count") == 0) return printf("%d\n", cores_count()) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_2_asks_the_group_and_those_around_it, enter, leave),
        cmocka_unit_test_setup_teardown(a_container_sees_its_own_group_only, enter, leave),
        cmocka_unit_test_setup_teardown(version_1_asks_the_controller_of_the_cpu, enter, leave),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_sets_no_limit, enter, leave),
        cmocka_unit_test(as_many_as_the_mask_and_the_quota_allow),
        cmocka_unit_test(bound_threads_hide_no_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
