//! Sparse files in the four ways that archivers write them. Readers must give back the same bytes for all.

use super::entry::Entry;

/// The four ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparseFormat {
    /// Type flag `S`, the map in the header and in extension blocks after it.
    Gnu,
    /// PAX, one `GNU.sparse.offset`/`GNU.sparse.numbytes` pair of records for each segment.
    Pax00,
    /// PAX, the whole map in one `GNU.sparse.map` record.
    Pax01,
    /// PAX, the map in text before the data.
    Pax10,
}

impl SparseFormat {
    /// Each of them once.
    pub const ALL: [SparseFormat; 4] =
        [SparseFormat::Gnu, SparseFormat::Pax00, SparseFormat::Pax01, SparseFormat::Pax10];
}

impl Entry {
    /// A regular file of `size` bytes that is zero but for `segments` (offset, bytes), which must be in order. GNU
    /// tar closes the map of a file that ends in a hole with an empty segment, and so does this.
    pub fn sparse(path: &str, size: u64, segments: &[(u64, &[u8])], format: SparseFormat) -> Entry {
        let mut map: Vec<(u64, u64)> =
            segments.iter().map(|(offset, bytes)| (*offset, bytes.len() as u64)).collect();
        if map.last().is_none_or(|(offset, len)| offset + len < size) {
            map.push((size, 0));
        }
        let data: Vec<u8> = segments.iter().flat_map(|(_, bytes)| *bytes).copied().collect();
        let renamed = format!("GNUSparseFile.0/{path}");
        match format {
            SparseFormat::Gnu => gnu(path, size, &map, data),
            SparseFormat::Pax00 => {
                let mut entry = Entry::file(path, data)
                    .pax("GNU.sparse.size", size.to_string())
                    .pax("GNU.sparse.numblocks", map.len().to_string());
                for (offset, length) in map {
                    entry = entry
                        .pax("GNU.sparse.offset", offset.to_string())
                        .pax("GNU.sparse.numbytes", length.to_string());
                }
                entry
            }
            SparseFormat::Pax01 => {
                let numbers: Vec<String> = map.iter().map(|(o, n)| format!("{o},{n}")).collect();
                Entry::file(renamed, data)
                    .pax("GNU.sparse.name", path)
                    .pax("GNU.sparse.size", size.to_string())
                    .pax("GNU.sparse.numblocks", map.len().to_string())
                    .pax("GNU.sparse.map", numbers.join(","))
            }
            SparseFormat::Pax10 => {
                let mut text = format!("{}\n", map.len());
                for (offset, length) in map {
                    text.push_str(&format!("{offset}\n{length}\n"));
                }
                let mut body = text.into_bytes();
                body.resize(body.len().next_multiple_of(512), 0);
                body.extend(data);
                Entry::file(renamed, body)
                    .pax("GNU.sparse.major", "1")
                    .pax("GNU.sparse.minor", "0")
                    .pax("GNU.sparse.name", path)
                    .pax("GNU.sparse.realsize", size.to_string())
            }
        }
    }
}

/// Old GNU: 4 segments in the header at 386, "more" flag at 482, real size at 483; then blocks of 21 with the flag at 504.
fn gnu(path: &str, size: u64, map: &[(u64, u64)], data: Vec<u8>) -> Entry {
    let (first, more) = map.split_at(map.len().min(4));
    let mut extension = Vec::new();
    for (i, group) in more.chunks(21).enumerate() {
        let mut block = numbers(group);
        block.resize(504, 0);
        block.push(u8::from((i + 1) * 21 < more.len()));
        block.resize(512, 0);
        extension.extend(block);
    }
    Entry::file(path, data)
        .kind(b'S')
        .patch(386, numbers(first))
        .patch(482, [u8::from(!more.is_empty())])
        .patch(483, format!("{size:011o}\0"))
        .after_header(extension)
}

fn numbers(map: &[(u64, u64)]) -> Vec<u8> {
    map.iter().flat_map(|(offset, length)| format!("{offset:011o}\0{length:011o}\0").into_bytes()).collect()
}
