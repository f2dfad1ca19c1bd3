//! The first bytes of an ELF file: which machine it is for (System V ABI, "ELF Header").

use super::tar::Piece;

/// Bytes from the start that say it: up to and with `e_machine`.
const HEAD_BYTES: usize = 20;

/// What the head of an ELF file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Elf {
    /// `e_machine`: 62 for x86-64, 183 for AArch64.
    pub machine: u16,
    /// `e_type`: 1 an object file, 2 a program, 3 a library or a program that may lie anywhere.
    pub kind: u16,
    /// `EI_CLASS`: 1 for 32 bits, 2 for 64.
    pub class: u8,
    /// `EI_DATA`: 1 for little-endian, 2 for big-endian.
    pub data: u8,
}

impl Elf {
    fn of(head: &[u8]) -> Option<Self> {
        let rest = head.strip_prefix(b"\x7fELF")?;
        let (class, data) = (*rest.first()?, *rest.get(1)?);
        let word = |at: usize| {
            let bytes = head.get(at..at + 2)?.try_into().ok()?;
            Some(if data == 2 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
        };
        Some(Self { kind: word(16)?, machine: word(18)?, class, data })
    }
}

/// Looks at the head of a file while its content goes by.
#[derive(Debug, Default)]
pub(super) struct Probe {
    head: [u8; HEAD_BYTES],
    filled: usize,
}

impl Probe {
    pub(super) fn update(&mut self, piece: &Piece<'_>) {
        let room = self.head.get_mut(self.filled..).unwrap_or_default();
        if room.is_empty() {
            return;
        }
        self.filled += match piece {
            Piece::Data(data) => {
                let count = data.len().min(room.len());
                room.iter_mut().zip(*data).for_each(|(to, from)| *to = *from);
                count
            }
            // The head is zeros from the start, which a hole is read as.
            Piece::Hole(length) => (*length).min(room.len() as u64) as usize,
        };
    }

    pub(super) fn elf(&self) -> Option<Elf> {
        Elf::of(self.head.get(..self.filled)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(pieces: &[&[u8]]) -> Option<Elf> {
        let mut probe = Probe::default();
        pieces.iter().for_each(|piece| probe.update(&Piece::Data(piece)));
        probe.elf()
    }

    #[test]
    fn the_head_is_read_in_both_byte_orders() {
        let mut head = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0";
        let arm64 = Elf { machine: 183, kind: 3, class: 2, data: 1 };
        assert_eq!(probe(&[&head, b"more"]), Some(arm64));
        assert_eq!(probe(&[&head[..3], &head[3..17], &head[17..]]), Some(arm64));
        head[5] = 2;
        head[16..].copy_from_slice(b"\0\x02\0\x16");
        assert_eq!(probe(&[&head]), Some(Elf { machine: 22, kind: 2, class: 2, data: 2 }));
    }

    #[test]
    fn what_is_no_elf_file_or_too_short_is_none() {
        assert_eq!(probe(&[b"#!/bin/sh\nexec something else"]), None);
        assert_eq!(probe(&[b"\x7fELF\x02\x01\x01"]), None);
        assert_eq!(probe(&[]), None);
    }
}
