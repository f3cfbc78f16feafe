// Values of JSON that may come from anywhere.
#ifndef FOIL_EVAL_JSON_H
#define FOIL_EVAL_JSON_H

#include <jansson.h>

// Names of files, methods, clips need not be UTF-8; JSON must be. Bytes that are none are written as "\xe9": what differs stays
// different. NULL = out of memory.
json_t *text_json(const char *s);
json_t *number_json(double value); // null where it is not finite

#endif
