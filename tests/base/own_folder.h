// Set-up and tear-down of tests that work in a folder of their own, which is the current one meanwhile.
#ifndef FOIL_TESTS_BASE_OWN_FOLDER_H
#define FOIL_TESTS_BASE_OWN_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static int enter(void **state) {
    (void)state;
    strcpy(folder, "/tmp/foil-test-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state) {
    (void)state;
    char command[192];
    snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -rf %s", folder, folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1; // NOLINT(cert-env33-c): a path of our own
}

#endif
