// Finding the blocks of a file, and reading what is in them. Blocks: PNG (ISO/IEC 15948), JPEG (ITU-T T.81; APP11: ISO/IEC 19566-5), WebP (RFC 9649). C2PA's
// place in each: Content Credentials specification, "Embedding manifests". XMP and manifests are searched for words, not parsed.
#include "eval/metadata.h"

#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "base/text.h"
#include "eval/metadata_exif.h"

const char *const METADATA_NAMES[] = {"camera", "software", "generator", "origin", "C2PA", "other", NULL};

// Adding. ---------------------------------------------------------------------------------------------------------------------------------------------

static void tidy(char *t) {
    bool utf8 = text_is_utf8(t);
    for (; *t; t++)
        if ((unsigned char)*t < ' ' || *t == 127 || (!utf8 && (unsigned char)*t > 126)) *t = (unsigned char)*t > 126 ? '?' : ' ';
}

// Cuts what is long, between two characters.
void metadata_add(metadata *m, metadata_kind kind, const char *where, const void *words, size_t n) {
    if (m->n == METADATA_MOST) return;
    struct metadata_item *item = &m->item[m->n++];
    *item = (struct metadata_item){.kind = kind};
    snprintf(item->where, sizeof item->where, "%s", where);
    tidy(item->where);
    const char *from = words;
    bool cut = n > METADATA_TEXT - 5;
    if (cut)
        for (n = METADATA_TEXT - 5; n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80; n--) {
        }
    for (size_t i = 0; i < n; i++) item->text[i] = from[i] ? from[i] : ' ';
    tidy(item->text);
    if (cut) memcpy(item->text + n, " ...", 5);
}

static bool holds(const void *within, size_t n, const char *words) {
    return memmem(within, n, words, strlen(words)) != NULL;
}

// What programs call themselves.
static const char *const GENERATORS[] = {
    "NovelAI", "Midjourney", "DALL-E",  "DALL·E",   "Firefly",  "Stable Diffusion",   "ComfyUI", "InvokeAI", "Draw Things",
    "Fooocus", "Imagen",     "SwarmUI", "Ideogram", "Leonardo", "Bing Image Creator", "OpenAI",  "FLUX",     "Made with Google AI",
    NULL};

void metadata_add_program(metadata *m, const char *where, const void *name, size_t n) {
    metadata_kind kind = METADATA_SOFTWARE;
    for (int i = 0; GENERATORS[i]; i++)
        if (holds(name, n, GENERATORS[i])) kind = METADATA_GENERATOR;
    metadata_add(m, kind, where, name, n);
}

// Words that Stable Diffusion's web interface and its relatives write, whatever the container.
bool metadata_is_recipe(const void *words, size_t n) {
    return (holds(words, n, "Steps: ") && holds(words, n, "Sampler: ")) || holds(words, n, "sui_image_params");
}

// IPTC's vocabulary, https://cv.iptc.org/newscodes/digitalsourcetype, in XMP or in a manifest.
static void find_origin(metadata *m, const char *where, const void *words, size_t n) {
    static const char VOCABULARY[] = "digitalsourcetype/";
    const char *from = memmem(words, n, VOCABULARY, sizeof VOCABULARY - 1);
    if (!from) return;
    from += sizeof VOCABULARY - 1;
    size_t left = n - (size_t)(from - (const char *)words), length = 0;
    while (length < left && length < 64 && ((from[length] | 32) >= 'a' && (from[length] | 32) <= 'z')) length++;
    metadata_add(m, METADATA_ORIGIN, where, from, length);
}

// As an attribute or as an element.
static void find_creator(metadata *m, const char *where, const void *words, size_t n) {
    static const char NAME[] = "xmp:CreatorTool";
    const char *from = memmem(words, n, NAME, sizeof NAME - 1), *end = (const char *)words + n;
    if (!from) return;
    from += sizeof NAME - 1;
    while (from < end && (*from == '=' || *from == '"' || *from == '\'' || *from == '>')) from++;
    const char *last = from;
    while (last < end && *last != '"' && *last != '\'' && *last != '<') last++;
    if (last > from) metadata_add_program(m, where, from, (size_t)(last - from));
}

static void read_xmp(metadata *m, const char *where, const void *words, size_t n) {
    int before = m->n;
    find_creator(m, where, words, n);
    find_origin(m, where, words, n);
    if (m->n == before) metadata_add(m, METADATA_OTHER, where, "XMP", 3);
}

static void read_manifest(metadata *m, const char *where, const void *words, size_t n) {
    static const char MANIFEST[] = "a manifest of content credentials, not verified";
    for (int i = 0; i < m->n; i++)
        if (m->item[i].kind == METADATA_C2PA) return; // one manifest comes in many segments
    metadata_add(m, METADATA_C2PA, where, MANIFEST, sizeof MANIFEST - 1);
    find_origin(m, where, words, n);
}

// PNG. ---------------------------------------------------------------------------------------------------------------------------------------------------

static uint32_t big(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// Keywords under which generators keep their settings, and what the value must hold (NULL: anything).
static const struct {
    const char *keyword, *holds;
} SETTINGS[] = {{"parameters", NULL},        // Stable Diffusion web UI, Fooocus, SwarmUI
                {"prompt", "class_type"},    // ComfyUI: the graph that ran
                {"workflow", "\"nodes\""},   // ComfyUI: the graph on the screen
                {"invokeai_metadata", NULL}, // InvokeAI 3 on
                {"invokeai_graph", NULL},
                {"sd-metadata", NULL}, // InvokeAI 2
                {"Dream", NULL},       // InvokeAI 1
                {"negative_prompt", NULL},
                {"Negative Prompt", NULL}, // Easy Diffusion
                {"fooocus_scheme", NULL},
                {"Source", "Stable Diffusion"}, // NovelAI
                {"Description", "Job ID: "}};   // Midjourney

static void read_keyword(metadata *m, const char *type, const char *keyword, const char *value, size_t n) {
    char where[48];
    snprintf(where, sizeof where, "PNG %s %s", type, keyword);
    if (!strcmp(keyword, "XML:com.adobe.xmp")) {
        read_xmp(m, where, value, n);
        return;
    }
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        if (!strcmp(keyword, SETTINGS[i].keyword) && (!SETTINGS[i].holds || holds(value, n, SETTINGS[i].holds))) {
            metadata_add(m, METADATA_GENERATOR, where, value, n);
            return;
        }
    if (!strcmp(keyword, "Software"))
        metadata_add_program(m, where, value, n);
    else
        metadata_add(m, metadata_is_recipe(value, n) ? METADATA_GENERATOR : METADATA_OTHER, where, value, n);
}

// The beginning of what was deflated is enough.
static void read_deflated(metadata *m, const char *type, const char *keyword, const uint8_t *from, size_t n) {
    enum { ENOUGH = 1 << 16 };
    static _Thread_local char to[ENOUGH];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)n, .next_out = (Bytef *)to, .avail_out = ENOUGH};
    if (inflateInit(&z) != Z_OK) return;
    inflate(&z, Z_SYNC_FLUSH);
    size_t length = ENOUGH - z.avail_out;
    inflateEnd(&z);
    if (length) read_keyword(m, type, keyword, to, length);
}

// keyword 0 …: tEXt has the text, zTXt a method and deflated text, iTXt a flag, a method, language 0, translated keyword 0, text.
static void read_text_chunk(metadata *m, const char *type, const uint8_t *data, size_t n) {
    const uint8_t *zero = memchr(data, 0, n < 80 ? n : 80);
    if (!zero) return;
    const char *keyword = (const char *)data;
    const uint8_t *at = zero + 1, *end = data + n;
    if (type[0] == 't') {
        read_keyword(m, type, keyword, (const char *)at, (size_t)(end - at));
    } else if (type[0] == 'z') {
        if (at < end) read_deflated(m, type, keyword, at + 1, (size_t)(end - at) - 1);
    } else {
        if (end - at < 2) return;
        bool deflated = at[0] == 1;
        at += 2;
        for (int i = 0; i < 2; i++) {
            at = memchr(at, 0, (size_t)(end - at));
            if (!at) return;
            at++;
        }
        if (deflated)
            read_deflated(m, type, keyword, at, (size_t)(end - at));
        else
            read_keyword(m, type, keyword, (const char *)at, (size_t)(end - at));
    }
}

static void read_png(metadata *m, const uint8_t *bytes, size_t n) {
    for (size_t at = 8; n - at >= 12;) {
        size_t length = big(bytes + at);
        char type[5] = {0};
        memcpy(type, bytes + at + 4, 4);
        const uint8_t *data = bytes + at + 8;
        if (length > n - at - 12 || !strcmp(type, "IEND")) return;
        if (!strcmp(type, "tEXt") || !strcmp(type, "zTXt") || !strcmp(type, "iTXt")) read_text_chunk(m, type, data, length);
        if (!strcmp(type, "eXIf")) metadata_read_exif(m, "PNG eXIf", data, length);
        if (!strcmp(type, "caBX")) read_manifest(m, "PNG caBX", data, length);
        at += length + 12;
    }
}

// JPEG. ------------------------------------------------------------------------------------------------------------------------------------------------

static bool begins(const uint8_t *data, size_t n, const char *mark, size_t length) {
    return n >= length && memcmp(data, mark, length) == 0;
}

static void read_segment(metadata *m, int marker, const uint8_t *data, size_t n) {
    static const char EXIF[] = "Exif\0", XMP[] = "http://ns.adobe.com/xap/1.0/", PHOTOSHOP[] = "Photoshop 3.0";
    if (marker == 0xe1 && begins(data, n, EXIF, sizeof EXIF)) metadata_read_exif(m, "JPEG EXIF", data + sizeof EXIF, n - sizeof EXIF);
    if (marker == 0xe1 && begins(data, n, XMP, sizeof XMP)) read_xmp(m, "JPEG XMP", data + sizeof XMP, n - sizeof XMP);
    if (marker == 0xeb && begins(data, n, "JP", 2) && (holds(data, n, "c2pa") || holds(data, n, "jumb"))) read_manifest(m, "JPEG APP11", data, n);
    if (marker == 0xed && begins(data, n, PHOTOSHOP, sizeof PHOTOSHOP))
        metadata_add(m, METADATA_OTHER, "JPEG APP13", "Photoshop's or IPTC's block", 27);
    if (marker == 0xfe) metadata_add(m, metadata_is_recipe(data, n) ? METADATA_GENERATOR : METADATA_OTHER, "JPEG comment", data, n);
}

// Until the first scan.
static void read_jpeg(metadata *m, const uint8_t *bytes, size_t n) {
    for (size_t at = 2; n - at >= 4;) {
        if (bytes[at] != 0xff) return;
        int marker = bytes[at + 1];
        if (marker == 0xff) { // filling
            at++;
            continue;
        }
        size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (marker == 0xda || marker == 0xd9 || length < 2 || length > n - at - 2) return;
        read_segment(m, marker, bytes + at + 4, length - 2);
        at += length + 2;
    }
}

// WebP. ------------------------------------------------------------------------------------------------------------------------------------------------

static void read_webp(metadata *m, const uint8_t *bytes, size_t n) {
    for (size_t at = 12; at < n && n - at >= 8;) {
        const uint8_t *p = bytes + at;
        size_t length = (size_t)p[4] | (size_t)p[5] << 8 | (size_t)p[6] << 16 | (size_t)p[7] << 24;
        if (length > n - at - 8) return;
        if (begins(p, 4, "EXIF", 4)) {
            size_t prefix = begins(p + 8, length, "Exif\0", 6) ? 6 : 0; // some writers leave JPEG's in
            metadata_read_exif(m, "WebP EXIF", p + 8 + prefix, length - prefix);
        }
        if (begins(p, 4, "XMP ", 4)) read_xmp(m, "WebP XMP", p + 8, length);
        if (begins(p, 4, "C2PA", 4)) read_manifest(m, "WebP C2PA", p + 8, length);
        at += 8 + length + (length & 1);
    }
}

void metadata_read(const uint8_t *bytes, size_t n, metadata *out) {
    *out = (metadata){0};
    if (begins(bytes, n, "\x89PNG\r\n\x1a\n", 8)) read_png(out, bytes, n);
    if (begins(bytes, n, "\xff\xd8", 2)) read_jpeg(out, bytes, n);
    if (n >= 12 && begins(bytes, n, "RIFF", 4) && memcmp(bytes + 8, "WEBP", 4) == 0) read_webp(out, bytes, n);
}
