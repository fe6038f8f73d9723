//! The blocks of docs/templates.md and docs/pages.md compile, or fail as documented.

use std::path::Path;

use vivaz_template::{PartialFile, TemplateKind, compile, compile_with};

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
            // A script of the application, which a browser test runs.
            "js" => {}
            other => panic!("an unknown kind of block: {other:?}"),
        }
        blocks.next();
    }
    assert!(right > 10 && !wrong.is_empty());
}

#[test]
fn the_templates_of_the_guide_to_pages_compile() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pages.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<(&str, &str)> =
        text.split("\n```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect();
    let mut compiled = 0;
    for (kind, source) in &blocks {
        let kind = match *kind {
            "html page" => TemplateKind::Page,
            "html component" => TemplateKind::Component,
            _ => continue,
        };
        let partial = &mut |name: &str| {
            let fence = format!("html partials/{name}.html");
            let (_, text) = blocks.iter().find(|(kind, _)| *kind == fence)?;
            Some(PartialFile { file: fence, text: (*text).to_owned() })
        };
        compile_with(source, kind, partial).unwrap_or_else(|errors| panic!("{source}\n{errors:#?}"));
        compiled += 1;
    }
    assert_eq!(compiled, 4);
}
