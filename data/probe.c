// What a picture's file was, from its header alone. No library: a probe never fails, and what it can't find stays 0.
#include <string.h>

#include "data/image.h"

const char *const FILE_FORMATS[] = {"unknown", "PNG", "JPEG", "BMP", "GIF", "other", "raw", "WebP", NULL};
const char *const FILE_COLOURS[] = {"unknown", "grey", "colour", "indexed", "grey and alpha", "colour and alpha", "CMYK", NULL};

static void probe_png(const uint8_t *bytes, size_t n, image_file *out) {
    static const uint8_t BY_TYPE[] = {FILE_GREY, 0, FILE_COLOUR, FILE_INDEXED, FILE_GREY_ALPHA, 0, FILE_COLOUR_ALPHA};
    const size_t type = 25; // of the header chunk, which comes first
    if (n > type && bytes[type] < sizeof BY_TYPE) out->colours = BY_TYPE[bytes[type]];
}

// The luminance table of JPEG's annex K in the order of files. libjpeg's quality scales it, and nearly everybody's.
static const uint8_t LUMINANCE[64] = {16, 11,  12, 14, 12, 10, 16,  14,  13,  14, 18, 17,  16,  19,  24,  40,  26, 24,  22,  22, 24, 49,
                                      35, 37,  29, 40, 58, 51, 61,  60,  57,  51, 56, 55,  64,  72,  92,  78,  64, 68,  87,  69, 55, 56,
                                      80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99};

static int distance_to_quality(const int table[64], int quality) {
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality, sum = 0;
    for (int i = 0; i < 64; i++) {
        int is = (LUMINANCE[i] * scale + 50) / 100, of = is < 1 ? 1 : is > 255 ? 255 : is;
        sum += of > table[i] ? of - table[i] : table[i] - of;
    }
    return sum;
}

// The quality whose table is nearest: exact for files by libjpeg.
static int nearest_quality(const int table[64]) {
    int best = 1, least = distance_to_quality(table, 1);
    for (int q = 2; q <= 100; q++) {
        int distance = distance_to_quality(table, q);
        if (distance > least) continue;
        best = q;
        least = distance;
    }
    return best;
}

// Of a segment's tables the one numbered 0, luminance; 0 = it is not among them.
static int read_tables(const uint8_t *at, size_t n) {
    while (n > 0) {
        size_t width = *at >> 4 ? 2 : 1, number = *at & 15;
        if (n < 1 + 64 * width) return 0;
        int table[64];
        for (size_t i = 0; i < 64; i++) table[i] = width == 1 ? at[1 + i] : at[1 + 2 * i] << 8 | at[2 + 2 * i];
        if (number == 0) return nearest_quality(table);
        at += 1 + 64 * width;
        n -= 1 + 64 * width;
    }
    return 0;
}

static void read_segment(int marker, const uint8_t *at, size_t n, image_file *out) {
    static const uint8_t BY_COMPONENTS[] = {0, FILE_GREY, 0, FILE_COLOUR, FILE_CMYK};
    bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (marker == 0xdb && !out->quality) out->quality = read_tables(at, n);
    if (frame && n > 5 && at[5] < sizeof BY_COMPONENTS) out->colours = BY_COMPONENTS[at[5]];
}

static void probe_jpeg(const uint8_t *bytes, size_t n, image_file *out) {
    for (size_t at = 2; at + 4 <= n && bytes[at] == 0xff;) {
        int marker = bytes[at + 1];
        size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (marker == 0xff) { // padding
            at++;
            continue;
        }
        if (marker == 0xda || length < 2 || length > n - at - 2) return; // the picture itself, or no JPEG any more
        read_segment(marker, bytes + at + 4, length - 2, out);
        at += 2 + length;
    }
}

static void probe_gif(const uint8_t *bytes, size_t n, image_file *out) {
    (void)bytes, (void)n;
    out->colours = FILE_INDEXED;
}

// The first chunk is the extended header, the lossless bits or the lossy ones.
static void probe_webp(const uint8_t *bytes, size_t n, image_file *out) {
    bool extended = n > 20 && memcmp(bytes + 12, "VP8X", 4) == 0 && bytes[20] & 0x10;
    bool lossless = n > 24 && memcmp(bytes + 12, "VP8L", 4) == 0 && bytes[24] & 0x10;
    out->colours = extended || lossless ? FILE_COLOUR_ALPHA : FILE_COLOUR;
}

static void probe_nothing(const uint8_t *bytes, size_t n, image_file *out) {
    (void)bytes, (void)n, (void)out;
}

static const struct {
    size_t at, n; // where its mark is
    const char *mark;
    int32_t format;
    void (*probe)(const uint8_t *bytes, size_t n, image_file *out);
} PROBES[] = {{0, 8, "\x89PNG\r\n\x1a\n", FILE_PNG, probe_png},
              {0, 3, "\xff\xd8\xff", FILE_JPEG, probe_jpeg},
              {0, 2, "BM", FILE_BMP, probe_nothing},
              {0, 3, "GIF", FILE_GIF, probe_gif},
              {8, 4, "WEBP", FILE_WEBP, probe_webp},
              {0, 0, "", FILE_OTHER, probe_nothing}};

void image_probe(const void *bytes, size_t n, const image *decoded, image_file *out) {
    *out = (image_file){.width = decoded->width, .height = decoded->height, .bytes = n < INT32_MAX ? (int32_t)n : INT32_MAX};
    size_t i = 0;
    while (n < PROBES[i].at + PROBES[i].n || memcmp((const char *)bytes + PROBES[i].at, PROBES[i].mark, PROBES[i].n) != 0) i++;
    out->format = PROBES[i].format;
    PROBES[i].probe(bytes, n, out);
    if (!out->colours) out->colours = decoded->channels == 1 ? FILE_GREY : FILE_COLOUR;
}
