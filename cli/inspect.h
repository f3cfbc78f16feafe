// The printers of `foil inspect`, one per kind of file. They print, report what went wrong and give the exit status.
#ifndef FOIL_CLI_INSPECT_H
#define FOIL_CLI_INSPECT_H

#include <jansson.h>

#include "eval/calibrate.h"
#include "eval/cues/model.h"
#include "eval/near_duplicates.h"
#include "eval/shortcuts.h"
#include "nn/net.h"

int inspect_net(const char *path, bool json);         // inspect_net.c
int inspect_config(const char *path, bool json);      // inspect_config.c
int inspect_set(const char *path, bool json);         // inspect_set.c
int inspect_safetensors(const char *path, bool json); // inspect_weights.c: detectors, checkpoints, any other

void inspect_print_cues(const cue_model *m); // inspect_cues.c
json_t *inspect_cues_json(const cue_model *m);

void inspect_print_rows(const net *n, const net_row *rows, int count);
json_t *inspect_rows_json(const net *n, const net_row *rows, int count);

void inspect_print_shortcuts(const set *s, const shortcut_findings *f); // inspect_shortcuts.c
json_t *inspect_shortcuts_json(const set *s, const shortcut_findings *f);
foil_status inspect_print_near(const set *s, const near_duplicates *d); // inspect_near.c
json_t *inspect_near_json(const near_duplicates *d);

void inspect_print_calibration(const calibration *c); // inspect_calibration.c
json_t *inspect_calibration_json(const calibration *c);

json_t *inspect_shape_json(shape s);
const char *inspect_number(long long v, char out[32]); // "1,234,567"

#endif
