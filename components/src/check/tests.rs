use super::*;
use crate::shape::{LiveShape, hash};

const SUBJECT: Subject = Subject {
    ty: "Page",
    fields: &[],
    shape: ShapeRef::new(&Shape::Struct("Page", &[ShapeField::of("count", <u32 as LiveShape>::SHAPE)])),
    computed: &[],
    actions: &[],
    methods: &[],
    words: &[],
    children: &[],
    source: TemplateText { file: "page.html", line: 1, column: 0, text: "<p>\n    é {{ cuont }}\n</p>\n" },
};

fn checks(count: usize) -> Vec<TemplateUse> {
    const PATH: &[PathStep] = &[PathStep::Field("cuont", hash("cuont"))];
    (0..count).map(|_| TemplateUse(14, UseKind::Path(PATH, PathUse::Text))).collect()
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let message = verify(&SUBJECT, &checks(1)).unwrap();
    assert_eq!(
        message.as_str(),
        "no field `cuont` on `Page`; did you mean `count`?\n --> page.html:2:10\n  |\n2 | é {{ cuont }}\n  |      ^"
    );
    // The position of an inline template counts from its beginning.
    let source = TemplateText { file: "page.rs", line: 7, column: 20, ..SUBJECT.source };
    let message = verify(&Subject { source, ..SUBJECT }, &checks(1)).unwrap();
    assert!(message.as_str().contains("--> page.rs:8:10"), "{}", message.as_str());
}

#[test]
fn a_long_list_of_mistakes_is_cut() {
    let message = verify(&SUBJECT, &checks(10)).unwrap();
    assert_eq!(message.as_str().matches("did you mean").count(), 8);
    assert!(message.as_str().ends_with("and 2 more in this template"));
    assert!(verify(&SUBJECT, &checks(0)).is_none());
}
