#include "eval/pages/page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "eval/pages/parts.h"

static const embedded *part(const char *name, size_t n) {
    for (const embedded *p = PAGE_PARTS; p->name; p++)
        if (strlen(p->name) == n && !memcmp(p->name, name, n)) return p;
    return NULL;
}

// The data's texts could hold "</script>" or "<!--": without '<', which stands in texts alone, there is neither.
static int write_data(const char *bytes, size_t n, void *writer) {
    for (size_t at = 0; at < n;) {
        const char *bracket = memchr(bytes + at, '<', n - at);
        size_t plain = bracket ? (size_t)(bracket - bytes) - at : n - at;
        file_write(writer, bytes + at, plain);
        if (bracket) file_write(writer, "\\u003c", 6);
        at += plain + (bracket != NULL);
    }
    return 0;
}

static foil_status write_place(file_writer *w, const char *name, size_t n, const char *script, const json_t *data) {
    if (n == 4 && !memcmp(name, "data", 4)) {
        int failed = json_dump_callback(data, write_data, w, JSON_COMPACT | JSON_REAL_PRECISION(6));
        return failed ? foil_fail_memory(4096, "a page's data") : FOIL_OK;
    }
    const bool own = n == 6 && !memcmp(name, "script", 6);
    const embedded *p = own ? part(script, strlen(script)) : part(name, n);
    assert(p);
    file_write(w, p->bytes, p->n);
    return FOIL_OK;
}

// page.html with each {{place}} filled: with a file, the page's own script, or the data.
static foil_status fill(file_writer *w, const char *script, const json_t *data) {
    const embedded *page = part("page.html", 9);
    assert(page);
    const char *at = (const char *)page->bytes, *end = at + page->n;
    for (const char *open; (open = memmem(at, (size_t)(end - at), "{{", 2));) {
        const char *close = memmem(open, (size_t)(end - open), "}}", 2);
        assert(close);
        file_write(w, at, (size_t)(open - at));
        TRY(write_place(w, open + 2, (size_t)(close - open) - 2, script, data));
        at = close + 2;
    }
    file_write(w, at, (size_t)(end - at));
    return FOIL_OK;
}

foil_status page_write(const char *path, page_kind kind, const json_t *data) {
    static const char *const SCRIPTS[] = {[PAGE_EVALUATION] = "evaluation.js", [PAGE_RUN] = "run.js", [PAGE_CUES] = "cues.js"};
    if (!data) return foil_fail_memory(4096, "a page's data");
    TRY(json_whole("a page's data"));
    file_writer *w;
    TRY(file_create(path, &w));
    foil_status status = fill(w, SCRIPTS[kind], data);
    if (status == FOIL_OK) return file_commit(w);
    file_abort(w);
    return status;
}

// RFC 4648.
static void add_base64(text *t, const uint8_t *bytes, size_t n) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned three = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        char four[4] = {DIGITS[three >> 18], DIGITS[three >> 12 & 63], left > 1 ? DIGITS[three >> 6 & 63] : '=', left > 2 ? DIGITS[three & 63] : '='};
        text_add_bytes(t, four, sizeof four);
    }
}

foil_status page_picture(const image *im, json_t **out) {
    *out = NULL;
    const bool exact = (int64_t)im->height * im->width <= 128 * 128;
    uint8_t *bytes = NULL;
    size_t n = 0;
    TRY(exact ? image_encode_png(im, &bytes, &n) : image_encode_jpeg(im, 88, &bytes, &n));
    text t = {0};
    text_add(&t, exact ? "data:image/png;base64," : "data:image/jpeg;base64,");
    add_base64(&t, bytes, n);
    free(bytes);
    *out = t.failed ? NULL : json_string(t.data);
    text_free(&t);
    return *out ? FOIL_OK : foil_fail_memory(n, "a page's picture");
}
