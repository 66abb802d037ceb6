/* Figures: what was published for a school, as a word to its present computer alone.  Nothing of what is hidden has a
 * number (invariant 7), only the hub's own word is believed (invariant 6), and nothing is read by half. */
#include "protocol/figures.h"

#include "tests/unit/protocol_fixture.h"

#define NAME "Доля обучающихся, поставленных на учёт"

static struct figures_cell cell_of(const char *value, int64_t rounded)
{
    return (struct figures_cell){.state = FIGURES_VALUE,
                                 .class_code = "",
                                 .value = value,
                                 .numerator = "2",
                                 .denominator = "90",
                                 .target = "<=5",
                                 .has_rounded = true,
                                 .rounded = rounded,
                                 .reached = FIGURES_REACHED,
                                 .reported = 5,
                                 .expected = 6};
}

static struct figures_line line_of(void)
{
    return (struct figures_line){.indicator = "W-1",
                                 .name_ru = NAME,
                                 .name_en = "On registers",
                                 .breakdown = "sex=F",
                                 .part_ru = "Пол: девочки",
                                 .part_en = "Sex: girls",
                                 .measure_ru = "%",
                                 .measure_en = "%",
                                 .shown = 1,
                                 .has_own = true,
                                 .own = cell_of("2.222222", 22),
                                 .has_district = true,
                                 .district = cell_of("9.649123", 96)};
}

static struct figures figures_of(struct figures_line *lines, uint32_t count)
{
    return (struct figures){.publication = 7,
                            .published_ms = 1590969600000,
                            .state = FIGURES_PUBLISHED,
                            .remark = "",
                            .programme = "well",
                            .title_ru = "Благополучие",
                            .title_en = "Well-being",
                            .period = "2020/21",
                            .label_ru = "2020/21 учебный год",
                            .label_en = "school year 2020/21",
                            .unit = "b",
                            .part = 1,
                            .parts = 2,
                            .line_count = count,
                            .lines = lines};
}

static void make(struct buf *word, const struct fixture *f, const struct figures *of)
{
    struct word_head h = {.serial = 9, .previous = 4};
    struct buf plain;

    memset(h.district, 0xD1, sizeof(h.district));
    strcpy(h.participant, "gp");
    buf_init(&plain, FIGURES_PLAIN_MAX);
    buf_init(word, SIGNED_MAX);
    assert_int_equal(figures_write(&plain, of), OK);
    assert_int_equal(figures_make(word, &h, 1600000000000, buf_view(&plain), key_public(f->seal), f->hub), OK);
    buf_fini(&plain);
}

static enum err open_with(struct figures *out, struct bytes object, const struct key *hub, const struct key *own)
{
    struct buf plain;
    enum err e;

    buf_init_secret(&plain, FIGURES_PLAIN_MAX);
    e = figures_open(out, &plain, object, key_public(hub), own);
    buf_fini(&plain);
    return e;
}

static void figures_open_as_they_were_made(void **state)
{
    struct fixture *f = *state;
    struct figures_line lines[2] = {line_of(), line_of()};
    struct figures of = figures_of(lines, 2), again;
    struct word_head h;
    enum signed_type type;
    struct buf word;

    lines[1].has_own = false;
    lines[1].district = (struct figures_cell){
        .state = FIGURES_HIDDEN, .class_code = "low", .value = "", .numerator = "", .denominator = "", .target = ""};
    make(&word, f, &of);
    assert_int_equal(open_with(&again, buf_view(&word), f->hub, f->seal), OK);
    assert_int_equal(again.publication, 7);
    assert_int_equal(again.published_ms, 1590969600000);
    assert_int_equal(again.state, FIGURES_PUBLISHED);
    assert_string_equal(again.title_ru, "Благополучие");
    assert_string_equal(again.label_en, "school year 2020/21");
    assert_string_equal(again.unit, "b");
    assert_int_equal(again.parts, 2);
    assert_int_equal(again.line_count, 2);
    assert_string_equal(again.lines[0].name_ru, NAME);
    assert_string_equal(again.lines[0].part_ru, "Пол: девочки");
    assert_int_equal(again.lines[0].shown, 1);
    assert_string_equal(again.lines[0].own.value, "2.222222");
    assert_int_equal(again.lines[0].own.rounded, 22);
    assert_int_equal(again.lines[0].district.expected, 6);
    assert_false(again.lines[1].has_own);
    assert_int_equal(again.lines[1].district.state, FIGURES_HIDDEN);
    assert_string_equal(again.lines[1].district.class_code, "low");
    assert_false(again.lines[1].district.has_rounded);
    figures_fini(&again);
    assert_int_equal(word_open_head(&h, &type, buf_view(&word), key_public(f->hub)), OK);
    assert_int_equal(type, SIGNED_FIGURES);
    assert_int_equal(h.serial, 9);
    buf_fini(&word);
}

/* A finder of the stick reads nothing of a school's numbers. */
static void only_the_schools_computer_reads_them(void **state)
{
    struct fixture *f = *state;
    struct figures_line line = line_of();
    struct figures of = figures_of(&line, 1), again;
    struct key *other = key_of(KEY_SEAL, 'x');
    struct buf word;

    make(&word, f, &of);
    assert_int_equal(open_with(&again, buf_view(&word), f->hub, other), ERR_AUTH);
    assert_int_equal(open_with(&again, buf_view(&word), f->school, f->seal), ERR_AUTH);
    assert_null(memmem(word.data, word.len, "2.222222", 8));
    assert_null(memmem(word.data, word.len, NAME, strlen(NAME)));
    key_free(other);
    buf_fini(&word);
}

static bool opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct figures again;
    bool opened = open_with(&again, object, f->hub, f->seal) == OK;

    if (!opened)
        assert_null(again.texts);
    figures_fini(&again);
    return opened;
}

static void damaged_figures_never_open(void **state)
{
    struct fixture *f = *state;
    struct figures_line line = line_of();
    struct figures of = figures_of(&line, 1), again;
    struct buf b;

    make(&b, f, &of);
    refuse_damage(buf_view(&b), opens, f);
    buf_fini(&b);
    buf_init(&b, FIGURES_PLAIN_MAX);
    assert_int_equal(figures_write(&b, &of), OK);
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(figures_read(&again, bytes_of(b.data, len)), ERR_MALFORMED);
        assert_null(again.lines);
    }
    buf_put_u8(&b, 0);
    assert_int_equal(figures_read(&again, buf_view(&b)), ERR_MALFORMED);
    buf_fini(&b);
}

static void refuse(const struct figures *of)
{
    struct buf b;

    buf_init(&b, FIGURES_PLAIN_MAX);
    assert_int_equal(figures_write(&b, of), ERR_INVALID);
    buf_fini(&b);
}

static void what_nobody_could_read_is_not_made(void **state)
{
    struct figures_line line = line_of();
    struct figures of = figures_of(&line, 1);

    (void)state;
    line.own.state = FIGURES_HIDDEN; /* and yet it has a value */
    refuse(&of);
    line = line_of();
    line.shown = 10;
    refuse(&of);
    line = line_of();
    line.indicator = "";
    refuse(&of);
    line = line_of();
    of.part = 3; /* of two */
    refuse(&of);
    of = figures_of(&line, 1);
    of.publication = 0;
    refuse(&of);
}

/* The largest part: every text as long as it may be. */
static void the_largest_part_fits_into_a_word(void **state)
{
    struct fixture *f = *state;
    struct figures_line *lines = calloc(FIGURES_MAX_LINES, sizeof(*lines));
    static char name[FIGURES_NAME_MAX + 1], part[FIGURES_PART_MAX + 1], measure[FIGURES_UNIT_MAX + 1];
    static char text[FIGURES_TEXT_MAX + 1];
    struct figures of = figures_of(lines, FIGURES_MAX_LINES), again;
    struct buf word;

    assert_non_null(lines);
    memset(name, 'n', FIGURES_NAME_MAX);
    memset(part, 'p', FIGURES_PART_MAX);
    memset(measure, 'm', FIGURES_UNIT_MAX);
    memset(text, '1', FIGURES_TEXT_MAX);
    for (uint32_t i = 0; i < FIGURES_MAX_LINES; i++) {
        struct figures_line *l = &lines[i];

        *l = line_of();
        l->name_ru = l->name_en = l->part_ru = l->part_en = name;
        l->breakdown = part;
        l->measure_ru = l->measure_en = measure;
        l->own.value = l->own.numerator = l->own.denominator = l->own.target = text;
        l->district = l->own;
        l->own.rounded = l->district.rounded = INT64_MIN;
    }
    make(&word, f, &of);
    assert_int_equal(open_with(&again, buf_view(&word), f->hub, f->seal), OK);
    assert_int_equal(again.line_count, FIGURES_MAX_LINES);
    assert_string_equal(again.lines[FIGURES_MAX_LINES - 1].part_en, name);
    figures_fini(&again);
    buf_fini(&word);
    free(lines);
}

/* The vector of SPEC.md section 5.11. */
static void the_bytes_are_as_the_specification_says(void **state)
{
    static const uint8_t bytes[] = {0x9e, 0x07, 0xcf, 0x00, 0x00, 0x01, 0x72, 0x6d, 0x2d, 0x88, 0x00, 0x02, 0xa0, 0xa1,
                                    'p',  0xa0, 0xa0, 0xa4, '2',  '0',  '2',  '0',  0xa0, 0xa0, 0xa0, 0x01, 0x01, 0x90};
    struct figures of = figures_of(NULL, 0);
    struct buf b;

    (void)state;
    of.state = FIGURES_WITHDRAWN;
    of.programme = "p";
    of.period = "2020";
    of.title_ru = of.title_en = of.label_ru = of.label_en = of.unit = "";
    of.parts = 1;
    buf_init(&b, FIGURES_PLAIN_MAX);
    assert_int_equal(figures_write(&b, &of), OK);
    assert_int_equal(b.len, sizeof(bytes));
    assert_memory_equal(b.data, bytes, sizeof(bytes));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(figures_open_as_they_were_made, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(only_the_schools_computer_reads_them, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(damaged_figures_never_open, fixture_open, fixture_close),
        cmocka_unit_test(what_nobody_could_read_is_not_made),
        cmocka_unit_test_setup_teardown(the_largest_part_fits_into_a_word, fixture_open, fixture_close),
        cmocka_unit_test(the_bytes_are_as_the_specification_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
