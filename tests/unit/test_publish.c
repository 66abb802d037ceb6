#include "publish_fixture.h"
static void t(void **s){ (void)s;
    const char *text =
    "variables:\n"
    "  - {id: marks, form: exam, rows: rows, value: \"${mark_sum}\"}\n"
    "  - {id: takers, form: exam, rows: rows, value: \"${participants}\"}\n"
    "  - {id: pupils, form: social, value: \"${pupils}\"}\n"
    "  - {id: both_he, form: social, value: \"${both_he}\"}\n"
    "  - {id: one_parent, form: social, value: \"${one_parent}\"}\n"
    "  - {id: registers, form: social, value: \"${registers}\"}\n"
    "  - {id: non_native, form: social, value: \"${non_native}\"}\n"
    "indicators:\n"
    "  - {id: exam, name: Mean mark, kind: ratio, numerator: \"${marks}\", denominator: \"${takers}\", audience: [office, region]}\n"
    "  - {id: x2, name: B, kind: share, numerator: \"${both_he}\", denominator: \"${pupils}\", privacy: family, audience: [office, region]}\n"
    "  - {id: x3, name: B, kind: share, numerator: \"${one_parent}\", denominator: \"${pupils}\", privacy: family, audience: [office, region]}\n"
    "  - {id: x4, name: B, kind: share, numerator: \"${registers}\", denominator: \"${pupils}\", privacy: family, audience: [office, region]}\n"
    "  - {id: x5, name: B, kind: share, numerator: \"${non_native}\", denominator: \"${pupils}\", privacy: family, audience: [office, region]}\n"
    "  - id: KOR-01\n    name: S\n    kind: index\n    audience: [office, region]\n    components:\n"
    "      - {of: x2, weight: 0.25}\n      - {of: x3, weight: 0.25, turn: true}\n"
    "      - {of: x4, weight: 0.25, turn: true}\n      - {of: x5, weight: 0.25, turn: true}\n";
    struct world *w = open_text(text);
    struct press past = {0};
    three_schools(w);
    cell(w,"marks","A","2020/21",16,1);cell(w,"takers","A","2020/21",5,1);
    cell(w,"marks","B","2020/21",9,1);cell(w,"takers","B","2020/21",3,1);
    cell(w,"marks","C","2020/21",54,1);cell(w,"takers","C","2020/21",15,1);
    int v[3][5]={{62,9,17,2,1},{34,3,11,1,0},{148,44,36,3,9}}; const char*n[]={"pupils","both_he","one_parent","registers","non_native"};
    const char *u[]={"A","B","C"};
    for(int i=0;i<3;i++)for(int k=0;k<5;k++)cell(w,n[k],u[i],"2020/21",v[i][k],1);
    struct publication *p = publish(w,&past,"2020/21",AUDIENCE_REGION);
    print_publication(p);
    const struct publication_summary *q=publication_summary(p);
    fprintf(stderr,"lines %u shown %u primary %u inputs %u extra %u targets %u readers %u ms %lu\n",q->lines,q->shown,q->primary,q->inputs,q->extra,q->targets,q->readers,(unsigned long)q->milliseconds);
    publication_free(p);
    p = publish(w,&past,"2020/21",AUDIENCE_REGION);
    print_publication(p);
    fprintf(stderr,"memory %zu, earlier %u\n",past.memories[0].len,publication_summary(p)->earlier);
    publication_free(p);
    press_free(&past);
    done(w);
}
int main(void){const struct CMUnitTest tests[]={cmocka_unit_test(t)};return cmocka_run_group_tests(tests,NULL,NULL);}
