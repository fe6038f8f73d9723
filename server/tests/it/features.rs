//! The features of the crate are documented.

#[test]
fn each_feature_has_a_row_in_the_overview() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, features) = manifest.split_once("[features]").unwrap();
    let (features, _) = features.split_once("\n[").unwrap();
    let defined: Vec<_> = features
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .collect();
    let (_, rows) = include_str!("../../src/lib.rs").split_once("| --- | --- |\n").unwrap();
    let documented: Vec<_> = rows
        .lines()
        .map_while(|line| line.strip_prefix("//! | `"))
        .filter_map(|line| Some(line.split_once('`')?.0))
        .collect();
    assert_eq!(documented, defined);
}
