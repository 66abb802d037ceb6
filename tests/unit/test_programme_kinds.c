/* test_programme_kinds.c: every kind of indicator becomes what docs/indicators.md says, and what cannot work is refused
 * at its place (invariant 9). */
#include "programme_fixture.h"

static void try_all(void **state)
{
    static const char yaml[] = HEAD
        "  - {id: C, name: C, kind: count, form: f, where: \"${a} > 1\", breakdown: sex}\n"
        "  - {id: S, name: S, kind: sum, form: f, value: \"${d}\", places: 2}\n"
        "  - {id: M, name: M, kind: mean, form: f, rows: rows, value: \"${pupils}\"}\n"
        "  - {id: H, name: H, kind: share, form: f, condition: \"${a}\"}\n"
        "  - {id: VS, name: VS, kind: sum, value: \"${a} + ${b} - ${t}\"}\n"
        "  - {id: VH, name: VH, kind: share, numerator: \"${by1}\", denominator: \"${by1} + ${by2}\", breakdown: "
        "true}\n"
        "  - {id: VR, name: VR, kind: ratio, numerator: \"2 * (${a} - 3 * ${rose.pr})\", denominator: \"${n.b}\", "
        "times: 100}\n"
        "  - {id: Q, name: Q, kind: survey, form: f, items: [q1, q2], scale: {from: 1, to: 4}, positive: [3, 4], "
        "reversed: [q2]}\n"
        "  - {id: QT, name: QT, kind: survey, form: f, items: [q1, q2], scale: {from: 1, to: 4}, positive: [3, 4], "
        "together: true, where: \"${a} > 0\"}\n"
        "  - {id: QI, name: QI, kind: survey, form: f, items: [q1, q2], scale: {from: 1, to: 4}, as: index}\n"
        "  - {id: U, name: U, kind: units, condition: \"${VH} > ${municipality.VH}\", among: roster}\n"
        "  - {id: D, name: D, kind: change, of: VH, against: last_year, as: percent}\n"
        "  - {id: F, name: F, kind: formula, value: \"(${VH} + ${previous.VR}) div ${param.low} + ${median.v}\"}\n"
        "  - id: I\n    name: I\n    kind: index\n    components:\n"
        "      - {of: VH, weight: param.half}\n      - {of: H, weight: 0.5, turn: true, rescale: {from: 0, to: 50}}\n"
        "  - id: K\n    name: K\n    kind: class\n    classes:\n"
        "      - {code: low, name: low, condition: \"${VH} < 30\"}\n      - {code: rest, name: rest}\n"
        "  - {id: G, name: G, kind: gap, of: VH, group: \"${K} = 1\"}\n"
        "  - {id: Y, name: Y, kind: history, condition: \"${VH} < 30\", last: 3, at_least: 1, at_most: 2}\n"
        "  - {id: T, name: T, kind: history, of: VH, last: 4, as: trend}\n"
        "  - {id: P, name: P, kind: progress, plan: by1, of: [X]}\n"
        "  - {id: X, name: X, kind: sum, value: \"${net}\", direction: up, period: month, targets: [{period: 2020-10, "
        "from: 5}]}\n";
    struct programme *p = load_good(yaml, variables_yaml);

    (void)state;
    for (size_t i = 0; i < p->variable_count; i++)
        print_message("%s: %s\n", p->variables[i]->id, p->variables[i]->definition);
    for (size_t i = 0; i < p->indicator_count; i++)
        print_message("%s: %s\n", p->indicators[i]->id, p->indicators[i]->definition_ru);
    done(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(try_all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
