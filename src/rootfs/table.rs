//! A list that only grows, in pieces that copies of it share until one of them changes a piece: the tree
//! of a base and that of the image on it differ little, and both may have millions of names.

use std::sync::Arc;

/// Elements of one piece: few enough that a change copies little, enough that the pieces cost little.
const PIECE: usize = 256;

#[derive(Debug, Clone)]
pub(super) struct Table<T> {
    /// All but the last are full.
    pieces: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T: Clone> Table<T> {
    pub(super) fn len(&self) -> usize {
        let last = self.pieces.last().map_or(0, |piece| piece.len());
        self.pieces.len().saturating_sub(1) * PIECE + last
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.pieces.get(index / PIECE)?.get(index % PIECE)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let piece = self.pieces.get_mut(index / PIECE)?;
        Arc::make_mut(piece).get_mut(index % PIECE)
    }

    pub(super) fn push(&mut self, element: T) {
        match self.pieces.last_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => Arc::make_mut(piece).push(element),
            None => self.pieces.push(Arc::new(vec![element])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_number() {
        let mut table = Table::default();
        assert_eq!((table.len(), table.get(0)), (0, None));
        for number in 0..PIECE * 2 + 1 {
            table.push(number);
            assert_eq!(
                (table.len(), table.get(number), table.get(number + 1)),
                (number + 1, Some(&number), None)
            );
        }
        assert!((0..table.len()).all(|number| table.get(number) == Some(&number)));
        assert!(table.iter().copied().eq(0..table.len()));
    }

    #[test]
    fn a_copy_shares_what_neither_changes() {
        let mut table = Table::default();
        (0..PIECE * 2 + 1).for_each(|number| table.push(number));
        let before = table.clone();
        table.push(7);
        *table.get_mut(0).unwrap() = 9;
        assert_eq!((table.len(), before.len()), (PIECE * 2 + 2, PIECE * 2 + 1));
        assert_eq!((table.get(0), before.get(0)), (Some(&9), Some(&0)));
        let shared = table.pieces.iter().zip(&before.pieces).map(|(mine, theirs)| Arc::ptr_eq(mine, theirs));
        assert_eq!(shared.collect::<Vec<_>>(), [false, true, false]);
    }
}
