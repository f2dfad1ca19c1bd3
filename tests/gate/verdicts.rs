//! Each rule alone, in both verdicts: on an image that has its fault, and on one that looks like it and has not.
//!
//! The rule's own `judge` is called, so that nothing that comes after it (policy, profile, report) can make up for it.
//! A rule without a trial here fails the test.

use std::collections::{BTreeMap, BTreeSet};

use ocicheck::advisories::Advisories;
use ocicheck::base::{Catalog, CatalogEntry, State};
use ocicheck::engine::{Bases, Request, gather, whole_plan};
use ocicheck::facts::Facts;
use ocicheck::limits::Limits;
use ocicheck::packages::verify::HeldLayers;
use ocicheck::rules::options::ForbiddenPackage;
use ocicheck::rules::{
    Environment, Finding, Judgement, Left, Pattern, RULES, Room as FindingsRoom, Rule, Service, Settings,
};
use ocicheck::source::{Input, Selection};
use serde_json::{Value, json};

use crate::advisories;
use crate::harness::{Room, SMALL_CATALOG};
use crate::packages;
use crate::secrets;
use crate::support::{
    Compression, Entry, Image, Layer, Layout, Manager, PASSWD, StoredLayer, clean_app, elf, small_base,
    upgrade,
};
use crate::tampered;

/// What a rule is given.
struct Subject {
    archive: Vec<u8>,
    catalog: Catalog,
    settings: Settings,
    advisories: Option<Advisories>,
}

impl Subject {
    fn new(archive: Vec<u8>) -> Self {
        let mut settings = Settings::new::<&str>(&[], &[], &[]).unwrap();
        settings.at = "2026-01-02".parse().unwrap();
        let catalog = Catalog::parse(str::from_utf8(&SMALL_CATALOG).unwrap()).unwrap();
        Self { archive, catalog, settings, advisories: None }
    }

    /// As the policy says.
    fn by(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings);
        self
    }

    /// With one advisory, on `sed` before this version, of the first day of 2026.
    fn with_advisory(mut self, fixed: &str) -> Self {
        self.advisories = Some(advisories::on_sed(fixed));
        self
    }

    /// With the base in another state.
    fn on(mut self, state: State) -> Self {
        let mut found: Vec<&mut CatalogEntry> = self.catalog.find_mut("base0:1");
        found[0].state = state;
        self
    }

    /// By a catalog that holds another base.
    fn against(mut self, base: &Image) -> Self {
        let text = std::fs::read_to_string(Room::new().catalog(&[base]));
        self.catalog = Catalog::parse(&text.unwrap()).unwrap();
        self
    }

    fn facts(&self) -> Facts {
        let room = Room::new();
        let input = Input::Path(room.write("image.tar", &self.archive));
        let bases = Some(Bases { catalog: &self.catalog, files: None });
        let (selection, plan) = (Selection::default(), whole_plan(Limits::default()));
        let request = Request {
            input: &input,
            selection: &selection,
            bases,
            advisories: self.advisories.as_ref(),
            cache: None,
            read_before: None,
            plan,
            held: Some(HeldLayers::Upper),
        };
        let mut gathered = gather(&request, &()).unwrap();
        assert!(gathered.errors.is_empty() && gathered.images.len() == 1, "{:?}", gathered.errors);
        gathered.images.remove(0)
    }

    fn judged_by(&self, rule: &Rule) -> Judgement {
        let room = FindingsRoom::new(Left::default());
        (rule.judge)(&self.facts(), &self.settings, room.findings()).unwrap()
    }
}

impl From<Image> for Subject {
    fn from(image: Image) -> Self {
        Self::new(image.oci_archive())
    }
}

impl From<Layout> for Subject {
    fn from(layout: Layout) -> Self {
        Self::new(layout.archive())
    }
}

/// An application on the base with one more layer.
impl From<Layer> for Subject {
    fn from(layer: Layer) -> Self {
        app().layer(layer).into()
    }
}

struct Trial {
    rule: &'static str,
    faulty: Subject,
    sound: Subject,
}

fn trial(rule: &'static str, faulty: impl Into<Subject>, sound: impl Into<Subject>) -> Trial {
    Trial { rule, faulty: faulty.into(), sound: sound.into() }
}

fn app() -> Image {
    clean_app(&small_base())
}

fn file(path: &str, content: impl AsRef<[u8]>) -> Layer {
    Layer::new().file(path, content)
}

fn entry(entry: Entry) -> Layer {
    Layer::new().entry(entry)
}

fn config(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Image {
    app().config_json(edit)
}

fn accounts() -> Vec<Trial> {
    let passwd = |line: &str| file("etc/passwd", format!("{PASSWD}{line}\n"));
    let shadow = |line: &str| file("etc/shadow", format!("root:*:19700:0:99999:7:::\n{line}\n"));
    vec![
        trial("account-no-password", shadow("app::1:0:99999:7:::"), shadow("app:!:1:0:99999:7:::")),
        trial("account-uid-zero", passwd("toor:x:0:0::/:/bin/sh"), passwd("app:x:500:0::/:/bin/sh")),
        trial("ld-so-preload", file("etc/ld.so.preload", "/opt/x.so"), file("etc/ld.so.preload", "# x\n")),
        trial(
            "sudo-nopasswd",
            file("etc/sudoers", "app ALL=(ALL) NOPASSWD: ALL\n"),
            file("etc/sudoers", "app ALL=(ALL) ALL # NOPASSWD: ALL\n"),
        ),
        trial("user-root", app().user("daemon:0").user("00"), app().user("daemon:0")),
        trial("user-unknown", app().user("nosuch"), app().user("daemon")),
    ]
}

fn bases() -> Vec<Trial> {
    let in_state = |state| Subject::from(app()).on(state);
    let packaged = tampered::base(Manager::Dpkg);
    let installed = tampered::install(Manager::Dpkg);
    let changed = installed.clone().file_mode("usr/bin/less", "evil", 0o755);
    let on_packaged = |layer| Subject::from(packages::child(&packaged, layer)).against(&packaged);
    let ls = |mode| Layer::new().file_mode("usr/bin/ls", elf(62, "ls"), mode);
    let shell = PASSWD.replace("/usr/sbin/nologin", "/bin/sh");
    vec![
        trial(
            "base-account-changed",
            file("etc/passwd", shell),
            file("etc/passwd", format!("{PASSWD}a:x:9:9::/:\n")),
        ),
        trial("base-deprecated", in_state(State::Deprecated), in_state(State::Approved)),
        trial("base-file-deleted", Layer::new().whiteout("usr/bin/ls"), Layer::new().whiteout("app/run")),
        trial("base-file-modified", file("usr/bin/ls", "evil"), ls(0o755)),
        trial("base-file-replaced", Layer::new().symlink("usr/bin/ls", "sh"), file("usr/bin/ls", "evil")),
        trial("base-metadata-changed", ls(0o700), ls(0o755)),
        trial("base-not-official", Image::new().user("1").layer(file("a", "x")), app()),
        trial("base-package-changed", on_packaged(upgrade(Manager::Dpkg)), on_packaged(installed.clone())),
        trial("package-file-tampered", on_packaged(changed), on_packaged(installed)),
        trial("base-revoked", in_state(State::Revoked), in_state(State::Deprecated)),
    ]
}

fn configs() -> Vec<Trial> {
    let secret = secrets::github();
    let step = |step: &str| app().empty_history(step);
    vec![
        trial("path-env-unsafe", app().env("PATH=/usr/bin:."), app().env("PATH=/usr/bin:/bin")),
        trial(
            "workdir-unsafe",
            app().setting("WorkingDir", json!("/proc/self/fd/8")),
            app().setting("WorkingDir", json!("/srv/proc/self/fd")),
        ),
        trial("port-privileged", app().exposed_port("1023/tcp"), app().exposed_port("1024/tcp")),
        trial(
            "privileged-label",
            app().label("RUN", "podman run --privileged IMAGE"),
            app().label("RUN", "podman run --rm IMAGE"),
        ),
        trial("secret-env", app().env(&format!("TOKEN={secret}")), app().env("TOKEN_FILE=/run/token")),
        trial("secret-file", file("app/.npmrc", &secret), file("app/.npmrc", "${NPM_TOKEN}")),
        trial(
            "secret-history",
            step(&format!("|1 TOKEN={secret} /bin/sh -c make")),
            step("|1 TOKEN=$TOKEN /bin/sh -c make"),
        ),
    ]
}

fn installed() -> Vec<Trial> {
    let on_debian = || Subject::from(advisories::debian());
    let at = |day: &str| {
        let day = day.parse().unwrap();
        on_debian().with_advisory("1").by(|settings| settings.at = day)
    };
    let forbidden = |name: &str| {
        let name = Pattern::of_words(name).unwrap();
        let package =
            ForbiddenPackage { name, kind: None, from: None, below: None, reason: "because".to_owned() };
        on_debian().by(|settings| settings.options.forbidden_packages = vec![package])
    };
    vec![
        trial("advisories-stale", at("2026-02-01"), at("2026-01-31")),
        trial("package-forbidden", forbidden("s?d"), forbidden("telnetd")),
        trial("vulnerability", on_debian().with_advisory("4.9"), on_debian().with_advisory("4.8-r1")),
    ]
}

fn hygiene() -> Vec<Trial> {
    let step = |step: &str| app().layer_with(file("srv/x", "x"), step, Compression::None);
    let layers =
        |count| (0..count).fold(app(), |image, number| image.layer(file(&format!("srv/{number}"), "")));
    let wanted = |name: &str, image: Image| {
        let name = name.to_owned();
        Subject::from(image).by(|settings| settings.options.required_labels = vec![name])
    };
    let at_most = |bytes| Subject::from(app()).by(|settings| settings.options.max_image_bytes = Some(bytes));
    vec![
        trial("add-instruction", step("ADD https://example.com/x /srv/"), step("COPY x /srv/")),
        trial("healthcheck-missing", app().setting("Healthcheck", json!({"Test": ["NONE"]})), app()),
        trial("image-size", at_most(1), at_most(1 << 30)),
        trial(
            "label-missing",
            wanted("team", app().label("team", " ")),
            wanted("team", app().label("team", "a")),
        ),
        trial("layer-count", layers(122), layers(121)),
        trial(
            "package-cache-left",
            file("var/lib/apt/lists/deb_a", "x"),
            file("var/lib/apt/lists/lock", "x"),
        ),
        trial(
            "tag-latest",
            app().unnamed().name("example.com/app:latest"),
            app().name("example.com/app:latest"),
        ),
    ]
}

/// The documents and blobs.
fn integrity() -> Vec<Trial> {
    let first = app().layer_blobs()[0].0.clone();
    let layout = || Layout::new().image(&app());
    let history = |empty| {
        config(move |config| {
            config["history"].as_array_mut().unwrap().push(json!({"created_by": "x", "empty_layer": empty}));
        })
    };
    let media_type = |compression| {
        app().recompressed(compression).edit_layer(0, |layer| {
            layer.media_type = Some("application/vnd.oci.image.layer.v1.tar+gzip".into());
        })
    };
    let encrypted = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
    vec![
        trial(
            "ambiguous-json",
            config(|config| config["config"]["user"] = "0".into()),
            config(|config| config["config"]["username"] = "0".into()),
        ),
        trial("blob-missing", layout().drop_blob(&first), layout()),
        trial("diff-id-mismatch", config(|config| config["rootfs"]["diff_ids"][0] = json!("none")), app()),
        trial("digest-mismatch", layout().replace_blob(&first, "other bytes"), layout()),
        trial("history-mismatch", history(false), history(true)),
        trial(
            "layer-count-mismatch",
            config(|config| drop(config["rootfs"]["diff_ids"].as_array_mut().unwrap().pop())),
            app(),
        ),
        trial(
            "layer-unsupported",
            app().stored_layer(StoredLayer::opaque([0x17; 600], encrypted, "x")),
            app().recompressed(Compression::Zstd(3)),
        ),
        trial("media-type-mismatch", media_type(Compression::Zstd(3)), media_type(Compression::Gzip(6))),
        trial("unread-data", skippable(b"rides along"), skippable(b"")),
        trial("unreferenced-blob", layout().extra_blob("rides along"), layout()),
    ]
}

/// A layer behind a skippable frame of zstd (RFC 8878, section 3.1.2).
fn skippable(bytes: &[u8]) -> Image {
    let mut stored = StoredLayer::new(&file("opt/a", "x"), "COPY . /", Compression::Zstd(3));
    let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    stored.blob = [&b"\x51\x2a\x4d\x18"[..], &size, bytes, &stored.blob].concat();
    stored.digest = crate::support::digest(&stored.blob);
    app().stored_layer(stored)
}

/// The layers' tars.
fn layers() -> Vec<Trial> {
    let global = |key, value| Layer::new().pax_global([(key, value)]).file("opt/a", "x");
    let link_to = |target: &str| file("opt/a", "x").hardlink("opt/b", target);
    vec![
        trial("ambiguous-entry", file("bin/new", "through /bin"), file("usr/bin/new", "where /bin leads")),
        trial("ambiguous-header", global("uid", "0"), global("comment", "made by hand")),
        trial("broken-hardlink", link_to("opt/nosuch"), link_to("opt/a")),
        trial(
            "duplicate-entry",
            file("opt/a", "x").file("./opt/a", "y"),
            file("opt/a", "x").file("opt/A", "y"),
        ),
        trial("path-escapes-root", file("opt/../../x", "x"), file("opt/../x", "x")),
        trial(
            "trailing-data",
            file("opt/a", "x").trailing(b"x".repeat(512)),
            file("opt/a", "x").trailing([0; 512]),
        ),
    ]
}

fn files() -> Vec<Trial> {
    let mode = |mode| Layer::new().file_mode("opt/a", "x", mode);
    let spool = |mode| Layer::new().dir("opt/spool/", mode);
    let capable = |name: &str| {
        entry(Entry::file("opt/a", "x").xattr(name, b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"))
    };
    let machine = |machine| file("opt/a", elf(machine, "a"));
    let release = |version: &str| file("etc/os-release", format!("ID=debian\nVERSION_ID={version}\n"));
    vec![
        trial("architecture-mismatch", machine(183), machine(62)),
        trial("device-node", entry(Entry::block_device("opt/a", 8, 0)), entry(Entry::fifo("opt/a"))),
        trial("distribution-eol", release("10"), release("12")),
        trial("file-capability", capable("security.capability"), capable("user.capability")),
        trial("setgid-file", mode(0o2755), spool(0o2755)),
        trial("setuid-file", mode(0o4755), mode(0o755)),
        trial("world-writable-directory", spool(0o777), spool(0o1777)),
        trial("world-writable-file", mode(0o646), mode(0o664)),
    ]
}

fn services() -> Vec<Trial> {
    let asked = |layer: Layer, require: &[&str]| {
        Subject::from(layer).by(|settings| {
            let files = vec![Pattern::of_paths("/**/jacocoagent*.jar").unwrap()];
            settings.services.known =
                BTreeMap::from([("jacoco".into(), Service { files, ..Service::default() })]);
            settings.services.environment = Some(Environment {
                name: "prod".into(),
                require: require.iter().map(|name| (*name).to_owned()).collect(),
                allow: Some(BTreeSet::new()),
            });
        })
    };
    let agent = || file("opt/lib/jacocoagent.jar", "jar");
    let none = || file("opt/lib/jacococli.jar", "jar");
    vec![
        trial("service-missing", asked(none(), &["jacoco"]), asked(agent(), &["jacoco"])),
        trial("service-not-allowed", asked(agent(), &[]), asked(none(), &[])),
    ]
}

fn trials() -> BTreeMap<&'static str, Trial> {
    let families =
        [accounts(), bases(), configs(), files(), hygiene(), installed(), integrity(), layers(), services()];
    let all: Vec<_> = families.into_iter().flatten().collect();
    let count = all.len();
    let by_rule: BTreeMap<_, _> = all.into_iter().map(|trial| (trial.rule, trial)).collect();
    assert_eq!(by_rule.len(), count, "a rule is tried twice");
    by_rule
}

#[test]
fn each_rule_has_a_trial_of_both_verdicts() {
    let tried: BTreeSet<_> = trials().into_keys().collect();
    assert_eq!(tried, RULES.iter().map(|rule| rule.id).collect());
}

#[test]
fn each_rule_tells_of_its_fault_and_of_nothing_that_looks_like_it() {
    let trials = trials();
    let mut wrong = Vec::new();
    for rule in RULES {
        let trial = &trials[rule.id];
        let told: Vec<Finding> = trial.faulty.judged_by(rule).into_findings().collect();
        if told.iter().map(|finding| finding.severity.unwrap_or(rule.severity)).max() < Some(rule.severity) {
            wrong.push(format!("{} does not tell of its fault: {told:#?}", rule.id));
        }
        let judgement = trial.sound.judged_by(rule);
        let incomplete = judgement.incomplete.clone();
        let findings: Vec<Finding> = judgement.into_findings().collect();
        if !findings.is_empty() || incomplete.is_some() {
            wrong.push(format!("{} tells of what is sound: {findings:#?} {incomplete:?}", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
