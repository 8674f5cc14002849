//! TOML values with their places in the text, read without any expectation of their shape.
//!
//! Reading shapes here, instead of letting the deserialiser insist on them, is what lets one
//! pass report every problem of a file and not just the first.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use toml::Spanned;

/// A TOML value whose parts know where they stand. Opaque: it is what a configuration file
/// holds for one of the fields of a [`GraphSection`](crate::GraphSection).
#[derive(Clone, Debug)]
pub struct Tree(pub(crate) Shape);

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Text(String),
    Integer(i64),
    Array(Vec<Spanned<Tree>>),
    Table(Vec<(Spanned<String>, Spanned<Tree>)>),
    Other(&'static str),
}

impl Tree {
    /// An array of names, each with its place.
    pub fn names(names: impl IntoIterator<Item = Spanned<String>>) -> Self {
        let name =
            |name: Spanned<String>| Spanned::new(name.span(), Self(Shape::Text(name.into_inner())));
        Self(Shape::Array(names.into_iter().map(name).collect()))
    }

    /// What kind of value this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.0 {
            Shape::Text(_) => "a string",
            Shape::Integer(_) => "a number",
            Shape::Array(_) => "an array",
            Shape::Table(_) => "a table",
            Shape::Other(kind) => kind,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyTree).map(Tree)
    }
}

struct AnyTree;

impl<'de> Visitor<'de> for AnyTree {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number, an array or a table")
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Shape, E> {
        Ok(Shape::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Shape, E> {
        Ok(i64::try_from(number).map_or(Shape::Other("a huge number"), Shape::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Other("a fraction"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Other("a truth value"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Shape::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Tree>)> = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        // The parser may hand entries out in any order; problems are reported in the file's.
        entries.sort_by_key(|(key, _)| key.span().start);
        Ok(Shape::Table(entries))
    }
}
