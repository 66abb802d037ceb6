/* test_publish_store.c: what left the office is kept as it left, signed, and verify notices when it was changed
 * (invariants 5, 7). */
#include "hub/publish_store.h"

#include "ledger_fixture.h"

static const char csv[] = "programme,indicator\nwell,W-1\n";

static void fill(struct publication_row *row, struct publication_tables *tables, const char *audience)
{
    memset(row, 0, sizeof(*row));
    (void)snprintf(row->head.programme, sizeof(row->head.programme), "well");
    (void)snprintf(row->head.version, sizeof(row->head.version), "1");
    (void)snprintf(row->head.period, sizeof(row->head.period), "2020/21");
    (void)snprintf(row->head.audience, sizeof(row->head.audience), "%s", audience);
    (void)snprintf(row->by, sizeof(row->by), "olga");
    row->snapshot_lsn = 7;
    row->summary = (struct publication_summary){.lines = 9, .shown = 5, .no_data = 1, .primary = 2, .extra = 1};
    publication_tables_init(tables);
    mp_put_array(&tables->rows, 0);
    buf_put_str(&tables->csv, csv);
    buf_put_str(&tables->json, "[]\n");
    buf_put_str(&tables->memory, "memory");
}

/* Its number; the signed head is appended to `object`. */
static uint64_t keep(struct world *w, const char *audience, struct buf *object)
{
    struct publication_tables tables;
    struct publication_row row;
    struct store_txn *t;

    fill(&row, &tables, audience);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(publication_keep(w->hub, t, &row, &tables, object));
    finish_txn(w, t);
    publication_tables_fini(&tables);
    return row.id;
}

static enum err read_kept(struct world *w, uint64_t id, struct publication_tables *out)
{
    struct publication_row row;
    struct store_txn *t;
    enum err e;

    MUST(store_begin_read(w->hub->store, &t));
    if ((e = publication_get(w->hub, t, id, &row)) == OK)
        e = publication_read(t, &row, out);
    store_abort(t);
    return e;
}

static enum err count(void *ctx, const struct publication_row *row)
{
    (*(uint32_t *)ctx)++;
    assert_string_equal(row->by, "olga");
    assert_int_equal(row->summary.lines, 9);
    assert_int_equal(row->summary.shown, 5);
    assert_int_equal(row->summary.primary, 2);
    return OK;
}

static void what_was_published_is_kept_and_found_again(void **state)
{
    struct publication_tables tables;
    struct publication_row row, wanted;
    struct store_txn *t;
    struct world w;
    struct buf object;
    uint64_t region, everybody;
    uint32_t found = 0;

    (void)state;
    world_open(&w);
    buf_init(&object, SIGNED_MAX);
    region = keep(&w, "region", &object);
    everybody = keep(&w, "public", &object);
    publication_tables_init(&tables);
    MUST(read_kept(&w, region, &tables));
    assert_string_equal(buf_cstr(&tables.csv), csv);
    assert_string_equal(buf_cstr(&tables.json), "[]\n");
    assert_string_equal(buf_cstr(&tables.memory), "memory");
    assert_int_equal(read_kept(&w, everybody + 1, &tables), ERR_NOT_FOUND);
    publication_tables_fini(&tables);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(publications_each(w.hub, t, count, &found));
    assert_int_equal(found, 2);
    MUST(publications_newest(w.hub, t, &row));
    assert_int_equal(row.id, everybody);
    fill(&wanted, &tables, "region");
    MUST(publication_find(w.hub, t, &wanted.head, 7, &row));
    assert_int_equal(row.id, region);
    assert_int_equal(publication_find(w.hub, t, &wanted.head, 8, &row), ERR_NOT_FOUND); /* closed anew */
    (void)snprintf(wanted.head.audience, sizeof(wanted.head.audience), "school");
    assert_int_equal(publication_find(w.hub, t, &wanted.head, 7, &row), ERR_NOT_FOUND);
    store_abort(t);
    publication_tables_fini(&tables);
    buf_fini(&object);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A signature without a clock: the same again is the same bytes. */
static void the_same_publication_has_the_same_signature(void **state)
{
    struct buf first, second;
    struct bytes payload;
    struct world w;

    (void)state;
    world_open(&w);
    buf_init(&first, SIGNED_MAX);
    buf_init(&second, SIGNED_MAX);
    (void)keep(&w, "region", &first);
    (void)keep(&w, "region", &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    MUST(signed_open(&payload, bytes_of(first.data, first.len), SIGNED_PUBLICATION, key_public(w.hub->sign)));
    assert_int_equal(signed_open(&payload, bytes_of(first.data, first.len), SIGNED_SNAPSHOT, NULL), ERR_AUTH);
    buf_fini(&first);
    buf_fini(&second);
    world_close(&w);
}

/* The last row of a table, changed by one bit. */
static void flip(struct world *w, unsigned table, size_t at)
{
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key, value;
    struct buf raw, changed;

    buf_init(&raw, STORE_KEY_MAX);
    buf_init(&changed, 1u << 20);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(store_cursor_open(t, table, &c));
    MUST(store_last(c, &key, &value));
    buf_put(&raw, key.p, key.len);
    buf_put(&changed, value.p, value.len);
    store_cursor_close(c);
    changed.data[at % changed.len] ^= 1;
    MUST(store_put(t, table, bytes_of(raw.data, raw.len), bytes_of(changed.data, changed.len)));
    MUST(store_commit(t));
    buf_fini(&raw);
    buf_fini(&changed);
}

static void a_changed_publication_is_refused_and_verify_names_it(void **state)
{
    struct publication_tables tables;
    struct world w;
    struct buf object;
    uint64_t id;

    (void)state;
    world_open(&w);
    buf_init(&object, SIGNED_MAX);
    id = keep(&w, "region", &object);
    publication_tables_init(&tables);
    flip(&w, H_BLOBS, 12);
    assert_int_equal(read_kept(&w, id, &tables), ERR_CORRUPT);
    assert_int_equal(verify_bad(&w), 1);
    flip(&w, H_BLOBS, 12);
    assert_int_equal(verify_bad(&w), 0);
    flip(&w, H_PUBLICATIONS, 60); /* the signed head in the row */
    assert_int_equal(read_kept(&w, id, &tables), ERR_CORRUPT);
    assert_int_equal(verify_bad(&w), 1);
    publication_tables_fini(&tables);
    buf_fini(&object);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_published_is_kept_and_found_again),
        cmocka_unit_test(the_same_publication_has_the_same_signature),
        cmocka_unit_test(a_changed_publication_is_refused_and_verify_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
