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
    routes: &[],
};

fn checks(count: usize) -> Vec<Check> {
    const PATH: &[PathStep] = &[PathStep::Field(("cuont", hash("cuont")))];
    let kind = CheckKind::Path { steps: PATH, want: Want::Text, given: 0 };
    (0..count).map(|_| Check { at: "2 | {{ cuont }}", kind: kind.clone() }).collect()
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let message = verify(&SUBJECT, &checks(1)).unwrap();
    assert_eq!(message.as_str(), "no field `cuont` on `Page`; did you mean `count`?\n2 | {{ cuont }}");
}

#[test]
fn a_long_list_of_mistakes_is_cut() {
    let message = verify(&SUBJECT, &checks(10)).unwrap();
    assert_eq!(message.as_str().matches("did you mean").count(), 8);
    assert!(message.as_str().ends_with("and 2 more in this template"));
    assert!(verify(&SUBJECT, &checks(0)).is_none());
}
