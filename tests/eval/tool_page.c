// tool_page FILE.json PAGE.html: the page of an evaluation, from data that is given.
#include <stdio.h>

#include "eval/pages/page.h"

int main(int argc, char **argv) {
    json_t *data = argc == 3 ? json_load_file(argv[1], 0, NULL) : NULL;
    if (!data) {
        fprintf(stderr, "tool_page FILE.json PAGE.html\n");
        return 2;
    }
    foil_status status = page_write(argv[2], PAGE_EVALUATION, data);
    json_decref(data);
    if (status != FOIL_OK) fprintf(stderr, "%s\n", foil_error());
    return status != FOIL_OK;
}
