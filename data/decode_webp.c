// WebP as Pillow reads it: fancy upsampling, no dithering.
#include <string.h>

#include <webp/decode.h>

#include "data/decode.h"

static uint32_t le32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

// Of the EXIF chunk, which comes after the pixels. Some writers begin it as in JPEG.
static int orientation(const uint8_t *bytes, size_t n) {
    const size_t head = 8; // name and size
    for (size_t at = 12; at + head <= n;) {
        size_t size = le32(bytes + at + 4);
        const uint8_t *chunk = bytes + at + head;
        if (size > n - at - head) break;
        size_t prefix = size >= 6 && memcmp(chunk, "Exif\0\0", 6) == 0 ? 6 : 0;
        if (memcmp(bytes + at, "EXIF", 4) == 0) return exif_orientation(chunk + prefix, size - prefix);
        at += head + size + size % 2;
    }
    return 1;
}

static foil_status failed(VP8StatusCode code, const char *name) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return foil_fail_memory(0, "a WebP");
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return foil_fail(FOIL_INVALID, "%s: truncated WebP", name);
    default:
        return foil_fail(FOIL_INVALID, "%s: corrupt WebP", name);
    }
}

static foil_status decode(const uint8_t *bytes, size_t n, const char *name, image *out) {
    WebPDecoderConfig c;
    if (!WebPInitDecoderConfig(&c)) return foil_fail(FOIL_UNSUPPORTED, "libwebp is older than the headers that Foil was built with");
    VP8StatusCode code = WebPGetFeatures(bytes, n, &c.input);
    if (code != VP8_STATUS_OK) return failed(code, name);
    if (c.input.has_animation) return foil_fail(FOIL_UNSUPPORTED, "%s: animated WebP is not supported, convert its frames to PNG", name);
    TRY(decode_check_size((uint64_t)c.input.height, (uint64_t)c.input.width, name));
    TRY(image_new(c.input.height, c.input.width, c.input.has_alpha ? 4 : 3, out));
    c.output.colorspace = c.input.has_alpha ? MODE_RGBA : MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA = (WebPRGBABuffer){.rgba = out->pixels, .stride = out->width * out->channels, .size = image_bytes(out)};
    code = WebPDecode(bytes, n, &c);
    if (code != VP8_STATUS_OK) return failed(code, name);
    if (c.input.has_alpha) TRY(decode_flatten(out));
    return image_orient(out, orientation(bytes, n));
}

foil_status decode_webp(const uint8_t *bytes, size_t n, const char *name, image *out) {
    image im = {0};
    foil_status s = decode(bytes, n, name, &im);
    if (s != FOIL_OK) {
        image_free(&im);
        return s;
    }
    *out = im;
    return FOIL_OK;
}
