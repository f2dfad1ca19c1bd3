//! The engine on images that cannot be read as they should, each byte or call of theirs in turn.

mod changes;
mod flips;
mod panics;
mod reads;
mod room;
mod time;
mod truncation;
