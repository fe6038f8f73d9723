//! Finds import cycles between the modules of a folder.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{CrateModules, ModulePath};

/// An import cycle, with the imports between its modules.
pub(super) struct Cycle {
    /// The names of the modules, which have the same parent. A module and the files of its folder
    /// count as one.
    pub(super) members: BTreeSet<String>,
    /// `file imports module`, for each import between two members.
    pub(super) imports: Vec<String>,
}

type Graph = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Returns the cycles of a crate. Imports between a module and its own children are not counted.
pub(super) fn find(modules: &CrateModules) -> Vec<Cycle> {
    let mut folders: BTreeMap<ModulePath, Graph> = BTreeMap::new();
    for (from, module) in modules.iter() {
        for to in modules.uses(module) {
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            let (Some(a), Some(b)) = (from.get(common), to.get(common)) else { continue };
            let parent: ModulePath = from.iter().take(common).cloned().collect();
            let import = format!("{} imports {}", module.file.display(), to.join("::"));
            let graph = folders.entry(parent.clone()).or_default();
            graph.entry(a.clone()).or_default().entry(b.clone()).or_default().push(import);
        }
    }
    folders.iter().flat_map(|(parent, graph)| of_folder(parent, graph)).collect()
}

fn of_folder(parent: &ModulePath, graph: &Graph) -> Vec<Cycle> {
    let reachable: BTreeMap<&String, BTreeSet<&String>> =
        graph.keys().map(|module| (module, reach(graph, module))).collect();
    let is_reached = |from: &String, to: &String| reachable.get(from).is_some_and(|set| set.contains(to));
    let mut seen = BTreeSet::new();
    let mut cycles = Vec::new();
    for module in graph.keys().filter(|module| is_reached(module, module)) {
        if seen.contains(module) {
            continue;
        }
        let members: BTreeSet<&String> =
            graph.keys().filter(|other| is_reached(module, other) && is_reached(other, module)).collect();
        seen.extend(members.iter().copied());
        let between = graph.iter().filter(|(from, _)| members.contains(from));
        let imports = between
            .flat_map(|(_, targets)| targets.iter().filter(|(to, _)| members.contains(to)))
            .flat_map(|(_, imports)| imports.iter().cloned())
            .collect();
        let full = |name: &String| parent.iter().chain([name]).cloned().collect::<Vec<_>>().join("::");
        cycles.push(Cycle { members: members.into_iter().map(full).collect(), imports });
    }
    cycles
}

/// Returns the modules that can be reached from one over at least one import.
fn reach<'g>(graph: &'g Graph, from: &String) -> BTreeSet<&'g String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = graph.get(from).into_iter().flat_map(BTreeMap::keys).collect();
    while let Some(module) = open.pop() {
        if found.insert(module) {
            open.extend(graph.get(module).into_iter().flat_map(BTreeMap::keys));
        }
    }
    found
}
