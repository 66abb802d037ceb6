/* test_cli_file.c: what cli_read_file() and cli_write_file() promise: whole or not at all. */
#include "common/cli.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
    char path[64];
};

static int make_folder(void **state)
{
    struct folder *f = malloc(sizeof(*f));

    if (f == NULL)
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "/tmp/svodka-cli-XXXXXX");
    *state = f;
    return mkdtemp(f->path) != NULL ? 0 : -1;
}

static size_t count_entries(const char *path, bool remove_them)
{
    DIR *d = opendir(path);
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        n++;
        if (remove_them)
            (void)unlinkat(dirfd(d), entry->d_name, 0);
    }
    (void)closedir(d);
    return n;
}

static int remove_folder(void **state)
{
    struct folder *f = *state;

    (void)count_entries(f->path, true);
    (void)rmdir(f->path);
    free(f);
    return 0;
}

static const char *path_in(const struct folder *f, const char *name)
{
    static char path[200];

    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    return path;
}

static void a_written_file_reads_back_with_its_mode(void **state)
{
    const struct folder *f = *state;
    const char *path = path_in(f, "отчёт.bin");
    struct stat st;
    void *bytes;
    size_t len;

    assert_int_equal(cli_write_file(path, "a\0b", 3, 0644, false), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(cli_read_file(path, 3, &bytes, &len), OK);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "a\0b\0", 4);
    free(bytes);
    assert_int_equal(cli_write_file(path, "", 0, 0600, true), OK);
    assert_int_equal(cli_read_file(path, 100, &bytes, &len), OK);
    assert_int_equal(len, 0);
    free(bytes);
    assert_int_equal(count_entries(f->path, false), 1);
}

static void a_long_file_is_read_whole_or_refused(void **state)
{
    const char *path = path_in(*state, "long");
    size_t size = 1000003;
    char *text = calloc(1, size);
    void *bytes = NULL;
    size_t len;

    assert_non_null(text);
    text[size - 1] = 'z';
    assert_int_equal(cli_write_file(path, text, size, 0600, false), OK);
    assert_int_equal(cli_read_file(path, size, &bytes, &len), OK);
    assert_int_equal(len, size);
    assert_memory_equal(bytes, text, size);
    free(bytes);
    bytes = NULL;
    assert_int_equal(cli_read_file(path, size - 1, &bytes, &len), ERR_LIMIT);
    assert_null(bytes);
    assert_non_null(strstr(err_text(), "long"));
    free(text);
}

static void an_existing_file_is_replaced_only_on_request(void **state)
{
    const struct folder *f = *state;
    const char *path = path_in(f, "file");
    void *bytes;
    size_t len;

    assert_int_equal(cli_write_file(path, "old", 3, 0600, false), OK);
    assert_int_equal(cli_write_file(path, "new", 3, 0600, false), ERR_EXISTS);
    assert_non_null(strstr(err_text(), "exists already"));
    assert_int_equal(cli_read_file(path, 10, &bytes, &len), OK);
    assert_memory_equal(bytes, "old", 4);
    free(bytes);
    assert_int_equal(symlink("nowhere", path_in(f, "link")), 0); /* seen only when the file moves into its place */
    assert_int_equal(cli_write_file(path_in(f, "link"), "new", 3, 0600, false), ERR_EXISTS);
    assert_int_equal(count_entries(f->path, false), 2);
    path = path_in(f, "file");
    assert_int_equal(cli_write_file(path, "new", 3, 0600, true), OK);
    assert_int_equal(cli_read_file(path, 10, &bytes, &len), OK);
    assert_memory_equal(bytes, "new", 4);
    free(bytes);
}

static void a_write_that_fails_half_way_leaves_the_old_file_alone(void **state)
{
    const struct folder *f = *state;
    const char *path = path_in(f, "file");
    struct rlimit unlimited;
    struct rlimit small;
    char *text = calloc(1, 100000);
    void *bytes;
    size_t len;

    assert_non_null(text);
    assert_int_equal(cli_write_file(path, "old", 3, 0600, false), OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    small = unlimited;
    small.rlim_cur = 4096;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(cli_write_file(path, text, 100000, 0600, true), ERR_FULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(count_entries(f->path, false), 1); /* no temporary file either */
    assert_int_equal(cli_read_file(path, 10, &bytes, &len), OK);
    assert_memory_equal(bytes, "old", 4);
    free(bytes);
    free(text);
}

static void files_that_cannot_be_are_named(void **state)
{
    const struct folder *f = *state;
    void *bytes = NULL;
    size_t len;

    assert_int_equal(cli_read_file(path_in(f, "absent"), 10, &bytes, &len), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "absent: cannot be opened"));
    assert_int_equal(cli_read_file(f->path, 10, &bytes, &len), ERR_IO); /* a folder */
    assert_int_equal(cli_write_file(path_in(f, "no/such"), "a", 1, 0600, false), ERR_NOT_FOUND);
    assert_int_equal(cli_write_file(f->path, "a", 1, 0600, false), ERR_EXISTS);
    assert_int_equal(cli_write_file(f->path, "a", 1, 0600, true), ERR_IO);
    assert_null(bytes);
}

static void a_name_without_a_folder_is_written_here(void **state)
{
    const struct folder *f = *state;
    int here = open(".", O_RDONLY | O_DIRECTORY);

    assert_int_equal(chdir(f->path), 0);
    assert_int_equal(cli_write_file("plain", "a", 1, 0600, false), OK);
    assert_int_equal(fchdir(here), 0);
    (void)close(here);
    assert_int_equal(access(path_in(f, "plain"), F_OK), 0);
}

static void a_hyphen_reads_standard_input(void **state)
{
    int saved = dup(STDIN_FILENO);
    int ends[2];
    void *bytes;
    size_t len;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "{}", 2), 2);
    (void)close(ends[1]);
    (void)dup2(ends[0], STDIN_FILENO);
    assert_int_equal(cli_read_file("-", 100, &bytes, &len), OK);
    assert_int_equal(len, 2);
    free(bytes);
    (void)dup2(saved, STDIN_FILENO);
    (void)close(saved);
    (void)close(ends[0]);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_written_file_reads_back_with_its_mode),
        IN_FOLDER(a_long_file_is_read_whole_or_refused),
        IN_FOLDER(an_existing_file_is_replaced_only_on_request),
        IN_FOLDER(a_write_that_fails_half_way_leaves_the_old_file_alone),
        IN_FOLDER(files_that_cannot_be_are_named),
        IN_FOLDER(a_name_without_a_folder_is_written_here),
        IN_FOLDER(a_hyphen_reads_standard_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
