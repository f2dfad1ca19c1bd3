//! The names in a directory, sorted: lists of their numbers. A map that holds the names themselves
//! takes several times as much, and one list would be moved by half at each insertion.

use std::cmp::Ordering;
use std::iter::Flatten;
use std::slice;

use super::tree::NodeId;

/// Children of one list. Of a directory with ten million names, an insertion moves up to 6 KiB in its
/// list, and once in 256 times half a MiB of lists.
const LIST: usize = 512;

/// First bytes of a name, zeros behind it: most names are told apart by it, without a look at them.
type Prefix = [u8; 8];

fn prefix(name: &[u8]) -> Prefix {
    let mut prefix = Prefix::default();
    prefix.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    prefix
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    prefix: Prefix,
    id: NodeId,
}

impl Child {
    /// How its name compares with another; `name_of` tells the whole of it.
    fn cmp<'tree>(&self, name: &[u8], wanted: Prefix, name_of: impl Fn(NodeId) -> &'tree [u8]) -> Ordering {
        self.prefix.cmp(&wanted).then_with(|| name_of(self.id).cmp(name))
    }
}

/// The children of a directory; of all else there are none.
#[derive(Debug, Clone, Default)]
pub(super) struct Children(Option<Box<Lists>>);

/// None of the lists is empty.
#[derive(Debug, Clone, Default)]
struct Lists {
    lists: Vec<Vec<Child>>,
}

/// Where a name is, or would be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// What is there.
    pub(super) child: Option<NodeId>,
    list: usize,
    at: usize,
}

/// See [`Children::iter`].
pub(super) type Iter<'a> = std::iter::Map<Flatten<slice::Iter<'a, Vec<Child>>>, fn(&Child) -> NodeId>;

impl Children {
    fn lists(&self) -> &[Vec<Child>] {
        self.0.as_ref().map(|lists| &*lists.lists).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists().is_empty()
    }

    /// All, sorted by name.
    pub(super) fn iter(&self) -> Iter<'_> {
        self.lists().iter().flatten().map(|child| child.id)
    }

    /// Looks for a name; `name_of` tells those of children.
    pub(super) fn place<'tree>(&self, name: &[u8], name_of: impl Fn(NodeId) -> &'tree [u8]) -> Place {
        let wanted = prefix(name);
        let order = |child: &Child| child.cmp(name, wanted, &name_of);
        let not_behind = |list: &Vec<Child>| list.first().is_some_and(|first| order(first).is_le());
        let list = match self.lists() {
            [] | [_] => 0,
            lists => lists.partition_point(not_behind).saturating_sub(1),
        };
        let children = self.lists().get(list).map(Vec::as_slice).unwrap_or_default();
        match children.binary_search_by(order) {
            Ok(at) => Place { child: children.get(at).map(|child| child.id), list, at },
            Err(at) => Place { child: None, list, at },
        }
    }

    /// Puts a child where its name was not found.
    pub(super) fn insert(&mut self, place: Place, name: &[u8], id: NodeId) {
        let child = Child { prefix: prefix(name), id };
        let lists = &mut self.0.get_or_insert_default().lists;
        let end = lists.len();
        let Some(list) = lists.get_mut(place.list) else {
            lists.push(vec![child]);
            return;
        };
        if list.len() < LIST {
            list.insert(place.at.min(list.len()), child);
        } else if place.at >= LIST && place.list + 1 == end {
            // Names that come sorted leave full lists behind.
            lists.push(vec![child]);
        } else {
            let mut upper = list.split_off(LIST / 2);
            match place.at.checked_sub(LIST / 2) {
                Some(at) => upper.insert(at.min(upper.len()), child),
                None => list.insert(place.at, child),
            }
            lists.insert(place.list + 1, upper);
        }
    }

    /// Takes out what was found at a place.
    pub(super) fn remove(&mut self, place: Place) {
        let Some(lists) = self.0.as_mut().filter(|_| place.child.is_some()) else { return };
        let Some(list) = lists.lists.get_mut(place.list) else { return };
        if place.at < list.len() {
            list.remove(place.at);
        }
        if list.is_empty() {
            lists.lists.remove(place.list);
        }
        if lists.lists.is_empty() {
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Names shorter and longer than a prefix, each with three that are the same but for their end;
    /// sorted as their numbers.
    fn named(number: u32) -> Vec<u8> {
        let (stem, tail) = (number / 4, [&b""[..], b"\0", b"\0\0", b"-x"][number as usize % 4]);
        [format!("{stem:04}").repeat(1 + stem as usize % 3).as_bytes(), tail].concat()
    }

    /// Inserts names that are not there and removes those that are.
    fn check(names: impl IntoIterator<Item = u32>) -> Children {
        let (mut children, mut model) = (Children::default(), BTreeMap::new());
        let mut all: Vec<Vec<u8>> = Vec::new();
        for number in names {
            let name = named(number);
            let id = NodeId::numbered(all.len() as u32);
            let place = children.place(&name, |id| &*all[id.number()]);
            assert_eq!(place.child, model.get(&name).copied());
            if place.child.is_some() {
                children.remove(place);
                model.remove(&name);
            } else {
                children.insert(place, &name, id);
                model.insert(name.clone(), id);
            }
            all.push(name);
            assert_eq!(children.is_empty(), model.is_empty());
            assert_eq!(children.0.is_none(), model.is_empty());
        }
        assert!(children.iter().eq(model.values().copied()));
        assert!(children.iter().rev().eq(model.values().rev().copied()));
        assert!(children.lists().iter().all(|list| (1..=LIST).contains(&list.len())));
        children
    }

    #[test]
    fn names_come_sorted_in_whatever_order_they_were_added() {
        let count = LIST as u32 * 5;
        let sorted = check(0..count);
        assert_eq!(sorted.lists().len(), 5, "full lists");
        check((0..count).rev());
        check((0..count).map(|number| number * 7919 % count));
        check((0..count).chain(0..count));
        check((0..count).chain((0..count).rev()));
        check((0..count).chain((0..count).step_by(2)).chain(0..count));
    }

    proptest! {
        #[test]
        fn all_is_as_in_a_map(names in proptest::collection::vec(0_u32..2_000, 0..4_000)) {
            check(names);
        }
    }
}
