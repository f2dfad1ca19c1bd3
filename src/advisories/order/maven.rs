//! The order of Maven's versions (`org.apache.maven.artifact.versioning.ComparableVersion` of Maven 3.8).
//!
//! A version is a list of numbers and words, cut at dots, hyphens and where digits and letters meet; a hyphen, or
//! the turn from digits to letters, begins a list within it. Words have an order of their own in which `snapshot`
//! is before the release and `sp` behind it, and what is as good as nothing (0, `ga`, `final`, `release`) is
//! dropped from a list's end.

use std::cmp::Ordering;

use super::semver::by_number;

/// Words with a place, in its order; the empty one is the release itself.
const WORDS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

/// Lists in lists: each hyphen or turn begins one, and versions have a few.
const DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// Digits without leading zeros; empty for 0.
    Number(String),
    Word(String),
    List(Vec<Item>),
}

impl Item {
    fn is_null(&self) -> bool {
        match self {
            Self::Number(digits) => digits.is_empty(),
            Self::Word(word) => word.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }
}

/// Compares two versions; `None` for an empty text, or one of so many parts that it is none.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(by_lists(&parse(a.trim())?, &parse(b.trim())?))
}

fn parse(text: &str) -> Option<Vec<Item>> {
    let known = |byte: u8| byte.is_ascii_graphic() || byte >= 0x80;
    if text.is_empty() || !text.bytes().all(known) {
        return None;
    }
    let text = text.to_lowercase();
    // The lists that are open, the outermost first.
    let mut open: Vec<Vec<Item>> = vec![Vec::new()];
    let mut word = String::new();
    let mut is_digits = false;
    for char in text.chars() {
        match char {
            '.' | '-' => {
                // Nothing between two separators is 0.
                let item =
                    if word.is_empty() { Item::Number(String::new()) } else { item(&word, is_digits, false) };
                push(&mut open, item);
                word.clear();
                if char == '-' {
                    open.push(Vec::new());
                }
                is_digits = false;
            }
            char if char.is_ascii_digit() => {
                if !is_digits && !word.is_empty() {
                    // `1.0.rc1` is `1.0-rc1`, and the number behind a word is in a list of its own.
                    if open.last().is_some_and(|list| !list.is_empty()) {
                        open.push(Vec::new());
                    }
                    push(&mut open, item(&word, false, true));
                    word.clear();
                    open.push(Vec::new());
                }
                is_digits = true;
                word.push(char);
            }
            char => {
                if is_digits && !word.is_empty() {
                    push(&mut open, item(&word, true, false));
                    word.clear();
                    open.push(Vec::new());
                }
                is_digits = false;
                word.push(char);
            }
        }
        if open.len() > DEPTH {
            return None;
        }
    }
    if !word.is_empty() {
        // A word that ends the version begins a list too where something stands before it.
        if !is_digits && open.last().is_some_and(|list| !list.is_empty()) {
            open.push(Vec::new());
        }
        push(&mut open, item(&word, is_digits, false));
    }
    let mut inner: Option<Vec<Item>> = None;
    while let Some(mut list) = open.pop() {
        if let Some(inner) = inner.take() {
            list.push(Item::List(inner));
        }
        inner = Some(normalized(list));
    }
    inner
}

fn push(open: &mut [Vec<Item>], item: Item) {
    if let Some(list) = open.last_mut() {
        list.push(item);
    }
}

fn item(word: &str, is_digits: bool, digit_follows: bool) -> Item {
    if is_digits {
        return Item::Number(word.trim_start_matches('0').to_owned());
    }
    let word = match word {
        "a" if digit_follows => "alpha",
        "b" if digit_follows => "beta",
        "m" if digit_follows => "milestone",
        "ga" | "final" | "release" => "",
        "cr" => "rc",
        other => other,
    };
    Item::Word(word.to_owned())
}

/// A list without what says nothing at its end, or before a list within it.
fn normalized(mut list: Vec<Item>) -> Vec<Item> {
    let mut place = list.len();
    while let Some(item) = place.checked_sub(1).and_then(|at| list.get(at)) {
        place -= 1;
        if item.is_null() {
            list.remove(place);
        } else if !matches!(item, Item::List(_)) {
            break;
        }
    }
    list
}

fn by_lists(a: &[Item], b: &[Item]) -> Ordering {
    for place in 0..a.len().max(b.len()) {
        let order = match (a.get(place), b.get(place)) {
            (Some(a), Some(b)) => by_items(a, b),
            (Some(a), None) => to_nothing(a),
            (None, Some(b)) => to_nothing(b).reverse(),
            (None, None) => Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn by_items(a: &Item, b: &Item) -> Ordering {
    match (a, b) {
        (Item::Number(a), Item::Number(b)) => by_number(a, b),
        (Item::Number(_), _) => Ordering::Greater,
        (_, Item::Number(_)) => Ordering::Less,
        (Item::Word(a), Item::Word(b)) => by_words(a, b),
        (Item::Word(_), Item::List(_)) => Ordering::Less,
        (Item::List(_), Item::Word(_)) => Ordering::Greater,
        (Item::List(a), Item::List(b)) => by_lists(a, b),
    }
}

fn by_words(a: &str, b: &str) -> Ordering {
    // Words without a place follow all others, by their letters.
    let place = |word: &str| WORDS.iter().position(|known| *known == word).unwrap_or(WORDS.len());
    place(a).cmp(&place(b)).then_with(|| if place(a) == WORDS.len() { a.cmp(b) } else { Ordering::Equal })
}

fn to_nothing(item: &Item) -> Ordering {
    match item {
        Item::Number(digits) => by_number(digits, ""),
        Item::Word(word) => by_words(word, ""),
        Item::List(items) => {
            items.iter().map(to_nothing).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        }
    }
}
