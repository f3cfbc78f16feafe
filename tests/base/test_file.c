#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/base/own_folder.h"
#include "tests/cmocka.h"

static void put(const char *path, const char *content) {
    if (file_save(path, content, strlen(content)) != FOIL_OK) fail_msg("%s", foil_error());
}

static void assert_content(const char *path, const char *content) {
    char *bytes;
    size_t n;
    if (file_read(path, 0, &bytes, &n) != FOIL_OK) fail_msg("%s", foil_error());
    assert_int_equal(n, strlen(content));
    assert_string_equal(bytes, content);
    free(bytes);
}

static foil_status count_file(const char *path, void *context) {
    (void)path;
    ++*(int *)context;
    return FOIL_OK;
}

static void a_file_appears_at_commit(void **state) {
    (void)state;
    umask(0027);
    put("a", "old");
    file_writer *w;
    assert_int_equal(file_create("a", &w), FOIL_OK);
    file_write(w, "new", 3);
    file_printf(w, " %d", 7);
    assert_content("a", "old");
    assert_int_equal(file_name(file_temporary(w))[0], '.');
    int seen = 0; // temporaries are hidden from walks
    assert_int_equal(file_walk(".", count_file, &seen), FOIL_OK);
    assert_int_equal(seen, 1);
    assert_int_equal(file_commit(w), FOIL_OK);
    assert_content("a", "new 7");
    struct stat s;
    assert_int_equal(stat("a", &s), 0);
    assert_int_equal(s.st_mode & 0777, 0640);
    umask(0022);
}

static void an_abort_leaves_nothing(void **state) {
    (void)state;
    put("a", "old");
    file_writer *w;
    assert_int_equal(file_create("a", &w), FOIL_OK);
    char *temporary = strdup(file_temporary(w));
    file_write(w, "new", 3);
    assert_true(file_exists(temporary));
    file_abort(w);
    file_abort(NULL);
    assert_false(file_exists(temporary));
    assert_content("a", "old");
    free(temporary);
}

static void two_writers_of_one_path(void **state) {
    (void)state;
    file_writer *a, *b;
    assert_int_equal(file_create("x", &a), FOIL_OK);
    assert_int_equal(file_create("x", &b), FOIL_OK);
    assert_string_not_equal(file_temporary(a), file_temporary(b));
    file_write(a, "a", 1);
    file_write(b, "b", 1);
    assert_int_equal(file_commit(b), FOIL_OK);
    assert_int_equal(file_commit(a), FOIL_OK);
    assert_content("x", "a");
}

static void places_that_can_not_be_written(void **state) {
    (void)state;
    static const struct {
        const char *path;
        foil_status status;
        const char *word;
    } bad[] = {
        {"missing/a", FOIL_IO, "missing/"},           {"sub", FOIL_INVALID, "a folder"},
        {"", FOIL_INVALID, "name of a file"},         {"sub/", FOIL_INVALID, "file"},
        {"/dev/null", FOIL_INVALID, "not a regular"}, {"/proc/a", FOIL_IO, "/proc/"},
    };
    assert_int_equal(file_make_folder("sub"), FOIL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        file_writer *w;
        assert_int_equal(file_create(bad[i].path, &w), bad[i].status);
        assert_null(w);
        assert_non_null(strstr(foil_error(), bad[i].word));
    }
}

// What a full disk looks like to a writer: /dev/full is not a regular file, so the temporary's stream is pointed at it.
static void a_full_disk_is_reported_at_commit(void **state) {
    (void)state;
    put("a", "old");
    file_writer *w;
    assert_int_equal(file_create("a", &w), FOIL_OK);
    char *temporary = strdup(file_temporary(w));
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_true(dup2(full, fileno(file_stream(w))) >= 0);
    close(full);
    char block[65536] = {0};
    for (int i = 0; i < 4; i++) file_write(w, block, sizeof block);
    file_printf(w, "more");
    assert_int_equal(file_commit(w), FOIL_IO);
    assert_non_null(strstr(foil_error(), "No space left"));
    assert_false(file_exists(temporary));
    assert_content("a", "old");
    free(temporary);
}

static void reading(void **state) {
    (void)state;
    put("a", "12345");
    char *bytes;
    assert_int_equal(file_read("a", 5, &bytes, NULL), FOIL_OK);
    free(bytes);
    assert_int_equal(file_read("a", 4, &bytes, NULL), FOIL_INVALID);
    assert_null(bytes);
    assert_int_equal(file_read(".", 0, &bytes, NULL), FOIL_INVALID);
    assert_int_equal(file_read("none", 0, &bytes, NULL), FOIL_IO);
    assert_int_equal(file_read("/proc/self/stat", 0, &bytes, NULL), FOIL_OK); // says it is empty, and is not
    assert_true(strlen(bytes) > 10);
    free(bytes);
    put("empty", "");
    assert_content("empty", "");

    file_map map;
    assert_int_equal(file_map_open("a", &map), FOIL_OK);
    assert_true(map.n == 5 && memcmp(map.bytes, "12345", 5) == 0);
    file_map_close(&map);
    assert_int_equal(file_map_open("empty", &map), FOIL_OK);
    assert_true(map.n == 0 && !map.bytes);
    file_map_close(&map);
    assert_int_equal(file_map_open(".", &map), FOIL_INVALID);
    assert_int_equal(file_map_open("/dev/null", &map), FOIL_INVALID);
    assert_int_equal(file_map_open("none", &map), FOIL_IO);
}

static foil_status note(const char *path, void *context) {
    text_format(context, "%s\n", path);
    return text_ends(path, "stop") ? FOIL_UNSUPPORTED : FOIL_OK;
}

static void walking(void **state) {
    (void)state;
    text seen = {0};
    assert_int_equal(file_make_folder("w/a/deep/"), FOIL_OK);
    assert_int_equal(file_make_folder("w/a"), FOIL_OK);
    assert_int_equal(file_make_folder("w/.hidden"), FOIL_OK);
    put("w/a/x", "");
    put("w/a.b", ""); // '.' sorts before '/': byte order of whole paths, not of names
    put("w/a/deep/y", "");
    put("w/Z", "");
    put("w/\xc3\xa9", "");
    put("w/.hidden/no", "");
    put("outside", "");
    assert_int_equal(symlink("../outside", "w/link"), 0);
    assert_int_equal(file_walk("w", note, &seen), FOIL_OK);
    assert_string_equal(seen.data, "w/Z\nw/a.b\nw/a/deep/y\nw/a/x\nw/link\nw/\xc3\xa9\n");
    text_free(&seen);

    put("w/b.stop", "");
    assert_int_equal(file_walk("w/", note, &seen), FOIL_UNSUPPORTED);
    assert_true(text_ends(seen.data, "w/a/x\nw/b.stop\n"));
    text_free(&seen);

    assert_int_equal(unlink("w/b.stop"), 0);
    assert_int_equal(symlink("..", "w/a/up"), 0);
    assert_int_equal(file_walk("w", note, &seen), FOIL_INVALID);
    assert_non_null(strstr(foil_error(), "w/a/up"));
    text_free(&seen);
    assert_int_equal(file_walk("nowhere", note, &seen), FOIL_IO);
    assert_int_equal(unlink("w/a/up"), 0);
    assert_int_equal(symlink("nowhere", "w/Dangling"), 0);
    assert_int_equal(symlink("Itself", "w/Itself"), 0);
    assert_int_equal(file_walk("w", note, &seen), FOIL_OK);
    assert_true(text_starts(seen.data, "w/Dangling\nw/Itself\nw/Z\n"));
    text_free(&seen);
}

// Of a folder.
static int entries_left = INT_MAX;
struct dirent *__real_readdir(DIR *d);
struct dirent *__wrap_readdir(DIR *d);
struct dirent *__wrap_readdir(DIR *d) {
    if (entries_left-- > 0) return __real_readdir(d);
    errno = EIO;
    return NULL;
}

static void a_folder_read_in_part_is_no_folder(void **state) {
    (void)state;
    int seen = 0;
    assert_int_equal(file_make_folder("w"), FOIL_OK);
    put("w/a", "");
    put("w/b", "");
    entries_left = 3;
    assert_int_equal(file_walk("w", count_file, &seen), FOIL_IO);
    assert_int_equal(seen, 0);
    assert_string_equal(foil_error(), "w: the folder can't be read: Input/output error");
    entries_left = INT_MAX;
}

// Of seventy writers, ten of which began anew, all but those that there is no place for; and of one that comes too late.
static int count_what_is_left(void) {
    file_writer *w[71];
    for (int i = 0; i < 70; i++) assert_int_equal(file_create("whole", &w[i]), FOIL_OK);
    for (int i = 10; i < 20; i++) file_abort(w[i]); // others take their places
    for (int i = 10; i < 20; i++) assert_int_equal(file_create("whole", &w[i]), FOIL_OK);
    file_discard();
    assert_int_equal(file_create("whole", &w[70]), FOIL_OK);
    int left = 0;
    for (int i = 0; i < 71; i++) {
        left += file_exists(file_temporary(w[i]));
        file_abort(w[i]);
    }
    return left + 100 * file_exists("whole");
}

static void what_ends_is_discarded(void **state) {
    (void)state;
    int status;
    const pid_t child = fork(); // which ends
    if (child == 0) _exit(count_what_is_left());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 6);
}

static void within(void **state) {
    (void)state;
    assert_int_equal(file_make_folder("in/side"), FOIL_OK);
    assert_int_equal(file_make_folder("inside"), FOIL_OK);
    put("in/file", "");
    assert_int_equal(symlink("in/side", "way"), 0);
    static const char *const inner[] = {"in", "in/", "./in/side", "in/none/at/all//", "way", "way/none", "inside/../in/file"};
    static const char *const outer[] = {"inside", "inside/none", ".", "..", "none", "/", "/none", "in/.."};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) assert_true(file_is_within(inner[i], "in"));
    for (size_t i = 0; i < sizeof outer / sizeof *outer; i++) assert_false(file_is_within(outer[i], "in"));
    assert_true(file_is_within("in/file", "in/../in/file"));
    assert_true(file_is_within("none", "."));
    assert_true(file_is_within("none", "/"));
    assert_false(file_is_within("none", "none"));
}

static void folders(void **state) {
    (void)state;
    assert_int_equal(file_make_folder("p/q//r"), FOIL_OK);
    assert_true(file_is_folder("p/q/r"));
    put("plain", "");
    assert_int_equal(file_make_folder("plain/x"), FOIL_IO);
    assert_int_equal(file_make_folder("plain"), FOIL_IO);
    assert_true(file_exists("plain") && !file_is_folder("plain") && !file_exists("none"));
}

static void names(void **state) {
    (void)state;
    static const char *const cases[][3] = {{"a/b.yaml", "c.h5", "a/c.h5"}, {"b.yaml", "c.h5", "c.h5"}, {"a/b", "/c", "/c"}, {"/b", "c", "/c"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *joined = file_beside(cases[i][0], cases[i][1]);
        assert_string_equal(joined, cases[i][2]);
        free(joined);
    }
    assert_string_equal(file_name("a/b/c.png"), "c.png");
    assert_string_equal(file_name("c.png"), "c.png");
}

static void assert_digest(const char *bytes, size_t n, const char *expected) {
    unsigned char digest[32];
    char hex[65];
    sha256(bytes, n, digest);
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
    assert_string_equal(hex, expected);
}

// FIPS 180-4's examples (NIST's SHA256.pdf), the empty message, and a million letters.
static void sha256_vectors(void **state) {
    (void)state;
    assert_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *many = malloc(1000000);
    assert_non_null(many);
    memset(many, 'a', 1000000);
    assert_digest(many, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_digest(many, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    assert_digest(many, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    free(many);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_appears_at_commit),
        IN_FOLDER(an_abort_leaves_nothing),
        IN_FOLDER(two_writers_of_one_path),
        IN_FOLDER(places_that_can_not_be_written),
        IN_FOLDER(a_full_disk_is_reported_at_commit),
        IN_FOLDER(reading),
        IN_FOLDER(walking),
        IN_FOLDER(a_folder_read_in_part_is_no_folder),
        IN_FOLDER(what_ends_is_discarded),
        IN_FOLDER(within),
        IN_FOLDER(folders),
        cmocka_unit_test(names),
        cmocka_unit_test(sha256_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
