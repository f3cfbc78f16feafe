// CIFAR-10 and CIFAR-100 binary batches: records of one or two label bytes and 32 x 32 pixels, red, green and blue planes
// (https://www.cs.toronto.edu/~kriz/cifar.html).
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "datasets/importer.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE };

static foil_status list_cifar(const char *source, const import_options *o, import_list *into) {
    char *bytes;
    size_t n;
    TRY(file_read(source, 0, &bytes, &n));
    // A batch is a multiple of one record length or the other; CIFAR-100's files are named train.bin and test.bin.
    size_t before = n % (1 + PIXELS) == 0 ? 1 : 2;
    if (n == 0 || n % (before + PIXELS) != 0) {
        free(bytes);
        return foil_fail(FOIL_INVALID, "%s: %zu bytes are no CIFAR batch; a multiple of 3073 or 3074 was expected", source, n);
    }
    import_archive a = {.bytes = (uint8_t *)bytes,
                        .before = before,
                        .records = (int64_t)(n / (before + PIXELS)),
                        .height = SIDE,
                        .width = SIDE,
                        .channels = 3,
                        .planar = true};
    return import_add_archive(into, source, &a, o);
}

static bool sniff_cifar(const char *source) {
    return text_ends(source, ".bin") && !file_is_folder(source);
}

extern const importer IMPORT_CIFAR;
const importer IMPORT_CIFAR = {"cifar", "CIFAR-10 and CIFAR-100 binary batches; reals unless --label fake", sniff_cifar, list_cifar};
