// What distribution does to pictures: JPEG again.
#include "data/edit.h"
#include "data/transform_type.h"

typedef struct jpeg {
    double p, quality[2];
} jpeg;
static const key KEYS[] = {{"quality", KEY_RANGE, offsetof(jpeg, quality), "[60, 100]", 1, 100, .doc = "of libjpeg-turbo, whole numbers, 4:2:0"},
                           TRANSFORM_P(jpeg, "1"),
                           {0}};

static foil_status apply(const void *settings, image *im, draws *d) {
    const jpeg *o = settings;
    return image_through_jpeg(im, draw_int(d, (int64_t)o->quality[0], (int64_t)o->quality[1]));
}

const transform_type TRANSFORM_JPEG = {"jpeg", "Codes the picture as JPEG and decodes it", KEYS, sizeof(jpeg), apply};
