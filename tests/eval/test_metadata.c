// Metadata as programs write it, and as hostile files have it: cut at every byte, with every length wrong.
#include <zlib.h>

#include "base/text.h"
#include "eval/metadata.h"
#include "tests/data/pictures.h"

typedef struct block {
    uint8_t bytes[8192];
    size_t n;
} block;

static void put(block *b, const void *bytes, size_t n) {
    assert_true(b->n + n <= sizeof b->bytes);
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

static void put_big(block *b, size_t v, int width) {
    for (int i = width - 1; i >= 0; i--) put(b, &(uint8_t){(uint8_t)(v >> (8 * i))}, 1);
}

static void chunk(block *png, const char *type, const void *data, size_t n) {
    put_big(png, n, 4);
    put(png, type, 4);
    put(png, data, n);
    put(png, "crc?", 4);
}

static void segment(block *jpeg, uint8_t marker, const void *data, size_t n) {
    put(jpeg, (uint8_t[]){0xff, marker}, 2);
    put_big(jpeg, n + 2, 2);
    put(jpeg, data, n);
}

// A TIFF block with texts in its first folder, and the comment of a generator in its second.
static block exif(const char *make, const char *model, const char *software, const char *comment) {
    block t = {0};
    const char *texts[] = {make, model, software};
    const int tags[] = {0x010f, 0x0110, 0x0131};
    size_t at = 8 + 2 + 4 * 12 + 4, sub;
    put(&t, "MM\0*\0\0\0\10", 8);
    put_big(&t, 4, 2);
    for (int i = 0; i < 3; i++) {
        put_big(&t, (size_t)tags[i], 2);
        put_big(&t, 2, 2);
        put_big(&t, strlen(texts[i]) + 1, 4);
        put_big(&t, at, 4);
        at += strlen(texts[i]) + 1;
    }
    sub = at;
    put_big(&t, 0x8769, 2);
    put_big(&t, 4, 2);
    put_big(&t, 1, 4);
    put_big(&t, sub, 4);
    put_big(&t, 0, 4);
    for (int i = 0; i < 3; i++) put(&t, texts[i], strlen(texts[i]) + 1);
    put_big(&t, 1, 2);
    put_big(&t, 0x9286, 2);
    put_big(&t, 7, 2);
    put_big(&t, 8 + 2 * strlen(comment), 4);
    put_big(&t, sub + 2 + 12 + 4, 4);
    put_big(&t, 0, 4);
    put(&t, "UNICODE\0", 8);
    for (const char *c = comment; *c; c++) put_big(&t, (size_t)*c, 2);
    return t;
}

static const char RECIPE[] = "a cat\nNegative prompt: a dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1";
static const char XMP[] = "<x:xmpmeta><rdf:Description xmp:CreatorTool=\"Adobe Photoshop 25.0\" Iptc4xmpExt:DigitalSourceType="
                          "\"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\"/></x:xmpmeta>";

static void text_chunk(block *png, const char *keyword, const char *value) {
    block data = {0};
    put(&data, keyword, strlen(keyword) + 1);
    put(&data, value, strlen(value));
    chunk(png, "tEXt", data.bytes, data.n);
}

static block png_begun(void) {
    block b = {0};
    put(&b, "\x89PNG\r\n\x1a\n", 8);
    return b;
}

// The only item, of this kind.
static void assert_single(const block *b, metadata_kind kind, const char *where, const char *words) {
    metadata m;
    metadata_read(b->bytes, b->n, &m);
    if (m.n != 1) fail_msg("%s: %d items", where, m.n);
    assert_int_equal(m.item[0].kind, kind);
    assert_string_equal(m.item[0].where, where);
    assert_string_equal(m.item[0].text, words);
}

static void test_texts_of_generators(void **state) {
    (void)state;
    static const struct {
        const char *keyword, *value;
        metadata_kind kind;
    } CASES[] = {{"parameters", "a cat", METADATA_GENERATOR},
                 {"prompt", "{\"3\": {\"class_type\": \"KSampler\"}}", METADATA_GENERATOR},
                 {"prompt", "a question to the reader", METADATA_OTHER},
                 {"workflow", "{\"last_node_id\": 9, \"nodes\": []}", METADATA_GENERATOR},
                 {"invokeai_metadata", "{}", METADATA_GENERATOR},
                 {"sd-metadata", "{}", METADATA_GENERATOR},
                 {"Dream", "\"a cat\" -s 50", METADATA_GENERATOR},
                 {"Software", "NovelAI", METADATA_GENERATOR},
                 {"Software", "Adobe ImageReady", METADATA_SOFTWARE},
                 {"Description", "a cat --v 6 Job ID: 1234", METADATA_GENERATOR},
                 {"Description", "a cat", METADATA_OTHER},
                 {"Negative Prompt", "a dog", METADATA_GENERATOR},
                 {"Comment", "Steps: 20, Sampler: Euler", METADATA_GENERATOR},
                 {"Comment", "Created with GIMP", METADATA_OTHER}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        block b = png_begun();
        char where[64];
        text_chunk(&b, CASES[i].keyword, CASES[i].value);
        chunk(&b, "IEND", "", 0);
        text_chunk(&b, "parameters", "after the end"); // not looked at
        snprintf(where, sizeof where, "PNG tEXt %s", CASES[i].keyword);
        assert_single(&b, CASES[i].kind, where, CASES[i].value);
    }
}

static void test_compressed_and_international_texts(void **state) {
    (void)state;
    uint8_t packed[512];
    uLongf n = sizeof packed;
    assert_int_equal(compress(packed, &n, (const Bytef *)RECIPE, sizeof RECIPE - 1), Z_OK);
    block z = png_begun(), i = png_begun(), x = png_begun(), data = {0};
    put(&data, "parameters\0\0", 12);
    put(&data, packed, n);
    chunk(&z, "zTXt", data.bytes, data.n);
    assert_single(&z, METADATA_GENERATOR, "PNG zTXt parameters", "a cat Negative prompt: a dog Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1");
    data.n = 0;
    put(&data, "Comment\0\1\0de\0Kommentar\0", 23);
    put(&data, packed, n);
    chunk(&i, "iTXt", data.bytes, data.n);
    assert_single(&i, METADATA_GENERATOR, "PNG iTXt Comment", "a cat Negative prompt: a dog Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1");
    data.n = 0;
    put(&data, "XML:com.adobe.xmp\0\0\0\0\0", 22);
    put(&data, XMP, sizeof XMP - 1);
    chunk(&x, "iTXt", data.bytes, data.n);
    metadata m;
    metadata_read(x.bytes, x.n, &m);
    assert_int_equal(m.n, 2);
    assert_string_equal(m.item[0].text, "Adobe Photoshop 25.0");
    assert_int_equal(m.item[0].kind, METADATA_SOFTWARE);
    assert_string_equal(m.item[1].text, "trainedAlgorithmicMedia");
    assert_int_equal(m.item[1].kind, METADATA_ORIGIN);
}

static block jpeg_of_everything(void) {
    block b = {0}, data = {0}, tiff = exif("Canon", "EOS 5D", "Photos 1.0", RECIPE);
    put(&b, "\xff\xd8", 2);
    put(&data, "Exif\0\0", 6);
    put(&data, tiff.bytes, tiff.n);
    segment(&b, 0xe1, data.bytes, data.n);
    data.n = 0;
    put(&data, "http://ns.adobe.com/xap/1.0/\0", 29);
    put(&data, XMP, sizeof XMP - 1);
    segment(&b, 0xe1, data.bytes, data.n);
    for (int i = 0; i < 2; i++) segment(&b, 0xeb, "JP\0\1\0\0\0\1\0\0\0\40jumb\0\0\0\30jumdc2pa....", 32); // a manifest in two segments
    segment(&b, 0xed,
            "Photoshop 3.0\0"
            "8BIM",
            18);
    segment(&b, 0xfe, "CREATOR: gd-jpeg", 16);
    segment(&b, 0xda, "", 0);
    segment(&b, 0xfe, "after the scan", 14);
    return b;
}

static void test_jpeg(void **state) {
    (void)state;
    static const struct {
        metadata_kind kind;
        const char *text;
    } WANTED[] = {{METADATA_CAMERA, "Canon EOS 5D"},
                  {METADATA_SOFTWARE, "Photos 1.0"},
                  {METADATA_GENERATOR, "a cat Negative prompt: a dog Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"},
                  {METADATA_SOFTWARE, "Adobe Photoshop 25.0"},
                  {METADATA_ORIGIN, "trainedAlgorithmicMedia"},
                  {METADATA_C2PA, "a manifest of content credentials, not verified"},
                  {METADATA_OTHER, "Photoshop's or IPTC's block"},
                  {METADATA_OTHER, "CREATOR: gd-jpeg"}};
    block b = jpeg_of_everything();
    metadata m;
    metadata_read(b.bytes, b.n, &m);
    for (int i = 0; i < m.n && i < 8; i++) {
        assert_string_equal(m.item[i].text, WANTED[i].text);
        assert_int_equal(m.item[i].kind, WANTED[i].kind);
    }
    assert_int_equal(m.n, 8);
}

static block webp(void) {
    block b = {0}, tiff = exif("Nikon", "D300", "", "hello");
    put(&b, "RIFF....WEBPEXIF", 16);
    put(&b, (uint8_t[]){(uint8_t)tiff.n, (uint8_t)(tiff.n >> 8), 0, 0}, 4);
    put(&b, tiff.bytes, tiff.n);
    if (tiff.n & 1) put(&b, "", 1);
    put(&b, "C2PA\4\0\0\0jumb", 12);
    return b;
}

static void test_webp(void **state) {
    (void)state;
    block b = webp();
    metadata m;
    metadata_read(b.bytes, b.n, &m);
    assert_int_equal(m.n, 3);
    assert_string_equal(m.item[0].text, "Nikon D300");
    assert_int_equal(m.item[2].kind, METADATA_C2PA);
}

static void test_long_texts_are_cut_between_characters(void **state) {
    (void)state;
    block b = png_begun();
    char value[400] = "x";
    for (int i = 0; i < 190; i++) memcpy(value + 1 + 2 * i, "é", 3);
    text_chunk(&b, "Title", value);
    text_chunk(&b, "Title", "bad\xff\x1b[31mbytes");
    metadata m;
    metadata_read(b.bytes, b.n, &m);
    assert_true(text_is_utf8(m.item[0].text) && text_ends(m.item[0].text, "é ..."));
    assert_string_equal(m.item[1].text, "bad? [31mbytes");
    for (int i = 0; i < 100; i++) text_chunk(&b, "Title", "x");
    metadata_read(b.bytes, b.n, &m);
    assert_int_equal(m.n, METADATA_MOST);
}

// Each copy is a block of its own on the heap, so that a byte read beyond it is seen under the sanitizer.
static void read_copy(const uint8_t *bytes, size_t n) {
    uint8_t *copy = malloc(n ? n : 1);
    metadata m;
    assert_non_null(copy);
    if (n) memcpy(copy, bytes, n);
    metadata_read(copy, n, &m);
    for (int i = 0; i < m.n; i++) assert_true(text_is_utf8(m.item[i].text) && text_is_utf8(m.item[i].where));
    free(copy);
}

static void test_hostile_files(void **state) {
    (void)state;
    block png = png_begun(), seeds[3] = {{{0}, 0}, jpeg_of_everything(), webp()}, tiff = exif("A", "B", "C", "D");
    uint8_t packed[512];
    uLongf n = sizeof packed;
    block data = {0};
    compress(packed, &n, (const Bytef *)RECIPE, sizeof RECIPE - 1);
    put(&data, "Comment\0\1\0de\0Kommentar\0", 23);
    put(&data, packed, n);
    text_chunk(&png, "parameters", RECIPE);
    chunk(&png, "iTXt", data.bytes, data.n);
    chunk(&png, "eXIf", tiff.bytes, tiff.n);
    chunk(&png, "caBX", XMP, sizeof XMP);
    seeds[0] = png;
    for (int s = 0; s < 3; s++) {
        for (size_t cut = 0; cut <= seeds[s].n; cut++) read_copy(seeds[s].bytes, cut);
        for (size_t at = 0; at < seeds[s].n; at++)
            for (int k = 0; k < 3; k++) {
                block changed = seeds[s];
                changed.bytes[at] = (uint8_t[]){0, 0xff, (uint8_t)(changed.bytes[at] ^ 0x80)}[k];
                read_copy(changed.bytes, changed.n);
            }
        for (uint64_t seed = 0; seed < 2000; seed++) { // several bytes at once
            block changed = seeds[s];
            philox_key key = {seed, 96, 0};
            for (uint64_t i = 0; i < 8; i++) changed.bytes[philox_below(key, 2 * i, (uint32_t)changed.n)] = (uint8_t)philox_u32(key, 2 * i + 1);
            read_copy(changed.bytes, changed.n);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts_of_generators),
                                       cmocka_unit_test(test_compressed_and_international_texts),
                                       cmocka_unit_test(test_jpeg),
                                       cmocka_unit_test(test_webp),
                                       cmocka_unit_test(test_long_texts_are_cut_between_characters),
                                       cmocka_unit_test(test_hostile_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
