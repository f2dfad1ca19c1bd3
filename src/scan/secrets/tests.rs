use proptest::prelude::*;

use super::samples::{by_context, by_form, hex, keys, pem, random};
use super::*;
use crate::limits;
use crate::model::ImagePath;
use crate::scan::tar::Piece;

/// What is found in a file that comes in these pieces.
fn probe<'a>(path: &str, size: usize, pieces: impl Iterator<Item = &'a [u8]>) -> Secrets {
    let mut probe = Probe::default();
    probe.start(0, &ImagePath::new(path), size as u64);
    pieces.for_each(|piece| probe.feed(&Piece::Data(piece)));
    probe.finish();
    probe.into_secrets()
}

pub(super) fn whole(path: &str, data: impl AsRef<[u8]>) -> Secrets {
    probe(path, data.as_ref().len(), std::iter::once(data.as_ref()))
}

/// `kind` and the bytes that are told.
fn told<'a>(path: &str, data: &'a str) -> Vec<(&'static str, &'a str)> {
    let secrets = whole(path, data);
    assert_eq!(secrets.gaps, []);
    let told = |secret: &Secret| {
        let start = secret.offset as usize;
        (secret.kind.id, &data[start..start + secret.length as usize])
    };
    secrets.found.iter().map(told).collect()
}

#[test]
fn each_token_is_found_wherever_it_stands() {
    for (kind, token) in by_form() {
        for (before, behind) in
            [("", ""), ("x = \"", "\"\n"), ("\0\0", "\0"), ("a\\n", "\\n"), ("url%3D", "&x"), ("(", ").")]
        {
            let text = format!("{before}{token}{behind}");
            assert_eq!(told("opt/x", &text), [(kind, &*token)], "{before}…{behind}");
        }
        let secret = whole("x", format!("one\ntwo {token}")).found[0];
        assert_eq!(secret.line, Some(2));
        assert_eq!(whole("x", format!("\0\n{token}")).found[0].line, None, "no lines in what is no text");
        assert!(
            !token[secret.kind.prefix.len()..].contains(&secret.kind.masked())
                && secret.kind.masked().len() < 20
        );
    }
}

#[test]
fn what_only_looks_like_a_token_is_none() {
    for (kind, token) in by_form() {
        let cut = &token[..18];
        assert!(told("x", cut).is_empty(), "{kind}: cut");
        assert!(
            told("x", &format!("{token}{}", "a".repeat(1_500))).is_empty() || kind == "jwt",
            "{kind}: too long"
        );
        assert!(
            told("x", &format!("word{token}")).is_empty() || kind == "azure-client-secret",
            "{kind}: within a word"
        );
        let kind_of = by_form().iter().position(|(_, other)| *other == token).unwrap();
        let prefix = all_kinds().find(|known| !known.prefix.is_empty() && token.starts_with(known.prefix));
        if let Some(prefix) = prefix {
            let same = format!("{}{}", prefix.prefix, "x".repeat(token.len() - prefix.prefix.len()));
            assert!(told("x", &same).is_empty(), "{kind} {kind_of}: the same again and again");
        }
    }
    let example = ["AKIA", "IOSFODNN7", "EXAMPLE"].concat();
    assert!(told("x", &example).is_empty());
    // What linkers put behind a prefix that a program knows.
    for text in
        [["rk_live", "_platformBASELINEvariablea"], ["sk-proj", "-baselineseveritybaseTypemanifestpkgtools"]]
    {
        assert!(told("x", &text.concat()).is_empty(), "{text:?}");
    }
}

#[test]
fn what_stands_around_tells_some() {
    for (kind, before, secret, behind) in by_context() {
        let text = format!("{before}{secret}{behind}");
        assert_eq!(told("x", &text), [(kind, &*secret)], "{kind}");
        assert!(told("x", &format!("{before}{}{behind}", "x".repeat(secret.len()))).is_empty(), "{kind}");
        assert!(told("x", &secret).is_empty(), "{kind}: nothing around it");
    }
}

#[test]
fn keys_are_told_by_their_bodies() {
    for (kind, key) in keys() {
        let found = whole("x", &key).found;
        assert_eq!(found.iter().map(|secret| secret.kind.id).collect::<Vec<_>>(), [kind], "{key}");
    }
    for (what, text) in [
        ("a label alone, as programs have it", "-----BEGIN RSA PRIVATE".to_owned() + " KEY-----\0-----END"),
        ("an example", pem("RSA PRIVATE ", "MIIE")[..50].to_owned() + "...\n-----END"),
        ("no DER", pem("RSA PRIVATE ", "Hello")),
        ("a certificate", pem("CERTIFICATE ", "MIIE").replace(" KEY", "")),
        ("a public key", pem("PUBLIC ", "MIIE")),
        ("the same again and again", "-----BEGIN PRIVATE".to_owned() + " KEY-----\nM" + &"A".repeat(100)),
        ("a name in a program", "PuTTY-User-".to_owned() + "Key-File-2: \0"),
    ] {
        assert!(told("x", &text).is_empty(), "{what}");
    }
}

#[test]
fn a_key_that_does_not_end_hides_no_other_secret() {
    let key = pem("RSA PRIVATE ", "MIIE");
    let begun = key.split_once("-----END").unwrap().0;
    let tokens = by_form().into_iter().filter(|(kind, _)| ["github-token", "gitlab-token"].contains(kind));
    for (kind, token) in tokens {
        let kinds: Vec<_> =
            told("x", &format!("{begun}{token}\n")).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["private-key", kind]);
        let masked = super::mask_text(&format!("{begun}{token}"));
        assert!(!masked.contains(&token[6..]), "{masked}");
    }
    // What ends a key that is cut is none.
    for end in [";x", ")", "<<EOF", "…", ", x"] {
        let masked = super::mask_text(&format!("{}{end}", begun.trim_end()));
        assert!(!masked.contains(&random(64)[..40]), "{masked}");
    }
}

/// As JSON, JSON within it, and programs in which each line is a text of its own.
#[test]
fn keys_within_texts_are_told() {
    for (kind, key) in keys().into_iter().filter(|(_, key)| key.starts_with("-----")) {
        for line in [
            "\\n",
            "\\r\\n",
            "\\\\n",
            "\\\\\\\\n",
            "\\n\"\n    \"",
            "\\n\" +\n    \"",
            "\\n' .\n'",
            "\", \"",
            "\\n\\\n",
            "\\\\n\\\" + \\\"",
        ] {
            let text = key.trim_end().replace('\n', line);
            let found = told("x", &text);
            assert_eq!(found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [kind], "{text}");
            assert!(found[0].1.len() * 10 > text.len() * 7, "{text}");
        }
    }
    let label = ["-----BEGIN PRIVATE", " KEY-----"].concat();
    for text in [
        format!(
            "x = [\"{label}\", \"Missing the header of a key in this file and in others beside the first\"]"
        ),
        format!("x = \"{label}\\n\" + base64Encoded + \"\\n-----END\""),
        format!("x = '{label}' 'MIIE{}'", random(20)),
    ] {
        assert_eq!(told("x", &text), [], "{text}");
    }
}

/// As Kubernetes keeps them; what is found within has the kind of the key itself.
#[test]
fn keys_in_base64_are_told() {
    let encode = |text: &str| {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digits = text.as_bytes().chunks(3).flat_map(|chunk| {
            let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            (0..=chunk.len()).map(move |place| char::from(DIGITS[bits >> (18 - 6 * place) & 63]))
        });
        digits.collect::<String>()
    };
    for (kind, key) in keys().into_iter().filter(|(_, key)| key.starts_with("-----")) {
        let digits = encode(&key);
        let digits = digits.as_str();
        let encoded = format!("{digits}=");
        for (before, behind) in [("tls.key: ", "\n"), ("{\"data\": \"", "\"}"), ("", "")] {
            let text = format!("{before}{encoded}{behind}");
            assert_eq!(told("srv/x", &text), [(kind, digits)], "{before}{key}");
        }
        let text = format!("{}{encoded}", ".".repeat(limits::SECRET_CHUNK_BYTES - 20));
        assert_eq!(told("srv/x", &text), [(kind, digits)]);
    }
    let certificate = pem("CERTIFICATE ", "MIIE").replace(" KEY", "");
    for none in [certificate, pem("PUBLIC ", "MIIE"), pem("PRIVATE ", "Hello")] {
        assert_eq!(told("srv/x", &encode(&none)), [], "{none}");
    }
}

#[test]
fn keys_of_real_tools_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let made = std::process::Command::new(program).args(arguments).current_dir(&directory).output();
        made.is_ok_and(|output| output.status.success())
    };
    for (kind, program, arguments) in [
        ("private-key", "openssl", "genpkey -algorithm ed25519 -out key"),
        ("private-key", "openssl", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key"),
        ("private-key", "openssl", "ecparam -genkey -name prime256v1 -noout -out key"),
        ("encrypted-private-key", "openssl", "genpkey -algorithm ed25519 -aes256 -pass pass:x1234 -out key"),
        ("private-key", "ssh-keygen", "-q -t ed25519 -N|-f key"),
        ("encrypted-private-key", "ssh-keygen", "-q -t ed25519 -N hunter22 -f key"),
    ] {
        let _ = std::fs::remove_file(directory.path().join("key"));
        let arguments: Vec<_> = arguments
            .split(' ')
            .flat_map(|a| {
                a.strip_suffix("-f").filter(|a| a.ends_with('|')).map_or(vec![a], |_| vec!["-N", "", "-f"])
            })
            .collect();
        if run(program, &arguments) {
            let key = std::fs::read(directory.path().join("key")).unwrap();
            let found = whole("x", &key).found;
            assert_eq!(found.len(), 1, "{program} {arguments:?}");
            assert_eq!(found[0].kind.id, kind, "{program} {arguments:?}");
            let trimmed = key.trim_ascii_end().len() as u64;
            assert!(found[0].length <= trimmed && found[0].length * 10 > trimmed * 7, "{:?}", found[0]);
            let public = std::fs::read(directory.path().join("key.pub")).unwrap_or_default();
            assert!(whole("x", public).found.is_empty());
        }
    }
}

#[test]
fn keystores_are_told_when_they_hold_a_key() {
    let entry = |tag: u8, alias: &str| {
        let mut bytes = vec![0, 0, 0, tag, 0, alias.len() as u8];
        bytes.extend(alias.bytes());
        bytes.extend([0; 8]);
        if tag == 2 {
            bytes.extend(b"\0\x05X.509\0\0\x01\0");
            bytes.extend([7; 256]);
        }
        bytes
    };
    let store = |entries: &[u8], magic: u32| {
        let mut bytes =
            [magic.to_be_bytes(), 2_u32.to_be_bytes(), (entries.len() as u32).to_be_bytes()].concat();
        entries.iter().for_each(|tag| bytes.extend(entry(*tag, "alias")));
        bytes
    };
    let kinds = |bytes: &[u8]| whole("x", bytes).found.iter().map(|s| s.kind.id).collect::<Vec<_>>();
    assert_eq!(kinds(&store(&[2, 2, 1], 0xfeed_feed)), ["java-keystore"]);
    assert_eq!(kinds(&store(&[3], 0xcece_cece)), ["java-keystore"]);
    assert!(kinds(&store(&[2; 10], 0xfeed_feed)).is_empty());
    let large = whole("x", store(&[2; 3_000], 0xfeed_feed));
    assert_eq!((large.found.len(), large.gaps), (0, vec![(0, Gap::LargeKeystore)]));
    // What openssl writes: version 3, PKCS#7 data, in it a shrouded key bag, or certificates only.
    let pfx = |bag: &[u8]| {
        [
            &b"\x30\x82\x01\x00\x02\x01\x03\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"[..],
            &[9; 50],
            bag,
        ]
        .concat()
    };
    assert_eq!(kinds(&pfx(b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02")), ["pkcs12-keystore"]);
    assert!(kinds(&pfx(b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03")).is_empty());
}

#[test]
fn files_are_read_by_their_names() {
    let auth = ["dXNlcjpzM2Ny", "ZXRzM2NyZXQ="].concat();
    let docker = format!("{{\"auths\": {{\"r.example\": {{\"auth\": \"{auth}\"}}}}}}");
    let hash = format!("$6$saltsalt${}", random(86));
    let apache = format!("$apr1$saltsalt${}", random(22));
    let htpasswd = format!("# users\napp:{apache}\nother:\n");
    let bcrypt = format!("$2y$05${}", random(53));
    let bcrypt_line = format!("app:{bcrypt}\r\n");
    let sha = format!("{{SHA}}{}=", random(27));
    let sha_line = format!("app:{sha}");
    let des = random(13);
    let des_line = format!("app:{des}\n");
    let bsd = format!("_{}", random(19));
    let bsd_line = format!("app:{bsd}:1::::::\n");
    let sun = format!("$md5,rounds=904${}", random(31));
    let sun_line = format!("app:{sun}:1::::::\n");
    let passwd = format!("root:{hash}:0:0:root:/root:/bin/sh\napp:x:10001:10001::/:\n");
    let old_shadow = format!("bin:*:1::::::\napp:!{des}:19700:0:99999:7:::\n");
    let shadow = format!("root:{hash}:19700:0:99999:7:::\ndaemon:*:19700::::::\napp:!:1::::::\n");
    for (path, text, kind, secret) in [
        ("root/.docker/config.json", docker.as_str(), "registry-login", auth.as_str()),
        ("root/.npmrc", "//r.example.org/:_authToken=s3cr3t-token\n", "npm-login", "s3cr3t-token"),
        ("root/.npmrc", "_password = \"aHVudGVyMg==\"\n", "npm-login", "aHVudGVyMg=="),
        ("root/.pypirc", "[pypi]\nusername: a\npassword: hunter2\n", "pypi-login", "hunter2"),
        ("root/.netrc", "machine h\n  login a password hunter2\n", "netrc-password", "hunter2"),
        ("root/.pgpass", "# x\nh:5432:db:u:hunter2\n", "pgpass-password", "hunter2"),
        ("root/.git-credentials", "https://u:hunter2@h.example.org\n", "url-password", "hunter2"),
        (
            "root/.kube/config",
            "users:\n- user:\n    client-key-data: LS0tLS1CRUdJTg==\n",
            "kubeconfig-credential",
            "LS0tLS1CRUdJTg==",
        ),
        ("app/.env", "A=b\nexport DB_PASSWORD='hunter2'\n", "named-secret", "hunter2"),
        (
            "root/.m2/settings.xml",
            "<a><!-- <password>x</password> --><password>hunter2</password></a>",
            "maven-password",
            "hunter2",
        ),
        ("etc/shadow", &shadow, "password-hash", &hash),
        ("etc/shadow", &bsd_line, "password-hash", &bsd),
        ("etc/shadow", &sun_line, "password-hash", &sun),
        ("etc/tcb/root/shadow", &shadow, "password-hash", &hash),
        ("etc/passwd", &passwd, "password-hash", &hash),
        ("etc/shadow.old", &old_shadow, "password-hash", &des),
        ("etc/passwd-", &old_shadow, "password-hash", &des),
        ("run/containers/0/auth.json", docker.as_str(), "registry-login", auth.as_str()),
        ("root/.config/containers/auth.json~", docker.as_str(), "registry-login", auth.as_str()),
        ("root/.npmrc.bak", "//r.example.org/:_authToken=s3cr3t-token\n", "npm-login", "s3cr3t-token"),
        ("app/.env.orig", "DB_PW=hunter2\n", "named-secret", "hunter2"),
        ("srv/.htpasswd", &htpasswd, "password-hash", &apache),
        ("auth/htpasswd", &bcrypt_line, "password-hash", &bcrypt),
        ("auth/web.htpasswd", &sha_line, "password-hash", &sha),
        ("auth/web.htpasswd", &des_line, "password-hash", &des),
        ("auth/web.htpasswd", "app:{PLAIN}hunter2\n", "htpasswd-password", "hunter2"),
        ("etc/app.conf", "x = 1\ndb_password = k3Jd8sLq0zPw\n", "assignment", "k3Jd8sLq0zPw"),
        ("etc/app.conf", "token_user = k3Jd8sLq0zPw\n", "assignment", "k3Jd8sLq0zPw"),
        (
            "app/.git/config",
            "[remote]\n\turl = https://u:hunter2@h.example.org/a\n",
            "url-password",
            "hunter2",
        ),
        ("root/.gitconfig", "[url \"https://u:hunter2@h.example.org\"]\n", "url-password", "hunter2"),
        ("app/.gitmodules", "\turl = https://u:hunter2@h.example.org/a\n", "url-password", "hunter2"),
        ("app/.envrc", "export DB_PASSWORD=hunter2\n", "named-secret", "hunter2"),
        ("app/env.prod", "DB_PASSWORD=hunter2\n", "named-secret", "hunter2"),
        ("app/prod.env.local", "DB_PASSWORD=hunter2\n", "named-secret", "hunter2"),
        ("app/.env-staging", "DB_PASSWORD=hunter2\n", "named-secret", "hunter2"),
        ("etc/app.json", "{\"apiKey\": \"k3Jd8sLq0zPw\", \"x\": 1}", "assignment", "k3Jd8sLq0zPw"),
    ] {
        assert_eq!(told(path, text), [(kind, secret)], "{path}");
    }
    assert!(told("root/other", "//r.example.org/:_authToken=s3cr3t-token").is_empty());
}

#[test]
fn lines_of_known_files_are_read_to_their_end() {
    let before = "machine h ".repeat(20_000);
    assert_eq!(told("root/.netrc", &format!("{before}password hunter2")), [("netrc-password", "hunter2")]);
    let before = "https://h.example.org/ ".repeat(10_000);
    let text = format!("{before}https://u:hunter2@h.example.org");
    assert_eq!(told("root/.git-credentials", &text), [("url-password", "hunter2")]);
}

#[test]
fn files_without_a_secret_have_none() {
    for (path, text) in [
        (
            "root/.docker/config.json",
            "{\"auths\": {\"r\": {}}, \"credHelpers\": {\"r\": \"auth\"}, \"credsStore\": \"desktop\"}",
        ),
        ("root/.npmrc", "registry=https://r.example.org\n//r/:_authToken=${NPM_TOKEN}\n"),
        ("root/.pypirc", "[pypi]\nusername: a\npassword: <password>\n"),
        ("root/.netrc", "# password hunter2\nmachine h login a\n"),
        ("root/.pgpass", "#hostname:port:database:username:password\n"),
        ("root/.git-credentials", "https://h.example.org\n"),
        ("app/.env", "PASSWORD_FILE=/run/secrets/x\nTOKEN=\nPASSWORD=changeme\n#TOKEN=hunter2\n"),
        ("app/.env.example", "PASSWORD=hunter2\n"),
        ("app/env.js", "PASSWORD=hunter2\n"),
        ("app/vite.env.d.ts", "PASSWORD=hunter2\n"),
        ("app/envoy.prod", "PASSWORD=hunter2\n"),
        ("app/.git/config", "[remote]\n\turl = https://h.example.org/a\n\turl = git@h.example.org:a\n"),
        ("srv/config", "url = https://u:hunter2@h.example.org/a\n"),
        (
            "root/.m2/settings.xml",
            "<password>${env.P}</password><passwords>x</passwords><password>{enc=}</password>",
        ),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nsync:*:4:65534:sync:/bin:/bin/sync\n"),
        ("etc/passwd", "app:aaaaaaaaaaaaa:1:1::/:\nb:NOLOGIN-LOCKED:2:2::/:\n"),
        ("etc/shadow", "root:*:19700::::::\nbin:!!:1::::::\nx::1::::::\n"),
        (
            "srv/.htpasswd",
            "#app:$apr1$saltsalt$abcdefghijklmnopqrstuv\napp:\n$apr1$\napp:{SHA}short\napp:{PLAIN}changeme\na:0:0\n",
        ),
        ("srv/.htpasswd.example", "app:$apr1$saltsalt$abcdefghijklmnopqrstuv\n"),
        (
            "etc/app.conf",
            "password = hunter\npassword_policy = pbkdf2-sha256\ntoken = /run/x1234567\nsecret: [a1, b2, c3]\n",
        ),
        ("etc/script", "db_password = k3Jd8sLq0zPw\n"),
    ] {
        assert_eq!(told(path, text), [], "{path}");
    }
}

#[test]
fn a_secret_is_found_across_every_boundary() {
    let mut all: Vec<_> =
        by_form().into_iter().map(|(_, token)| token).chain(keys().into_iter().map(|(_, key)| key)).collect();
    all.extend(
        by_context().into_iter().map(|(_, before, secret, behind)| format!("{before}{secret}{behind}")),
    );
    for secret in all {
        let text = format!("some text\n {secret} \n");
        let expected = whole("x", &text);
        assert_eq!(expected.found.len(), 1, "{text}");
        assert_eq!(probe("x", text.len(), text.as_bytes().chunks(1)), expected);
        // Around the places where the probe itself parts a file.
        for at in [limits::SECRET_CHUNK_BYTES, limits::SECRET_CHUNK_BYTES + limits::SECRET_AHEAD_BYTES] {
            for shift in (0..text.len()).step_by(7).chain([text.len() - 1]) {
                let mut file = vec![b'.'; at - shift];
                file.extend(text.bytes());
                file.extend([b'.'; 5]);
                let found = whole("x", &file).found;
                assert_eq!(found.len(), 1, "{text} {shift}");
                assert_eq!(found[0].offset, (at - shift) as u64 + expected.found[0].offset);
                assert_eq!(found[0].length, expected.found[0].length);
            }
        }
    }
}

#[test]
fn holes_move_what_is_behind_them() {
    let (_, token) = by_form().remove(0);
    for hole in [1, 100, limits::SECRET_AHEAD_BYTES as u64 + 1, 1 << 40] {
        let mut probe = Probe::default();
        probe.start(7, &ImagePath::new("x"), u64::MAX);
        probe.feed(&Piece::Data(token.as_bytes()));
        probe.feed(&Piece::Hole(hole));
        probe.feed(&Piece::Data(token.as_bytes()));
        probe.finish();
        let found = probe.into_secrets().found;
        let places: Vec<_> = found.iter().map(|secret| (secret.entry, secret.offset)).collect();
        assert_eq!(places, [(7, 0), (7, token.len() as u64 + hole)], "{hole}");
    }
}

#[test]
fn what_is_beyond_a_limit_is_told() {
    let (_, token) = by_form().remove(0);
    let lines = |count: usize| format!("{token}\n").repeat(count);
    let full = whole("x", lines(limits::FILE_SECRETS));
    assert_eq!((full.found.len(), full.gaps.len()), (limits::FILE_SECRETS, 0));
    let over = whole("x", lines(limits::FILE_SECRETS + 1));
    assert_eq!((over.found.len(), over.gaps), (limits::FILE_SECRETS, vec![(0, Gap::ManyInFile)]));
    let mut probe = Probe::default();
    let mut file = |entry: usize, count: usize| {
        probe.start(entry, &ImagePath::new("x"), 0);
        probe.feed(&Piece::Data(lines(count).as_bytes()));
        probe.finish();
        (probe.secrets().found.len(), probe.secrets().gaps.clone())
    };
    let files = limits::LAYER_SECRETS / limits::FILE_SECRETS;
    let full = (0..files).map(|entry| file(entry, limits::FILE_SECRETS)).last().unwrap();
    assert_eq!(full, (limits::LAYER_SECRETS, Vec::new()));
    assert_eq!(file(files, 1), (limits::LAYER_SECRETS, vec![(files, Gap::ManyInLayer)]));
}

#[test]
fn files_of_a_form_are_held_to_their_size() {
    let password = "//registry/:_authToken=a8f5f167f44f4964e6c998dee827110c\n";
    let padded = |line: &str, size: u64| " ".repeat(size as usize - line.len() - 1) + "\n" + line;
    let most = limits::SECRET_FORM_BYTES;
    assert_eq!(whole("root/.npmrc", padded(password, most)).found.len(), 1);
    let over = whole("root/.npmrc", padded(password, most + 1));
    assert_eq!((over.found.len(), over.gaps), (0, vec![(0, Gap::LargeForm)]));
    // Large configuration is data, and not told.
    let assigned = "db_password = \"a8f5f167f44f4964e6c998dee827110c\"\n";
    let most = limits::SECRET_CONFIG_BYTES;
    assert_eq!(whole("etc/app.conf", padded(assigned, most)).found.len(), 1);
    assert_eq!(whole("etc/app.conf", padded(assigned, most + 1)), Secrets::default());
}

#[test]
fn a_value_is_held_to_secret_value_bytes() {
    let of = |length: usize| {
        let value = "a8f5f167f44f4964e6c998dee827110c".repeat(length / 32) + &"a".repeat(length % 32);
        let config = format!("{{\"auths\": {{\"r\": {{\"identitytoken\": \"{value}\"}}}}}}");
        let in_file = whole("root/.docker/config.json", config).found.len();
        (text::in_assignment("DB_PASSWORD", &value).len(), in_file)
    };
    assert_eq!(of(limits::SECRET_VALUE_BYTES), (1, 1));
    assert_eq!(of(limits::SECRET_VALUE_BYTES + 1), (0, 0), "data");
}

#[test]
fn gaps_are_held_to_layer_secret_gaps() {
    for (files, told) in [(0, 0), (-1, limits::LAYER_SECRET_GAPS - 1), (1, limits::LAYER_SECRET_GAPS)] {
        let mut probe = Probe::default();
        let count = if files == 0 { 0 } else { limits::LAYER_SECRET_GAPS.saturating_add_signed(files) };
        for entry in 0..count {
            probe.start(entry, &ImagePath::new("root/.npmrc"), limits::SECRET_FORM_BYTES + 1);
            probe.finish();
        }
        assert_eq!(probe.into_secrets().gaps.len(), told);
    }
}

#[test]
fn kinds_are_what_they_were_in_this_version() {
    let names: Vec<_> = all_kinds().map(|kind| (kind.id, kind.prefix)).collect();
    for (number, name) in names.iter().enumerate() {
        assert!(!names[..number].contains(name), "{name:?}");
        assert_eq!(kind(name.0.as_bytes(), name.1.as_bytes()).unwrap().id, name.0);
        assert!(name.0.len() < 64);
    }
}

proptest! {
    /// However a file is cut into pieces.
    #[test]
    fn pieces_change_nothing(seed in any::<[u16; 12]>(), cuts in prop::collection::vec(1_usize..400_000, 1..20)) {
        let mut all: Vec<_> = by_form().into_iter().map(|(_, token)| token).collect();
        all.extend(keys().into_iter().map(|(_, key)| key));
        all.push(hex(40));
        let mut file = Vec::new();
        for number in seed {
            file.resize(file.len() + usize::from(number), b'\n');
            file.extend(all[usize::from(number) % all.len()].bytes());
        }
        let mut pieces = Vec::new();
        let mut rest = file.as_slice();
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
            if rest.is_empty() { break; }
        }
        prop_assert_eq!(probe("a.conf", file.len(), pieces.into_iter()), whole("a.conf", &file));
    }
}
