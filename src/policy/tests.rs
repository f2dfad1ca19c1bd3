use super::*;
use crate::limits::Limits;
use crate::rules::{BaseDemand, table};

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn read(text: &str) -> Result<Policy> {
    let at = Some("2026-11-25".parse().unwrap());
    Policy::read(text, Source::Named("p.toml".to_owned()), Choice { at, ..Choice::default() })
}

/// All that is told of a policy with mistakes.
fn mistakes(text: &str) -> String {
    let error = read(text).expect_err(text);
    std::iter::once(error.to_string()).chain(error.details().iter().cloned()).collect::<Vec<_>>().join("\n")
}

fn subject<'a>(rule: &'a str, path: &'a str) -> Subject<'a> {
    Subject {
        rule,
        path: Some(path.as_bytes()),
        others: &[],
        more: false,
        layers: &[[None, None]],
        names: &[],
        image: &[],
        content: None,
        fingerprint: "",
        advisories: &[],
        package: None,
        vex: None,
    }
}

fn decide(policy: &Policy, subject: &Subject<'_>) -> Decision {
    let rule = table::find(subject.rule).unwrap();
    policy.decide(rule, &Finding::new("x", "y"), subject)
}

#[test]
fn the_presets_have_no_mistakes_and_say_what_their_names_promise() {
    for preset in ["default", "strict", "cis"] {
        let policy = read(Preset::find(preset).unwrap().text()).unwrap();
        assert_eq!(policy.profile.name, "default");
        let starter = Preset::find(preset).unwrap().starter();
        assert!(starter.contains(&format!("extends = \"{preset}\"")));
        assert_eq!(read(&starter).unwrap().fail_on, policy.fail_on);
    }
    assert_eq!(read(Preset::Default.text()).unwrap().fail_on, Severity::Medium);
    assert_eq!(read(Preset::Strict.text()).unwrap().fail_on, Severity::Low);
}

/// Whatever a user takes the comment signs away from must be right.
#[test]
fn the_starter_is_right_without_its_comment_signs() {
    let is_code = |line: &&str| line.starts_with("# [") || line.contains(" = ") && !line.contains(": ");
    let text: Vec<_> = Preset::Strict
        .starter()
        .lines()
        .map(|line| if is_code(&line) { line.trim_start_matches("# ").to_owned() } else { line.to_owned() })
        .collect();
    let policy = read(&text.join("\n")).unwrap();
    assert_eq!((policy.waivers.len(), policy.profile.name.as_str()), (1, "standard"));
}

#[test]
fn package_databases_are_mutable_and_programs_are_not() {
    let settings = Policy::built_in(Choice::default()).unwrap().settings;
    let path = crate::model::ImagePath::new;
    for file in ["var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "etc/ld.so.cache", "var/log/apt/term.log"]
    {
        assert!(settings.is_mutable(&path(file)), "{file}");
    }
    for file in
        ["usr/bin/ls", "etc/passwd", "etc/shadow", "var/lib/dpkg", "etc/ld.so.preload", "root/.bashrc"]
    {
        assert!(!settings.is_mutable(&path(file)), "{file}");
    }
    let strict =
        read("extends = \"strict\"\n[base]\nmutable = [\"/opt/**\"]\nimmutable = [\"/opt/a\"]").unwrap();
    assert!(
        strict.settings.is_mutable(&path("opt/b"))
            && strict.settings.is_mutable(&path("var/lib/dpkg/status"))
    );
    assert!(
        !strict.settings.is_mutable(&path("opt/a")) && !strict.settings.is_mutable(&path("etc/ld.so.cache"))
    );
}

#[test]
fn what_lies_beside_a_package_database_may_go_and_the_database_may_not() {
    let settings = Policy::built_in(Choice::default()).unwrap().settings;
    let path = crate::model::ImagePath::new;
    for file in [
        "var/lib/dpkg/status-old",
        "var/lib/rpm/rpmdb.sqlite-shm",
        "var/lib/rpm/__db.001",
        "var/lib/dnf/history.sqlite-wal",
    ] {
        assert!(settings.is_removable(&path(file)), "{file}");
    }
    for file in [
        "var/lib/dpkg/status",
        "lib/apk/db/installed",
        "var/lib/rpm",
        "var/lib/rpm/Packages",
        "usr/lib/sysimage/rpm/rpmdb.sqlite",
        "usr/share/rpm/Packages.db",
    ] {
        assert!(!settings.is_removable(&path(file)), "{file}");
    }
}

#[test]
fn the_whole_policy_reads_back_as_written() {
    let text = format!(
        "extends = \"strict\"\nprofile = \"mine\"\n[rules.setuid-file]\nseverity = \"low\"\n\
         allow = [{{ path = \"/usr/bin/\\\"x\", reason = \"a\\tb\" }}]\n\
         [profiles.mine]\nbase = \"official\"\nrequire = [\"user-root\"]\ntell = [\"user-unknown\"]\n\
         [profiles.both]\nrequire = [\"vulnerability\", \"all\"]\n\
         [services.x]\ninside = [\"**/a/**\", \"b\\\\*\"]\nfiles = [\"/f\"]\n\
         [[waivers]]\nrule = \"user-root\"\nimage = \"example.com/*\"\ndigest = \"{DIGEST}\"\n\
         reason = \"r\"\nowner = \"o\"\nexpires = 2027-01-01\n\
         [limits]\nratio = 100\n"
    );
    let whole = Draft::read(&text).unwrap().to_text();
    let again = Draft::read(&whole).unwrap();
    assert_eq!((again.to_text(), again.waivers.len()), (whole.clone(), 1));
    let profile = again.profiles.get("mine").unwrap();
    assert_eq!((profile.name.as_str(), profile.base), ("mine", BaseDemand::Official));
    assert_eq!(again.limits, Limits { ratio: 100, ..Limits::default() });
    assert!(whole.contains(r#"require = ["all", "vulnerability"]"#), "{whole}");
    assert!(whole.contains(r#"inside = ["**/a/**", "b\\*"]"#), "{whole}");
    assert!(whole.contains("severity = \"low\"") && whole.contains(r#"path = "/usr/bin/\"x""#), "{whole}");
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_is_allowed() {
    for (text, told) in [
        ("fail_on = \"hgih\"", "1:11: there is no severity \"hgih\"; did you mean high?"),
        ("fail_on = 3", "1:11: fail_on is a string, and this is a TOML integer"),
        ("version = 2", "1:11: version is 1"),
        (
            "extends = \"paranoid\"",
            "1:11: there is no preset \"paranoid\"; allowed are default, strict, cis, none",
        ),
        ("profile = \"standrad\"", "1:11: there is no profile \"standrad\"; did you mean standard?"),
        ("\nfail-on = \"low\"", "2:1: there is no key \"fail-on\" here; did you mean fail_on?"),
        ("[rules.setuid-fiel]", "1:8: there is no rule \"setuid-fiel\"; did you mean setuid-file?"),
        (
            "[rules.setuid-file]\nseveritiy = \"low\"",
            "2:1: there is no key \"severitiy\" here; did you mean severity?",
        ),
        (
            "[rules.setuid-file]\nallow = [{ path = \"usr/x\", reason = \"r\" }]",
            "2:19: \"usr/x\" is no absolute path",
        ),
        (
            "[rules.setuid-file]\nallow = [{ path = \"/a{b\", reason = \"r\" }]",
            "2:19: \"/a{b\" is no pattern",
        ),
        (
            "[rules.setuid-file]\nallow = [{ path = \"/a/../b\", reason = \"r\" }]",
            "2:19: \"/a/../b\" matches nothing: a path has no . or .. in it",
        ),
        (
            "[rules.setuid-file]\nallow = [{ path = \"/a//b\", reason = \"r\" }]",
            "2:19: \"/a//b\" matches nothing",
        ),
        ("[[waivers]]\npath = \"/a/\"", "2:8: \"/a/\" matches nothing: a path has no / at its end"),
        ("[services.x]\nfiles = [\"/./a\"]", "2:10: \"/./a\" matches nothing"),
        ("[rules.setuid-file]\nallow = [{ path = \"/a\" }]", "2:10: an allowed path needs a reason"),
        ("[rules.setuid-file]\nallow = [{ path = \"/a\", reason = \" \" }]", "the reason is empty"),
        ("[rules.digest-mismatch]\nseverity = \"low\"", "digest-mismatch cannot weigh less than critical"),
        ("[rules.digest-mismatch]\nallow = [{ path = \"/**\", reason = \"r\" }]", "cannot be allowed"),
        ("[base]\nmutable = \"/x\"", "2:11: mutable is a list of strings, and this is a TOML string"),
        ("[base]\nmutable = [1]", "2:12: mutable is a list of strings"),
        (
            "[profiles.x]\nbase = \"offical\"",
            "2:8: there is no base demand \"offical\"; did you mean official?",
        ),
        (
            "[profiles.x]\nrequire = [\"user-rot\"]",
            "2:12: there is no rule \"user-rot\"; did you mean user-root?",
        ),
        ("[profiles.x]\ntell = [\"ambiguous-json\"]", "2:9: ambiguous-json cannot be only told"),
        (
            "[[waivers]]\nrule = \"user-root\"\nimage=\"a\"\nreason = \"r\"\nowner = \"o\"",
            "a waiver needs expires",
        ),
        (
            "[[waivers]]\nrule = \"user-root\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2027-01-01\"",
            "1:1: a waiver needs a scope: path, image",
        ),
        (
            "[[waivers]]\nrule = \"blob-missing\"\nimage=\"a\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2027-01-01\"",
            "cannot be waived",
        ),
        (
            "[rules.layer-count]\nmax_layers = -1",
            "2:14: max_layers is a whole number that is not negative, and this is a negative number",
        ),
        ("[limits]\nratio = 0", "2:9: ratio is at least 1"),
        (
            "[[waivers]]\nrule = \"trailing-data\"\nimage=\"a\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2027-01-01\"",
            "findings of trailing-data cannot be waived",
        ),
        ("[rules.duplicate-entry]\nallow = [{ path = \"/**\", reason = \"r\" }]", "cannot be allowed"),
        ("[limits]\nlayer_byte = 1", "2:1: there is no key \"layer_byte\" here; did you mean layer_bytes?"),
        ("[rules.setuid-file]\nmax_layers = 1", "2:1: there is no key \"max_layers\" here"),
        ("[services.x]\nfiles = []", "1:11: the service \"x\" shows by nothing"),
        ("[services.x]\nenv = [\"NAME\"]", "2:8: \"NAME\" matches nothing"),
        ("[services.x]\ninside = [\"a/**\", \"/a\"]", "2:19: \"/a\" matches nothing: names in an archive"),
        ("[services.x]\ninside = [\"a{b\"]", "2:11: \"a{b\" is no pattern"),
        ("[services.x]\ninside = \"a\"", "2:10: inside is a list of strings"),
        ("[services.x]\ninsides = [\"a\"]", "2:1: there is no key \"insides\" here; did you mean inside?"),
        (
            "[services.apm]\nfiles = [\"/a\"]\n[environments.prod]\nallow = [\"amp\"]",
            "4:10: there is no service \"amp\"; allowed are apm",
        ),
        (
            "[environments.prod]\nrequire = [\"apm\"]",
            "2:12: there is no service \"apm\"; nothing is allowed there",
        ),
        ("[[waivers]]\nexpires = \"2026-02-30\"", "2:11: expires is a date that exists"),
        ("[[waivers]]\ndigest = \"sha256:12\"", "2:10: \"sha256:12\" is no digest"),
        ("[[waivers]]\nfingerprint = \"xyz\"", "2:15: \"xyz\" is no fingerprint"),
        ("waivers = 1", "1:11: waivers is a list of tables"),
        ("a = ", "1:5: "),
        ("a = 1\na = 2", "2:1: duplicate key"),
    ] {
        let all = mistakes(text);
        assert!(all.contains(told) && all.starts_with("p.toml: "), "{text}\n{all}");
    }
    let two = mistakes("fail_on = \"x\"\n[rules.setuid-fiel]\n");
    assert_eq!(two.lines().count(), 3, "{two}");
    assert!(two.starts_with("p.toml: 2 mistakes"), "{two}");
}

#[test]
fn a_bomb_is_a_mistake_and_costs_little() {
    let deep = format!("a = {}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(mistakes(&deep).contains("1:"));
    let dotted = format!("{} = 1", vec!["a"; 100_000].join("."));
    assert!(mistakes(&dotted).contains("1:"));
    let most = crate::limits::POLICY_MISTAKES;
    for count in [most - 1, most, most + 1, 100_000] {
        let many: String = (0..count).map(|number| format!("unknown{number} = 1\n")).collect();
        assert_eq!(mistakes(&many).lines().count(), 1 + count.min(most));
    }
}

#[test]
fn a_date_that_is_none_is_told_once() {
    let waiver = "[[waivers]]\nrule = \"user-root\"\nimage = \"a\"\nreason = \"r\"\nowner = \"o\"\n";
    let told = mistakes(&format!("{waiver}expires = \"soon\"\n"));
    assert!(told.contains("6:11: expires is a date that exists"), "{told}");
    assert!(!told.contains("needs expires"), "{told}");
    assert!(mistakes(waiver).contains("a waiver needs expires"));
}

#[test]
fn waivers_that_clash_are_a_mistake() {
    let waiver = "[[waivers]]\nrule = \"user-root\"\nimage = \"a\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2027-01-01\"\n";
    let other = waiver.replace("2027", "2028");
    assert!(mistakes(&format!("{waiver}{other}")).contains("the waiver of line 1 covers the same"));
    assert!(read(&format!("{waiver}{}", other.replace("\"a\"", "\"b\""))).is_ok());
}

#[test]
fn a_severity_moves_what_single_findings_say_along() {
    let policy = read("[rules.base-metadata-changed]\nseverity = \"low\"\n").unwrap();
    let rule = table::find("base-metadata-changed").unwrap();
    let subject = subject(rule.id, "/x");
    let weighed = |finding: Finding| policy.decide(rule, &finding, &subject).severity;
    assert_eq!(weighed(Finding::new("x", "y")), Severity::Low);
    assert_eq!(weighed(Finding::new("x", "y").severity(Severity::High)), Severity::High);
    assert_eq!(weighed(Finding::new("x", "y").severity(Severity::Info)), Severity::Info);
    let decision = policy.decide(rule, &Finding::new("x", "y"), &subject);
    assert_eq!(decision.because, Some(Because::Severity(Place { line: 2, column: 12 })));
}

#[test]
fn allowed_paths_are_accepted_and_others_are_not() {
    let policy = read("[rules.setuid-file]\nallow = [{ path = \"/usr/bin/*\", reason = \"r\" }]").unwrap();
    assert_eq!(decide(&policy, &subject("setuid-file", "/usr/bin/sudo")).standing, Standing::Waived);
    for (rule, path) in [("setuid-file", "/usr/bin/x/sudo"), ("setgid-file", "/usr/bin/sudo")] {
        assert_eq!(decide(&policy, &subject(rule, path)).standing, Standing::Fails);
    }
}

#[test]
fn a_waiver_holds_for_its_scope_and_until_its_day() {
    let scope = |scope: &str, expires: &str| {
        read(&format!(
            "[[waivers]]\nrule = \"setuid-file\"\n{scope}\nreason = \"r\"\nowner = \"o\"\nexpires = \"{expires}\""
        ))
        .unwrap()
    };
    let names = ["example.com/shop/app:1".to_owned()];
    let (one, two) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
    let is = Subject {
        names: &names,
        image: &[one],
        layers: &[[Some(two), None]],
        content: Some(one),
        fingerprint: "00112233445566778899aabbccddeeff",
        ..subject("setuid-file", "/usr/bin/sudo")
    };
    let holds = |text: &str| decide(&scope(text, "2026-11-25"), &is).standing == Standing::Waived;
    for text in [
        "path = \"/usr/bin/sudo\"".to_owned(),
        "image = \"example.com/*\"".to_owned(),
        format!("digest = \"{one}\""),
        format!("layer = \"{two}\""),
        format!("fingerprint = \"00112233445566778899AABBCCDDEEFF\"\nsha256 = \"{}\"", one.hex()),
        format!("path = \"/usr/**\"\nimage = \"*app:1\"\nsha256 = \"{one}\""),
    ] {
        assert!(holds(&text), "{text}");
    }
    for text in [
        "path = \"/usr/bin/su\"".to_owned(),
        "image = \"example.org/*\"".to_owned(),
        format!("digest = \"{two}\""),
        format!("layer = \"{one}\""),
        // Whoever accepts a file accepts what it holds.
        "fingerprint = \"00112233445566778899aabbccddeeff\"".to_owned(),
        format!("fingerprint = \"00112233445566778899aabbccddeeff\"\nsha256 = \"{}\"", two.hex()),
        "path = \"/usr/**\"\nimage = \"other\"".to_owned(),
    ] {
        assert!(!holds(&text), "{text}");
    }
    assert_eq!(decide(&scope("path = \"/**\"", "2026-11-24"), &is).standing, Standing::Fails);
}

/// An id that is a CVE is that of one of them; any other is that of all.
#[test]
fn a_waiver_of_one_cve_accepts_no_finding_of_several() {
    let accepts = |advisories: &[&str], id: &str| {
        let is = Subject { advisories, ..subject("vulnerability", "/lib/apk/db/installed") };
        let waiver = format!(
            "[[waivers]]\nrule = \"vulnerability\"\nadvisory = \"{id}\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2026-12-31\n"
        );
        decide(&read(&waiver).unwrap(), &is).standing == Standing::Waived
    };
    for (advisories, id, accepted) in [
        (&["CVE-2026-1", "GHSA-1"][..], "CVE-2026-1", true),
        (&["CVE-2026-1", "GHSA-1"], "ghsa-1", true),
        (&["CVE-2026-1", "CVE-2026-2"], "CVE-2026-1", false),
        (&["CVE-2026-1", "CVE-2026-2"], "CVE-2026-2", false),
        (&["ALSA-2026:1", "CVE-2026-1", "CVE-2026-2"], "ALSA-2026:1", true),
        (&["ALSA-2026:1", "CVE-2026-1", "CVE-2026-2"], "CVE-2026-1", false),
        (&["ALSA-2026:1", "CVE-2026-1"], "CVE-2026-1", true),
    ] {
        assert_eq!(accepts(advisories, id), accepted, "{advisories:?} {id}");
    }
}

#[test]
fn rules_have_options_of_their_own() {
    let text = "[rules.label-missing]\nlabels = [\"a\", \"b\"]\n[rules.layer-count]\nmax_layers = 9\n\
                [rules.image-size]\nmax_bytes = 1_000\n";
    let options = read(text).unwrap().settings.options;
    assert_eq!(
        (options.required_labels.as_slice(), options.max_layers),
        (&["a".to_owned(), "b".to_owned()][..], 9)
    );
    assert_eq!(options.max_image_bytes, Some(1_000));
    let again = Draft::read(&Draft::read(text).unwrap().to_text()).unwrap();
    assert_eq!(again.options, options);
}

#[test]
fn profiles_demand_and_tell() {
    let with = |name: &str| {
        let choice = Choice { profile: Some(name), ..Choice::default() };
        Policy::built_in(choice)
    };
    let error = with("standrad").unwrap_err();
    assert!(error.hint_text().unwrap().contains("did you mean standard?"), "{error:?}");
    let told = decide(&with("base-image").unwrap(), &subject("setuid-file", "/bin/su"));
    assert_eq!((told.severity, told.standing), (Severity::Info, Standing::Told));
    let none = BaseStatus::NotEvaluated { reason: String::new() };
    let missing = BaseStatus::Missing { carried: Vec::new(), nearest: None };
    let official = table::find("base-not-official").unwrap();
    let modified = table::find("base-file-modified").unwrap();
    for (name, without_catalog, with_catalog) in [
        ("default", false, true),
        ("standard", true, true),
        ("custom", false, true),
        ("base-image", false, false),
    ] {
        let policy = with(name).unwrap();
        assert_eq!(policy.requires(official, false, false, &none), without_catalog, "{name}");
        assert_eq!(policy.requires(official, true, false, &none), with_catalog, "{name}");
        assert!(!policy.requires(modified, true, false, &missing), "{name}");
        assert_eq!(policy.judges(modified), name != "base-image");
    }
}

#[test]
fn what_a_profile_requires_by_name_is_required_whatever_was_asked_for() {
    let required = |require: &str, rule: &str| {
        let text = format!("profile = \"mine\"\n[profiles.mine]\nrequire = {require}\n");
        let policy = read(&text).unwrap();
        let rule = table::find(rule).unwrap();
        let nothing_known = BaseStatus::NotEvaluated { reason: String::new() };
        (policy.judges(rule), policy.requires(rule, false, false, &nothing_known))
    };
    for rule in ["vulnerability", "advisories-stale", "base-not-official", "base-file-modified"] {
        assert_eq!(required(r#"["all"]"#, rule), (true, false), "{rule}");
        for require in [format!("[\"{rule}\"]"), format!("[\"all\", \"{rule}\"]")] {
            assert_eq!(required(&require, rule), (true, true), "{rule}");
        }
        assert_eq!(required(r#"["user-root"]"#, rule), (true, false), "{rule}");
    }
    let none = mistakes("[profiles.x]\nbase = \"none\"\nrequire = [\"base-not-official\"]");
    assert!(none.contains("base-not-official cannot be required"), "{none}");
    // With this option it needs no base.
    let of_all = "[rules.package-file-tampered]\nall_layers = true\n[profiles.x]\nbase = \"none\"\n\
                  require = [\"package-file-tampered\"]";
    assert!(read(of_all).is_ok());
    let text =
        "profile = \"mine\"\n[profiles.mine]\nbase = \"optional\"\nrequire = [\"base-file-modified\"]\n";
    let missing = BaseStatus::Missing { carried: Vec::new(), nearest: None };
    let modified = table::find("base-file-modified").unwrap();
    assert!(read(text).unwrap().requires(modified, true, false, &missing));
    assert_eq!(required(r#"["all"]"#, "service-missing"), (false, false), "the policy describes no service");
    assert_eq!(required(r#"["service-missing"]"#, "service-missing"), (true, true));
    assert_eq!(required(r#"["all", "vulnerability"]"#, "user-root"), (true, true));
    assert_eq!(required(r#"["vulnerability"]"#, "user-root"), (true, false));
}
