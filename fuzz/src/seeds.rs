//! Where fuzzing starts: small inputs of each target, made by the builder of all test images.

#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: what cannot be made stops it"
)]
#![allow(unreachable_pub, reason = "one list for the fuzzers and for the tests")]

use ocicheck::advisories::build_of_bytes;
use ocicheck::digest::Digest;
use ocicheck::policy::Preset;
use serde_json::json;

use crate::support::{
    Compression, DockerForm, Entry, Image, Layer, Layout, LongNames, Manager, OldGoBuildInfo, Program,
    RpmFile, RpmPackage, SparseFormat, XattrStyle, Zip, cargo_auditable, clean_app, elf, feeds,
    go_build_info, rpm_database, small_base,
};
use crate::targets::{apply, facts, toc, tools, vex};

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "accounts" => accounts(),
        "advisories" => databases(),
        "apply" => applied(),
        "cache_entry" => cache_entries(),
        "catalog" => catalogs(),
        "check" => checks(),
        "codecs" => codecs(),
        "components" => components(),
        "docker_manifest" => docker_manifests(),
        "facts" => packed(),
        "feeds" => published(),
        "image_config" => configs(),
        "inflate" => inflate(),
        "jars" => jars(),
        "layer" => layers(),
        "oci_layout" => layouts(),
        "apk" => vec![INSTALLED.into()],
        "dpkg" => of_dpkg(),
        "rpm" => of_rpm(),
        "versions" => versions(),
        "policy" => policies(),
        "secrets" => secrets(),
        "source" => archives(),
        "toc" => tables(),
        "vex" => statements(),
        other => panic!("{other} has no seeds"),
    }
}

fn parted(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(tools::SEPARATOR)
}

fn after(first: u8, rest: impl AsRef<[u8]>) -> Vec<u8> {
    [&[first], rest.as_ref()].concat()
}

/// Bytes that look drawn by lot, the same for the same number.
fn noise(number: u32) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9) | 1;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..20 + number * 6).map(|_| byte()).collect()
}

fn accounts() -> Vec<Vec<u8>> {
    let (passwd, group) =
        ("root:x:0:0:root:/root:/bin/sh\napp:x:10:10::/:/bin/sh\n", "root:x:0:\nwheel:x:10:app,root\n");
    let shadow = "root:*:19700:0:99999:7:::\napp:$y$x:19700::::::\n";
    let sudoers = [
        "Defaults env_reset\n@includedir /etc/sudoers.d\n%wheel ALL=(ALL) ALL\n",
        "Defaults:app !authenticate\nUser_Alias ADMINS = app, \\\n  root\nADMINS ALL=(ALL) NOPASSWD: ALL, PASSWD: /bin/sh\n",
        "#include more\nroot ALL=(ALL:ALL) \"NOPASSWD: x\"\n",
        "app ALL=(root) sha256:00 /bin/ls, !/bin/sh : HOST=NOPASSWD:SETENV: sudoedit /etc/x\n",
    ];
    let users = ["10", "app:wheel", "0:10", ":", "root:", "4294967296", "+1"];
    let all = sudoers.iter().cycle().zip(users);
    all.map(|(sudoers, user)| {
        let parts = [passwd, group, shadow, sudoers, "app ALL=NOPASSWD: ALL\n", user];
        parted(&parts.map(str::as_bytes))
    })
    .chain([parted(&[&*passwd.repeat(20), "", "", &sudoers.concat().repeat(5), "", ""].map(str::as_bytes))])
    .chain([parted(&[
        b"+::0:0:::\n+@net\nx:*:-1:+5:a:b\n\n#c\nno\xff:x:1",
        b"+:::\n",
        b"a::\n",
        b"",
        b"",
        b"no\xff",
    ])])
    .collect()
}

/// An entry as `apply` takes it: kind, path by the numbers of its names, mode, and where it leads to.
fn entry(kind: u8, path: &[u8], mode: u8, link: &[u8]) -> Vec<u8> {
    let shaped = |path: &[u8]| if path.is_empty() { Vec::new() } else { after(path.len() as u8 - 1, path) };
    [&[kind], &*shaped(path), &[mode], &*shaped(link)].concat()
}

/// One thing for runtimes to do in each.
fn applied() -> Vec<Vec<u8>> {
    const FILE: u8 = 0;
    const DIRECTORY: u8 = 2;
    const SYMLINK: u8 = 4;
    const HARD_LINK: u8 = 5;
    const FIFO: u8 = 7;
    const NEXT_LAYER: u8 = 0xe0;
    let (a, b, c, wh_a, wh_b, opaque) = (0, 1, 2, 7, 8, 10);
    let below =
        [entry(DIRECTORY, &[a], 0, &[]), entry(FILE, &[a, b], 1, &[]), entry(FILE, &[a, c], 0x20, &[])]
            .concat();
    let over = [
        entry(FILE, &[a, opaque], 0, &[]),
        [entry(FILE, &[a, opaque], 0, &[]), entry(FILE, &[a, b], 0, &[])].concat(),
        entry(FILE, &[wh_a], 0, &[]),
        entry(FILE, &[a, wh_b], 0, &[]),
        entry(FILE, &[a], 1, &[]),
        entry(DIRECTORY, &[a, b], 0x40, &[]),
        entry(DIRECTORY, &[a], 0x60, &[]),
        entry(SYMLINK, &[b], 0, &[a]),
        entry(SYMLINK, &[a], 0, &[c]),
        [entry(SYMLINK, &[b], 0, &[a]), entry(FILE, &[b, c], 0, &[])].concat(),
        entry(HARD_LINK, &[c], 0, &[a, b]),
        [entry(FILE, &[b], 1, &[]), entry(HARD_LINK, &[c], 0, &[b])].concat(),
        entry(FIFO, &[a, b], 0, &[]),
        entry(6, &[a, b], 0, &[]),
        entry(DIRECTORY | 8, &[a], 0, &[]),
        entry(DIRECTORY, &[a, wh_b, c], 0, &[]),
    ];
    let stacked = over.iter().map(|over| [&*below, &[NEXT_LAYER], over].concat());
    let thrice = over
        .iter()
        .zip(over.iter().rev())
        .map(|(over, last)| [&*below, &[NEXT_LAYER], over, &[NEXT_LAYER], last].concat());
    stacked.chain(thrice).chain((0..20).map(noise)).collect()
}

fn cache_entries() -> Vec<Vec<u8>> {
    let sound = facts::sound_entry();
    let mut other = sound.clone();
    other[20] ^= 1;
    vec![sound[..40].to_vec(), other, sound]
}

fn catalogs() -> Vec<Vec<u8>> {
    let text = tools::catalog().to_text();
    // A second base, before the first by its name.
    let (head, base) = text.split_once('[').unwrap();
    let (base, _) = base.rsplit_once(']').unwrap();
    let other = base.replacen("\"base\"", "\"alpine\"", 1);
    vec![
        format!("{head}[{base},{other}]}}").into_bytes(),
        format!("{head}[{base},{base}]}}").into_bytes(),
        br#"{"schemaVersion": 1, "bases": []}"#.to_vec(),
        text.into_bytes(),
    ]
}

fn codecs() -> Vec<Vec<u8>> {
    let text = b"what is said once, what is said twice, what is said twice\n".repeat(3);
    let mut seeds: Vec<_> = Compression::ALL.iter().map(|form| after(7, form.compress(&text))).collect();
    seeds.extend(
        Compression::ALL.iter().map(|form| after(1, [&*form.compress(b"a"), b"\0\0behind"].concat())),
    );
    // Extra field, name, comment and a checksum of the header.
    let mut named = vec![0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, b'x', b'y', b'n', 0, b'c', 0];
    let mut crc = flate2::Crc::new();
    crc.update(&named);
    named.extend(&crc.sum().to_le_bytes()[..2]);
    named.extend(&Compression::Gzip(6).compress(b"a")[10..]);
    seeds.push(after(3, named));
    // More than a decoder hands over at once, and matches across where it does.
    let long = [&text[..], &noise(30)].concat().repeat(1000);
    seeds.extend(
        [Compression::Gzip(9), Compression::Zstd(3), Compression::Xz]
            .map(|form| after(99, form.compress(&long))),
    );
    seeds
}

fn inflate() -> Vec<Vec<u8>> {
    let text = b"what is said once, what is said twice, what is said twice\n".repeat(5);
    let raw = |bytes: &[u8], level| {
        let gzip = Compression::Gzip(level).compress(bytes);
        gzip[10..gzip.len() - 8].to_vec()
    };
    let mut seeds = Vec::new();
    for (piece, level) in [(0, 0), (1, 1), (9, 6), (200, 9)] {
        seeds.push(after(piece, raw(&text, level)));
        seeds.push(after(piece, raw(&noise(level + 50), level)));
        seeds.push(after(piece, raw(&[b'a'; 1000], level)));
    }
    seeds.push(after(100, raw(&[&text[..], &noise(30)].concat().repeat(1000), 9)));
    seeds.push(after(1, [1, 3, 0, 0xfc, 0xff, 1, 2, 3]));
    seeds
}

fn spoilt_layers() -> Vec<Layer> {
    let file = || Entry::file("a/b", "data");
    let long = "long/".repeat(40) + "name";
    let mut layers = vec![
        Layer::new()
            .dir("a/", 0o755)
            .entry(file())
            .symlink("l", "a/b")
            .hardlink("h", "a/b")
            .whiteout("x")
            .opaque("a"),
        Layer::new().entry(file().mode(0o4755).owner(1 << 30, 5)).entry(Entry::fifo("p")),
        Layer::new().entry(Entry::char_device("c", 0, 0)).entry(Entry::block_device("d", 8, 1)),
        Layer::new().file(&long, "x").symlink("s", &long),
        Layer::new().entry(Entry::file(&long, "x").long_names(LongNames::Pax)),
        Layer::new().entry(
            file().xattr("security.capability", [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
        Layer::new().entry(file().xattr_as(XattrStyle::Libarchive, "user.x", b"\n=\xff")),
        Layer::new().entry(file().pax("path", "other").pax("size", "2").pax("uid", "7").pax("mtime", "1.5")),
        Layer::new().entry(file().pax("mtime", "-5")).entry(Entry::fifo("p").patch(136, [0xff; 12])),
        Layer::new().pax_global([("SCHILY.xattr.user.a", "b"), ("uname", "x")]).entry(file()),
        Layer::new().entry(file().claimed_size(100)),
        Layer::new().entry(file().bad_checksum()),
        Layer::new().entry(file()).no_end_marker(),
        Layer::new().entry(file()).trailing("behind"),
        Layer::new().raw([0; 512]).entry(file()),
        Layer::new().entry(Entry::file("../../etc/passwd", "x")).entry(Entry::file("/etc//./passwd", "y")),
        Layer::new().file("etc/passwd", "root:x:0:0::/:/bin/sh\n").file("usr/bin/x", elf(183, "x")),
        Layer::new().file("a.jar", Zip::jar(["org/agent/A.class"]).bytes()),
    ];
    for format in SparseFormat::ALL {
        layers.push(Layer::new().entry(Entry::sparse("sparse", 9000, &[(0, b"ab"), (4096, b"cd")], format)));
    }
    layers
}

fn layers() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = spoilt_layers().iter().map(Layer::tar).collect();
    let whole = seeds[0].clone();
    seeds.extend(Compression::ALL.iter().map(|form| form.compress(&whole)));
    seeds.extend((0..6).flat_map(|number| apply::layers(&noise(number))).map(|layer| layer.tar()));
    seeds
}

fn jars() -> Vec<Vec<u8>> {
    let zip = || Zip::jar(["a/B.class", "c"]);
    let mut seeds = vec![
        after(0, zip().bytes()),
        after(0, zip().zip64().bytes()),
        after(0, zip().prefix("#!/bin/sh\n").comment("PK\x05\x06").bytes()),
        after(0, [zip().bytes(), zip().bytes()].concat()),
    ];
    let mut parts = zip().zip64().parts();
    parts.end_64[24] = 0xff;
    seeds.push(after(0, parts.bytes()));
    seeds.extend((0..8).map(|how| after(how << 1 | 1, "a\norg/x/Y.class\nMETA-INF/services/x\n")));
    seeds
}

fn components() -> Vec<Vec<u8>> {
    let pom = "groupId=g\nartifactId=a\nversion=1\n";
    let jar = Zip::new()
        .deflated("META-INF/MANIFEST.MF", "Implementation-Title: a\r\nImplementation-Version: 1\r\n")
        .deflated("META-INF/maven/g/a/pom.properties", pom);
    let war = Zip::new().member("WEB-INF/lib/a-1.jar", jar.bytes());
    let info = go_build_info("go1.22.1", &["mod\tm\tv1.0.0", "dep\td\tv1", "=>\te\tv2"]);
    let go = |is_wide| Program::new().wide(is_wide).section(".go.buildinfo", &info);
    let old = OldGoBuildInfo { is_wide: true, is_big: false, address: Program::new().address() };
    let old = Program::new().section(".go.buildinfo", old.bytes("go1.17", &["mod\tm\tv1.0.0"])).data();
    let list = cargo_auditable(r#"{"packages":[{"name":"a","version":"1","kind":"runtime","root":true}]}"#);
    let rust = Program::new().wide(false).big_endian(true).section(".dep-v0", list);
    let mut seeds = vec![
        after(0, jar.bytes()),
        after(0, war.bytes()),
        after(10, war.prefix("#!/bin/sh\n").bytes()),
        after(2, go(true).bytes()),
        after(2, go(false).data().stripped().bytes()),
        after(2, old.bytes()),
        after(2, rust.bytes()),
        after(4, "Metadata-Version: 2.1\r\nName: a\r\nVersion: 1\r\n\r\nName: b\r\n"),
        after(6, r#"{"name": "a", "version": "1", "x": [{"name": 1}]}"#),
        after(8, "Gem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.version = \"1\"\nend\n"),
    ];
    seeds.extend((0..32).map(|how| after(how << 1 | 1, "a\norg.x.y\nexample.com/z")));
    seeds
}

/// What lies packed in the facts of some layers, and the frames.
fn packed() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for layer in spoilt_layers() {
        let Ok(tar) = tools::scan(&layer.tar()).tar else { continue };
        let frame = ocicheck::scan::packed::pack(&tar, &std::collections::BTreeMap::new(), |_| 1).unwrap();
        seeds.push(after(0, zstd::stream::decode_all(&*frame).unwrap()));
        seeds.push(after(1, frame));
    }
    seeds
}

fn small_image() -> Image {
    let layer = Layer::new().file("etc/passwd", "app:x:10:10::/:/bin/sh\n");
    Image::new().layer(layer).user("app").env("PATH=/bin").name("example.com/app:1")
}

fn archives() -> Vec<Vec<u8>> {
    let image = small_image();
    let mut seeds: Vec<_> = DockerForm::ALL.iter().map(|form| image.docker_archive(*form)).collect();
    seeds.push(image.oci_archive());
    seeds.push(image.oci_archive_dotted());
    seeds.push(Layout::new().nested_index(&[image.clone(), image.clone().user("0")]).archive());
    seeds.push(Layout::new().image(&image).attestation_for(&image).archive());
    seeds.extend(Compression::ALL.iter().map(|form| form.compress(&image.oci_archive())));
    seeds
}

fn docker_manifests() -> Vec<Vec<u8>> {
    let image = small_image();
    let of = |form| {
        let members = crate::support::tar_members(&image.docker_archive(form));
        members.into_iter().find(|(name, _)| name == "manifest.json").map(|(_, bytes)| bytes)
    };
    let mut seeds: Vec<_> = DockerForm::ALL.into_iter().filter_map(of).collect();
    // That of the image which the target puts around it.
    seeds.extend(crate::targets::documents::sound_docker_manifest());
    seeds.push(br#"[{"Config":"a","config":"b","RepoTags":null,"Layers":[]}]"#.to_vec());
    seeds
}

fn layouts() -> Vec<Vec<u8>> {
    let image = small_image();
    let mut seeds = crate::targets::documents::sound_oci_documents();
    seeds.push(after(0, Layout::new().nested_index(std::slice::from_ref(&image)).index().to_string()));
    seeds.push(after(0, Layout::new().image(&image).attestation_for(&image).index().to_string()));
    seeds.push(after(1, image.clone().docker_types().annotation("a", "b").manifest()));
    seeds.push(after(1, br#"{"schemaVersion":2,"manifests":[],"layers":[],"config":{},"Config":null}"#));
    seeds
}

fn configs() -> Vec<Vec<u8>> {
    let image = small_image();
    vec![
        image.config(),
        clean_app(&small_base()).config(),
        image.clone().env("TOKEN=\x01").env("AWS_ACCESS_KEY_ID=\x02").label("key", "\x03").config(),
        image.clone().cmd(&["sh", "-c", "curl -u a:b https://u:p@example.com"]).exposed_port("22/tcp").config(),
        br#"{"os":"linux","architecture":"arm64","variant":"v8","config":{"User":"a","user":"0","Env":["A=1","A=2"]},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"empty_layer":true}]}"#.to_vec(),
    ]
}

fn checks() -> Vec<Vec<u8>> {
    let image = small_image();
    let mut seeds = vec![after(0, image.oci_archive()), after(0, image.docker_archive_podman())];
    let config = br#"{"User":"app","Env":["AGENT_X=1"],"Entrypoint":["java","-javaagent:agent.jar"],"ExposedPorts":{"22/tcp":{}},"Labels":{"a":"b"}}"#;
    for (number, layer) in spoilt_layers().iter().enumerate() {
        let how = (number as u8) << 1 | 1;
        seeds.push(after(how, parted(&[config, &layer.tar()])));
    }
    let accounts = Layer::new()
        .file("etc/passwd", "app:x:10:10::/:/bin/sh\nx::0:0:::\n")
        .file("etc/sudoers", "app ALL=NOPASSWD:ALL");
    let over = Layer::new().whiteout("etc/passwd").opaque("usr").dir("tmp/", 0o777);
    seeds.push(after(3, parted(&[b"{}", &accounts.tar(), &over.tar()])));
    for manager in [Manager::Dpkg, Manager::Apk, Manager::Rpm] {
        let sed = crate::support::sed();
        let layer = manager.database(sed.unpacked(Layer::new()), &[&sed], &[&sed]);
        seeds.push(after(3, parted(&[b"{}", &layer.tar(), &crate::support::upgrade(manager).tar()])));
    }
    seeds
}

/// A package of apk's.
const INSTALLED: &str = "C:Q1abcdefghijklmnopqrstuvwxyzA=\nP:sed\nV:4.9-r2\nA:x86_64\no:sed\nF:bin\nM:0:0:1777\nR:sed\na:0:0:755\nZ:Q1pd7MPHgBMq7Q5J6zZtYlVvC5Qkg=\n\n";

fn of_dpkg() -> Vec<Vec<u8>> {
    let (status, package) =
        (crate::support::sed().conffile("etc/sedrc", "x").dpkg_paragraph(), crate::support::newer_sed());
    let status = [status, package.dpkg_paragraph()].concat();
    let status = format!("{status}Source: src (1:2)\nReplaces: a, b (<< 2)\nDescription: x\n more\n .\n\n");
    vec![
        after(0, status),
        after(1, parted(&[b"/.\n/bin\n/bin/sed\n", b"d41d8cd98f00b204e9800998ecf8427e  bin/sed\n"])),
        after(2, "/bin/a\n/bin/a.real\nother\n"),
        after(
            2,
            "auto\n/usr/bin/editor\neditor.1.gz\n/usr/share/man/man1/editor.1.gz\n\n/bin/ed\n-100\n/man/ed\n\n",
        ),
    ]
}

fn of_rpm() -> Vec<Vec<u8>> {
    let rpm = RpmPackage::of(
        "sed",
        "4.8-1",
        [
            RpmFile::of("usr/bin/sed", "x"),
            RpmFile::link("bin/sed", "/usr/bin/sed"),
            RpmFile::directory("etc", 0o755),
        ],
    );
    let ndb = rpm_database(&[rpm.clone(), RpmPackage::of("x", "1:2-3", [])], 8);
    let sqlite: &[u8] = include_bytes!("../../src/packages/rpm/tests/real/rpmdb.sqlite");
    let log: &[u8] = include_bytes!("../../src/packages/rpm/tests/real/rpmdb.sqlite-wal");
    vec![ndb, sqlite.to_vec(), parted(&[sqlite, &log[..4200]])]
}

fn versions() -> Vec<Vec<u8>> {
    vec![
        after(0, "1:2.3~rc1-1\n2.3-1+b1\n2.3\n"),
        after(1, "1.2.3_rc1-r2\n1.2.3a\n1.2.3_p1~abc\n"),
        after(2, "1:2.3~rc1-1\n2.3^git1-1\n2.3-1\n"),
    ]
}

fn statements() -> Vec<Vec<u8>> {
    let document = |context: &str, statements: serde_json::Value| {
        let document = json!({
            "@context": context,
            "@id": "https://example.com/vex/1",
            "author": "security@example.com",
            "timestamp": "2026-01-01T00:00:00Z",
            "version": 1,
            "statements": statements,
        });
        document.to_string().into_bytes()
    };
    let image = format!("pkg:oci/app@{}", Digest::sha256(vex::MANIFEST));
    let packages = [
        "pkg:apk/alpine/libssl3",
        "pkg:apk/alpine/libcrypto3@3.0.8-r3?arch=x86_64",
        "pkg:golang/golang.org/x/net@0.5.0",
    ];
    let now = "https://openvex.dev/ns/v0.2.0";
    vec![
        document(
            "https://openvex.dev/ns",
            json!([
                { "vulnerability": "CVE-2026-0001", "products": [image], "subcomponents": packages, "status": "fixed" },
            ]),
        ),
        document(
            now,
            json!([
                {
                    "vulnerability": { "name": "CVE-2026-0001", "aliases": ["GHSA-aaaa-bbbb-cccc"] },
                    "products": packages.map(|purl| json!({ "@id": purl })),
                    "status": "not_affected",
                    "justification": "vulnerable_code_not_present",
                },
                {
                    "vulnerability": { "@id": "CVE-2026-0001" },
                    "products": [{ "@id": packages[0], "hashes": { "sha-256": "00" } }],
                    "timestamp": "2025-01-01T00:00:00+02:00",
                    "status": "affected",
                    "action_statement": "update",
                },
            ]),
        ),
        document(
            now,
            json!([
                {
                    "vulnerability": { "name": "CVE-2026-0002" },
                    "products": [{
                        "@id": "pkg:oci/app?repository_url=example.com/shop&tag=1.4&arch=amd64",
                        "identifiers": { "purl": "pkg:oci/app", "cpe23": "cpe:2.3:a:x:y:1:*:*:*:*:*:*:*" },
                        "subcomponents": packages.map(|purl| json!({ "identifiers": { "purl": purl } })),
                    }],
                    "status": "not_affected",
                    "impact_statement": "it is not used",
                },
                { "vulnerability": "CVE-2026-0003", "products": ["example.com/shop/app:1.4"], "status": "under_investigation" },
            ]),
        ),
    ]
}

fn policies() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> =
        [Preset::Default, Preset::Strict, Preset::Cis].map(|preset| preset.text().into()).into();
    seeds.push(tools::POLICY.into());
    seeds.push(
        br#"extends = "default"
fail_on = "high"
profile = "mine"

[base]
mutable = ["/srv/**"]

[rules.setuid-file]
severity = "low"
allow = [{ path = "/usr/bin/sudo", reason = "needed", owner = "team" }]

[profiles.mine]
base = "optional"
tell = ["user-root"]

[limits]
layer_bytes = 1000000

[[waivers]]
rule = "user-root"
reason = "until it is rebuilt"
owner = "team"
expires = 2026-12-31
"#
        .to_vec(),
    );
    seeds
}

fn secrets() -> Vec<Vec<u8>> {
    let texts = [
        "TOKEN=\x01",
        "a \x01 b \x02",
        "curl -u user:hunter22Q https://x:S3cr3tPa55@example.com/",
        "--password S3cr3tPa55 -p x",
        "export DB_PASSWORD='S3cr3tPa55' && run",
        "key \x03 end",
        "\"SecretAccessKey\": \"\x01\"",
        "AccountKey=abc==;sig=x%3D&",
        "Authorization: Bearer \x01",
        "sshpass -p S3cr3tPa55 ssh",
        "{\"auths\":{\"r\":{\"auth\":\"dTpwYXNzd29yZA==\"}}}",
    ];
    texts
        .iter()
        .zip([0, 1, 3, 43, 123, 255].iter().cycle())
        .flat_map(|(text, how)| [after(0, text), after(*how, text)])
        .collect()
}

/// Tables of contents of [`toc::sample`]: one that tells what it holds, others, and the ends of layers that lead to them.
fn tables() -> Vec<Vec<u8>> {
    let facts = tools::scan(&toc::sample().tar());
    let kinds = ["reg", "hardlink", "symlink", "char", "block", "dir", "fifo"];
    let tar = facts.tar.unwrap();
    let entries = tar.entries.iter().map(|entry| {
        let (uid, gid) = (entry.uid, entry.gid);
        let mut told = json!({"type": kinds[entry.kind as usize], "name": entry.path.to_string(), "mode": entry.mode, "uid": uid, "gid": gid});
        if !entry.link().is_empty() {
            told["linkName"] = std::str::from_utf8(entry.link()).unwrap().into();
        }
        if entry.size > 0 {
            let digest = ocicheck::digest::Digest::Sha256(entry.content).to_string();
            (told["size"], told["digest"], told["chunkDigest"]) = (entry.size.into(), digest.clone().into(), digest.into());
        }
        told
    });
    let whole = json!({"version": 1, "entries": entries.collect::<Vec<_>>()});
    let mut twice = whole.clone();
    let first = whole["entries"][0].clone();
    twice["entries"].as_array_mut().unwrap().push(first);
    let chunk = json!({"type": "chunk", "name": "bin/tool", "chunkOffset": 4, "chunkSize": 0, "chunkDigest": "sha256:0"});
    let mut pieces = whole.clone();
    pieces["entries"].as_array_mut().unwrap().insert(2, chunk);
    let mut seeds: Vec<_> = [&whole, &twice, &pieces, &json!({"entries": null}), &json!({"Entries": []})]
        .iter()
        .map(|table| after(0, table.to_string()))
        .collect();
    let tar = Layer::new().file("stargz.index.json", whole.to_string()).tar();
    let footer =
        b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\x000000000000000000STARGZ\x01\0\0\xff\xff\0\0\0\0\0\0\0\0";
    seeds.push(after(1, [&Compression::Gzip(1).compress(&tar), &footer[..]].concat()));
    seeds.push(after(1, footer));
    let frame =
        [&b"\x50\x2a\x4d\x18\x40\0\0\0"[..], &[8, 0, 0, 0, 0, 0, 0, 0], &[0; 48], b"GNUlInUx"].concat();
    seeds.push(after(2, frame));
    seeds
}

fn published() -> Vec<Vec<u8>> {
    let zip = |members: &[(&str, &str)]| {
        members.iter().fold(Zip::new(), |zip, (name, bytes)| zip.member(name, bytes)).bytes()
    };
    let mut all: Vec<Vec<u8>> =
        [feeds::DEBIAN, feeds::ALPINE, feeds::RED_HAT].map(|feed| feed.as_bytes().to_vec()).to_vec();
    all.extend([zip(&feeds::ALMALINUX), zip(&feeds::PYPI)]);
    all.extend(feeds::ALMALINUX.iter().chain(&feeds::PYPI).map(|(_, record)| record.as_bytes().to_vec()));
    all
}

fn databases() -> Vec<Vec<u8>> {
    let built = build_of_bytes(feeds::DEBIAN.as_bytes().to_vec()).unwrap().bytes;
    let header = u32::from_le_bytes(built[16..20].try_into().unwrap()) as usize;
    let header = built[64..64 + header].to_vec();
    vec![after(1, [0, 0, 1]), after(1, [1, 0, 1, 0, 64, 255]), after(2, header), after(0, &built[..2_000])]
}
