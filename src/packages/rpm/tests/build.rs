//! Small databases of each form, as their writers lay them out.

use super::super::bytes::Order;
use super::super::ndb::adler32;

/// What a tag holds.
pub(super) enum Value<'a> {
    Text(&'a str),
    Texts(Vec<&'a str>),
    Bytes(Vec<u8>),
    Halves(Vec<u16>),
    Words(Vec<u32>),
}

/// A header blob: the tags of the signed region, and those added at installation.
pub(super) fn header(region: &[(u32, Value<'_>)], added: &[(u32, Value<'_>)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    put_all(region, &mut index, &mut data);
    let trailer = data.len() as u32;
    let length = (index.len() + 16) as u32;
    data.extend([63, 7, length.wrapping_neg(), 16].map(u32::to_be_bytes).concat());
    let mut whole = [63, 7, trailer, 16].map(u32::to_be_bytes).concat();
    put_all(added, &mut index, &mut data);
    whole.extend(index);
    [&(whole.len() as u32 / 16).to_be_bytes()[..], &(data.len() as u32).to_be_bytes(), &whole, &data].concat()
}

fn put_all(tags: &[(u32, Value<'_>)], index: &mut Vec<u8>, data: &mut Vec<u8>) {
    for (tag, value) in tags {
        let (kind, width, count, bytes) = match value {
            Value::Text(text) => (6, 1, 1, [text.as_bytes(), b"\0"].concat()),
            Value::Texts(texts) => {
                (8, 1, texts.len(), texts.iter().flat_map(|text| [text.as_bytes(), b"\0"].concat()).collect())
            }
            Value::Bytes(bytes) => (1, 1, bytes.len(), bytes.clone()),
            Value::Halves(numbers) => {
                (3, 2, numbers.len(), numbers.iter().flat_map(|number| number.to_be_bytes()).collect())
            }
            Value::Words(numbers) => {
                (4, 4, numbers.len(), numbers.iter().flat_map(|number| number.to_be_bytes()).collect())
            }
        };
        data.resize(data.len().next_multiple_of(width), 0);
        index.extend([*tag, kind, data.len() as u32, count as u32].map(u32::to_be_bytes).concat());
        data.extend(bytes);
    }
}

/// An ndb database.
pub(super) fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_le_bytes()).collect() };
    let mut database = [b"RpmP".to_vec(), words(&[0, 1, 1, 9, 0, 0, 0])].concat();
    let mut area = Vec::new();
    for (number, blob) in (1..).zip(blobs) {
        let length = (16 + blob.len() + 12).next_multiple_of(16);
        database.extend([b"Slot".to_vec(), words(&[number, (4_096 + area.len()) as u32 / 16])].concat());
        database.extend(words(&[length as u32 / 16]));
        let mut stored = [b"BlbS".to_vec(), words(&[number, 1, blob.len() as u32]), blob.clone()].concat();
        stored.resize(length - 12, 0);
        let sum = adler32(&stored);
        stored.extend([words(&[sum, blob.len() as u32]), b"BlbE".to_vec()].concat());
        area.extend(stored);
    }
    while database.len() < 4_096 {
        database.extend([b"Slot".to_vec(), vec![0; 12]].concat());
    }
    database.extend(area);
    database
}

/// Bytes of a page of the SQLite and Berkeley DB databases.
pub(super) const PAGE: usize = 512;

/// A SQLite database: page 1 is the schema, page 2 the table's root, and each row has a leaf.
pub(super) fn sqlite(blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut first = vec![0; PAGE];
    first[..16].copy_from_slice(b"SQLite format 3\0");
    first[16..18].copy_from_slice(&(PAGE as u16).to_be_bytes());
    first[59] = 1;
    let sql = b"CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY,blob BLOB)";
    let types = [23, 29, 29, 1, 13 + 2 * sql.len() as u64];
    let row = record(&types, &[&b"table"[..], b"Packages", b"Packages", &[2], sql].concat());
    put_leaf(&mut first, 100, 1, &row, None);
    let mut pages = vec![first, vec![0; PAGE]];
    let mut leaves = Vec::new();
    for (number, blob) in (1..).zip(blobs) {
        let row = record(&[0, 12 + 2 * blob.len() as u64], blob);
        leaves.push(pages.len() as u32 + 1);
        let mut leaf = vec![0; PAGE];
        if row.len() <= PAGE - 35 {
            put_leaf(&mut leaf, 0, number, &row, None);
            pages.push(leaf);
            continue;
        }
        let least = (PAGE - 12) * 32 / 255 - 23;
        let fitting = least + (row.len() - least) % (PAGE - 4);
        let local = if fitting <= PAGE - 35 { fitting } else { least };
        put_leaf(&mut leaf, 0, number, &row, Some((local, pages.len() as u32 + 2)));
        pages.push(leaf);
        let parts: Vec<_> = row[local..].chunks(PAGE - 4).collect();
        for (at, part) in parts.iter().enumerate() {
            let next = if at + 1 < parts.len() { pages.len() as u32 + 2 } else { 0 };
            let mut page = [&next.to_be_bytes()[..], part].concat();
            page.resize(PAGE, 0);
            pages.push(page);
        }
    }
    let last = leaves.pop().unwrap();
    let root = &mut pages[1];
    root[0] = 5;
    root[3..5].copy_from_slice(&(leaves.len() as u16).to_be_bytes());
    root[8..12].copy_from_slice(&last.to_be_bytes());
    for (at, leaf) in leaves.iter().enumerate() {
        let place = PAGE - 5 * (at + 1);
        root[12 + 2 * at..][..2].copy_from_slice(&(place as u16).to_be_bytes());
        root[place..place + 4].copy_from_slice(&leaf.to_be_bytes());
        root[place + 4] = at as u8 + 1;
    }
    pages.concat()
}

fn put_leaf(page: &mut [u8], header: usize, number: u8, row: &[u8], overflow: Option<(usize, u32)>) {
    let (local, link) = match overflow {
        Some((local, next)) => (local, next.to_be_bytes().to_vec()),
        None => (row.len(), Vec::new()),
    };
    let cell = [varint(row.len() as u64), vec![number], row[..local].to_vec(), link].concat();
    let place = PAGE - cell.len();
    page[header] = 13;
    page[header + 4] = 1;
    page[header + 8..header + 10].copy_from_slice(&(place as u16).to_be_bytes());
    page[place..].copy_from_slice(&cell);
}

fn record(types: &[u64], body: &[u8]) -> Vec<u8> {
    let types: Vec<u8> = types.iter().flat_map(|serial| varint(*serial)).collect();
    [&[types.len() as u8 + 1], &types[..], body].concat()
}

fn varint(number: u64) -> Vec<u8> {
    let mut bytes = vec![(number & 0x7f) as u8];
    let mut rest = number >> 7;
    while rest > 0 {
        bytes.insert(0, (rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes
}

/// A Berkeley DB hash of two buckets: the first has all packages but the last, and the number 0.
pub(super) fn bdb(blobs: &[Vec<u8>], order: Order) -> Vec<u8> {
    let word = |number: u32| match order {
        Order::Little => number.to_le_bytes(),
        Order::Big => number.to_be_bytes(),
    };
    let half = |number: usize| match order {
        Order::Little => (number as u16).to_le_bytes(),
        Order::Big => (number as u16).to_be_bytes(),
    };
    let mut pages = vec![vec![0; PAGE]; 3];
    let meta = [(12, 0x0006_1561), (16, 9), (20, PAGE as u32), (72, 1), (96, 1), (100, 1)];
    for (at, number) in meta {
        pages[0][at..at + 4].copy_from_slice(&word(number));
    }
    pages[0][25] = 8;
    let mut buckets = [vec![vec![1, 0, 0, 0, 0], vec![1, 9, 0, 0, 0]], Vec::new()];
    for (at, blob) in blobs.iter().enumerate() {
        let bucket = &mut buckets[usize::from(at + 1 == blobs.len())];
        bucket.push([&[1][..], &word(at as u32 + 1)].concat());
        let first = word(pages.len() as u32);
        bucket.push([&[3, 0, 0, 0][..], &first, &word(blob.len() as u32)].concat());
        let parts: Vec<_> = blob.chunks(PAGE - 26).collect();
        for (at, part) in parts.iter().enumerate() {
            let mut page = vec![0; 26];
            let next = if at + 1 < parts.len() { pages.len() as u32 + 1 } else { 0 };
            page[16..20].copy_from_slice(&word(next));
            page[22..24].copy_from_slice(&half(part.len()));
            page[25] = 7;
            page.extend_from_slice(part);
            page.resize(PAGE, 0);
            pages.push(page);
        }
    }
    for (page, items) in pages[1..3].iter_mut().zip(buckets) {
        page[20..22].copy_from_slice(&half(items.len()));
        page[25] = 13;
        let mut end = PAGE;
        for (at, item) in items.iter().enumerate() {
            end -= item.len();
            page[end..end + item.len()].copy_from_slice(item);
            page[26 + 2 * at..][..2].copy_from_slice(&half(end));
        }
    }
    pages.concat()
}

/// A write-ahead log of frames: page, content, and in a commit how many pages there are then.
pub(super) fn wal(order: Order, frames: &[(u32, &[u8], u32)]) -> Vec<u8> {
    wal_of(3_007_000, order, frames)
}

pub(super) fn wal_of(version: u32, order: Order, frames: &[(u32, &[u8], u32)]) -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let mut sum = [0_u32; 2];
    let mut summed = |bytes: &[u8]| {
        for pair in bytes.chunks_exact(8) {
            for (at, raw) in pair.chunks_exact(4).enumerate() {
                let raw = raw.try_into().unwrap();
                let word =
                    if order == Order::Big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) };
                sum[at] = sum[at].wrapping_add(word).wrapping_add(sum[1 - at]);
            }
        }
        sum
    };
    let magic = 0x377f_0682 | u32::from(order == Order::Big);
    let mut log = words(&[magic, version, PAGE as u32, 7, 11, 13]);
    log.extend(words(&summed(&log)));
    for (page, content, pages) in frames {
        let head = words(&[*page, *pages]);
        summed(&head);
        let sum = summed(content);
        log.extend([head, words(&[11, 13, sum[0], sum[1]]), content.to_vec()].concat());
    }
    log
}
