#include "train/tensorboard.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tensorboard.pb-c.h"

struct events {
    FILE *file;
    char *path;
};

// CRC-32C (Castagnoli), reflected, bit by bit: a few hundred bytes a second need no table.
static uint32_t crc32c(const uint8_t *bytes, size_t n) {
    uint32_t crc = ~0U;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78U : 0);
    }
    return ~crc;
}

// TFRecord stores checksums rotated and shifted, so that a checksum of data that holds checksums stays useful.
static uint32_t masked(const uint8_t *bytes, size_t n) {
    uint32_t crc = crc32c(bytes, n);
    return (crc >> 15 | crc << 17) + 0xA282EAD8U;
}

static foil_status append(events *e, const uint8_t *bytes, size_t n) {
    uint64_t length = n;
    uint32_t head = masked((const uint8_t *)&length, sizeof length), tail = masked(bytes, n);
    fwrite(&length, sizeof length, 1, e->file);
    fwrite(&head, sizeof head, 1, e->file);
    fwrite(bytes, 1, n, e->file);
    fwrite(&tail, sizeof tail, 1, e->file);
    if (fflush(e->file) != 0 || ferror(e->file)) return foil_fail_errno(errno, "%s: cannot be written", e->path);
    return FOIL_OK;
}

static foil_status append_event(events *e, Tensorboard__Event *event) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    event->wall_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    size_t n = tensorboard__event__get_packed_size(event);
    uint8_t *bytes = malloc(n ? n : 1);
    if (!bytes) return foil_fail_memory(n, "an event");
    tensorboard__event__pack(event, bytes);
    foil_status status = append(e, bytes, n);
    free(bytes);
    return status;
}

// Whether the record of `n` bytes at `at` is sound and belongs to the steps kept; its whole length in *size.
static bool keeps(const uint8_t *at, size_t n, int64_t step, size_t *size) {
    enum { HEAD = sizeof(uint64_t) + sizeof(uint32_t), TAIL = sizeof(uint32_t) };
    uint64_t length;
    uint32_t crc;
    if (n < HEAD + TAIL) return false;
    memcpy(&length, at, sizeof length);
    memcpy(&crc, at + sizeof length, sizeof crc);
    if (crc != masked(at, sizeof length) || length > n - HEAD - TAIL) return false;
    memcpy(&crc, at + HEAD + length, sizeof crc);
    if (crc != masked(at + HEAD, length)) return false;
    Tensorboard__Event *event = tensorboard__event__unpack(NULL, length, at + HEAD);
    bool keep = event && event->step <= step;
    if (event) tensorboard__event__free_unpacked(event, NULL);
    *size = HEAD + length + TAIL;
    return keep;
}

static foil_status cut_back(const char *path, int64_t step, size_t *kept) {
    *kept = 0;
    if (!file_exists(path)) return FOIL_OK;
    char *bytes;
    size_t n, size;
    TRY(file_read(path, 0, &bytes, &n));
    while (keeps((const uint8_t *)bytes + *kept, n - *kept, step, &size)) *kept += size;
    free(bytes);
    if (truncate(path, (off_t)*kept) != 0) return foil_fail_errno(errno, "%s: cannot be cut back", path);
    return FOIL_OK;
}

foil_status events_open(const char *path, int64_t step, events **out) {
    *out = NULL;
    size_t kept;
    TRY(cut_back(path, step, &kept));
    events *e = calloc(1, sizeof *e);
    if (!e) return foil_fail_memory(sizeof *e, "an event file");
    e->path = strdup(path);
    e->file = fopen(path, "ab");
    foil_status status = FOIL_OK;
    if (!e->path || !e->file) {
        status = foil_fail_errno(errno, "%s: cannot be opened for writing", path);
    } else if (kept == 0) {
        Tensorboard__Event first = TENSORBOARD__EVENT__INIT;
        first.what_case = TENSORBOARD__EVENT__WHAT_FILE_VERSION;
        first.file_version = (char[]){"brain.Event:2"};
        status = append_event(e, &first);
    }
    if (status == FOIL_OK) {
        *out = e;
    } else {
        events_close(e);
    }
    return status;
}

void events_close(events *e) {
    if (!e) return;
    if (e->file) fclose(e->file);
    free(e->path);
    free(e);
}

static foil_status append_summary(events *e, int64_t step, Tensorboard__Summary__Value **values, size_t n) {
    Tensorboard__Summary summary = TENSORBOARD__SUMMARY__INIT;
    summary.value = values;
    summary.n_value = n;
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    event.step = step;
    event.what_case = TENSORBOARD__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return append_event(e, &event);
}

foil_status events_values(events *e, int64_t step, const log_value *v, int n) {
    Tensorboard__Summary__Value *value = calloc((size_t)n + 1, sizeof *value), **list = calloc((size_t)n + 1, sizeof *list);
    size_t count = 0;
    for (int i = 0; value && list && i < n; i++) {
        if (isnan(v[i].value)) continue;
        value[count] = (Tensorboard__Summary__Value)TENSORBOARD__SUMMARY__VALUE__INIT;
        value[count].tag = (char *)v[i].name;
        value[count].value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
        value[count].simple_value = (float)v[i].value;
        list[count] = &value[count];
        count++;
    }
    foil_status status = value && list ? append_summary(e, step, list, count) : foil_fail_memory((size_t)n * sizeof *value, "an event");
    free(value);
    free(list);
    return status;
}

foil_status events_image(events *e, int64_t step, const char *name, const image *im) {
    uint8_t *png;
    size_t n;
    TRY(image_encode_png(im, &png, &n));
    Tensorboard__Summary__Image picture = TENSORBOARD__SUMMARY__IMAGE__INIT;
    picture.height = im->height;
    picture.width = im->width;
    picture.colorspace = im->channels;
    picture.encoded_image_string = (ProtobufCBinaryData){.len = n, .data = png};
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT, *list = &value;
    value.tag = (char *)name;
    value.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_IMAGE;
    value.image = &picture;
    foil_status status = append_summary(e, step, &list, 1);
    free(png);
    return status;
}
