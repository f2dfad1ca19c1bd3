//! Package URLs (the purl specification): one name for a package that all tools know.

use std::fmt::Write as _;

use super::inventory::{Installed, Kind};
use super::{Distribution, Source};

/// The package URL of an installed package.
pub fn purl(installed: &Installed, distribution: Option<&Distribution>) -> String {
    let Installed { kind, version, .. } = installed;
    let (namespace, name) = parts(installed, distribution);
    let mut purl = format!("pkg:{}", kind.purl_type());
    for segment in namespace.split('/').filter(|segment| !segment.is_empty()) {
        purl.push('/');
        encode(&mut purl, segment);
    }
    purl.push('/');
    encode(&mut purl, &name);
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, rest)) if *kind == Kind::Rpm => (Some(epoch.to_owned()), rest),
        _ => (None, version.as_str()),
    };
    if !version.is_empty() {
        purl.push('@');
        encode(&mut purl, version);
    }
    // Sorted by their names, as the specification wants them.
    let of_system = kind.is_of_the_system();
    let qualifiers = [
        ("arch", installed.architecture.clone().filter(|arch| !arch.is_empty())),
        ("distro", distribution.filter(|_| of_system).map(distro)),
        ("epoch", epoch),
        ("rpmmod", installed.module.as_deref().map(module)),
        ("upstream", installed.source.as_ref().map(upstream)),
    ];
    let mut mark = '?';
    for (name, value) in qualifiers.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let _ = write!(purl, "{mark}{name}=");
        encode(&mut purl, &value);
        mark = '&';
    }
    purl
}

/// Namespace and name, as the type wants them.
fn parts(installed: &Installed, distribution: Option<&Distribution>) -> (String, String) {
    let name = &installed.name;
    match installed.kind {
        Kind::Deb | Kind::Apk | Kind::Rpm => {
            let namespace = distribution.map(|distribution| distribution.id.to_lowercase());
            (namespace.unwrap_or_default(), name.clone())
        }
        // As the specification says of this type.
        Kind::PyPi => (String::new(), name.to_lowercase().replace('_', "-")),
        Kind::Npm | Kind::Go => split(name, '/'),
        Kind::Maven => split(name, ':'),
        Kind::Cargo | Kind::Gem => (String::new(), name.clone()),
    }
}

fn split(name: &str, mark: char) -> (String, String) {
    match name.rsplit_once(mark) {
        Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
        None => (String::new(), name.to_owned()),
    }
}

/// `debian-12`; the codename where no version is told.
fn distro(distribution: &Distribution) -> String {
    let Distribution { id, version, codename, .. } = distribution;
    match version.as_ref().or(codename.as_ref()) {
        Some(release) => format!("{id}-{release}"),
        None => id.clone(),
    }
}

/// Name and stream of a module: `nodejs:18` of `nodejs:18:8080020230301093434:63b34585`.
fn module(label: &str) -> String {
    label.splitn(3, ':').take(2).collect::<Vec<_>>().join(":")
}

fn upstream(source: &Source) -> String {
    match &source.version {
        Some(version) => format!("{}@{version}", source.name),
        None => source.name.clone(),
    }
}

/// Percent-encodes all but what the specification leaves as it is.
fn encode(purl: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                purl.push(char::from(byte));
            }
            other => {
                let _ = write!(purl, "%{other:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ImagePath;

    fn installed(kind: Kind, name: &str, version: &str) -> Installed {
        Installed::new(kind, name, version, ImagePath::root(), 0)
    }

    fn distribution(id: &str, version: Option<&str>) -> Distribution {
        let (id, version) = (id.to_owned(), version.map(str::to_owned));
        Distribution { path: ImagePath::root(), id, version, codename: Some("sid".to_owned()), name: None }
    }

    #[test]
    fn packages_of_distributions_name_it_and_their_source() {
        let debian = distribution("debian", Some("12"));
        let source = Source { name: "gcc-12".to_owned(), version: Some("12.2.0-14".to_owned()) };
        let gcc = Installed {
            architecture: Some("amd64".to_owned()),
            source: Some(source),
            ..installed(Kind::Deb, "libstdc++6", "1:12.2.0-14+b1")
        };
        assert_eq!(
            purl(&gcc, Some(&debian)),
            "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bb1?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-14"
        );
        let node = Installed {
            module: Some("nodejs:18:8080020230301093434:63b34585".to_owned()),
            ..installed(Kind::Rpm, "nodejs", "1:18.14.2-3.module_el8.7.0")
        };
        assert_eq!(
            purl(&node, Some(&distribution("AlmaLinux", None))),
            "pkg:rpm/almalinux/nodejs@18.14.2-3.module_el8.7.0?distro=AlmaLinux-sid&epoch=1&rpmmod=nodejs:18"
        );
        assert_eq!(purl(&installed(Kind::Apk, "musl", "1.2.4-r2"), None), "pkg:apk/musl@1.2.4-r2");
    }

    #[test]
    fn packages_of_languages_have_their_namespaces() {
        for (kind, name, expected) in [
            (Kind::Npm, "@babel/core", "pkg:npm/%40babel/core@1.0"),
            (Kind::Maven, "org.apache:commons", "pkg:maven/org.apache/commons@1.0"),
            (Kind::Go, "golang.org/x/net", "pkg:golang/golang.org/x/net@1.0"),
            (Kind::Go, "stdlib", "pkg:golang/stdlib@1.0"),
            (Kind::PyPi, "Zope.Interface_x", "pkg:pypi/zope.interface-x@1.0"),
            (Kind::Cargo, "serde", "pkg:cargo/serde@1.0"),
        ] {
            assert_eq!(purl(&installed(kind, name, "1.0"), Some(&distribution("debian", None))), expected);
        }
        assert_eq!(purl(&installed(Kind::Maven, "a:b", ""), None), "pkg:maven/a/b");
    }
}
