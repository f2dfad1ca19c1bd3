//! What someone who mistyped a name may have meant.

/// The name that is spelt most like `word`; `None` where none is near.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is that long, and each letter costs a row.
    if word.len() > 100 {
        return None;
    }
    let names = names.into_iter().map(|name| (distance(name, word), name));
    // A short word has little to be recognised by.
    let near = (word.chars().count() / 2).min(3);
    names.min().filter(|(distance, _)| *distance <= near).map(|(_, name)| name)
}

/// How many letters must be put in, taken out or changed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, from) in a.bytes().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.bytes()) {
            let changed = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_the_right_one() {
        let names = ["setuid-file", "user-root", "path"];
        assert_eq!(nearest("setuid-fiel", names), Some("setuid-file"));
        assert_eq!(nearest("user-rot", names), Some("user-root"));
        assert_eq!(nearest("pth", names), Some("path"));
        assert_eq!(nearest("vulnerability", names), None);
        assert_eq!(nearest("x", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
