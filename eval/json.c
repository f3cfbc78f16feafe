#include "eval/json.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

// Length of the well-formed UTF-8 character at `s`, 0 if there is none.
static size_t character(const char *s) {
    for (size_t n = 1; n <= 4 && s[n - 1]; n++) {
        char one[5] = {0};
        memcpy(one, s, n);
        if (text_is_utf8(one)) return n;
    }
    return 0;
}

json_t *text_json(const char *s) {
    if (text_is_utf8(s)) return json_string(s);
    text t = {0};
    while (*s) {
        size_t n = character(s);
        if (n)
            text_add_bytes(&t, s, n);
        else
            text_format(&t, "\\x%02x", (unsigned char)*s);
        s += n ? n : 1;
    }
    json_t *json = t.failed ? NULL : json_string(t.data);
    text_free(&t);
    return json;
}

json_t *number_json(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static _Thread_local bool lacking;

void json_start(void) {
    lacking = false;
}

void json_put(json_t *object, const char *key, json_t *value) {
    lacking |= json_object_set_new(object, key, value) != 0;
}

void json_push(json_t *list, json_t *value) {
    lacking |= json_array_append_new(list, value) != 0;
}

foil_status json_whole(const char *what) {
    return lacking ? foil_fail_memory(4096, what) : FOIL_OK;
}
