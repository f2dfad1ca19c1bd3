use super::*;

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|index| (index * index / 7) as u8).collect()
}

/// Reads all through a tap, so many at a time; `between` is called after each read.
fn read_through(stored: &Arc<Stored>, bytes: &[u8], at_once: usize, between: impl Fn()) {
    let mut tap = stored.tap(io::Cursor::new(bytes.to_vec()));
    let mut buffer = vec![0; at_once];
    while tap.read(&mut buffer).unwrap() > 0 {
        between();
    }
}

fn expected(bytes: &[u8]) -> BlobDigests {
    BlobDigests::of(bytes, true).unwrap()
}

#[test]
fn one_thread_hashes_what_it_reads_at_once() {
    let (stored, bytes) = (Stored::new(Some(BlobHasher::new(true))), bytes(10_000));
    read_through(&stored, &bytes, 999, || {
        assert!(!stored.help(), "nothing waits");
    });
    assert_eq!(stored.count(), 10_000);
    assert_eq!(stored.finish(), Some(expected(&bytes)));
}

#[test]
fn bytes_wait_for_a_helper_and_no_longer_than_there_is_room() {
    let (stored, bytes) = (Stored::new(Some(BlobHasher::new(true))), bytes(10_000));
    stored.set_elsewhere(true);
    // Nobody helps: once there is no room all are hashed here.
    read_through(&stored, &bytes, 999, || {
        assert!(lock(&stored.waiting).full.len() <= WAITING);
    });
    assert_eq!(lock(&stored.waiting).full.len(), 11 % (WAITING + 1), "the last ones wait");
    assert_eq!(stored.finish(), Some(expected(&bytes)));
}

#[test]
fn two_threads_hash_in_order() {
    let (stored, bytes) = (Stored::new(Some(BlobHasher::new(true))), bytes(1_000_000));
    stored.set_elsewhere(true);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_through(&stored, &bytes, 999, || {}));
        while !reading.is_finished() {
            stored.help();
        }
    });
    assert_eq!(stored.finish(), Some(expected(&bytes)));
}

#[test]
fn buffers_are_used_again() {
    let (stored, bytes) = (Stored::new(Some(BlobHasher::new(false))), bytes(10_000));
    stored.set_elsewhere(true);
    read_through(&stored, &bytes, 10, || assert!(stored.help()));
    assert_eq!(lock(&stored.waiting).empty.len(), 1);
}

#[test]
fn without_a_hasher_bytes_are_counted_only() {
    let stored = Stored::new(None);
    stored.set_elsewhere(true);
    read_through(&stored, &bytes(100), 7, || assert!(!stored.help()));
    assert_eq!((stored.count(), stored.finish()), (100, None));
}
