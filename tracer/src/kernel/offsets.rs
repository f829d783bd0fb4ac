//! Resolves the rows of `tracer_common::FIELDS` from the running kernel's BTF.

use tracer_common::{ABSENT, FIELDS, Field, LAYOUT_FIELDS, Layout, Unit};

use super::{Kernel, btf::Split};

/// Offsets in the running kernel, and the names of the rows that it lacks.
pub struct Resolved {
    /// The offsets.
    pub layout: Layout,
    /// `structure.path` of each row that is missing although its module is loaded.
    pub missing: Vec<String>,
}

/// Resolves every row, from vmlinux or else from the first of its modules that has the field.
#[must_use]
pub fn resolve(kernel: &Kernel) -> Resolved {
    let mut values = [ABSENT; LAYOUT_FIELDS];
    let mut missing = Vec::new();
    for (value, field) in values.iter_mut().zip(FIELDS) {
        let loaded: Vec<Split<'_>> = std::iter::once(kernel.vmlinux())
            .chain(field.modules().filter_map(|module| kernel.types(module)))
            .collect();
        match loaded.iter().find_map(|types| resolve_in(types, field)) {
            Some(found) => *value = found,
            None if field.modules.is_empty() || loaded.len() > 1 => {
                missing.push(format!("{}.{}", field.structure, field.path));
            }
            None => {}
        }
    }
    Resolved { layout: Layout::from_values(&values), missing }
}

/// Returns the modules whose BTF the rows need.
pub fn modules() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().flat_map(Field::modules)
}

fn resolve_in(types: &Split<'_>, field: &Field) -> Option<u16> {
    let value = match field.unit {
        Unit::Size => types.size(field.structure)?,
        unit => {
            let member = types.member(field.structure, field.path)?;
            match unit {
                Unit::Bit => member.bit,
                Unit::Width => member.width,
                _ => member.bit / 8,
            }
        }
    };
    u16::try_from(value).ok().filter(|value| *value != ABSENT)
}
