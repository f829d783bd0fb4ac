//! The public API of the library as a list, so that a diff shows what changes for its users.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result};
use quote::ToTokens;
use syn::{Attribute, Field, Ident, ImplItem, Item, TraitItem, Type, UseTree, Visibility};

use super::source::{self, Name, is_test};

/// The list.
const LIST: &str = "tracer/public-api.txt";

/// Returns a sentence if the list is not what the library publishes.
///
/// # Errors
/// If a file cannot be read or parsed.
pub fn find(root: &Path) -> Result<Vec<String>> {
    let listed = fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let stale = listed != list(root)?;
    let fault = format!("{LIST} is not what tracer publishes: run `cargo xtask tidy --write` and read what changes");
    Ok(stale.then_some(fault).into_iter().collect())
}

/// Writes the list.
///
/// # Errors
/// If a file cannot be read, parsed or written.
pub fn write(root: &Path) -> Result<()> {
    fs::write(root.join(LIST), list(root)?).with_context(|| format!("cannot write {LIST}"))
}

fn list(root: &Path) -> Result<String> {
    Ok(Crate::of(source::read(root, "tracer")?)?.lines().into_iter().map(|line| line + "\n").collect())
}

/// The items of each module.
struct Crate(BTreeMap<Name, Vec<Item>>);

impl Crate {
    fn of(sources: Vec<(Name, String)>) -> Result<Self> {
        let items = |(name, text): (Name, String)| {
            let file = syn::parse_file(&text).with_context(|| format!("cannot parse module {}", name.join("::")))?;
            Ok((name, file.items))
        };
        Ok(Self(sources.into_iter().map(items).collect::<Result<_>>()?))
    }

    /// Returns a line for each public item, field, variant and function of the public modules, sorted.
    fn lines(&self) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        let public = self.items(&[]).filter_map(|item| match item {
            Item::Mod(module) if is_public(&module.vis) && !is_hidden(&module.attrs) => Some(module.ident.to_string()),
            _ => None,
        });
        for module in public {
            for item in self.items(std::slice::from_ref(&module)).filter(|item| name(item).is_some()) {
                self.describe(&module, &module, item, &mut lines);
            }
            let uses = self.items(std::slice::from_ref(&module)).filter_map(|item| match item {
                Item::Use(item) if is_public(&item.vis) => Some(&item.tree),
                _ => None,
            });
            for path in uses.flat_map(|tree| leaves(tree, &[])) {
                self.publish(&module, &path, &mut lines);
            }
        }
        lines
    }

    /// Iterates over the items of a module and of those below it, whose names begin like its own.
    fn items(&self, module: &[String]) -> impl Iterator<Item = &Item> {
        let modules = self.0.iter().filter(move |(name, _)| name.as_slice() == module);
        modules.flat_map(|(_, items)| items)
    }

    fn items_below(&self, module: &[String]) -> impl Iterator<Item = &Item> {
        let modules = self.0.iter().filter(move |(name, _)| name.starts_with(module));
        modules.flat_map(|(_, items)| items)
    }

    /// Describes what a public module publishes by `use`.
    fn publish(&self, module: &str, path: &[String], lines: &mut BTreeSet<String>) {
        let Some((last, folder)) = path.split_last() else { return };
        let folder = match folder.split_first() {
            Some((first, rest)) if first == "crate" => rest.to_vec(),
            _ => [&[module.to_owned()], folder].concat(),
        };
        let mut found = self.items_below(&folder).filter(|item| name(item).as_ref() == Some(last)).peekable();
        if found.peek().is_none() {
            lines.insert(format!("{module}: use {}", path.join("::")));
        }
        let folder = folder.first().map_or(module, String::as_str);
        found.for_each(|item| self.describe(module, folder, item, lines));
    }

    /// Describes an item that `module` publishes, and what belongs to it. `folder` is where it is implemented.
    fn describe(&self, module: &str, folder: &str, item: &Item, lines: &mut BTreeSet<String>) {
        let path = format!("{module}::{}", name(item).unwrap_or_default());
        match item {
            Item::Struct(item) => {
                lines.insert(format!("{path}: struct{}", derived(&item.attrs)));
                let public = item.fields.iter().enumerate().filter(|(_, field)| is_public(&field.vis));
                lines.extend(public.map(|(at, field)| format!("{path}.{}", described(at, field))));
                self.functions(&path, folder, &item.ident, lines);
            }
            Item::Enum(item) => {
                lines.insert(format!("{path}: enum{}", derived(&item.attrs)));
                for variant in &item.variants {
                    let fields: Vec<_> =
                        variant.fields.iter().enumerate().map(|(at, field)| described(at, field)).collect();
                    let fields =
                        if fields.is_empty() { String::new() } else { format!(" {{ {} }}", fields.join(", ")) };
                    lines.insert(format!("{path}::{}{fields}", variant.ident));
                }
                self.functions(&path, folder, &item.ident, lines);
            }
            Item::Trait(item) => lines.extend(item.items.iter().filter_map(|item| {
                let TraitItem::Fn(function) = item else { return None };
                let provided = if function.default.is_some() { ", provided" } else { "" };
                Some(format!("{path}: trait, {}{provided}", text(&function.sig)))
            })),
            Item::Fn(item) => _ = lines.insert(format!("{path}: {}", text(&item.sig))),
            Item::Type(item) => _ = lines.insert(format!("{path}: type {}", text(&item.ty))),
            _ => {}
        }
    }

    /// Describes the public functions and constants of a type, and the traits that are implemented for it by hand.
    fn functions(&self, path: &str, folder: &str, of: &Ident, lines: &mut BTreeSet<String>) {
        for item in self.items_below(&[folder.to_owned()]) {
            let Item::Impl(block) = item else { continue };
            if is_test(&block.attrs)
                || !matches!(&*block.self_ty, Type::Path(own) if own.path.segments.last().is_some_and(|last| last.ident == *of))
            {
                continue;
            }
            if let Some((_, implemented, _)) = &block.trait_ {
                lines.insert(format!("{path}: impl {}", text(implemented)));
            }
            lines.extend(block.items.iter().filter_map(|item| match item {
                ImplItem::Fn(function) if is_public(&function.vis) => Some(format!("{path}: {}", text(&function.sig))),
                ImplItem::Const(constant) if is_public(&constant.vis) => {
                    Some(format!("{path}::{}: {}", constant.ident, text(&constant.ty)))
                }
                _ => None,
            }));
        }
    }
}

/// Returns the name of an item that is public itself.
fn name(item: &Item) -> Option<String> {
    let (vis, ident) = match item {
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    is_public(vis).then(|| ident.to_string())
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc") && text(attribute).contains("hidden"))
}

/// Describes a field; `at` is the place of one without a name.
fn described(at: usize, field: &Field) -> String {
    let name = field.ident.as_ref().map_or_else(|| at.to_string(), Ident::to_string);
    format!("{name}: {}", text(&field.ty))
}

/// Returns the traits that a type derives.
fn derived(attributes: &[Attribute]) -> String {
    let lists = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let lists = lists.filter_map(|attribute| attribute.meta.require_list().ok());
    lists.map(|list| format!(" ({})", text(&list.tokens))).collect()
}

/// Returns the paths that a `use` publishes.
fn leaves(tree: &UseTree, before: &[String]) -> Vec<Vec<String>> {
    let with = |name: &Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident)),
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, before)).collect(),
        UseTree::Name(name) => vec![with(&name.ident)],
        UseTree::Rename(name) => vec![with(&name.ident)],
        UseTree::Glob(_) => vec![[before, &["*".to_owned()]].concat()],
    }
}

/// Writes tokens like rustfmt, more or less.
fn text(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        (" , ", ", "),
        (" : ", ": "),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("- >", "->"),
        ("->", " -> "),
    ] {
        text = text.replace(spaced, tight);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_publishes_is_listed() {
        let names = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let sources = [
            ("", "pub mod face; mod model; #[doc(hidden)] pub mod hidden;"),
            (
                "face",
                "pub use crate::model::{Step, Kind}; pub use other::Net; pub(crate) use x::Y; pub fn run(step: &Step) -> Vec<u8> {}",
            ),
            ("hidden", "pub fn secret() {}"),
            (
                "model::step",
                "#[derive(Clone, Debug)] pub struct Step { pub at: Option<u64>, own: u8 } impl Step { pub fn new() -> Self {} fn f() {} }",
            ),
            ("model::kind", "pub enum Kind { A, B(Step), C { at: u8 } } impl fmt::Display for Kind { fn fmt() {} }"),
        ];
        let sources = sources.map(|(name, text)| (names(name), text.to_owned())).to_vec();
        let lines = Crate::of(sources).expect("Rust").lines();
        assert_eq!(
            lines.iter().map(String::as_str).collect::<Vec<_>>(),
            [
                "face: use other::Net",
                "face::Kind: enum",
                "face::Kind: impl fmt::Display",
                "face::Kind::A",
                "face::Kind::B { 0: Step }",
                "face::Kind::C { at: u8 }",
                "face::Step.at: Option<u64>",
                "face::Step: fn new() -> Self",
                "face::Step: struct (Clone, Debug)",
                "face::run: fn run(step: &Step) -> Vec<u8>",
            ]
        );
    }
}
