use std::io::{BufRead, Read};
use std::sync::Mutex;

use super::*;
use crate::error::Result;

/// Numbers, a piece of each; then what `end` says.
struct Numbers {
    left: Vec<Piece>,
    at_hand: Piece,
    end: fn() -> io::Result<()>,
    threads: Arc<Mutex<Vec<std::thread::ThreadId>>>,
}

impl Numbers {
    fn new(count: u8, end: fn() -> io::Result<()>) -> Self {
        let left = (1..=count).rev().map(|number| Piece::of(&[number; 3])).collect();
        Self { left, at_hand: Piece::of(&[]), end, threads: Arc::default() }
    }
}

impl Read for Numbers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Numbers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at_hand.bytes().is_empty() {
            self.threads.lock().unwrap().push(std::thread::current().id());
            match self.left.pop() {
                Some(piece) => self.at_hand = piece,
                None => (self.end)()?,
            }
        }
        Ok(self.at_hand.bytes())
    }

    fn consume(&mut self, count: usize) {
        self.at_hand.consume(count);
    }
}

impl Decoder for Numbers {
    fn drain(&mut self) -> io::Result<u64> {
        Ok(self.left.len() as u64)
    }

    fn hand_over(&mut self, spare: Piece) -> io::Result<Piece> {
        self.fill_buf()?;
        Ok(std::mem::replace(&mut self.at_hand, spare))
    }
}

fn refused() -> io::Result<()> {
    Err(Error::invalid("a checksum is wrong").into())
}

/// Does the work of a crew's one layer while its other thread has nothing to do.
fn beside_an_idle_thread<T: Send>(work: impl FnOnce(&Crew) -> T + Send) -> T {
    let crew = Crew::new(1);
    let (work, outcome) = (Mutex::new(Some(work)), Mutex::new(None));
    let read = |_| {
        while !crew.has_idle() {
            std::thread::yield_now();
        }
        let work = work.lock().unwrap().take().unwrap();
        *outcome.lock().unwrap() = Some(work(&crew));
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| crew.work(read));
        }
    });
    outcome.into_inner().unwrap().unwrap()
}

/// Reads all, two bytes at a time; how it ended, and on how many threads it was decoded.
fn read_all(count: u8, end: fn() -> io::Result<()>) -> (Vec<u8>, Result<()>, usize) {
    let numbers = Numbers::new(count, end);
    let threads = Arc::clone(&numbers.threads);
    let (bytes, done) = beside_an_idle_thread(|crew| {
        let mut relay = Relay::new(Box::new(numbers), Some(crew), Stored::new(None), &());
        let mut bytes = Vec::new();
        let done = loop {
            let mut left = match relay.advance() {
                Ok([]) => break Ok(()),
                Ok(piece) => piece.len(),
                Err(error) => break Err(Error::io("reading", error)),
            };
            while left > 0 {
                let some = relay.bytes().unwrap();
                let count = some.len().min(2);
                bytes.extend_from_slice(&some[..count]);
                relay.consume(count);
                left -= count;
            }
        };
        assert_eq!(relay.advance().is_err(), done.is_err(), "asked again, it says the same again");
        (bytes, done)
    });
    let on = threads.lock().unwrap().iter().collect::<std::collections::HashSet<_>>().len();
    (bytes, done, on)
}

#[test]
fn bytes_come_in_order_wherever_they_are_decoded() {
    let (bytes, done, threads) = read_all(200, || Ok(()));
    assert_eq!(bytes, (1..=200).flat_map(|number| [number; 3]).collect::<Vec<_>>());
    assert!(done.is_ok());
    // The end is asked once more of the decoder that came back.
    assert_eq!(threads, 2);
}

#[test]
fn what_was_decoded_before_an_error_comes_before_it() {
    let (bytes, done, _) = read_all(9, refused);
    assert_eq!(bytes.len(), 27);
    assert!(done.unwrap_err().to_string().contains("a checksum is wrong"));
}

#[test]
fn a_panic_elsewhere_is_an_error_here() {
    let (bytes, done, _) = read_all(5, || panic!("a panic that this test asks for"));
    assert_eq!((bytes.len(), done.unwrap_err().kind()), (15, ErrorKind::Internal));
}

#[test]
fn a_decoder_comes_back_to_be_drained() {
    let left = beside_an_idle_thread(|crew| {
        let mut relay =
            Relay::new(Box::new(Numbers::new(100, || Ok(()))), Some(crew), Stored::new(None), &());
        relay.advance().unwrap();
        relay.drain().unwrap()
    });
    // One is here, and as many as there are pieces may have been on their way.
    assert!((100 - PIECES as u64..100).contains(&left), "{left}");
}

#[test]
fn without_an_idle_thread_it_decodes_itself() {
    let numbers = Numbers::new(3, || Ok(()));
    let threads = Arc::clone(&numbers.threads);
    let crew = Crew::new(1);
    let mut relay = Relay::new(Box::new(numbers), Some(&crew), Stored::new(None), &());
    let mut count = 0;
    while let size @ 1.. = relay.advance().unwrap().len() {
        relay.consume(size);
        count += size;
    }
    assert_eq!(count, 9);
    assert!(threads.lock().unwrap().iter().all(|id| *id == std::thread::current().id()));
}
