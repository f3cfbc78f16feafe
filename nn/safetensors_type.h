// Element types of safetensors files: shared by its reader and its writer.
#ifndef FOIL_NN_SAFETENSORS_TYPE_H
#define FOIL_NN_SAFETENSORS_TYPE_H

#include <stddef.h>

typedef struct safetensors_type {
    const char *name;
    size_t width; // bytes
} safetensors_type;

// In the reference implementation's order, by rising width; files hold the last type first. A NULL name ends the table.
extern const safetensors_type SAFETENSORS_TYPES[];
int safetensors_type_find(const char *name); // index or -1

#endif
