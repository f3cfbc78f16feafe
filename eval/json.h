// Values of JSON that may come from anywhere.
#ifndef FOIL_EVAL_JSON_H
#define FOIL_EVAL_JSON_H

#include <jansson.h>

#include "base/status.h"

// Names of files, methods, clips need not be UTF-8; JSON must be. Bytes that are none are written as "\xe9": what differs stays
// different. NULL = out of memory.
json_t *text_json(const char *s);
json_t *number_json(double value); // null where it is not finite

// Jansson's json_object_set_new and json_array_append_new for documents of many parts: what memory is short for, be it a part (NULL) or its place, is noted,
// for each thread, and told once at the end.
void json_start(void);
void json_put(json_t *object, const char *key, json_t *value);
void json_push(json_t *list, json_t *value);
foil_status json_whole(const char *what); // FOIL_MEMORY if anything of `what` is missing since json_start

#endif
