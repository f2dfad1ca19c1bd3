use super::super::build::{Program, cargo_auditable, go_build_info};
use super::super::found::LEAST_BYTES;
use super::super::tests::read;
use super::*;

#[test]
fn what_cargo_auditable_wrote_is_read() {
    let json = r#"{"packages":[
        {"name":"app","version":"0.1.0","source":"local","dependencies":[1],"root":true},
        {"name":"serde","version":"1.0.200","source":"crates.io"},
        {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
        {"name":"later","version":"2.0.0","source":"crates.io","kind":"unheard-of","new":{"x":[1]}}
    ],"format":7}"#;
    let of = |section: &[u8]| read("app", Program::new().section(".dep-v0", section).bytes());
    let crates = ["app 0.1.0", "later 2.0.0", "serde 1.0.200"].map(str::to_owned).to_vec();
    for (is_wide, is_big) in [(true, true), (false, false), (false, true)] {
        let program =
            Program::new().wide(is_wide).big_endian(is_big).section(".dep-v0", cargo_auditable(json));
        assert_eq!(read("app", program.bytes()), (crates.clone(), None));
    }
    assert_eq!(of(&cargo_auditable(json)), (crates, None));
    let gap = (Vec::new(), Some(Gap::Unreadable));
    for broken in ["", "{}", "[1]", r#"{"packages":[{"name":"a"}]}"#] {
        assert_eq!(of(&cargo_auditable(broken)), gap, "{broken}");
    }
    assert_eq!(of(b"none"), gap);
    let stripped = Program::new().section(".dep-v0", cargo_auditable(json)).stripped();
    assert_eq!(read("app", stripped.bytes()), (Vec::new(), None));
}

#[test]
fn lists_in_programs_are_held_to_component_text_bytes() {
    let limit = limits::COMPONENT_TEXT_BYTES as usize;
    let json = |length: usize| {
        let text = r#"{"packages":[{"name":"a","version":"1"}]}"#;
        let section = cargo_auditable(&format!("{text}{}", " ".repeat(length - text.len())));
        read("app", Program::new().section(".dep-v0", section).bytes())
    };
    assert_eq!(json(limit), (vec!["a 1".to_owned()], None));
    assert_eq!(json(limit + 1), (Vec::new(), Some(Gap::LargeText)));
    let go = |length: usize| {
        // Between two sentinels of 16 bytes, with the line's start and end.
        let line = format!("dep\ta\tv1\t{}", "x".repeat(length - 32 - 10));
        read("app", Program::new().section(".go.buildinfo", go_build_info("go1", &[&line])).bytes())
    };
    assert_eq!(go(limit), (vec!["a v1".to_owned(), "stdlib 1".to_owned()], None));
    assert_eq!(go(limit + 1), (Vec::new(), Some(Gap::LargeText)));
}

/// A program of some KiB may have a list of some MiB, and a layer any number of programs.
#[test]
fn lists_in_programs_count_as_what_is_unpacked() {
    let text = format!(r#"{{"packages":[{0},{0},{0}]}}"#, r#"{"name":"a","version":"1"}"#);
    let text = format!("{text}{}", " ".repeat(100_000));
    let file = Program::new().section(".dep-v0", cargo_auditable(&text)).bytes();
    let budget = crate::scan::room::Budget::default();
    let read = |of_file: u64, of_layer: u64| {
        let mut found = Found::new(&budget);
        found.file_unpacked = limits::COMPONENT_UNPACKED_BYTES - of_file;
        found.unpacked = limits::LAYER_COMPONENT_UNPACKED_BYTES - of_layer;
        super::read(&Tail { bytes: &file, head: &file, size: file.len() as u64 }, &mut found);
        found.finish(7..=7);
        (super::super::tests::shown(&found.components), found.components.gaps.get(&7).copied())
    };
    // Each component takes its time, even one that is there already.
    let needed = text.len() as u64 + 3 * LEAST_BYTES;
    let one = vec!["a 1".to_owned()];
    assert_eq!(read(needed, needed), (one.clone(), None));
    assert_eq!(read(needed - 1, needed), (one.clone(), Some(Gap::LargeContent)));
    assert_eq!(read(needed, needed - 1), (one, Some(Gap::LargeLayer)));
    let needed = text.len() as u64;
    assert_eq!(read(needed - 1, needed), (Vec::new(), Some(Gap::LargeContent)));
    assert_eq!(read(needed, needed - 1), (Vec::new(), Some(Gap::LargeLayer)));
}

/// Tables that lie lead nowhere, and a count beyond 16 bits stands in the first header.
#[test]
fn tables_are_held_to_the_file() {
    let program = Program::new().section(".go.buildinfo", go_build_info("go1.22", &[]));
    let file = program.bytes();
    let found = (vec!["stdlib 1.22".to_owned()], None);
    assert_eq!(read("app", &file), found);
    let spoilt = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut file = file.clone();
        change(&mut file);
        read("app", file)
    };
    let table = u64::from_le_bytes(file[40..48].try_into().unwrap()) as usize;
    assert_eq!(
        spoilt(&|file| {
            // e_shnum and e_shstrndx, of which the first section's size and link say more.
            file[table + 32] = 3;
            file[table + 40] = 2;
            file[60..64].copy_from_slice(&[0, 0, 0xff, 0xff]);
        }),
        found
    );
    type Spoil = Box<dyn Fn(&mut Vec<u8>)>;
    let spoils: Vec<(&str, Spoil)> = vec![
        ("class", Box::new(|file| file[4] = 3)),
        ("order", Box::new(|file| file[5] = 0)),
        ("where the table is", Box::new(|file| file[40..48].fill(0xff))),
        ("bytes of a header", Box::new(|file| file[58] = 1)),
        ("how many", Box::new(|file| file[60..62].fill(0xff))),
        ("which has the names", Box::new(|file| file[62] = 9)),
        ("where the names are", Box::new(move |file| file[table + 128 + 24..table + 128 + 32].fill(0xff))),
        ("how many names", Box::new(move |file| file[table + 128 + 32..table + 128 + 40].fill(0))),
        ("a name", Box::new(move |file| file[table + 64..table + 68].fill(0xff))),
        ("a kind without bytes", Box::new(move |file| file[table + 68] = 8)),
        ("where it is", Box::new(move |file| file[table + 64 + 24..table + 64 + 32].fill(0xff))),
        ("cut short", Box::new(|file| file.truncate(63))),
    ];
    for (what, spoil) in spoils {
        assert_eq!(spoilt(&*spoil), (Vec::new(), None), "{what}");
    }
    // A section that goes on beyond the file is searched as far as it goes.
    assert_eq!(spoilt(&|file| file[table + 64 + 32..table + 64 + 40].fill(0xff)), found);
}

/// In a file of which the middle is not kept.
#[test]
fn what_is_not_kept_of_a_program_is_a_gap() {
    let file = Program::new()
        .section(".go.buildinfo", go_build_info("go1.22", &[]))
        .section(".debug", [1; 1000])
        .section(".dep-v0", cargo_auditable(r#"{"packages":[{"name":"a","version":"1"}]}"#))
        .bytes();
    let budget = crate::scan::room::Budget::default();
    let read = |head: usize, tail: usize| {
        let mut found = Found::new(&budget);
        let kept = Tail { bytes: &file[file.len() - tail..], head: &file[..head], size: file.len() as u64 };
        super::read(&kept, &mut found);
        found.finish(7..=7);
        (super::super::tests::shown(&found.components), found.components.gaps.get(&7).copied())
    };
    let both = vec!["stdlib 1.22".to_owned(), "a 1".to_owned()];
    assert_eq!(read(200, 600), (both, None));
    // What stands in the kept part is found; the rest is told.
    assert_eq!(read(130, 600), (vec!["a 1".to_owned()], Some(Gap::LargeFile)));
    assert_eq!(read(200, 100), (Vec::new(), Some(Gap::LargeFile)), "the table of sections");
}
