use super::super::build::{OldGoBuildInfo, Program, go_build_info};
use super::super::tests::read;
use super::*;

const MODULES: [&str; 8] = [
    "path\texample.com/app/cmd",
    "mod\texample.com/app\t(devel)\t",
    "dep\tgithub.com/a/b\tv1.2.3\th1:x=",
    "dep\tgithub.com/c/d\tv1.0.0",
    "=>\tgithub.com/fork/d\tv1.0.1\th1:y=",
    "dep\tgithub.com/e/f\tv2.0.0+incompatible\th1:z=",
    "=>\t./local",
    "build\t-compiler=gc",
];

fn expected() -> Vec<String> {
    [
        "example.com/app ",
        "github.com/a/b v1.2.3",
        "github.com/e/f ",
        "github.com/fork/d v1.0.1",
        "stdlib 1.21.3",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// In both widths and byte orders, and wherever the linker puts it.
#[test]
fn what_go_wrote_is_found_as_go_finds_it() {
    let info = go_build_info("go1.21.3 X:boringcrypto", &MODULES);
    let text = b"\xff Go buildinf:\x08\x02 in the text of a program that reads others";
    for (is_wide, is_big) in [(true, false), (true, true), (false, false), (false, true)] {
        let program = || Program::new().wide(is_wide).big_endian(is_big).section(".rodata", text);
        for (what, program) in [
            ("a section", program().section(".go.buildinfo", &info)),
            ("not at its start", program().section(".go.buildinfo", [&[0; 32], &*info].concat())),
            ("data", program().section(".data", [&[1; 64], &*info].concat()).data()),
            ("without sections", program().section(".data", &info).data().stripped()),
        ] {
            let file = program.bytes();
            assert_eq!(read("app", &file), (expected(), None), "{what} {is_wide} {is_big}");
            assert_eq!(read("app", [&*file, b"more"].concat()).0, expected(), "with bytes behind it");
        }
        for (what, program) in [
            ("not aligned", program().section(".go.buildinfo", [&[0; 8], &*info].concat())),
            ("elsewhere", program().section(".other", &info)),
            ("nowhere", program().section(".data", b"data").data()),
            ("no version", program().section(".go.buildinfo", go_build_info("", &MODULES))),
            ("cut short", program().section(".go.buildinfo", &info[..20]).stripped()),
        ] {
            assert_eq!(read("app", program.bytes()), (Vec::new(), None), "{what} {is_wide} {is_big}");
        }
    }
}

/// Only the module that a program is of says what the others are in.
#[test]
fn the_module_of_the_program_is_told_from_those_that_it_needs() {
    let text = [&[b'x'; 16][..], MODULES.join("\n").as_bytes(), b"\n", &[b'y'; 16]].concat();
    let programs = modules_of(&text).into_iter().filter(|module| module.evidence == Evidence::GoProgram);
    assert_eq!(programs.map(|module| module.name).collect::<Vec<_>>(), ["example.com/app"]);
}

#[test]
fn versions_of_go_and_lists_of_modules_are_read_as_far_as_they_are_there() {
    let of = |info: Vec<u8>| read("app", Program::new().section(".go.buildinfo", info).bytes());
    assert_eq!(of(go_build_info("go1.22rc1", &[])), (vec!["stdlib 1.22rc1".to_owned()], None));
    assert_eq!(of(go_build_info("devel go1.23-0f2a Mon", &[])), (vec!["stdlib ".to_owned()], None));
    let mut unframed = go_build_info("go1.22", &MODULES);
    let end = unframed.len() - 17;
    unframed[end] = b' ';
    assert_eq!(of(unframed), (vec!["stdlib 1.22".to_owned()], None));
    // A list that is said to go on beyond the file.
    let mut long = go_build_info("go1.22", &[]);
    long.truncate(long.len() - 1);
    long.extend([0xff; 4]);
    long.push(0x7f);
    assert_eq!(of(long), (vec!["stdlib 1.22".to_owned()], None));
}

/// Before Go 1.18 the linker wrote where in memory the version and the list of modules are.
#[test]
fn what_old_go_points_to_is_found() {
    let with = |is_wide: bool, is_big: bool, info: Vec<u8>| {
        Program::new().wide(is_wide).big_endian(is_big).section(".go.buildinfo", info).data()
    };
    for (is_wide, is_big) in [(true, false), (true, true), (false, false), (false, true)] {
        let info = OldGoBuildInfo { is_wide, is_big, address: Program::new().wide(is_wide).address() };
        let mut old = expected();
        old[4] = "stdlib 1.17.13".to_owned();
        for program in [
            with(is_wide, is_big, info.bytes("go1.17.13", &MODULES)),
            with(is_wide, is_big, info.bytes("go1.17.13", &MODULES)).stripped(),
        ] {
            assert_eq!(read("app", program.bytes()), (old.clone(), None), "{is_wide} {is_big}");
        }
        let without = with(is_wide, is_big, info.bytes("go1.13", &[]));
        assert_eq!(read("app", without.bytes()), (vec!["stdlib 1.13".to_owned()], None));
    }
}

#[test]
fn pointers_of_old_go_that_lead_nowhere_are_a_gap() {
    let address = Program::new().address();
    let info = OldGoBuildInfo { is_wide: true, is_big: false, address }.bytes("go1.17", &MODULES);
    let of = |info: &[u8]| read("app", Program::new().section(".go.buildinfo", info).data().bytes());
    let spoilt = |at: usize, bytes: &[u8]| {
        let mut info = info.clone();
        info[at..at + bytes.len()].copy_from_slice(bytes);
        of(&info)
    };
    let gap = (Vec::new(), Some(Gap::OldGo));
    assert_eq!((of(&info).0.len(), of(&info).1), (expected().len(), None));
    assert_eq!(spoilt(14, &[2]), gap, "the bytes of a pointer");
    assert_eq!(spoilt(16, &[0xff; 8]), gap, "the version's pointer");
    assert_eq!(spoilt(16, &(address as u64 - 1).to_le_bytes()), gap, "before the segment");
    assert_eq!(spoilt(40, &[0xff; 8]), gap, "the version's length");
    assert_eq!(spoilt(40, &[0; 8]), gap, "no version");
    // As of a program without modules.
    let alone = (vec!["stdlib 1.17".to_owned()], None);
    assert_eq!(spoilt(24, &[0; 8]), alone, "the pointer of the modules");
    assert_eq!(spoilt(56, &[0xff; 8]), alone, "their length");
    // No segment has it.
    let elsewhere = Program::new().section(".go.buildinfo", &info);
    assert_eq!(read("app", elsewhere.bytes()), gap);
}
