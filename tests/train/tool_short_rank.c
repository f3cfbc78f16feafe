// Trains as `foil train` does, but rank 1 finds no memory to calibrate with: tool_short_rank CONFIG.yaml DIR [KEY=VALUE...].
#include <stdio.h>

#include "base/ranks.h"
#include "base/thread.h"
#include "eval/calibrate.h"
#include "train/trainer.h"

// The linker gives our objects' calls to the second (tests/CMakeLists.txt).
foil_status __real_calibrate(const calibrate_options *o, const double *logit, const bool *fake, int64_t n, arena *memory, calibration *out);
foil_status __wrap_calibrate(const calibrate_options *o, const double *logit, const bool *fake, int64_t n, arena *memory, calibration *out);
foil_status __wrap_calibrate(const calibrate_options *o, const double *logit, const bool *fake, int64_t n, arena *memory, calibration *out) {
    return ranks_self() == 1 ? foil_fail_memory(64, "a calibration") : __real_calibrate(o, logit, fake, n, memory, out);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    threads_set(0);
    foil_status status = ranks_open();
    config c;
    if (status == FOIL_OK) status = config_read(argv[1], (const char *const *)argv + 3, argc - 3, &c);
    if (status == FOIL_OK) {
        status = train(&c, &(train_options){.folder = argv[2]});
        config_free(&c);
    }
    if (status != FOIL_OK && ranks_speaks(true)) fprintf(stderr, "tool_short_rank: %s\n", foil_error());
    ranks_close(status != FOIL_OK);
    return status == FOIL_OK ? 0 : 1;
}
