//! Acceptors that may fail together, by whatever they share: an organisation, a country, software.
//!
//! ```toml
//! [groups.organisation]
//! acme = ["a1", "a2"]
//! [groups.software]
//! north = ["a1", "a3"]
//! ```
//!
//! Groups mean nothing to the network: they are for asking what the loss of a whole group does.

use crate::analysis::Units;
use crate::graph::LearnerGraph;
use crate::reader::Reader;
use crate::set::AcceptorSet;
use crate::tree::{Shape, Tree};
use std::collections::HashMap;
use toml::Spanned;

/// The most `[groups.KIND]` tables of a file.
pub const MAX_GROUP_KINDS: usize = 16;

/// The groups of one kind. They are disjoint, and not every acceptor has to be in one.
#[derive(Clone)]
pub(crate) struct GroupKind {
    /// What the members of a group share: `organisation`.
    pub(crate) name: String,
    /// The groups by name, as in the file.
    pub(crate) groups: Vec<(String, AcceptorSet)>,
}

impl LearnerGraph {
    /// The kinds of groups that the file has, in its order.
    pub fn group_kinds(&self) -> Vec<&str> {
        self.groups.iter().map(|kind| kind.name.as_str()).collect()
    }

    /// The groups of a kind with their members, as in the file; none if there is no such kind.
    pub fn groups_of(&self, kind: &str) -> &[(String, AcceptorSet)] {
        let kind = self.groups.iter().find(|known| known.name == kind);
        kind.map_or(&[], |kind| &kind.groups)
    }

    /// The members of the group of this name, of whatever kind; nothing if there is none.
    ///
    /// # Errors
    /// The kinds, if groups of several kinds have this name, and not the same members.
    pub fn group(&self, name: &str) -> Result<Option<AcceptorSet>, String> {
        let of_kind = |kind: &'_ GroupKind| {
            let named = kind.groups.iter().find(|(group, _)| group == name);
            named.map(|(_, members)| (kind.name.clone(), *members))
        };
        one_group(name, self.groups.iter().filter_map(of_kind).collect())
    }

    /// What fails as a whole: the groups of a kind, and acceptors that are in none by themselves;
    /// without a kind, every acceptor by itself. Nothing if the graph has no groups of this kind.
    pub fn units(&self, by: Option<&str>) -> Option<Units> {
        let names = self.acceptor_names(&self.acceptors());
        let Some(by) = by else {
            return Some(Units::single(names));
        };
        let kind = self.groups.iter().find(|kind| kind.name == by)?;
        Some(Units::grouped(names, kind.groups.clone()))
    }
}

/// The members that groups of one name have, by their kinds.
pub(crate) fn one_group(
    name: &str,
    named: Vec<(String, AcceptorSet)>,
) -> Result<Option<AcceptorSet>, String> {
    let members = named.first().map(|(_, members)| *members);
    if named.iter().all(|(_, of_kind)| Some(*of_kind) == members) {
        return Ok(members);
    }
    let kinds: Vec<String> = named.into_iter().map(|(kind, _)| kind).collect();
    let kinds = kinds.join(" and by ");
    Err(format!(
        "'{name}' is a group by {kinds}, of other acceptors each time"
    ))
}

impl Reader {
    /// Reads `[groups.KIND]` tables; the acceptors are known.
    pub(crate) fn groups(&mut self, field: Option<&Spanned<Tree>>) -> Vec<GroupKind> {
        let Some(field) = field else {
            return Vec::new();
        };
        let Shape::Table(kinds) = &field.as_ref().0 else {
            self.expected(field, "'groups'", "tables of groups, written [groups.KIND]");
            return Vec::new();
        };
        if kinds.len() > MAX_GROUP_KINDS {
            let what = format!("there are {} kinds of groups", kinds.len());
            let mend = format!("a file has at most {MAX_GROUP_KINDS}");
            self.error(Some(field.span()), what, mend);
            return Vec::new();
        }
        let mut read = Vec::new();
        for (key, value) in kinds {
            let name = key.as_ref();
            self.name(name, key.span(), "kind of groups");
            let Shape::Table(groups) = &value.as_ref().0 else {
                let what = format!("'groups.{name}'");
                self.expected(
                    value,
                    &what,
                    "a table of groups, each an array of acceptors",
                );
                continue;
            };
            let mut seen = HashMap::new();
            let groups = groups
                .iter()
                .map(|(key, members)| self.group(name, key, members, &mut seen));
            read.push(GroupKind {
                name: name.clone(),
                groups: groups.collect(),
            });
        }
        read
    }

    /// Reads one group; `seen` has the acceptors of the others of its kind.
    fn group<'a>(
        &mut self,
        kind: &str,
        key: &'a Spanned<String>,
        members: &Spanned<Tree>,
        seen: &mut HashMap<String, &'a str>,
    ) -> (String, AcceptorSet) {
        let name = key.as_ref();
        let mut set = AcceptorSet::EMPTY;
        let read = (name.clone(), set);
        if self.name(name, key.span(), "group") && self.acceptors.contains_key(name) {
            let what = format!("'{name}' names both an acceptor and a group");
            self.error(Some(key.span()), what, "rename the group");
        }
        let Shape::Array(items) = &members.as_ref().0 else {
            self.expected(members, &format!("group '{name}'"), "an array of acceptors");
            return read;
        };
        if items.is_empty() {
            let what = format!("group '{name}' has no acceptors");
            self.error(Some(members.span()), what, "list some, or remove it");
        }
        for item in items {
            let Shape::Text(acceptor) = &item.as_ref().0 else {
                self.expected(item, &format!("a member of group '{name}'"), "an acceptor");
                continue;
            };
            let Some(id) = self.acceptors.get(acceptor).copied() else {
                let what = format!("'{acceptor}' is not an acceptor");
                let mend = "list it under acceptors, or correct the name";
                self.error(Some(item.span()), what, mend);
                continue;
            };
            if let Some(other) = seen.insert(acceptor.clone(), name) {
                let what = match other == name {
                    true => format!("acceptor '{acceptor}' is in group '{name}' twice"),
                    false => {
                        format!("acceptor '{acceptor}' is in groups '{other}' and '{name}'")
                    }
                };
                let mend = format!("it is in one group of each kind at most, here of '{kind}'");
                self.error(Some(item.span()), what, mend);
                continue;
            }
            set.insert(id);
        }
        (name.clone(), set)
    }
}

#[cfg(test)]
mod tests {
    use crate::{UnitSet, acceptor_list, parse_graph};

    const GRAPH: &str = r#"
        acceptors = ["a1", "a2", "a3", "a4"]
        learners.l = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
        safe = [{ between = ["l"], when = { threshold = 3, of = ["a1", "a2", "a3", "a4"] } }]
    "#;

    #[test]
    fn groups_fail_as_a_whole_and_mean_nothing_to_the_network() {
        let groups = "[groups.owner]\nzoo = [\"a4\", \"a1\"]\n[groups.land]\nx = [\"a2\"]\n";
        let (graph, warnings) = parse_graph(&format!("{GRAPH}{groups}")).expect("a valid graph");
        assert_eq!(warnings, []);
        assert_eq!(graph.group_kinds(), ["owner", "land"]);
        let units = graph.units(Some("owner")).expect("a kind");
        assert_eq!(units.names(&units.all()), ["zoo", "a2", "a3"]);
        let zoo = units.acceptors(&UnitSet::first(1));
        assert_eq!(graph.names(&zoo), "{a1, a4}");
        assert_eq!(graph.group("zoo"), Ok(Some(zoo)));
        let named = acceptor_list(&graph, "zoo, a2").expect("a group and an acceptor");
        assert_eq!(graph.names(&named), "{a1, a2, a4}");
        let near = acceptor_list(&graph, "zoos").expect_err("no name");
        assert_eq!(
            near[0].what,
            "'zoos' is not an acceptor (did you mean 'zoo'?)"
        );
        let other = groups.replace("x = ", "zoo = ");
        let (other, _) = parse_graph(&format!("{GRAPH}{other}")).expect("a valid graph");
        let why = acceptor_list(&other, "zoo").expect_err("of two kinds");
        assert!(why[0].what.contains("by owner and by land"), "{}", why[0]);
        assert!(graph.units(Some("colour")).is_none());
        assert!(graph.units(None).is_some_and(|units| units.len() == 4));
        let (plain, _) = parse_graph(GRAPH).expect("a valid graph");
        assert_eq!(graph.canonical(), plain.canonical());
        assert_eq!(plain.group_kinds(), [""; 0]);
    }
}
