//! The bytes of a tree's names, one behind the other: an allocation for each would take several times
//! what most names do.

use std::sync::Arc;

/// Bytes of one piece: copies of a tree share all but the last.
const PIECE_BYTES: usize = 64 << 10;

/// Where a name lies in [`Names`]. The default is no bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Name {
    piece: u32,
    start: u32,
    length: u32,
}

/// Names once added stay, as their numbers in a tree do.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pieces: Vec<Arc<Vec<u8>>>,
}

impl Names {
    pub(super) fn get(&self, name: Name) -> &[u8] {
        let (start, length) = (name.start as usize, name.length as usize);
        let piece = self.pieces.get(name.piece as usize);
        piece.and_then(|piece| piece.get(start..)?.get(..length)).unwrap_or_default()
    }

    pub(super) fn add(&mut self, name: &[u8]) -> Name {
        let fits = |piece: &Arc<Vec<u8>>| piece.len().saturating_add(name.len()) <= PIECE_BYTES;
        if !self.pieces.last().is_some_and(fits) {
            self.pieces.push(Arc::default());
        }
        let number = self.pieces.len().saturating_sub(1);
        let Some(piece) = self.pieces.last_mut() else { return Name::default() };
        // A piece of more than `PIECE_BYTES` is one name, and those are far below 4 GiB.
        let place = Name { piece: number as u32, start: piece.len() as u32, length: name.len() as u32 };
        Arc::make_mut(piece).extend_from_slice(name);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_whatever_their_length() {
        let mut names = Names::default();
        assert_eq!(names.get(Name::default()), b"");
        let lengths = [0, 1, 255, PIECE_BYTES - 256, 1, PIECE_BYTES, 3, PIECE_BYTES + 1, 0, 5];
        let given = lengths.iter().enumerate().map(|(at, length)| vec![at as u8; *length]);
        let given: Vec<Vec<u8>> = given.collect();
        let places: Vec<Name> = given.iter().map(|name| names.add(name)).collect();
        let got: Vec<&[u8]> = places.iter().map(|place| names.get(*place)).collect();
        assert_eq!(got, given);
        let copy = names.clone();
        let last = names.add(b"last");
        assert_eq!((names.get(last), copy.get(last)), (&b"last"[..], &b""[..]));
    }
}
