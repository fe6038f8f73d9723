//! The blocks of docs/templates.md compile, or fail as documented.

use std::path::Path;

use vivaz_template::compile;

#[test]
fn the_language_reference_is_correct() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/templates.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut right, mut wrong) = (0, Vec::new());
    let mut blocks = text.split("\n```");
    blocks.next();
    // Fences alternate: one opens a block, the next closes it.
    while let Some(block) = blocks.next() {
        let (kind, source) = block.split_once('\n').unwrap();
        match kind {
            "html" => {
                compile(source).unwrap_or_else(|errors| panic!("{source}\n{errors:#?}"));
                right += 1;
            }
            "html wrong" => wrong = compile(source).unwrap_err().iter().map(ToString::to_string).collect(),
            "text" => assert_eq!(source.lines().collect::<Vec<_>>(), wrong),
            other => panic!("an unknown kind of block: {other:?}"),
        }
        blocks.next();
    }
    assert!(right > 10 && !wrong.is_empty());
}
