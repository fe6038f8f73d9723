//! The modules of a crate, with the items that each defines and the modules that it uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree};

/// The path of a module below its crate; empty for the root.
pub(super) type ModulePath = Vec<String>;

/// The modules of a crate without test modules.
pub(super) struct CrateModules {
    modules: BTreeMap<ModulePath, Module>,
}

/// One module.
#[derive(Default)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// The types and traits that the module defines.
    pub(super) types: Vec<String>,
    /// All names that the module defines.
    items: BTreeSet<String>,
    /// The imported names with their full paths.
    imports: BTreeMap<String, Vec<String>>,
    /// The modules of glob imports.
    globs: Vec<Vec<String>>,
    /// The paths in its code, from the root of the crate.
    paths: Vec<Vec<String>>,
}

impl CrateModules {
    /// Reads a crate from its root file.
    ///
    /// # Errors
    /// Fails if a file is missing or is not Rust.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut read = Self { modules: BTreeMap::new() };
        let folder = root.parent().context("the root file of a crate is in a folder")?;
        read.file(root, folder, Vec::new())?;
        Ok(read)
    }

    /// Returns the modules with their paths.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ModulePath, &Module)> {
        self.modules.iter()
    }

    /// Returns the modules that define the names in a module.
    pub(super) fn uses(&self, module: &Module) -> BTreeSet<ModulePath> {
        module.paths.iter().filter_map(|path| self.resolve(path, 0)).collect()
    }

    /// Reads a file as the module `at`; `folder` contains the files of its child modules.
    fn file(&mut self, file: &Path, folder: &Path, at: ModulePath) -> anyhow::Result<()> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        self.items(&parsed.items, file, folder, at)
    }

    fn items(&mut self, items: &[Item], file: &Path, folder: &Path, at: ModulePath) -> anyhow::Result<()> {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items.iter().filter(|item| !is_of_tests(attributes(item))) {
            if let Item::Mod(child) = item {
                let name = child.ident.to_string();
                let path: ModulePath = at.iter().cloned().chain([name.clone()]).collect();
                let below = folder.join(&name);
                match &child.content {
                    Some((_, items)) => self.items(items, file, &below, path)?,
                    None => self.file(&folder.join(format!("{name}.rs")), &below, path)?,
                }
                module.items.insert(name);
                continue;
            }
            if let Item::Use(import) = item {
                module.import(&import.tree, &mut Vec::new(), &at);
            }
            if let Some((name, is_type)) = defined(item) {
                if is_type {
                    module.types.push(name.clone());
                }
                module.items.insert(name);
            }
            collect_paths(item.to_token_stream(), &at, &mut module.paths);
        }
        self.modules.insert(at, module);
        Ok(())
    }

    /// Returns the module that defines the item with a full path.
    fn resolve(&self, path: &[String], depth: usize) -> Option<ModulePath> {
        // Imports may be circular.
        if depth > 16 {
            return None;
        }
        let mut at = ModulePath::new();
        for (n, segment) in path.iter().enumerate() {
            let child: ModulePath = at.iter().cloned().chain([segment.clone()]).collect();
            if self.modules.contains_key(&child) {
                at = child;
                continue;
            }
            let module = self.modules.get(&at)?;
            if module.items.contains(segment) {
                return Some(at);
            }
            let rest = path.get(n + 1..).unwrap_or_default();
            let full = |start: &[String]| start.iter().chain(rest).cloned().collect::<Vec<_>>();
            if let Some(target) = module.imports.get(segment) {
                return self.resolve(&full(target), depth + 1);
            }
            let through = module.globs.iter().find_map(|glob| {
                let target: Vec<String> = glob.iter().cloned().chain([segment.clone()]).collect();
                self.resolve(&full(&target), depth + 1)
            });
            return through.or(Some(at));
        }
        Some(at)
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, prefix: &mut Vec<String>, at: &ModulePath) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import(&path.tree, prefix, at);
                prefix.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, prefix, at)),
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let target: Vec<String> = if name == "self" {
                    prefix.clone()
                } else {
                    prefix.iter().cloned().chain([name]).collect()
                };
                self.add_import(None, &target, at);
            }
            UseTree::Rename(rename) => {
                let target: Vec<String> = prefix.iter().cloned().chain([rename.ident.to_string()]).collect();
                self.add_import(Some(rename.rename.to_string()), &target, at);
            }
            UseTree::Glob(_) => self.globs.extend(full_path(prefix, at)),
        }
    }

    fn add_import(&mut self, name: Option<String>, target: &[String], at: &ModulePath) {
        let Some(name) = name.or_else(|| target.last().cloned()) else { return };
        if let Some(full) = full_path(target, at) {
            self.imports.insert(name, full);
        }
    }
}

/// Returns the path from the root of the crate, or `None` for a path into another crate.
fn full_path(path: &[String], at: &ModulePath) -> Option<Vec<String>> {
    let mut full: Vec<String> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" => at.clone(),
        "super" => at.clone(),
        // May be the name of a child module.
        _ => return Some(at.iter().chain(path).cloned().collect()),
    };
    for segment in path {
        match segment.as_str() {
            "crate" | "self" => {}
            "super" => {
                full.pop()?;
            }
            _ => full.push(segment.clone()),
        }
    }
    Some(full)
}

/// Collects the paths that start with `crate`, `self` or `super`, including those in macro calls.
fn collect_paths(tokens: TokenStream, at: &ModulePath, paths: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            TokenTree::Ident(ident)
                if ["crate", "self", "super"].contains(&ident.to_string().as_str()) && is_path(after) =>
            {
                let before = paths.len();
                path_tree(&mut rest, vec![ident.to_string()], paths);
                let relative = paths.split_off(before);
                paths.extend(relative.iter().filter_map(|path| full_path(path, at)));
            }
            TokenTree::Group(group) => collect_paths(group.stream(), at, paths),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn is_path(tokens: &[TokenTree]) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    matches!(tokens, [first, second, ..] if is_colon(first) && is_colon(second))
}

/// Parses the tokens after `prefix` and adds each path that starts with it.
fn path_tree(rest: &mut &[TokenTree], mut prefix: Vec<String>, paths: &mut Vec<Vec<String>>) {
    while is_path(rest) {
        match rest.get(2) {
            Some(TokenTree::Ident(ident)) => {
                prefix.push(ident.to_string());
                *rest = rest.get(3..).unwrap_or_default();
            }
            Some(TokenTree::Group(group)) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inner.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
                {
                    let Some((TokenTree::Ident(ident), mut after)) = branch.split_first() else { continue };
                    let mut path = prefix.clone();
                    if ident != "self" {
                        path.push(ident.to_string());
                    }
                    path_tree(&mut after, path, paths);
                }
                *rest = rest.get(3..).unwrap_or_default();
                return;
            }
            _ => {
                *rest = rest.get(2..).unwrap_or_default();
                break;
            }
        }
    }
    paths.push(prefix);
}

/// Returns the name that an item defines, and whether it is a type or a trait.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive")]
fn defined(item: &Item) -> Option<(String, bool)> {
    let (ident, is_type) = match item {
        Item::Struct(item) => (&item.ident, true),
        Item::Enum(item) => (&item.ident, true),
        Item::Union(item) => (&item.ident, true),
        Item::Trait(item) => (&item.ident, true),
        Item::Type(item) => (&item.ident, true),
        Item::Fn(item) => (&item.sig.ident, false),
        Item::Const(item) => (&item.ident, false),
        Item::Static(item) => (&item.ident, false),
        Item::Macro(item) => (item.ident.as_ref()?, false),
        _ => return None,
    };
    Some((ident.to_string(), is_type))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive")]
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is compiled only for tests or fuzzing.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        text == "cfg (test)" || text.starts_with("cfg (all (test") || text == "cfg (fuzzing)"
    })
}
