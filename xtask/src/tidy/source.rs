//! The modules of a crate, and what each imports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use syn::{
    Attribute, Item, UseTree,
    visit::{self, Visit},
};
use walkdir::WalkDir;

/// A module's path from the crate's root; empty for the root.
pub type Name = Vec<String>;

/// A crate without its tests.
#[derive(Debug, Default)]
pub struct Tree {
    /// Its name in documents, such as `tracer`.
    pub name: String,
    /// What each module imports.
    pub modules: BTreeMap<Name, Imports>,
}

/// What a module imports.
#[derive(Debug, Default)]
pub struct Imports {
    /// Modules of the same crate.
    pub own: BTreeSet<Name>,
    /// Paths into other crates, such as `std::fs::File`.
    pub foreign: BTreeSet<String>,
}

impl Tree {
    /// Reads the crate in a folder.
    ///
    /// # Errors
    /// If a file cannot be read or parsed.
    pub fn read(root: &Path, folder: &str) -> Result<Self> {
        Self::of(folder, read(root, folder)?)
    }

    /// Parses the modules.
    ///
    /// # Errors
    /// If one is not Rust.
    pub fn of(name: &str, sources: Vec<(Name, String)>) -> Result<Self> {
        let known: BTreeSet<Name> = sources.iter().map(|(name, _)| name.clone()).collect();
        let mut tree = Self { name: name.to_owned(), ..Self::default() };
        for (name, text) in sources {
            let file = syn::parse_file(&text).with_context(|| format!("cannot parse module {}", name.join("::")))?;
            let mut visitor = Visitor { known: &known, module: name.clone(), imports: Imports::default() };
            visitor.visit_file(&file);
            visitor.imports.own.remove(&name);
            tree.modules.insert(name, visitor.imports);
        }
        Ok(tree)
    }
}

/// Reads the modules of the crate in a folder, without its tests and other binaries.
///
/// # Errors
/// If a file cannot be read.
pub fn read(root: &Path, folder: &str) -> Result<Vec<(Name, String)>> {
    let source = root.join(folder).join("src");
    let source = if source.is_dir() { source } else { root.join(folder) };
    let mut files: BTreeMap<Name, PathBuf> = BTreeMap::new();
    for entry in WalkDir::new(&source).sort_by_file_name() {
        let path = entry.with_context(|| format!("cannot list {}", source.display()))?.into_path();
        // A crate with a library has another root in its `main.rs`, which is thin.
        if let Some(name) = path.strip_prefix(&source).ok().and_then(name_of)
            && !(path.ends_with("main.rs") && files.contains_key(&name))
        {
            files.insert(name, path);
        }
    }
    let text = |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    files.iter().map(|(name, path)| Ok((name.clone(), text(path)?))).collect()
}

/// Returns the module's name, or `None` if the file is not a source, or belongs to tests or another binary.
fn name_of(path: &Path) -> Option<Name> {
    let path = path.to_str()?.strip_suffix(".rs")?;
    let mut name: Name = path.split('/').map(str::to_owned).collect();
    if name.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        name.pop();
    }
    (!name.iter().any(|part| matches!(part.as_str(), "tests" | "bin"))).then_some(name)
}

struct Visitor<'a> {
    known: &'a BTreeSet<Name>,
    /// The module of the code that is being visited. A module within the file adds a name.
    module: Name,
    imports: Imports,
}

impl Visitor<'_> {
    fn import(&mut self, path: &[String]) {
        let Some(first) = path.first() else { return };
        let ups = path.iter().take_while(|part| *part == "super").count();
        let child = [&self.module[..], &path[..1]].concat();
        let (mut base, rest) = match first.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (self.module.clone(), &path[1..]),
            "super" => (self.module[..self.module.len().saturating_sub(ups)].to_vec(), &path[ups..]),
            _ if self.known.contains(&child) => (self.module.clone(), path),
            _ => {
                self.imports.foreign.insert(path.join("::"));
                return;
            }
        };
        for part in rest {
            base.push(part.clone());
            if !self.known.contains(&base) {
                base.pop();
                break;
            }
        }
        self.imports.own.insert(base);
    }

    fn leaves(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.leaves(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.leaves(tree, before)),
            UseTree::Name(name) => self.leaf(name.ident.to_string(), before),
            UseTree::Rename(name) => self.leaf(name.ident.to_string(), before),
            UseTree::Glob(_) => self.import(before),
        }
    }

    fn leaf(&mut self, name: String, before: &[String]) {
        let end = if name == "self" { None } else { Some(name) };
        self.import(&before.iter().cloned().chain(end).collect::<Vec<_>>());
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(module) = item {
            if module.content.is_some() && !is_test(&module.attrs) {
                self.module.push(module.ident.to_string());
                visit::visit_item(self, item);
                self.module.pop();
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.leaves(&item.tree, &mut Vec::new());
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 {
            self.import(&parts);
        }
        visit::visit_path(self, path);
    }
}

/// Whether something is compiled for tests only.
pub fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}
