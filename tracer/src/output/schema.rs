//! The JSON Schema of a capture's lines, generated from the types that are written and read.

use std::io::{self, Write};

use schemars::{Schema, generate::SchemaSettings};

use crate::model::Record;

/// Writes the schema as indented JSON.
///
/// # Errors
/// Returns every error of writing to `out`.
pub fn write_schema(out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &schema())?;
    out.write_all(b"\n")
}

/// Returns the schema (draft 2020-12) that each line of a capture fulfils. Fields that a reader may find absent are not
/// required.
fn schema() -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Record>();
    schema.insert("title".to_owned(), "A line of a tracer capture".into());
    schema
}
