//! One row for each key of a policy. What a key takes is not said here: the parser is asked.

/// A part of the reference.
pub(super) struct Section {
    pub(super) heading: &'static str,
    /// What holds of all its keys.
    pub(super) about: &'static str,
    pub(super) tables: &'static [Table],
}

/// A table of the file.
pub(super) struct Table {
    /// Where it is, as the reference writes it; empty at the top.
    pub(super) at: &'static str,
    /// The line before its keys.
    pub(super) header: &'static str,
    pub(super) keys: &'static [Key],
}

/// A key.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What holds without it.
    pub(super) absent: Absent,
    /// A value in TOML; `None` where the key has a section of its own.
    pub(super) example: Option<&'static str>,
    pub(super) meaning: &'static str,
}

/// What holds without a key.
pub(super) enum Absent {
    /// The same as with this value, in TOML.
    Is(&'static str),
    /// What is built in by that name.
    Limit,
    /// It must be there.
    Mistake,
    /// Nothing is said.
    Nothing,
}

const fn key(name: &'static str, absent: Absent, example: &'static str, meaning: &'static str) -> Key {
    Key { name, absent, example: Some(example), meaning }
}

const fn below(name: &'static str, meaning: &'static str) -> Key {
    Key { name, absent: Absent::Nothing, example: None, meaning }
}

pub(super) static SECTIONS: [Section; 9] = [
    Section {
        heading: "The file",
        about: "",
        tables: &[Table {
            at: "",
            header: "",
            keys: &[
                key("version", Absent::Is("1"), "1", "Version of the form of this file; 1 is the only one."),
                key(
                    "extends",
                    Absent::Is("\"default\""),
                    "\"strict\"",
                    "The preset that holds where nothing is said: {presets} (the image section of the CIS Docker Benchmark), or `none`.",
                ),
                key(
                    "fail_on",
                    Absent::Nothing,
                    "\"high\"",
                    "Findings of this severity or above fail: {severities}. As the preset says: `medium`, and `low` in `strict`. `--fail-on` goes before it.",
                ),
                key(
                    "profile",
                    Absent::Is("\"default\""),
                    "\"batch-job\"",
                    "The profile in force where `--profile` names none: `default`, `standard`, `custom-base`, `custom`, `base-image`, or one of `profiles`.",
                ),
                key(
                    "waivers_need_expiry",
                    Absent::Is("true"),
                    "false",
                    "Whether every waiver must have an `expires`.",
                ),
                below("base", "Which changes of the base are ordinary."),
                below("limits", "How large things may be."),
                below("rules", "What single rules weigh, and where their findings are fine for good."),
                below("profiles", "Ways of publishing."),
                below("services", "Services, and how each shows in an image."),
                below("environments", "Which services must or may be where."),
                below("waivers", "Findings that someone answers for."),
                below("hook", "What the git hook checks before a push."),
            ],
        }],
    },
    Section {
        heading: "The base",
        about: "Paths are patterns, and absolute. They are added to those of the preset.",
        tables: &[Table {
            at: "base",
            header: "[base]",
            keys: &[
                key(
                    "mutable",
                    Absent::Is("[]"),
                    "[\"/opt/company/state/**\"]",
                    "Paths of the base whose change is ordinary: it is told as info.",
                ),
                key(
                    "immutable",
                    Absent::Is("[]"),
                    "[\"/etc/ld.so.cache\"]",
                    "Exceptions from `mutable` and `removable`.",
                ),
                key(
                    "removable",
                    Absent::Is("[]"),
                    "[\"/usr/share/doc/**\"]",
                    "Paths of the base that are ordinarily cleaned away: that they are gone is told as info.",
                ),
            ],
        }],
    },
    Section {
        heading: "Limits",
        about: "What exceeds one is not judged: exit status 2, and the message names the limit. Each is at least 1. The other ceilings are\nfixed; [limits.md](limits.md) has them all.",
        tables: &[Table {
            at: "limits",
            header: "[limits]",
            keys: &[
                key("layer_bytes", Absent::Limit, "8589934592", "Uncompressed bytes of one layer."),
                key(
                    "ratio",
                    Absent::Limit,
                    "500",
                    "Uncompressed bytes for each stored byte, in layers of more than 256 MiB and in compressed archives.",
                ),
                key(
                    "spool_bytes",
                    Absent::Limit,
                    "8589934592",
                    "Bytes of the temporary file for standard input and compressed archives.",
                ),
                key(
                    "captured_file_bytes",
                    Absent::Limit,
                    "33554432",
                    "Bytes of an account file, package list or the like that is kept to be read; four times as much for all of one layer.",
                ),
                key(
                    "rpm_database_bytes",
                    Absent::Limit,
                    "536870912",
                    "Bytes of an rpm database; twice as much for all of one layer.",
                ),
            ],
        }],
    },
    Section {
        heading: "Rules",
        about: "`RULE` is a name that `ocicheck rules list` shows. What is wrong with the image itself (`digest-mismatch`, `ambiguous-json`,\n`duplicate-entry` and their like) can be neither allowed nor waived; and that it is not what it says, or is read as two, can be neither\nweakened nor only told. An allowed path is for good; what is to end has a waiver.",
        tables: &[
            Table {
                at: "rules.RULE",
                header: "[rules.setgid-file]",
                keys: &[
                    key(
                        "severity",
                        Absent::Nothing,
                        "\"low\"",
                        "What the rule's findings weigh: {severities}. What the rule itself tells as less (or more) stays less (or more).",
                    ),
                    below(
                        "allow",
                        "Paths where findings are fine for good. A finding about several places is allowed where each of them is.",
                    ),
                ],
            },
            Table {
                at: "rules.RULE.allow[]",
                header: "[[rules.setgid-file.allow]]",
                keys: &[
                    key("path", Absent::Mistake, "\"/usr/bin/wall\"", "Pattern of the path in the image."),
                    key(
                        "reason",
                        Absent::Mistake,
                        "\"needs the tty group; reviewed\"",
                        "Why; it stays in the report.",
                    ),
                ],
            },
            Table {
                at: "rules.label-missing",
                header: "[rules.label-missing]",
                keys: &[key(
                    "labels",
                    Absent::Is("[]"),
                    "[\"org.opencontainers.image.source\"]",
                    "Labels that each image must have.",
                )],
            },
            Table {
                at: "rules.layer-count",
                header: "[rules.layer-count]",
                keys: &[key("max_layers", Absent::Is("125"), "60", "Layers that an image may have.")],
            },
            Table {
                at: "rules.vulnerability",
                header: "[rules.vulnerability]",
                keys: &[
                    key(
                        "fail_from",
                        Absent::Is("\"info\""),
                        "\"high\"",
                        "From which severity on vulnerabilities of packages above the base can fail; lower ones are told. {severities}, `never`. `fail_on` holds besides.",
                    ),
                    key(
                        "fail_from_in_base",
                        Absent::Is("\"info\""),
                        "\"critical\"",
                        "The same of packages of the base: its owners may be the ones to mend it.",
                    ),
                    key(
                        "only_fixable",
                        Absent::Is("false"),
                        "true",
                        "Whether vulnerabilities without a fix are passed over.",
                    ),
                    key(
                        "unknown",
                        Absent::Is("\"medium\""),
                        "\"high\"",
                        "What a vulnerability weighs of which nobody says how bad it is.",
                    ),
                    key(
                        "uncovered",
                        Absent::Is("\"error\""),
                        "\"tell\"",
                        "Of packages that no feed speaks of: `error`, the rule is not evaluated; `tell`, they are told as info.",
                    ),
                    below(
                        "vex",
                        "OpenVEX documents by which findings are accepted; [advisories.md](advisories.md#say-what-does-not-affect-you) tells how.",
                    ),
                ],
            },
            Table {
                at: "rules.vulnerability.vex[]",
                header: "[[rules.vulnerability.vex]]",
                keys: &[
                    key(
                        "file",
                        Absent::Mistake,
                        "\"openvex.json\"",
                        "The document, relative to the policy's file.",
                    ),
                    key(
                        "sha256",
                        Absent::Nothing,
                        "\"1f7d3b1ed8c36b4f4a0b7a3f5a1d0f3b9c2f6f5f8d9f7a5f3a6b0e9d4c2b1a00\"",
                        "SHA-256 that it must have. Required where `--policy-sha256` pins the policy: else others could widen it.",
                    ),
                ],
            },
            Table {
                at: "rules.advisories-stale",
                header: "[rules.advisories-stale]",
                keys: &[key(
                    "max_age_days",
                    Absent::Is("30"),
                    "7",
                    "Days that the newest change of each feed may be old.",
                )],
            },
            Table {
                at: "rules.package-file-tampered",
                header: "[rules.package-file-tampered]",
                keys: &[key(
                    "all_layers",
                    Absent::Is("false"),
                    "true",
                    "Whether files of all layers are held to their packages, of any image; else those above the base.",
                )],
            },
            Table {
                at: "rules.package-forbidden",
                header: "[rules.package-forbidden]",
                keys: &[below("packages", "Packages that must not be there.")],
            },
            Table {
                at: "rules.package-forbidden.packages[]",
                header: "[[rules.package-forbidden.packages]]",
                keys: &[
                    key(
                        "name",
                        Absent::Mistake,
                        "\"*:log4j-core\"",
                        "Pattern of the package's name, or of its source package's.",
                    ),
                    key(
                        "kind",
                        Absent::Nothing,
                        "\"maven\"",
                        "The type of its package URL: `deb`, `apk`, `rpm`, `pypi`, `npm`, `maven`, `golang`, `cargo`, `gem`.",
                    ),
                    key("from", Absent::Nothing, "\"2.0\"", "This version and later ones."),
                    key("below", Absent::Nothing, "\"2.17.1\"", "Versions before this one."),
                    key("reason", Absent::Mistake, "\"Log4Shell\"", "Why; it is in the finding."),
                ],
            },
            Table {
                at: "rules.image-size",
                header: "[rules.image-size]",
                keys: &[key(
                    "max_bytes",
                    Absent::Nothing,
                    "2000000000",
                    "Uncompressed bytes that an image may have; no bound without it.",
                )],
            },
        ],
    },
    Section {
        heading: "Profiles",
        about: "`NAME` is one that is built in, of which only what is said changes, or a new one.",
        tables: &[Table {
            at: "profiles.NAME",
            header: "[profiles.batch-job]",
            keys: &[
                key(
                    "base",
                    Absent::Is("\"either\""),
                    "\"official\"",
                    "Which base is demanded: {demands}. [policy.md](policy.md#profiles) tells what each means.",
                ),
                key(
                    "require",
                    Absent::Is("[\"all\"]"),
                    "[\"base-not-official\", \"user-root\"]",
                    "Rules that must be evaluated: where one could not be, the image is in error. Those that are named must be so in any case; with `all` those on vulnerabilities, on services and, where the profile takes images without a base, on bases must be where `--advisories`, `--env` and `--bases` are given. `[\"all\", \"vulnerability\"]` is both.",
                ),
                key(
                    "tell",
                    Absent::Is("[]"),
                    "[\"user-unknown\"]",
                    "Rules whose findings are told as info and never fail.",
                ),
            ],
        }],
    },
    Section {
        heading: "Services",
        about: "One sign is enough, and there must be one. [policy.md](policy.md#services-and-environments) explains them.",
        tables: &[Table {
            at: "services.NAME",
            header: "[services.jacoco]",
            keys: &[
                key(
                    "files",
                    Absent::Is("[]"),
                    "[\"/**/jacocoagent*.jar\"]",
                    "Paths in the effective tree; the directories that a pattern names before its first sign are followed through symlinks.",
                ),
                key(
                    "inside",
                    Absent::Is("[]"),
                    "[\"**/org/jacoco/agent/rt/**\"]",
                    "Names of members of zip archives (jar, war, ear and others) in the effective tree, patterns as those of paths without the leading slash.",
                ),
                key(
                    "env",
                    Absent::Is("[]"),
                    "[\"JACOCO_*=*\"]",
                    "Variables of the config, compared as `NAME=value`.",
                ),
                key(
                    "arguments",
                    Absent::Is("[]"),
                    "[\"-javaagent:*jacoco*\"]",
                    "Words of `ENTRYPOINT` and `CMD` (those of a shell form and of commands within too, and values in them such as that of `env JAVA_OPTS=…`), and of variables that hold options: `JAVA_TOOL_OPTIONS`, `JDK_JAVA_OPTIONS`, `NODE_OPTIONS` and their like.",
                ),
                key("labels", Absent::Is("[]"), "[\"coverage=*\"]", "Labels, compared as `name=value`."),
                key("description", Absent::Nothing, "\"code coverage\"", "What it is, for people."),
            ],
        }],
    },
    Section {
        heading: "Environments",
        about: "`NAME` is what `--env` names; without it services are not judged. A described service that is neither required nor allowed is\n`service-not-allowed`, and a required one that does not show is `service-missing`.",
        tables: &[Table {
            at: "environments.NAME",
            header: "[environments.test]",
            keys: &[
                key("require", Absent::Is("[]"), "[\"jacoco\"]", "Services that an image must have."),
                key(
                    "allow",
                    Absent::Is("[]"),
                    "[\"all\"]",
                    "Services that it may have; `all` for every one.",
                ),
            ],
        }],
    },
    Section {
        heading: "Waivers",
        about: "At least one of `path`, `image`, `digest`, `layer`, `fingerprint`, `advisory` and `package` must narrow it, and it accepts only what fits all that it\nsays. Two waivers of the same scope are a mistake. [policy.md](policy.md#accepting-findings) tells what becomes of one that has expired or has\nnothing to accept.",
        tables: &[Table {
            at: "waivers[]",
            header: "[[waivers]]",
            keys: &[
                key("rule", Absent::Mistake, "\"setuid-file\"", "The rule whose findings are accepted."),
                key(
                    "path",
                    Absent::Nothing,
                    "\"/usr/local/bin/helper\"",
                    "Pattern of the path in the image. A finding about several places is covered where all of them are.",
                ),
                key(
                    "image",
                    Absent::Nothing,
                    "\"example.com/shop/*\"",
                    "Pattern of the image's name. It is the image's own claim.",
                ),
                key(
                    "digest",
                    Absent::Nothing,
                    "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
                    "Digest of the image: of its manifest, its config, or an index that lists it.",
                ),
                key(
                    "layer",
                    Absent::Nothing,
                    "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
                    "DiffID or stored digest of the layer that did it.",
                ),
                key(
                    "fingerprint",
                    Absent::Nothing,
                    "\"d41d8cd98f00b204e9800998ecf8427e\"",
                    "One finding, as reports show it. Where that has a `contentSha256`, it is needed too, as `sha256`.",
                ),
                key(
                    "sha256",
                    Absent::Nothing,
                    "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
                    "Only what holds this (`contentSha256` in reports); of a finding about several files, only together with its `fingerprint`.",
                ),
                below(
                    "advisory",
                    "Only the advisory with this id or alias (`vulnerability`), where it is about several CVEs only its own id, and only if that is none of them; `expires` is required then, whatever the policy says.",
                ),
                below(
                    "package",
                    "Pattern of the package's name, as findings of `vulnerability`, `package-forbidden` and `package-file-tampered` have it.",
                ),
                key(
                    "reason",
                    Absent::Mistake,
                    "\"replaced by a capability in release 2\"",
                    "Why; it stays in the report.",
                ),
                key("owner", Absent::Mistake, "\"shop-team\"", "Who answers for it."),
                key(
                    "expires",
                    Absent::Nothing,
                    "2027-03-31",
                    "The last day on which it holds, in quotes or not. Required unless `waivers_need_expiry = false`.",
                ),
            ],
        }],
    },
    Section {
        heading: "The git hook",
        about: "Paths are patterns relative to the top of the work tree. [hook.md](hook.md) explains them.",
        tables: &[Table {
            at: "hook",
            header: "[hook]",
            keys: &[
                key(
                    "images",
                    Absent::Mistake,
                    "[\"dist/*.tar\"]",
                    "Image archives, and directories that are OCI layouts. One that matches nothing is an error.",
                ),
                key(
                    "newer_than",
                    Absent::Is("[]"),
                    "[\"Dockerfile\", \"src/**\"]",
                    "Files that an image must not be older than. One that matches nothing is an error.",
                ),
                key(
                    "build",
                    Absent::Nothing,
                    "[\"make\", \"image\"]",
                    "A program and its arguments, run where an image is missing or too old.",
                ),
                key(
                    "when",
                    Absent::Is("[]"),
                    "[\"Dockerfile\", \"src/**\"]",
                    "Files whose change makes a push one to check; without it every push is.",
                ),
                key("bases", Absent::Nothing, "\"bases.json\"", "The catalog of approved bases."),
                key("profile", Absent::Nothing, "\"standard\"", "The profile to judge by."),
                below("env", "The environment that the images are for, one of `environments`."),
            ],
        }],
    },
];
