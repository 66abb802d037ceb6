/* What the district published for this school (figures.h): taken as words are, whole, the newest alone, locked at rest,
 * told once, and nothing of it left when it is withdrawn. */
#include "agent/figures.h"

#include "agent/aside.h"
#include "agent/word.h"
#include "agent_fixture.h"

struct said {
    uint64_t serial, publication;
    unsigned state;
    uint32_t part, parts;
    const char *value;
    const struct key *to; /* NULL: this computer */
};

static struct figures_cell cell_of(const char *value)
{
    return (struct figures_cell){.class_code = "",
                                 .value = value,
                                 .numerator = "",
                                 .denominator = "",
                                 .target = "",
                                 .has_rounded = true,
                                 .rounded = 125};
}

static enum err take(struct school *s, struct said x)
{
    struct figures_line line = {.indicator = "W-1",
                                .name_ru = "Поставлены на учёт",
                                .name_en = "On registers",
                                .breakdown = "",
                                .part_ru = "",
                                .part_en = "",
                                .measure_ru = "%",
                                .measure_en = "%",
                                .shown = 1,
                                .has_own = true,
                                .own = cell_of(x.value)};
    struct figures f = {.publication = x.publication,
                        .published_ms = TEST_NOW_MS + (int64_t)x.publication,
                        .state = x.state,
                        .remark = x.state == FIGURES_WITHDRAWN ? "counted twice" : "",
                        .programme = "well",
                        .title_ru = "Благополучие",
                        .title_en = "Well-being",
                        .period = "2020/21",
                        .label_ru = "",
                        .label_en = "",
                        .unit = "gp",
                        .part = x.part,
                        .parts = x.parts,
                        .line_count = x.state == FIGURES_PUBLISHED ? 1 : 0,
                        .lines = &line};
    struct word_head h = {.serial = x.serial, .previous = x.serial - 1};
    struct buf plain, word;
    enum err e;

    memcpy(h.district, s->directory.district, sizeof(h.district));
    (void)snprintf(h.participant, sizeof(h.participant), "gp");
    buf_init(&plain, FIGURES_PLAIN_MAX);
    buf_init(&word, SIGNED_MAX);
    assert_int_equal(figures_write(&plain, &f), OK);
    assert_int_equal(
        figures_make(&word, &h, TEST_NOW_MS, view(&plain), key_public(x.to != NULL ? x.to : s->a->history_key), s->hub),
        OK);
    e = agent_take_word(s->a, view(&word));
    buf_fini(&plain);
    buf_fini(&word);
    return e;
}

static void collect(void *ctx, int64_t wall_ms, const char *text)
{
    (void)wall_ms;
    buf_printf(ctx, "%s\n", text);
}

static const char *told(struct school *s, struct buf *out)
{
    buf_reset(out);
    assert_int_equal(agent_each_event(s->a, true, collect, out), OK);
    return buf_cstr(out);
}

/* "7:a,b": publication and the values of its parts; "-": nothing is held; "7:withdrawn"; "?" in front: not whole. */
static void assert_held(struct school *s, const char *expected)
{
    struct figures_list l;
    char got[64] = "-";

    assert_int_equal(figures_list_read(&l, s->a, NULL, NULL), OK);
    assert_true(l.count <= 1);
    for (size_t i = 0; i < l.count; i++) {
        const struct figures_held *h = &l.items[i];
        int n =
            snprintf(got, sizeof(got), "%s%llu:%s", h->is_whole ? "" : "?", (unsigned long long)h->parts[0].publication,
                     h->parts[0].state == FIGURES_WITHDRAWN ? "withdrawn" : "");

        for (uint32_t k = 0; k < h->count && h->parts[k].line_count > 0; k++)
            n += snprintf(got + n, sizeof(got) - (size_t)n, "%s%s", k > 0 ? "," : "", h->parts[k].lines[0].own.value);
    }
    figures_list_fini(&l);
    assert_string_equal(got, expected);
}

static void a_publication_is_whole_when_all_its_parts_are_there_and_told_once(void **state)
{
    struct school *s = *state;
    struct buf text;

    buf_init(&text, 16384);
    assert_held(s, "-");
    assert_int_equal(take(s, (struct said){1, 7, FIGURES_PUBLISHED, 1, 2, "12.500000", NULL}), OK);
    assert_held(s, "?7:12.500000");
    assert_string_equal(told(s, &text), "");
    assert_int_equal(take(s, (struct said){2, 7, FIGURES_PUBLISHED, 2, 2, "1.000000", NULL}), OK);
    assert_held(s, "7:12.500000,1.000000");
    assert_non_null(strstr(told(s, &text), "svodka-agent indicators --period 2020/21"));
    assert_int_equal(take(s, (struct said){2, 7, FIGURES_PUBLISHED, 2, 2, "9.000000", NULL}), OK); /* held already */
    assert_int_equal(take(s, (struct said){3, 7, FIGURES_PUBLISHED, 2, 2, "1.000000", NULL}), OK); /* said again */
    assert_held(s, "7:12.500000,1.000000");
    assert_string_equal(told(s, &text), "");
    buf_fini(&text);
}

static void a_later_publication_takes_the_place_of_all_parts_of_the_one_before(void **state)
{
    struct school *s = *state;
    struct buf text;

    buf_init(&text, 16384);
    for (uint32_t part = 1; part <= 3; part++)
        assert_int_equal(take(s, (struct said){part, 7, FIGURES_PUBLISHED, part, 3, "12.500000", NULL}), OK);
    assert_int_equal(take(s, (struct said){4, 8, FIGURES_PUBLISHED, 1, 1, "2.000000", NULL}), OK);
    assert_held(s, "8:2.000000");
    assert_int_equal(take(s, (struct said){5, 8, FIGURES_WITHDRAWN, 1, 1, "", NULL}), OK);
    assert_held(s, "8:withdrawn");
    assert_non_null(strstr(told(s, &text), "counted twice"));
    assert_int_equal(take(s, (struct said){6, 8, FIGURES_PUBLISHED, 1, 1, "2.000000", NULL}), OK);
    assert_held(s, "8:2.000000");
    buf_fini(&text);
}

/* Words behind it come through, and it is taken when the key is back. */
static void what_is_sealed_to_a_key_that_is_not_here_is_put_aside(void **state)
{
    struct school *s = *state;
    struct key *other = NULL, *own = s->a->history_key;
    uint64_t waiting, given_up, held;

    assert_int_equal(key_generate(&other, KEY_SEAL), OK);
    assert_int_equal(take(s, (struct said){1, 7, FIGURES_PUBLISHED, 1, 1, "12.500000", other}), OK);
    assert_int_equal(agent_words_held(s->a, NULL, &held), OK);
    assert_int_equal(held, 1);
    assert_held(s, "-");
    assert_int_equal(aside_count(s->a, &waiting, &given_up), OK);
    assert_int_equal(waiting, 1);
    s->a->history_key = other;
    assert_int_equal(aside_take(s->a), OK);
    s->a->history_key = own;
    assert_held(s, "7:12.500000");
    assert_int_equal(aside_count(s->a, &waiting, &given_up), OK);
    assert_int_equal(waiting, 0);
    key_free(other);
}

static void nothing_of_it_lies_open_on_the_disk(void **state)
{
    struct school *s = *state;
    char path[256];
    void *bytes;
    size_t len;

    assert_int_equal(take(s, (struct said){1, 7, FIGURES_PUBLISHED, 1, 1, "12.500000", NULL}), OK);
    school_path(path, s, "home/store/data.mdb");
    assert_int_equal(cli_read_file(path, 64u << 20, &bytes, &len), OK);
    assert_null(memmem(bytes, len, "12.500000", 9));
    assert_null(memmem(bytes, len, "Поставлены на учёт", strlen("Поставлены на учёт")));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_publication_is_whole_when_all_its_parts_are_there_and_told_once, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(a_later_publication_takes_the_place_of_all_parts_of_the_one_before, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(what_is_sealed_to_a_key_that_is_not_here_is_put_aside, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(nothing_of_it_lies_open_on_the_disk, school_open, school_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
