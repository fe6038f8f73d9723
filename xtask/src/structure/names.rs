//! Finds type names that are defined more than once.

use std::collections::BTreeMap;

use super::exceptions::Exceptions;
use super::modules::CrateModules;

/// Crates of this repository that no other crate uses. Their type names are not compared.
const TOOLS: &[&str] = &["demo", "examples", "xtask"];

/// Returns a fault for each type name with several definitions, except for accepted ones.
pub(super) fn faults(crates: &[(&str, CrateModules)], exceptions: &mut Exceptions) -> Vec<String> {
    let mut places: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for (name, modules) in crates.iter().filter(|(name, _)| !TOOLS.contains(name)) {
        for (path, module) in modules.iter() {
            for defined in &module.types {
                let place = [name.to_string()].into_iter().chain(path.iter().cloned()).collect::<Vec<_>>();
                places.entry(defined).or_default().push(place.join("::"));
            }
        }
    }
    let several = places.into_iter().filter(|(_, places)| places.len() > 1);
    several
        .filter(|(name, places)| !exceptions.accept_name(name, places.len()))
        .map(|(name, places)| {
            format!("the type name {name} is defined {} times: {}", places.len(), places.join(", "))
        })
        .collect()
}
