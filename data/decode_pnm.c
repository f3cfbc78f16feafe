// Binary PGM and PPM as netpbm defines them: values from 0 to any maximum up to 65535, of two bytes, the upper one first, if that is above 255.
#include <ctype.h>

#include "data/decode.h"

typedef struct source {
    const uint8_t *at, *end;
} source;

// A number of the header, behind white space and comments, which go from '#' to the end of the line. 0: there is none.
static uint64_t number(source *s) {
    uint64_t value = 0;
    for (bool comment = false; s->at < s->end && (comment || *s->at == '#' || isspace(*s->at)); s->at++)
        comment = *s->at == '#' || (comment && *s->at != '\n' && *s->at != '\r');
    for (; s->at < s->end && isdigit(*s->at); s->at++)
        if (value < UINT32_MAX) value = 10 * value + (uint64_t)(*s->at - '0');
    return value;
}

foil_status decode_pnm(const uint8_t *bytes, size_t n, const char *name, image *out) {
    source s = {bytes + 2, bytes + n};
    uint64_t width = number(&s), height = number(&s), most = number(&s);
    if (s.at == s.end) return foil_fail(FOIL_INVALID, "%s: truncated picture", name);
    if (!isspace(*s.at++) || most == 0 || most > UINT16_MAX) return foil_fail(FOIL_INVALID, "%s: corrupt picture (header of a PNM)", name);
    TRY(decode_check_size(height, width, name));
    size_t channels = bytes[1] == '6' ? 3 : 1, of_each = most > UINT8_MAX ? 2 : 1, values = (size_t)height * (size_t)width * channels;
    if ((size_t)(s.end - s.at) < values * of_each) return foil_fail(FOIL_INVALID, "%s: truncated picture", name);
    TRY(image_new((int)height, (int)width, (int)channels, out));
    for (size_t i = 0; i < values; i++, s.at += of_each) {
        uint64_t value = of_each == 2 ? (uint64_t)s.at[0] << 8 | s.at[1] : s.at[0];
        out->pixels[i] = (uint8_t)(((value < most ? value : most) * UINT8_MAX + most / 2) / most);
    }
    return FOIL_OK;
}
