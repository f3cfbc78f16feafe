// Writing and reading a detector's metadata; card_calibration.c has the part that is calibration.
#include "eval/card.h"

#include <stdlib.h>
#include <string.h>

static const char FORMAT[] = "2", OLDER[] = "1"; // 1: calibrated by temperature alone

static void set_number(safetensors_writer *w, const char *key, double value) {
    text t = {0};
    text_format(&t, "%.17g", value);
    safetensors_set(w, key, t.failed ? NULL : t.data);
    text_free(&t);
}

static void set_text(void *writer, const char *key, const char *value) {
    safetensors_set(writer, key, value);
}

static foil_status set_card(safetensors_writer *w, const detector_card *card) {
    safetensors_set(w, "foil_detector", FORMAT);
    safetensors_set(w, "version", foil_version());
    safetensors_set(w, "fit", FIT_NAMES[card->fit]);
    safetensors_set(w, "resize", RESIZE_NAMES[card->filter]);
    safetensors_set(w, "provenance", card->provenance ? card->provenance : "{}");
    return card_set_calibration(&card->calibration, set_text, w);
}

foil_status detector_write(const char *path, const net *n, const store *s, const detector_card *card) {
    safetensors_writer *w = safetensors_writer_new();
    if (!w) return foil_fail_memory(1024, "a detector");
    foil_status status = set_card(w, card);
    if (status == FOIL_OK) {
        safetensors_set(w, "network", net_text(n));
        safetensors_set(w, "head", card->head);
        set_number(w, "channels", net_channels(n));
        safetensors_add_store(w, "", s);
        status = safetensors_write(w, path);
    }
    safetensors_writer_free(w);
    return status;
}

foil_status detector_write_cues(const char *path, const cue_model *m, const detector_card *card) {
    safetensors_writer *w = safetensors_writer_new();
    if (!w) return foil_fail_memory(1024, "a detector");
    foil_status status = set_card(w, card);
    if (status == FOIL_OK) {
        cue_model_save(m, w);
        status = safetensors_write(w, path);
    }
    safetensors_writer_free(w);
    return status;
}

// Reading. --------------------------------------------------------------------------------------------------------------------------------------

typedef struct reader {
    const safetensors *file;
    const char *path;
    arena *texts;
} reader;

static foil_status read_text(const reader *r, const char *key, const char **out) {
    const char *value = safetensors_metadata(r->file, key);
    if (!value) return foil_fail(FOIL_INVALID, "%s: a detector without '%s' in its metadata", r->path, key);
    *out = arena_text(r->texts, value);
    return *out ? FOIL_OK : foil_fail_memory(strlen(value), "a detector's metadata");
}

static foil_status read_number(const reader *r, const char *key, double low, double high, double *out) {
    const char *value;
    TRY(read_text(r, key, &value));
    if (text_to_float(value, out) && *out >= low && *out <= high) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: %s is '%s': expected a number from %g to %g", r->path, key, value, low, high);
}

static foil_status read_choice(const reader *r, const char *key, const char *const *names, int *out) {
    const char *value;
    TRY(read_text(r, key, &value));
    for (*out = 0; names[*out]; ++*out)
        if (!strcmp(names[*out], value)) return FOIL_OK;
    return foil_fail(FOIL_INVALID, "%s: %s '%s' is not known to this version", r->path, key, value);
}

static foil_status read_network(const reader *r, detector_card *card, net **n) {
    const char *network;
    double channels;
    TRY(read_text(r, "network", &network));
    TRY(read_text(r, "head", &card->head));
    TRY(read_number(r, "channels", 1, 4, &channels));
    foil_status status = net_parse(network, "network", (int)channels, n); // exports name nodes after it: not after where the file lies
    return status == FOIL_OK ? FOIL_OK : foil_fail_within(status, "%s", r->path);
}

foil_status card_read(const safetensors *file, const char *path, arena *texts, detector_card *card, net **n) {
    reader r = {file, path, texts};
    const char *format = safetensors_metadata(file, "foil_detector");
    if (!format) return foil_fail(FOIL_INVALID, "%s is not a detector: nothing in its metadata says 'foil_detector'", path);
    if (strcmp(format, FORMAT) != 0 && strcmp(format, OLDER) != 0)
        return foil_fail(FOIL_INVALID, "%s: detector format '%s', but this version reads '%s' and '%s'", path, format, OLDER, FORMAT);
    int fit, filter;
    *n = NULL;
    TRY(read_text(&r, "provenance", &card->provenance));
    TRY(read_choice(&r, "fit", FIT_NAMES, &fit));
    TRY(read_choice(&r, "resize", RESIZE_NAMES, &filter));
    TRY(card_read_calibration(file, path, texts, &card->calibration));
    card->fit = (image_fit)fit;
    card->filter = (resize_filter)filter;
    if (!safetensors_metadata(file, "cues")) return read_network(&r, card, n);
    card->head = "";
    return FOIL_OK;
}
