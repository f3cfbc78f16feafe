// The interface of foil.h for programs that embed a detector.
#include <locale.h>

#include "eval/detector.h"

// Numbers in files have points, whichever locale the program has set: until it is given back what this returns, this thread reads and writes as in "C".
static locale_t numbers_with_points(void) {
    return uselocale(newlocale(LC_ALL_MASK, "C", NULL)); // glibc's own constant: nothing to free
}

const char *foil_version(void) {
    return FOIL_VERSION;
}

foil_status foil_detector_load(const char *path, foil_detector **out) {
    const locale_t ours = numbers_with_points();
    const foil_status status = detector_open(path, out);
    uselocale(ours);
    return status;
}

void foil_detector_input(const foil_detector *d, int *height, int *width, int *channels) {
    shape in = detector_input(d);
    *height = (int)in.d[0];
    *width = (int)in.d[1];
    *channels = (int)in.d[2];
}

static foil_status score_image(foil_detector *d, const image *picture, double *score) {
    double logit;
    TRY(detector_logit(d, picture, &logit));
    *score = detector_score(d, logit);
    return FOIL_OK;
}

foil_status foil_detector_score_file(foil_detector *d, const char *path, double *score) {
    image picture = {0};
    TRY(image_read(path, &picture));
    foil_status status = score_image(d, &picture, score);
    image_free(&picture);
    return status;
}

foil_status foil_detector_score_pixels(foil_detector *d, const unsigned char *pixels, int height, int width, int channels, double *score) {
    if (!pixels) return foil_fail(FOIL_INVALID, "pixels are NULL: expected [height, width, channels] of them");
    if (height < 1 || width < 1 || (channels != 1 && channels != 3))
        return foil_fail(FOIL_INVALID, "pixels [%d, %d, %d]: expected a height and a width of at least 1, and 1 or 3 channels", height, width,
                         channels);
    const image picture = {.height = height, .width = width, .channels = channels, .pixels = (unsigned char *)pixels}; // only read
    return score_image(d, &picture, score);
}

foil_status foil_detector_threshold(const foil_detector *d, const char *name, double *threshold) {
    const locale_t ours = numbers_with_points();
    const foil_status status = calibration_threshold(&detector_card_of(d)->calibration, name, threshold);
    uselocale(ours);
    return status;
}
