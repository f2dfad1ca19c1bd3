//! `architecture-mismatch`: see the page beside this file.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::model::escape::escape_text;
use crate::rootfs::Inode;
use crate::rules::findings::{Findings, Full};
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::{Elf, EntryKind};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "architecture-mismatch",
    severity: Severity::Medium,
    page: include_str!("architecture-mismatch.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

/// Paths told of one machine; the number of all is told beside them.
const SHOWN: usize = 20;

/// A processor of computers, by `e_machine`; what is none (graphics cards, eBPF) fits everywhere.
struct Machine {
    number: u16,
    name: &'static str,
    /// How paths say that what is below them is for this machine, in lower case.
    marks: &'static [&'static str],
}

const MACHINES: [Machine; 11] = [
    Machine { number: 3, name: "x86", marks: &["i386", "i486", "i586", "i686", "ia32", "x86", "386"] },
    Machine { number: 8, name: "MIPS", marks: &["mips"] },
    Machine { number: 20, name: "PowerPC", marks: &["ppc", "powerpc"] },
    Machine { number: 21, name: "64-bit PowerPC", marks: &["ppc64", "powerpc64"] },
    Machine { number: 22, name: "s390x", marks: &["s390"] },
    Machine { number: 40, name: "32-bit ARM", marks: &["arm"] },
    Machine { number: 43, name: "SPARC", marks: &["sparc"] },
    Machine { number: 62, name: "x86-64", marks: &["x86_64", "x86-64", "amd64", "x64"] },
    Machine { number: 183, name: "64-bit ARM", marks: &["aarch64", "arm64"] },
    Machine { number: 243, name: "RISC-V", marks: &["riscv"] },
    Machine { number: 258, name: "LoongArch", marks: &["loong"] },
];

/// The machines whose programs an architecture (in Go's words, as the config has it) runs; `None` for
/// one that is not known.
fn fitting(architecture: &str) -> Option<&'static [u16]> {
    Some(match architecture {
        "amd64" => &[62, 3],
        "386" => &[3],
        "arm64" => &[183, 40],
        "arm" => &[40],
        "ppc64" | "ppc64le" => &[21, 20],
        "s390x" => &[22],
        "riscv64" => &[243],
        "mips" | "mipsle" | "mips64" | "mips64le" => &[8],
        "loong64" => &[258],
        "sparc64" => &[43],
        _ => return None,
    })
}

/// A machine that a file is for and the image is not.
fn foreign(elf: Elf, fitting: &[u16], path: &ImagePath) -> Option<&'static Machine> {
    /// Programs and libraries: object files and kernel modules are not run.
    const RUN: [u16; 2] = [2, 3];
    let machine = MACHINES.iter().find(|machine| machine.number == elf.machine)?;
    let is_foreign = RUN.contains(&elf.kind) && !fitting.contains(&elf.machine);
    (is_foreign && !is_meant(machine, path)).then_some(machine)
}

/// Whether the path says that files for that machine are wanted there, or that they are not run.
fn is_meant(machine: &Machine, path: &ImagePath) -> bool {
    path.parts().any(|part| {
        let part = part.to_ascii_lowercase();
        let text = String::from_utf8_lossy(&part);
        ["firmware", "testdata", "test-data"].contains(&text.as_ref())
            || machine.marks.iter().any(|mark| names(&text, mark))
    })
}

/// Whether a word of the text begins with the mark.
fn names(text: &str, mark: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| {
        !text.get(..at).is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// Files for one machine.
#[derive(Default)]
struct Files {
    number: usize,
    /// The first of them.
    paths: Vec<ImagePath>,
    layer: usize,
}

impl Files {
    fn add(&mut self, path: &ImagePath, layer: usize) {
        if self.number == 0 {
            self.layer = layer;
        }
        self.number += 1;
        if self.paths.len() <= limits::FINDING_PATHS {
            self.paths.push(path.clone());
        }
    }
}

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
    let architectures: BTreeSet<&str> =
        facts.image.configs.iter().map(|config| config.platform.architecture.as_str()).collect();
    for architecture in architectures {
        let Some(fitting) = fitting(architecture) else { continue };
        let mut known = BTreeSet::new();
        for reading in &rootfs.readings {
            let mut by_machine: BTreeMap<u16, Files> = BTreeMap::new();
            let elf_of = |inode: &Inode| {
                let entry = inode.origin.entry()?;
                facts.entries(inode.origin.layer()).get(entry)?.elf
            };
            for (path, node) in reading.effective.walk_where(|node| elf_of(node.inode()).is_some()) {
                let inode = node.inode();
                let Some(elf) = elf_of(inode) else { continue };
                let Some(machine) = foreign(elf, fitting, &path) else { continue };
                let before = reading.base.get(&path);
                if before.is_none_or(|before| before.inode().content != inode.content) {
                    by_machine.entry(machine.number).or_default().add(&path, node.origin().layer());
                }
                known.insert(path);
            }
            findings
                .extend(by_machine.iter().filter_map(|(number, files)| tell(*number, files, architecture)))?;
        }
        taken_away_again(facts, &mut findings, fitting, architecture, &known)?;
    }
    Ok(Judgement::of(findings))
}

/// Files that a later layer deleted or replaced.
fn taken_away_again(
    facts: &Facts,
    findings: &mut Findings<'_>,
    fitting: &[u16],
    architecture: &str,
    known: &BTreeSet<ImagePath>,
) -> Result<(), Full> {
    for layer in facts.upper_contents() {
        let mut by_machine: BTreeMap<u16, Files> = BTreeMap::new();
        for entry in facts.entries(layer).iter().filter(|entry| entry.kind == EntryKind::File) {
            let Some(elf) = entry.elf.filter(|_| !known.contains(&entry.path)) else { continue };
            if let Some(machine) = foreign(elf, fitting, &entry.path) {
                by_machine.entry(machine.number).or_default().add(&entry.path, layer);
            }
        }
        let told = by_machine.iter().filter_map(|(number, files)| tell(*number, files, architecture));
        findings.extend(told.map(Finding::not_effective))?;
    }
    Ok(())
}

fn tell(number: u16, files: &Files, architecture: &str) -> Option<Finding> {
    let machine = MACHINES.iter().find(|machine| machine.number == number)?;
    let architecture = escape_text(architecture);
    let what = if files.number == 1 {
        "a program or library".to_owned()
    } else {
        format!("{} programs and libraries", files.number)
    };
    let message = format!("{what} for {}, in an image for {architecture}", machine.name);
    let remedy = "build for the platform that the image is for (docker build --platform), or put the right one into the config";
    let shown: Vec<String> = files.paths.iter().take(SHOWN).map(ToString::to_string).collect();
    let mut finding = Finding::new(message, remedy)
        .layer(files.layer)
        .evidence("machine", machine.name)
        .evidence("architecture", architecture)
        .evidence("files", files.number)
        .evidence("paths", shown.join(" "));
    let (first, others) = files.paths.split_first()?;
    for path in others {
        finding.add_path(path);
    }
    finding.also.more |= files.number > files.paths.len();
    Some(finding.path(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(architecture: &str, machine: u16, kind: u16, path: &str) -> bool {
        let elf = Elf { machine, kind, class: 2, data: 1 };
        foreign(elf, fitting(architecture).unwrap(), &ImagePath::new(path)).is_some()
    }

    #[test]
    fn programs_of_another_family_are_foreign() {
        assert!(is_foreign("amd64", 183, 3, "usr/bin/app"));
        assert!(is_foreign("arm64", 62, 2, "usr/bin/app"));
        assert!(is_foreign("386", 62, 2, "usr/bin/app"));
        assert!(is_foreign("arm64", 62, 3, "opt/charm/app"));
        assert!(is_foreign("amd64", 40, 3, "opt/charm/alarm"));
    }

    #[test]
    fn what_fits_or_is_meant_is_not() {
        for (architecture, machine, kind, path) in [
            ("amd64", 62, 3, "usr/bin/app"),
            ("amd64", 3, 3, "usr/lib/libc.so"),
            ("arm64", 40, 3, "usr/lib/libc.so"),
            ("amd64", 183, 1, "usr/lib/crt1.o"),
            ("amd64", 247, 2, "opt/filter.bpf"),
            ("amd64", 0, 3, "opt/none"),
            ("amd64", 183, 3, "usr/aarch64-linux-gnu/lib/libc.so.6"),
            ("amd64", 183, 3, "srv/node_modules/x/prebuilds/linux-arm64/node.napi.node"),
            ("amd64", 40, 2, "usr/lib/firmware/x.elf"),
            ("arm64", 62, 2, "usr/local/go/src/debug/elf/testdata/gcc-amd64-linux-exec"),
            ("arm64", 62, 3, "opt/lib/libx-x86_64.so"),
        ] {
            assert!(!is_foreign(architecture, machine, kind, path), "{architecture} {machine} {path}");
        }
        assert!(fitting("").is_none() && fitting("wasm").is_none());
    }
}
