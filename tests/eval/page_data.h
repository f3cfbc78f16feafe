// The data inside a page, as its scripts get it.
#ifndef FOIL_TESTS_PAGE_DATA_H
#define FOIL_TESTS_PAGE_DATA_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/cmocka.h"

// Also that nothing of the data ends it early: that after it there is the rest of the page.
static json_t *page_data(const char *path) {
    static const char BEGIN[] = "<script type=\"application/json\" id=\"data\">",
                      END[] = "</script>\n<script>\n/*! https://github.com/leeoniya/uPlot";
    char *page;
    size_t n;
    assert_int_equal(file_read(path, 0, &page, &n), FOIL_OK);
    assert_int_equal(strlen(page), n);
    assert_true(!strncmp(page, "<!doctype html>", 15) && !strcmp(page + n - 8, "</html>\n"));
    char *begin = strstr(page, BEGIN);
    assert_non_null(begin);
    char *end = strstr(begin + sizeof BEGIN, "</script>");
    assert_non_null(end);
    assert_memory_equal(end, END, sizeof END - 1);
    json_t *data = json_loadb(begin + sizeof BEGIN - 1, (size_t)(end - begin) - (sizeof BEGIN - 1), 0, NULL);
    assert_non_null(data);
    free(page);
    return data;
}

#endif
