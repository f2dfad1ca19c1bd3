//! The names in a directory, sorted: lists of their numbers. A map that holds the names themselves
//! takes ten times as much, and one list would be moved by half at each insertion.

use std::cmp::Ordering;

use super::tree::NodeId;

/// Numbers of one list. Of a directory with ten million names, an insertion moves 2 KiB in its list and
/// at times half a MiB of lists.
const LIST: usize = 512;

/// The children of a directory; nothing is kept of all else.
///
/// It does not know the names: who asks says how a child's name compares with the wanted one.
#[derive(Debug, Clone, Default)]
pub(super) struct Children(Option<Box<Lists>>);

/// None of the lists is empty.
#[derive(Debug, Clone, Default)]
struct Lists {
    lists: Vec<Vec<NodeId>>,
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
pub(super) type Iter<'a> = std::iter::Copied<std::iter::Flatten<std::slice::Iter<'a, Vec<NodeId>>>>;

impl Children {
    fn lists(&self) -> &[Vec<NodeId>] {
        self.0.as_ref().map(|lists| &*lists.lists).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists().is_empty()
    }

    /// All, sorted by name.
    pub(super) fn iter(&self) -> Iter<'_> {
        self.lists().iter().flatten().copied()
    }

    /// Looks for a name; `order` is how a child's name compares with it.
    pub(super) fn place(&self, order: impl Fn(NodeId) -> Ordering) -> Place {
        let not_behind = |list: &Vec<NodeId>| list.first().is_some_and(|first| order(*first).is_le());
        let list = self.lists().partition_point(not_behind).saturating_sub(1);
        let ids = self.lists().get(list).map(Vec::as_slice).unwrap_or_default();
        match ids.binary_search_by(|id| order(*id)) {
            Ok(at) => Place { child: ids.get(at).copied(), list, at },
            Err(at) => Place { child: None, list, at },
        }
    }

    /// Puts a child where its name was not found.
    pub(super) fn insert(&mut self, place: Place, child: NodeId) {
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

    fn id(number: u32) -> NodeId {
        NodeId::numbered(number)
    }

    /// Inserts names that are not there and removes those that are; the names are the numbers themselves.
    fn check(names: impl IntoIterator<Item = u32>) -> Children {
        let (mut children, mut model) = (Children::default(), BTreeMap::new());
        for name in names {
            let place = children.place(|child| child.cmp(&id(name)));
            assert_eq!(place.child, model.get(&name).copied());
            if place.child.is_some() {
                children.remove(place);
                model.remove(&name);
            } else {
                children.insert(place, id(name));
                model.insert(name, id(name));
            }
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
