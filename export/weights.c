#include "export/export.h"
#include "nn/safetensors.h"

foil_status export_weights(const char *path, const net *n, const store *s) {
    safetensors_writer *w = safetensors_writer_new();
    if (!w) return foil_fail_memory(1024, "weights");
    text channels = {0};
    text_format(&channels, "%d", net_channels(n));
    safetensors_set(w, "network", net_text(n));
    safetensors_set(w, "channels", channels.failed ? NULL : channels.data);
    safetensors_add_store(w, "", s);
    foil_status status = safetensors_write(w, path);
    text_free(&channels);
    safetensors_writer_free(w);
    return status;
}
