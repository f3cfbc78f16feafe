// Manifests as people and spreadsheets write them, and where exactly they are wrong.
#include "base/text.h"
#include "tests/datasets/sources.h"

static import_list *manifest(const char *content) {
    write_words("csv/m.csv", content);
    return listed("csv/m.csv", &BY_LOOKING);
}

static void wrong(const char *content, const char *words) {
    write_words("csv/m.csv", content);
    not_listed("csv/m.csv", &BY_LOOKING, words);
}

static int make_folder(void **state) {
    (void)state;
    folder("csv");
    return 0;
}

static void test_all_columns_in_any_order(void **state) {
    (void)state;
    import_list *l = manifest("split,note,subject,label,clip,path,method\n"
                              "val,x,Zoë,fake,c1,a/b.png,gan\n"
                              ",,,real,,/abs/c.png,\n"
                              "test,,,1,,d.png,\n"
                              "train,,,0,,e.png");
    assert_int_equal(import_count(l), 4);
    assert_item(l, 0, "csv/a/b.png", true, "gan");
    assert_item(l, 1, "/abs/c.png", false, "real");
    assert_item(l, 2, "csv/d.png", true, "fake");
    assert_item(l, 3, "csv/e.png", false, "real");
    assert_string_equal(import_at(l, 0)->subject, "Zoë");
    assert_string_equal(import_at(l, 0)->clip, "c1");
    assert_string_equal(import_at(l, 1)->subject, "");
    const int splits[] = {SPLIT_VAL, -1, SPLIT_TEST, SPLIT_TRAIN};
    for (int i = 0; i < 4; i++) assert_int_equal(import_at(l, i)->split, splits[i]);
    import_free(l);
}

static void test_quotes(void **state) {
    (void)state;
    import_list *l = manifest("\"path\",\"label\",method\n"
                              "\"a,b.png\",real,\"say \"\"cheese\"\"\"\n"
                              "\"\"\"q\"\".png\",\"fake\",\"two\nlines\"\n"
                              "c \"d\".png,real,\"\"\n");
    assert_int_equal(import_count(l), 3);
    assert_item(l, 0, "csv/a,b.png", false, "say \"cheese\"");
    assert_item(l, 1, "csv/\"q\".png", true, "two\nlines");
    assert_item(l, 2, "csv/c \"d\".png", false, "real");
    import_free(l);
}

static void test_line_ends_and_marks(void **state) {
    (void)state;
    static const char *const FORMS[] = {"path,label\na.png,real\nb.png,fake\n",
                                        "path,label\r\na.png,real\r\nb.png,fake\r\n",
                                        "\xef\xbb\xbfpath,label\r\na.png,real\r\nb.png,fake",
                                        "\xef\xbb\xbf\"path\",\"label\"\n\"a.png\",\"real\"\n\"b.png\",\"fake\"",
                                        "\n\npath,label\n\n\na.png,real\n\r\nb.png,fake\n\n\n",
                                        "path,label\ra.png,real\rb.png,fake\r",
                                        "path,label,method,subject,split\na.png,real\nb.png,fake,,,\n"};
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        import_list *l = manifest(FORMS[i]);
        assert_int_equal(import_count(l), 2);
        assert_item(l, 0, "csv/a.png", false, "real");
        assert_item(l, 1, "csv/b.png", true, "fake");
        import_free(l);
    }
}

static void test_options_override(void **state) {
    (void)state;
    write_words("csv/m.csv", "path,label,method\na.png,real,camera\nb.png,real,\n");
    import_list *l = listed("csv/m.csv", &AS_FAKE);
    assert_item(l, 0, "csv/a.png", true, "camera");
    assert_item(l, 1, "csv/b.png", true, "fake");
    import_free(l);
    l = listed("csv/m.csv", &(import_options){"csv", -1, "phone"});
    assert_item(l, 0, "csv/a.png", false, "phone");
    import_free(l);
}

static void test_what_is_wrong_and_where(void **state) {
    (void)state;
    wrong("", "csv/m.csv:1: a header with the columns path and label");
    wrong("path,method\na.png,x\n", "csv/m.csv:1: a header with the columns path and label");
    wrong("label\nreal\n", "csv/m.csv:1: a header");
    wrong("path;label\na.png;real\n", "csv/m.csv:1: a header");
    wrong("path,label\n", "csv/m.csv: no pictures found");
    wrong("path,label\na.png,real\nb.png,perhaps\n", "csv/m.csv:3: label 'perhaps'; real or fake was expected");
    wrong("path,label\r\na.png,real\r\n\r\nb.png,Real\r\n", "csv/m.csv:4: label 'Real'");
    wrong("path,label\n\"a\nb\nc.png\",real\nd.png,1.0\n", "csv/m.csv:5: label '1.0'");
    wrong("path,label\nb.png\n", "csv/m.csv:2: label ''");
    wrong("path,label,split\na.png,real,\nb.png,real,validation\n", "csv/m.csv:3: split 'validation'; train, val or test was expected");
    wrong("path,label,split\na.png,real,all\n", "csv/m.csv:2: split 'all'");
    wrong("path,label\n,real\n", "csv/m.csv:2: no path");
    wrong("path,label\na.png,real\n\"b.png,real\nc.png,real\n", "csv/m.csv:3: a quoted field without an end");
    wrong("path,label\n\"b.png\"x,real\n", "csv/m.csv:2: text behind a quoted field");
    text wide = {0};
    text_format(&wide, "path,label\na.png,real");
    for (int i = 0; i < 64; i++) text_format(&wide, ",");
    wrong(wide.data, "csv/m.csv:2: more than 64 fields");
    text_free(&wide);
    write_bytes("csv/m.csv", "path,label\na\0.png,real\n", 23);
    not_listed("csv/m.csv", &BY_LOOKING, "csv/m.csv: not a text file");
    not_listed("csv/none.csv", &BY_LOOKING, "csv/none.csv: no such file");
}

static void test_cut_anywhere(void **state) {
    (void)state;
    const char whole[] = "\xef\xbb\xbfpath,label,split\r\n\"a\"\"b.png\",real,val\r\nc.png,fake,test\r\n";
    for (size_t n = 0; n < sizeof whole; n++) {
        write_bytes("csv/m.csv", whole, n);
        const char *source = "csv/m.csv";
        import_list *l;
        if (import_sources(&source, 1, &BY_LOOKING, &l) != FOIL_OK) assert_non_null(strstr(foil_error(), "csv/m.csv"));
        import_free(l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_columns_in_any_order), cmocka_unit_test(test_quotes),
                                       cmocka_unit_test(test_line_ends_and_marks),      cmocka_unit_test(test_options_override),
                                       cmocka_unit_test(test_what_is_wrong_and_where),  cmocka_unit_test(test_cut_anywhere)};
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
