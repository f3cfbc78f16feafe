// Pictures of every kind that is read come out as their makers meant them; cut, rotten and boastful ones are errors.
#include <png.h>
#include <webp/encode.h>
#include <zlib.h>

#include "base/text.h"
#include "tests/data/pictures.h"

enum { H = 7, W = 11, MOST = 1 << 14 };

typedef struct coded {
    uint8_t bytes[MOST];
    size_t n;
} coded;

static void put(coded *c, const void *bytes, size_t n) {
    assert_true(c->n + n <= MOST);
    memcpy(c->bytes + c->n, bytes, n);
    c->n += n;
}

#define PUT(c, ...) put(c, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void decodes(const coded *c, const image *want) {
    image im;
    uint8_t *bytes = malloc(c->n); // its end is where the picture's is
    assert_non_null(bytes);
    memcpy(bytes, c->bytes, c->n);
    OK(image_decode(bytes, c->n, "p", &im));
    assert_same(&im, want);
    image_free(&im);
    free(bytes);
}

// PNG. -----------------------------------------------------------------------------------------------------------------------------------------------

typedef struct kind {
    int colour, depth, interlace, transparent; // one value (of a palette: entry) is
} kind;

static void png_take(png_structp png, png_bytep bytes, size_t n) {
    put(png_get_io_ptr(png), bytes, n);
}

static void png_whole(png_structp png) {
    (void)png;
}

static unsigned sample(int y, int x, int c, int depth) {
    return (unsigned)(y * 7919 + x * 104729 + c * 1299709 + y * x * 31) & ((1u << depth) - 1);
}

static int channels_of(int colour) {
    return colour == PNG_COLOR_TYPE_RGB ? 3 : colour == PNG_COLOR_TYPE_RGBA ? 4 : colour == PNG_COLOR_TYPE_GA ? 2 : 1;
}

static const uint8_t ENTRIES_ALPHA[] = {0, 128, 255};

static void palette_entry(unsigned i, uint8_t rgb[3]) {
    for (unsigned c = 0; c < 3; c++) rgb[c] = (uint8_t)(i * 83 + c * 41);
}

static void write_png(const kind *k, coded *to) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    if (setjmp(png_jmpbuf(png))) fail_msg("libpng");
    to->n = 0;
    png_set_write_fn(png, to, png_take, png_whole);
    png_set_IHDR(png, info, W, H, k->depth, k->colour, k->interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (k->colour == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[256];
        for (unsigned i = 0; i < 256; i++) {
            uint8_t rgb[3];
            palette_entry(i, rgb);
            palette[i] = (png_color){rgb[0], rgb[1], rgb[2]};
        }
        png_set_PLTE(png, info, palette, 1 << k->depth);
    }
    png_color_16 clear = {.gray = (png_uint_16)sample(2, 3, 0, k->depth),
                          .red = (png_uint_16)sample(2, 3, 0, k->depth),
                          .green = (png_uint_16)sample(2, 3, 1, k->depth),
                          .blue = (png_uint_16)sample(2, 3, 2, k->depth)};
    int entries = k->depth == 1 ? 2 : 3;
    if (k->transparent && k->colour == PNG_COLOR_TYPE_PALETTE) png_set_tRNS(png, info, ENTRIES_ALPHA, entries, NULL);
    if (k->transparent && k->colour != PNG_COLOR_TYPE_PALETTE) png_set_tRNS(png, info, NULL, 0, &clear);
    png_write_info(png, info);
    png_set_packing(png);
    uint8_t rows[H][W * 8], *row[H];
    int c = channels_of(k->colour), wide = k->depth == 16 ? 2 : 1;
    for (int y = 0; y < H; y++) {
        row[y] = rows[y];
        for (int i = 0; i < W * c; i++) {
            unsigned v = sample(y, i / c, i % c, k->depth);
            if (wide == 2) rows[y][2 * i] = (uint8_t)(v >> 8);
            rows[y][wide * i + wide - 1] = (uint8_t)v;
        }
    }
    png_write_image(png, row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
}

static uint8_t byte_of(unsigned v, int depth) {
    return (uint8_t)(depth == 16 ? v >> 8 : v * 255 / ((1u << depth) - 1));
}

// What it looks like on white paper.
static image png_meant(const kind *k) {
    int c = channels_of(k->colour), colours = k->colour == PNG_COLOR_TYPE_PALETTE || c >= 3 ? 3 : 1;
    image im;
    OK(image_new(H, W, colours, &im));
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            uint8_t value[4] = {0};
            unsigned alpha = 255, i = sample(y, x, 0, k->depth);
            bool clear = true;
            for (int j = 0; j < c; j++) {
                value[j] = byte_of(sample(y, x, j, k->depth), k->depth);
                clear = clear && sample(y, x, j, k->depth) == sample(2, 3, j, k->depth);
            }
            if (k->colour & PNG_COLOR_MASK_ALPHA) alpha = value[c - 1];
            if (k->transparent) alpha = clear ? 0 : 255;
            if (k->colour == PNG_COLOR_TYPE_PALETTE) {
                palette_entry(i, value);
                alpha = k->transparent && i < 3 ? ENTRIES_ALPHA[i] : 255;
            }
            for (int j = 0; j < colours; j++) im.pixels[(y * W + x) * colours + j] = (uint8_t)((value[j] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    return im;
}

static void test_png(void **state) {
    (void)state;
    static const int COLOURS[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_PALETTE, PNG_COLOR_TYPE_GA, PNG_COLOR_TYPE_RGBA};
    int count = 0;
    for (size_t i = 0; i < sizeof COLOURS / sizeof *COLOURS; i++)
        for (int depth = 1; depth <= 16; depth *= 2)
            for (int more = 0; more < 4; more++) {
                kind k = {COLOURS[i], depth, more & 1 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, more >> 1};
                if (k.colour == PNG_COLOR_TYPE_PALETTE ? depth > 8 : k.colour != PNG_COLOR_TYPE_GRAY && depth < 8) continue;
                if ((k.colour & PNG_COLOR_MASK_ALPHA) && k.transparent) continue;
                coded c;
                image want = png_meant(&k);
                write_png(&k, &c);
                decodes(&c, &want);
                image_free(&want);
                count++;
            }
    assert_int_equal(count, 5 * 4 + 2 * 4 + 4 * 4 + 2 * 2 + 2 * 2);
}

// Formats without a library: written by hand. Pictures are H x W. -------------------------------------------------------------------------------------

static image scene(int channels) {
    return picture(H, W, channels, 3);
}

static void le16(coded *c, int v) {
    PUT(c, (uint8_t)v, (uint8_t)(v >> 8));
}

static void be16(coded *c, int v) {
    PUT(c, (uint8_t)(v >> 8), (uint8_t)v);
}

static void le32(coded *c, int v) {
    le16(c, v & 0xffff);
    le16(c, v >> 16);
}

static void bgr(coded *c, const image *im, int y) {
    for (int x = 0; x < W; x++) {
        const uint8_t *p = im->pixels + (y * W + x) * 3;
        PUT(c, p[2], p[1], p[0]);
    }
}

static void bmp_head(coded *c, int height, int width) {
    PUT(c, 'B', 'M');
    le32(c, 0), le32(c, 0), le32(c, 54);
    le32(c, 40), le32(c, width), le32(c, height), le16(c, 1), le16(c, 24);
    for (int i = 0; i < 6; i++) le32(c, 0);
}

static void make_bmp(coded *c) {
    image im = scene(3);
    bmp_head(c, H, W);
    for (int y = H - 1; y >= 0; y--) {
        bgr(c, &im, y);
        put(c, "\0\0\0", (4 - W * 3 % 4) % 4);
    }
    image_free(&im);
}

static void make_bmp_from_the_top(coded *c) {
    image im = scene(3);
    bmp_head(c, -H, W);
    for (int y = 0; y < H; y++) {
        bgr(c, &im, y);
        put(c, "\0\0\0", (4 - W * 3 % 4) % 4);
    }
    image_free(&im);
}

// Without masks: the fourth byte of a pixel is nothing.
static void make_bmp_of_32_bits(coded *c) {
    image im = scene(3);
    bmp_head(c, -H, W);
    c->bytes[28] = 32;
    for (int i = 0; i < H * W; i++) PUT(c, im.pixels[3 * i + 2], im.pixels[3 * i + 1], im.pixels[3 * i], (uint8_t)i);
    image_free(&im);
}

// Indices behind the palette are black, whatever was in memory.
static void test_short_palette(void **state) {
    (void)state;
    coded c = {.n = 0};
    PUT(&c, 'B', 'M');
    le32(&c, 0), le32(&c, 0), le32(&c, 58);
    le32(&c, 40), le32(&c, 2), le32(&c, 1), le16(&c, 1), le16(&c, 8);
    for (int i = 0; i < 6; i++) le32(&c, i == 4); // one colour
    PUT(&c, 10, 20, 30, 0, 0, 200, 0, 0);
    image want;
    OK(image_new(1, 2, 3, &want));
    memcpy(want.pixels, (const uint8_t[]){30, 20, 10, 0, 0, 0}, 6);
    decodes(&c, &want);
    image_free(&want);
}

static void tga_head(coded *c, int height, int width) {
    PUT(c, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    le16(c, width), le16(c, height);
    PUT(c, 24, 0x20); // top row first
}

static void make_tga(coded *c) {
    image im = scene(3);
    tga_head(c, H, W);
    for (int y = 0; y < H; y++) bgr(c, &im, y);
    image_free(&im);
}

static void make_tga_from_the_right(coded *c) {
    image im = scene(3);
    tga_head(c, H, W);
    c->bytes[17] |= 0x10;
    for (int i = 0; i < H * W; i++) {
        const uint8_t *p = im.pixels + 3 * (i / W * W + W - 1 - i % W);
        PUT(c, p[2], p[1], p[0]);
    }
    image_free(&im);
}

static void make_pnm(coded *c) {
    image im = scene(3);
    char head[64];
    put(c, head, (size_t)snprintf(head, sizeof head, "P6\n# made by hand\n%d %d\n255\n", W, H));
    put(c, im.pixels, image_bytes(&im));
    image_free(&im);
}

static void make_pgm(coded *c) {
    image im = scene(1);
    char head[64];
    put(c, head, (size_t)snprintf(head, sizeof head, "P5 %d %d 255\n", W, H));
    put(c, im.pixels, image_bytes(&im));
    image_free(&im);
}

static void psd_head(coded *c, int height, int width) {
    put(c, "8BPS\0\1\0\0\0\0\0\0\0\3", 14);
    be16(c, 0), be16(c, height), be16(c, 0), be16(c, width), be16(c, 8), be16(c, 3);
    for (int i = 0; i < 6; i++) be16(c, 0); // no palette, resources, layers
    be16(c, 0);                             // as it is
}

static void make_psd(coded *c) {
    image im = scene(3);
    psd_head(c, H, W);
    for (size_t plane = 0; plane < 3; plane++)
        for (size_t i = 0; i < (size_t)H * W; i++) put(c, im.pixels + 3 * i + plane, 1);
    image_free(&im);
}

static void gif_head(coded *c, int height, int width) {
    put(c, "GIF89a", 6);
    le16(c, width), le16(c, height);
    PUT(c, 0xf6, 0, 0); // 128 colours: greys
    for (int i = 0; i < 128; i++) PUT(c, (uint8_t)(2 * i), (uint8_t)(2 * i), (uint8_t)(2 * i));
    PUT(c, ',', 0, 0, 0, 0);
    le16(c, width), le16(c, height);
    PUT(c, 0, 7);
}

// Uncompressed: every code has 8 bits, and the table is cleared before they grow.
static void make_gif(coded *c) {
    image im = scene(1);
    gif_head(c, H, W);
    for (size_t i = 0; i < (size_t)H * W; i += 60) {
        size_t n = (size_t)H * W - i < 60 ? (size_t)H * W - i : 60;
        PUT(c, (uint8_t)(n + 1), 128); // clear
        for (size_t j = 0; j < n; j++) PUT(c, im.pixels[i + j] >> 1);
    }
    PUT(c, 1, 129, 0, ';');
    image_free(&im);
}

static void make_png(coded *c) {
    write_png(&(kind){PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, 0}, c);
}

static void make_interlaced(coded *c) {
    write_png(&(kind){PNG_COLOR_TYPE_RGBA, 16, PNG_INTERLACE_ADAM7, 0}, c);
}

static void make_jpeg(coded *c) {
    image im = scene(3);
    uint8_t *bytes;
    size_t n;
    OK(image_encode_jpeg(&im, 90, &bytes, &n));
    put(c, bytes, n);
    free(bytes);
    image_free(&im);
}

static void make_webp(coded *c) {
    image im = scene(3);
    uint8_t *bytes;
    size_t n;
    OK(image_encode_webp(&im, 80, &bytes, &n));
    put(c, bytes, n);
    free(bytes);
    image_free(&im);
}

// Without loss: what comes back is what was meant.
static void make_lossless_webp(coded *c) {
    image im = scene(3);
    uint8_t *bytes = NULL;
    size_t n = WebPEncodeLosslessRGB(im.pixels, W, H, 3 * W, &bytes);
    put(c, bytes, n);
    WebPFree(bytes);
    image_free(&im);
}

static const struct maker {
    const char *name;
    void (*make)(coded *c);
    int channels; // of what it holds, 0 = not `scene`
    size_t tail;  // bytes at the end that no pixel needs
} MAKERS[] = {{"BMP", make_bmp, 3, 1},
              {"BMP", make_bmp_from_the_top, 3, 1},
              {"TGA", make_tga, 3, 0},
              {"PPM", make_pnm, 3, 0},
              {"PGM", make_pgm, 1, 0},
              {"PSD", make_psd, 3, 0},
              {"GIF", make_gif, -3, 4},
              {"PNG", make_png, 0, 0},
              {"JPEG", make_jpeg, 0, 0},
              {"PNG", make_interlaced, 0, 0},
              {"WebP", make_webp, 0, 0},
              {"WebP", make_lossless_webp, 3, 0},
              {"BMP", make_bmp_of_32_bits, 3, 0},
              {"TGA", make_tga_from_the_right, 3, 0}};
enum { N_MAKERS = sizeof MAKERS / sizeof *MAKERS };

static void test_other_formats(void **state) {
    (void)state;
    for (int i = 0; i < N_MAKERS; i++) {
        if (MAKERS[i].channels == 0) continue;
        coded c = {.n = 0};
        image want = scene(MAKERS[i].channels < 0 ? 1 : MAKERS[i].channels);
        MAKERS[i].make(&c);
        if (MAKERS[i].channels < 0) { // a GIF of 128 greys
            for (size_t j = 0; j < image_bytes(&want); j++) want.pixels[j] &= 0xfe;
            OK(image_to_channels(&want, 3));
        }
        decodes(&c, &want);
        image_free(&want);
    }
}

// What a small first frame leaves free is white paper, whatever the number of the background.
static void test_small_frame(void **state) {
    (void)state;
    coded c = {.n = 0};
    gif_head(&c, 1, 3);
    c.bytes[11] = 9;
    memcpy(c.bytes + c.n - 10, (const uint8_t[]){1, 0, 0, 0, 1, 0, 1, 0}, 8); // its place and size
    PUT(&c, 2, 128, 5, 1, 129, 0, ';');
    image want;
    OK(image_new(1, 3, 3, &want));
    memcpy(want.pixels, (const uint8_t[]){255, 255, 255, 10, 10, 10, 255, 255, 255}, 9);
    decodes(&c, &want);
    image_free(&want);
}

static void test_psd_of_other_colours(void **state) {
    (void)state;
    coded c = {.n = 0};
    image im;
    make_psd(&c);
    c.bytes[25] = 4; // CMYK
    REFUSED(image_decode(c.bytes, c.n, "p", &im), "p: a PSD that is not RGB is not supported");
}

static void test_maximum_of_pnm(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        uint8_t want[3];
    } OF[] = {{"P5 3 1 15 \0\7\17", 13, {0, 119, 255}},
              {"P5\t3#three\n1\r1 \1\0\2", 18, {255, 0, 255}}, // above the maximum is the maximum
              {"P6\n1 1\n1023\n\0\0\1\0\3\377", 18, {0, 64, 255}},
              {"P5 3 1 65535\n\0\200\200\0\377\377", 19, {0, 128, 255}}};
    for (size_t i = 0; i < sizeof OF / sizeof *OF; i++) {
        coded c = {.n = 0};
        image want;
        put(&c, OF[i].bytes, OF[i].n);
        OK(image_new(1, OF[i].bytes[1] == '6' ? 1 : 3, OF[i].bytes[1] == '6' ? 3 : 1, &want));
        memcpy(want.pixels, OF[i].want, 3);
        decodes(&c, &want);
        image_free(&want);
    }
}

// Broken ones. ----------------------------------------------------------------------------------------------------------------------------------------

static void test_cut_anywhere(void **state) {
    (void)state;
    for (int i = 0; i < N_MAKERS; i++) {
        coded c = {.n = 0};
        MAKERS[i].make(&c);
        for (size_t n = 0; n + MAKERS[i].tail < c.n; n++) {
            image im;
            uint8_t *bytes = malloc(n + 1);
            assert_non_null(bytes);
            memcpy(bytes, c.bytes, n);
            if (image_decode(bytes, n, "cut.file", &im) == FOIL_OK) fail_msg("%s cut at %zu of %zu is taken for whole", MAKERS[i].name, n, c.n);
            assert_non_null(strstr(foil_error(), "cut.file: "));
            assert_null(im.pixels);
            free(bytes);
        }
    }
}

// stb_image reads rows past its buffer of 128 bytes at once: the rest may be as long as the buffer.
static void test_cut_where_buffers_end(void **state) {
    (void)state;
    for (int pixels = 100; pixels < 400; pixels++) {
        coded c = {.n = 0};
        tga_head(&c, 1, pixels);
        size_t n = (size_t)pixels * 3;
        memset(c.bytes + c.n, 7, n);
        image im;
        REFUSED(image_decode(c.bytes, c.n + n - 1, "p", &im), "p: truncated");
        OK(image_decode(c.bytes, c.n + n, "p", &im));
        image_free(&im);
    }
}

static void test_rotten_bytes(void **state) {
    (void)state;
    for (int i = 0; i < N_MAKERS; i++) {
        coded c = {.n = 0};
        MAKERS[i].make(&c);
        for (uint64_t trial = 0; trial < 100; trial++) {
            coded bad = c;
            philox_key k = {trial, 97, (uint64_t)i};
            for (uint64_t j = 0; j < 1 + trial % 4; j++)
                bad.bytes[philox_below(k, 2 * j, trial % 2 ? (uint32_t)c.n : 64)] = (uint8_t)philox_below(k, 2 * j + 1, 256);
            image im;
            if (image_decode(bad.bytes, bad.n, "rotten.file", &im) != FOIL_OK) assert_non_null(strstr(foil_error(), "rotten.file: "));
            image_free(&im);
        }
    }
}

static void refused(const void *bytes, size_t n, const char *words) {
    image im;
    REFUSED(image_decode(bytes, n, "big", &im), words);
    assert_null(im.pixels);
}

static void test_more_pixels_than_bytes(void **state) {
    (void)state;
    const int big = 60000;
    const char *words = "60000 x 60000 pixels, more than the 268 million that are read";
    void (*const HEADS[])(coded *, int, int) = {bmp_head, tga_head, gif_head, psd_head};
    for (int i = 0; i < 4; i++) {
        coded c = {.n = 0};
        HEADS[i](&c, i == 3 ? 29000 : big, i == 3 ? 29000 : big); // PSD: stb_image's own limit is 30000
        refused(c.bytes, c.n, i == 3 ? "29000 x 29000 pixels, more than" : "big: ");
    }
    refused("P6 60000 60000 255\n", 19, words);
    refused("P6 16000 16000 255\n", 19, "truncated");
    refused("P5 0 4 255\n ", 12, "big: a picture of no pixels");
    refused("P5 4 4 65536\n ", 14, "big: corrupt picture");
    refused("P5 99999999999999999999999 1 255\n ", 34, "more than the 268 million");
    coded c = {.n = 0};
    make_jpeg(&c);
    for (size_t i = 0; i + 9 < c.n; i++)
        if (c.bytes[i] == 0xff && c.bytes[i + 1] == 0xc0) memcpy(c.bytes + i + 5, "\xea\x60\xea\x60", 4);
    refused(c.bytes, c.n, words);
    c.n = 0;
    make_png(&c);
    memcpy(c.bytes + 16, "\0\0\xea\x60\0\0\xea\x60", 8);
    uint32_t crc = (uint32_t)crc32(0, c.bytes + 12, 17);
    for (int i = 0; i < 4; i++) c.bytes[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    refused(c.bytes, c.n, words);
}

static void test_other_files(void **state) {
    (void)state;
    refused("", 0, "big: empty file");
    refused("hello, this is a letter", 23, "big: not a picture of a known format (PNG, JPEG");
    refused("RIFF\x16\0\0\0WEBPVP8 ", 16, "big: truncated WebP");
    refused("RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0hello, you", 30, "big: corrupt WebP");
    refused("RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x0a\0\0\x06\0\0", 30, "big: animated WebP is not supported");
    refused("\0\0\0\x1c"
            "ftypavif",
            12, "AVIF or HEIC is not supported");
    refused("II*\0\x08\0\0\0", 8, "TIFF is not supported");
    image im;
    REFUSED(image_read("none.png", &im), "none.png");
    assert_true(image_has_known_suffix("a/B.JPeG"));
    assert_true(image_has_known_suffix("a/b.webp"));
    assert_true(image_has_known_suffix("a/b.jfif"));
    assert_true(image_has_known_suffix("a/IMG_0001.HEIC")); // is told of, though it can't be read
    assert_false(image_has_known_suffix("a/png"));
}

// EXIF. -----------------------------------------------------------------------------------------------------------------------------------------------

// The JPEG with an Exif block of one entry behind its first two bytes.
static void with_exif(const coded *plain, int orientation, bool little, coded *to) {
    coded tiff = {.n = 0};
    if (little)
        PUT(&tiff, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (uint8_t)orientation, 0, 0, 0, 0, 0, 0, 0);
    else
        PUT(&tiff, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (uint8_t)orientation, 0, 0, 0, 0, 0, 0);
    to->n = 0;
    put(to, plain->bytes, 2);
    PUT(to, 0xff, 0xe1);
    be16(to, (int)tiff.n + 8);
    put(to, "Exif\0\0", 6);
    put(to, tiff.bytes, tiff.n);
    put(to, plain->bytes + 2, plain->n - 2);
}

// Where the upright picture's pixel (y, x) is in the stored one, by the table of the EXIF standard.
static size_t stored_at(int orientation, int y, int x) {
    int sy = orientation >= 5 ? x : y, sx = orientation >= 5 ? y : x;
    if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) sx = W - 1 - sx;
    if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) sy = H - 1 - sy;
    return (size_t)(sy * W + sx) * 3;
}

static void test_orientations(void **state) {
    (void)state;
    coded plain = {.n = 0}, c;
    image stored, im;
    make_jpeg(&plain);
    OK(image_decode(plain.bytes, plain.n, "p", &stored));
    for (int orientation = 0; orientation < 12; orientation++)
        for (int little = 0; little < 2; little++) {
            int as = orientation >= 1 && orientation <= 8 ? orientation : 1;
            with_exif(&plain, orientation, little, &c);
            OK(image_decode(c.bytes, c.n, "p", &im));
            assert_int_equal(im.height, as >= 5 ? W : H);
            assert_int_equal(im.width, as >= 5 ? H : W);
            for (int y = 0; y < im.height; y++)
                for (int x = 0; x < im.width; x++) assert_memory_equal(im.pixels + (y * im.width + x) * 3, stored.pixels + stored_at(as, y, x), 3);
            image_free(&im);
        }
    // A rotten block is as good as none.
    for (size_t at = 12; at < 38; at++)
        for (int value = 0; value < 256; value += 5) {
            with_exif(&plain, 6, at % 2, &c);
            c.bytes[at] = (uint8_t)value;
            OK(image_decode(c.bytes, c.n, "p", &im));
            assert_int_equal(im.height * im.width, H * W);
            image_free(&im);
        }
    image_free(&stored);
}

// WebP: lossless bits in the extended container, with alpha and the EXIF block behind them.
static void extended_webp(const image *rgba, int orientation, const char *prefix, coded *to) {
    uint8_t *bytes = NULL;
    size_t n = WebPEncodeLosslessRGBA(rgba->pixels, W, H, 4 * W, &bytes), exif = strlen(prefix) ? 6 : 0;
    to->n = 0;
    put(to, "RIFF", 4), le32(to, (int)(4 + 18 + n - 12 + 8 + exif + 26));
    put(to, "WEBPVP8X", 8), le32(to, 10);
    PUT(to, 0x18, 0, 0, 0, W - 1, 0, 0, H - 1, 0, 0);
    put(to, bytes + 12, n - 12);
    put(to, "EXIF", 4), le32(to, (int)exif + 26);
    put(to, prefix, exif);
    PUT(to, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (uint8_t)orientation, 0, 0, 0, 0, 0, 0, 0);
    WebPFree(bytes);
}

static void test_webp_of_all_parts(void **state) {
    (void)state;
    image rgba, flat, im;
    OK(image_new(H, W, 4, &rgba));
    OK(image_new(H, W, 3, &flat));
    for (int i = 0; i < H * W; i++)
        for (int c = 0; c < 4; c++) {
            rgba.pixels[4 * i + c] = (uint8_t)(sample(i / W, i % W, c, 8) | (c == 3));
            if (c < 3) continue;
            unsigned alpha = rgba.pixels[4 * i + 3];
            for (int k = 0; k < 3; k++) flat.pixels[3 * i + k] = (uint8_t)((rgba.pixels[4 * i + k] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    for (int orientation = 0; orientation < 10; orientation++)
        for (int marked = 0; marked < 2; marked++) {
            int as = orientation >= 1 && orientation <= 8 ? orientation : 1;
            coded c;
            extended_webp(&rgba, orientation, marked ? "Exif\0" : "", &c);
            OK(image_decode(c.bytes, c.n, "p", &im));
            assert_int_equal(im.height, as >= 5 ? W : H);
            assert_int_equal(im.channels, 3);
            for (int y = 0; y < im.height; y++)
                for (int x = 0; x < im.width; x++) assert_memory_equal(im.pixels + (y * im.width + x) * 3, flat.pixels + stored_at(as, y, x), 3);
            image_free(&im);
        }
    image_free(&rgba);
    image_free(&flat);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_png),
                                       cmocka_unit_test(test_other_formats),
                                       cmocka_unit_test(test_short_palette),
                                       cmocka_unit_test(test_small_frame),
                                       cmocka_unit_test(test_psd_of_other_colours),
                                       cmocka_unit_test(test_maximum_of_pnm),
                                       cmocka_unit_test(test_cut_anywhere),
                                       cmocka_unit_test(test_cut_where_buffers_end),
                                       cmocka_unit_test(test_rotten_bytes),
                                       cmocka_unit_test(test_more_pixels_than_bytes),
                                       cmocka_unit_test(test_other_files),
                                       cmocka_unit_test(test_orientations),
                                       cmocka_unit_test(test_webp_of_all_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
