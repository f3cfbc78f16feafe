#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "tests/cmocka.h"

static yaml *must_parse(const char *source) {
    yaml *doc;
    if (yaml_parse(source, "f.yaml", &doc) != FOIL_OK) fail_msg("%s", foil_error());
    return doc;
}

static void scalars_lists_and_maps(void **state) {
    (void)state;
    yaml *doc = must_parse("a: 1\nb: [x, 'y z', \"\\u00e9\"]\nc:\n  d: null\n  e: ~\n  f:\ng: \"null\"\n");
    const yaml_node *root = yaml_root(doc);
    assert_int_equal(yaml_kind_of(root), YAML_MAP);
    assert_int_equal(yaml_length(root), 4);
    assert_string_equal(yaml_key(root, 2), "c");
    assert_string_equal(yaml_text(yaml_get(root, "a")), "1");
    const yaml_node *b = yaml_get(root, "b");
    assert_int_equal(yaml_kind_of(b), YAML_LIST);
    assert_string_equal(yaml_kind_name(b), "list");
    assert_null(yaml_text(b));
    assert_int_equal(yaml_length(b), 3);
    assert_string_equal(yaml_text(yaml_item(b, 1)), "y z");
    assert_string_equal(yaml_text(yaml_item(b, 2)), "\xc3\xa9");
    const yaml_node *c = yaml_get(root, "c");
    for (int i = 0; i < 3; i++) assert_string_equal(yaml_text(yaml_item(c, i)), "");
    assert_string_equal(yaml_text(yaml_get(root, "g")), "null");
    assert_null(yaml_get(root, "h"));
    yaml_free(doc);
}

static void places(void **state) {
    (void)state;
    yaml *doc = must_parse("a: 1\nlist:\n  - conv: {out: 3}\n  - x\n");
    const yaml_node *list = yaml_get(yaml_root(doc), "list");
    assert_string_equal(yaml_place(yaml_get(yaml_root(doc), "a")), "f.yaml:1:4");
    assert_string_equal(yaml_place(yaml_key_node(yaml_root(doc), 1)), "f.yaml:2:1");
    const yaml_node *conv = yaml_item(list, 0);
    assert_string_equal(yaml_place(yaml_key_node(conv, 0)), "f.yaml:3:5");
    assert_string_equal(yaml_place(yaml_get(conv, "conv")), "f.yaml:3:11");
    assert_string_equal(yaml_place(conv), "f.yaml:3:5");
    assert_int_equal(yaml_fail(yaml_item(list, 1), "unknown layer '%s'", "x"), FOIL_INVALID);
    assert_string_equal(foil_error(), "f.yaml:4:5: unknown layer 'x'");
    static const char *const LAYERS[] = {"conv", "relu", NULL};
    assert_int_equal(yaml_unknown(yaml_item(list, 1), "layer", "cnov", LAYERS), FOIL_INVALID);
    assert_string_equal(foil_error(), "f.yaml:4:5: unknown layer 'cnov' (did you mean 'conv'?); known: conv, relu");
    yaml_free(doc);
    doc = must_parse("a: 1\nb: {c: , d: 2}\ne:\nf:\n  - 1\n  -\n"); // what is left empty has no place of its own
    assert_string_equal(yaml_place(yaml_get(yaml_get(yaml_root(doc), "b"), "c")), "f.yaml:2:5");
    assert_string_equal(yaml_place(yaml_get(yaml_root(doc), "e")), "f.yaml:3:1");
    assert_string_equal(yaml_place(yaml_item(yaml_get(yaml_root(doc), "f"), 1)), "f.yaml:5:3");
    yaml_free(doc);
}

static void empty_documents(void **state) {
    (void)state;
    static const char *const empty[] = {"", "\n\n", "# only a comment\n", "---\n"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        yaml *doc = must_parse(empty[i]);
        assert_int_equal(yaml_kind_of(yaml_root(doc)), YAML_MAP);
        assert_int_equal(yaml_length(yaml_root(doc)), 0);
        yaml_free(doc);
    }
}

static void broken_documents(void **state) {
    (void)state;
    static const struct {
        const char *source, *message; // the message's beginning
    } broken[] = {
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key 'a'"},
        {"a: {b: 1, b: 2}\n", "f.yaml:1:11: duplicate key 'b'"},
        {"a: [1, 2\n", "f.yaml:"},
        {"a: 1\n b: 2\n", "f.yaml:1:4: "},
        {"a:\t- 1\n\t- 2\n", "f.yaml:"},
        {"a: &x 1\nb: *x\n", "f.yaml:2:"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:"},
        {"a: \"x\\0y\"\n", "f.yaml:1:5: a NUL"},
        {"{[1]: 2}", "f.yaml:1:2: a list as a key"},
        {"a: \"unfinished\n", "f.yaml:"},
        {"a: \xff\xfe\n", "f.yaml"},
        {"%YAML 9.9\n---\na: @b\n", "f.yaml"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        yaml *doc;
        if (yaml_parse(broken[i].source, "f.yaml", &doc) != FOIL_INVALID) fail_msg("%s: accepted", broken[i].source);
        assert_null(doc);
        if (strncmp(foil_error(), broken[i].message, strlen(broken[i].message)) != 0)
            fail_msg("%s: %s, expected %s", broken[i].source, foil_error(), broken[i].message);
    }
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    char source[4001];
    memset(source, '[', 4000);
    source[4000] = '\0';
    yaml *doc;
    assert_int_equal(yaml_parse(source, "f.yaml", &doc), FOIL_INVALID);
}

static void overrides(void **state) {
    (void)state;
    yaml *doc = must_parse("run: {steps: 1, name: x}\nempty:\nlist: [{a: 1}, b]\n");
    assert_int_equal(yaml_set(doc, "run.steps", "500"), FOIL_OK);
    assert_int_equal(yaml_set(doc, "optimizer.adam.lr", "1e-4"), FOIL_OK);
    assert_int_equal(yaml_set(doc, "empty.x", "[1, 2]"), FOIL_OK);
    assert_int_equal(yaml_set(doc, "list.0.a", "{b: c}"), FOIL_OK);
    const yaml_node *root = yaml_root(doc);
    const yaml_node *steps = yaml_get(yaml_get(root, "run"), "steps");
    assert_string_equal(yaml_text(steps), "500");
    assert_string_equal(yaml_place(steps), "run.steps=500");
    assert_string_equal(yaml_text(yaml_get(yaml_get(root, "run"), "name")), "x");
    assert_string_equal(yaml_text(yaml_get(yaml_get(yaml_get(root, "optimizer"), "adam"), "lr")), "1e-4");
    assert_int_equal(yaml_length(yaml_get(yaml_get(root, "empty"), "x")), 2);
    assert_string_equal(yaml_text(yaml_get(yaml_get(yaml_item(yaml_get(root, "list"), 0), "a"), "b")), "c");

    assert_int_equal(yaml_set(doc, "run.name.deeper", "1"), FOIL_INVALID);
    assert_string_equal(foil_error(), "run.name.deeper=1: 'deeper' is wanted inside the text 'x'");
    assert_int_equal(yaml_set(doc, "list.2", "1"), FOIL_INVALID);
    assert_int_equal(yaml_set(doc, "run..x", "1"), FOIL_INVALID);
    assert_int_equal(yaml_set(doc, "", "1"), FOIL_INVALID);
    assert_int_equal(yaml_set(doc, "run.steps", "[1"), FOIL_INVALID);
    yaml_free(doc);
}

static void nesting(void **state) {
    (void)state;
    yaml *doc = must_parse("a: 1\nb: [2, 3]\n");
    assert_int_equal(yaml_nest(yaml_get(yaml_root(doc), "b"), "c"), FOIL_OK);
    const yaml_node *c = yaml_get(yaml_get(yaml_root(doc), "b"), "c");
    assert_int_equal(yaml_length(c), 2);
    assert_string_equal(yaml_place(c), "f.yaml:2:4");
    assert_int_equal(yaml_set(doc, "b.d", "4"), FOIL_OK);
    char *emitted;
    assert_int_equal(yaml_emit(doc, &emitted), FOIL_OK);
    assert_string_equal(emitted, "a: 1\nb: {c: [2, 3], d: 4}\n");
    free(emitted);
    yaml_free(doc);
}

static void substitution(void **state) {
    (void)state;
    yaml *doc = must_parse("for: {w: [1, 2], c: 7}\nlayers: [{conv: {out: $w, pad: $c, name: '$w', x: [$w, $none]}}]\n");
    const yaml_node *copy;
    assert_int_equal(yaml_substitute(yaml_get(yaml_root(doc), "layers"), yaml_get(yaml_root(doc), "for"), 1, &copy), FOIL_OK);
    const yaml_node *conv = yaml_get(yaml_item(copy, 0), "conv"), *x = yaml_get(conv, "x");
    assert_string_equal(yaml_text(yaml_get(conv, "out")), "2");
    assert_string_equal(yaml_text(yaml_get(conv, "pad")), "7");
    assert_string_equal(yaml_text(yaml_get(conv, "name")), "$w"); // quoted: a text like any other
    assert_false(yaml_is_plain(yaml_get(conv, "name")));
    assert_int_equal(yaml_length(x), 2);
    assert_string_equal(yaml_text(yaml_item(x, 0)), "2");
    assert_string_equal(yaml_text(yaml_item(x, 1)), "$none");
    assert_string_equal(yaml_place(yaml_get(conv, "out")), "f.yaml:1:14");
    char *emitted;
    assert_int_equal(yaml_emit(doc, &emitted), FOIL_OK); // the source is as it was
    assert_non_null(strstr(emitted, "{out: $w, pad: $c"));
    free(emitted);
    yaml_free(doc);
}

static bool same(const yaml_node *a, const yaml_node *b) {
    if (yaml_kind_of(a) != yaml_kind_of(b) || yaml_length(a) != yaml_length(b)) return false;
    if (yaml_kind_of(a) == YAML_SCALAR) return strcmp(yaml_text(a), yaml_text(b)) == 0;
    for (int i = 0; i < yaml_length(a); i++) {
        if (yaml_kind_of(a) == YAML_MAP && strcmp(yaml_key(a, i), yaml_key(b, i)) != 0) return false;
        if (!same(yaml_item(a, i), yaml_item(b, i))) return false;
    }
    return true;
}

static void what_is_emitted_reads_back(void **state) {
    (void)state;
    static const char *const sources[] = {
        "a: 1\nb:\n  c: [x, {y: 2}]\n  d:\n    - e: 1\n      f: 2\n    - - 1\n      - 2\n    - g\nh: {}\ni: []\nj:\n",
        "'x: y': \"a\\nb\\\"c\\\\\"\nq: 'true'\nempty: ''\ncolon: a:b\nhash: 'a #b'\nfolded: >\n  one\n  two\nliteral: |\n  one\n  two\n",
        "top: \"tab\\there, and \\x01\"\nplain: a, b\nflow: [a, 'b, c', \"]\"]\n",
        "- {a: 'null', b: null, c: \"~\"}\n- - - deep\n",
        "just text\n",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        yaml *doc, *again;
        assert_int_equal(yaml_parse(sources[i], "a", &doc), FOIL_OK);
        char *emitted, *twice;
        assert_int_equal(yaml_emit(doc, &emitted), FOIL_OK);
        if (yaml_parse(emitted, "b", &again) != FOIL_OK) fail_msg("%s\n%s", foil_error(), emitted);
        if (!same(yaml_root(doc), yaml_root(again))) fail_msg("%s", emitted);
        assert_int_equal(yaml_emit(again, &twice), FOIL_OK);
        assert_string_equal(emitted, twice);
        free(emitted);
        free(twice);
        yaml_free(doc);
        yaml_free(again);
    }
}

// Library code never prints: libfyaml's own messages included.
static void nothing_is_printed(void **state) {
    (void)state;
    char path[] = "/tmp/foil-test-XXXXXX";
    int file = mkstemp(path), kept = dup(2);
    assert_true(file >= 0 && kept >= 0);
    fflush(stderr);
    dup2(file, 2);
    yaml *doc;
    foil_status status = yaml_parse("a: [1\nb: }", "f.yaml", &doc);
    fflush(stderr);
    dup2(kept, 2);
    off_t printed = lseek(file, 0, SEEK_END);
    close(file);
    close(kept);
    unlink(path);
    assert_int_equal(status, FOIL_INVALID);
    assert_int_equal(printed, 0);
}

static void files(void **state) {
    (void)state;
    char path[] = "/tmp/foil-test-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "a: b\n", 5), 5);
    yaml *doc;
    assert_int_equal(yaml_read(path, &doc), FOIL_OK);
    assert_string_equal(yaml_text(yaml_get(yaml_root(doc), "a")), "b");
    yaml_free(doc);
    assert_int_equal(write(file, "\0c", 2), 2);
    assert_int_equal(yaml_read(path, &doc), FOIL_INVALID);
    assert_null(doc);
    close(file);
    unlink(path);
    assert_int_equal(yaml_read(path, &doc), FOIL_IO);
    assert_non_null(strstr(foil_error(), path));
    assert_int_equal(yaml_read("/tmp", &doc), FOIL_INVALID);
}

// "" if nothing differs.
static const char *difference_of(const char *now, const char *before) {
    yaml *a, *b;
    assert_int_equal(yaml_parse(now, "now", &a), FOIL_OK);
    assert_int_equal(yaml_parse(before, "before", &b), FOIL_OK);
    foil_status status = yaml_same(yaml_root(a), yaml_root(b), "run.steps", "the run");
    yaml_free(a);
    yaml_free(b);
    return status == FOIL_OK ? "" : foil_error();
}

static void differences(void **state) {
    (void)state;
    assert_string_equal(difference_of("run: {steps: 3, seed: 1}\nl: [1, {a: b}]", "l: [1, {a: b}]\nrun: {seed: 1, steps: 4}"), "");
    assert_string_equal(difference_of("run: {steps: 3, seed: 1}", "run: {steps: 3, seed: 2}"), "run.seed is '1', but the run began with '2'");
    assert_string_equal(difference_of("l: [1, {a: b}]", "l: [1, {a: c}]"), "l[1].a is 'b', but the run began with 'c'");
    assert_string_equal(difference_of("l: [1, 2]", "l: [1]"), "l is ['1', '2'], but the run began with ['1']");
    assert_string_equal(difference_of("l: {a: 1, b: 2}", "l: x"), "l is {a, b}, but the run began with 'x'");
    assert_string_equal(difference_of("a: 1", "a: 1\nb: 2"), "b is not set, unlike when the run began");
    assert_string_equal(difference_of("a: 1\nb: 2", "a: 1"), "b is set, unlike when the run began");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_lists_and_maps),
        cmocka_unit_test(places),
        cmocka_unit_test(empty_documents),
        cmocka_unit_test(broken_documents),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(overrides),
        cmocka_unit_test(nesting),
        cmocka_unit_test(substitution),
        cmocka_unit_test(what_is_emitted_reads_back),
        cmocka_unit_test(nothing_is_printed),
        cmocka_unit_test(files),
        cmocka_unit_test(differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
