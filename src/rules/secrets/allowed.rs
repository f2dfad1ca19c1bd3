//! Places where what looks like a secret is an example or known to everyone. It is told, as info.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::sync::LazyLock;

use crate::model::ImagePath;
use crate::scan::secrets::Kind;

/// Which kinds a place is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// All: nothing real is ever there.
    All,
    /// Keys and guesses; a token that opens somebody's account is told all the same.
    NoTokens,
}

/// A place and why.
struct Allowed {
    glob: &'static str,
    of: Of,
    reason: &'static str,
}

const TESTS: &str = "the keys of a library's own tests are published with it";
const AUTHORITIES: &str = "a store of the distribution's authorities, which holds no private key";

const GNUTLS: &str = "GnuTLS tests itself with published keys whenever it starts in FIPS mode";

const fn tests(glob: &'static str) -> Allowed {
    Allowed { glob, of: Of::NoTokens, reason: TESTS }
}

const ALLOWED: [Allowed; 22] = [
    Allowed { glob: "/usr/share/doc/**", of: Of::All, reason: "documentation shows examples" },
    Allowed {
        glob: "/etc/ssl/private/ssl-cert-snakeoil.key",
        of: Of::NoTokens,
        reason: "the package ssl-cert makes this key for tests, and signs it itself",
    },
    tests("/usr/{lib,lib64,local/lib}/python*/**/{test,tests}/**"),
    tests("/usr/{lib,lib64,local/lib}/python3*/test/**"),
    // Environments of their own, conda's and pyenv's pythons; `SelfTest` is pycryptodome's.
    tests("/**/lib/python3*/{site,dist}-packages/**/{test,tests,SelfTest}/**"),
    tests("/**/lib/python3*/test/**"),
    tests("/usr/{share,lib,local/lib,local/share}/perl*/**/{t,test,tests}/**"),
    tests("/usr/lib/*/perl*/**/{t,test,tests}/**"),
    tests("/usr/{lib,share,local/lib}/**/node_modules/**/{test,tests}/**"),
    tests("/usr/{lib,share,local/lib}/nodejs/**/{test,tests}/**"),
    tests("/usr/{lib/go*,share/go*,local/go}/**/testdata/**"),
    tests("/usr/{lib/go*,share/go*,local/go}/{src,test}/**/*_test.go"),
    tests("/usr/local/go/src/crypto/x509/platform_root_key.pem"),
    tests("/**/pkg/mod/**/testdata/**"),
    tests("/usr/{lib,share,local/lib}/ruby/**/{test,tests,spec}/**"),
    tests("/usr/local/bundle/**/{test,tests,spec}/**"),
    tests("/usr/{lib,share}/**/openssl*/**/{test,tests}/**"),
    Allowed { glob: "/{usr/lib,usr/lib64,lib,lib64}/libgnutls.*", of: Of::NoTokens, reason: GNUTLS },
    Allowed { glob: "/{usr/lib,usr/lib64,lib,lib64}/*/libgnutls.*", of: Of::NoTokens, reason: GNUTLS },
    Allowed {
        glob: "/usr/share/cmake*/Templates/Windows/Windows_TemporaryKey.pfx",
        of: Of::NoTokens,
        reason: "CMake signs packages for tests with it",
    },
    Allowed { glob: "/etc/ssl/certs/java/cacerts", of: Of::NoTokens, reason: AUTHORITIES },
    Allowed {
        glob: "/{usr/lib/jvm,opt/java}/**/lib/security/cacerts",
        of: Of::NoTokens,
        reason: AUTHORITIES,
    },
];

#[allow(clippy::expect_used, reason = "globs of our own, which a test compiles")]
static GLOBS: LazyLock<GlobSet> = LazyLock::new(|| {
    let mut set = GlobSetBuilder::new();
    for allowed in &ALLOWED {
        set.add(GlobBuilder::new(allowed.glob).literal_separator(true).build().expect("a glob"));
    }
    set.build().expect("a set of globs")
});

/// Kinds that cannot be a test's: who issues them sees to it that they are somebody's.
fn is_token(kind: &Kind) -> bool {
    !kind.prefix.is_empty() || kind.id.starts_with("aws-") || kind.id.starts_with("azure-")
}

/// Why a secret of this kind is nobody's there.
pub(super) fn allowed(path: &ImagePath, kind: &Kind) -> Option<&'static str> {
    // As text without loss of what the globs ask about.
    let path = format!("/{}", String::from_utf8_lossy(path.as_bytes()));
    let matches = GLOBS.matches(path);
    let places = matches.into_iter().filter_map(|number| ALLOWED.get(number));
    places.filter(|place| place.of == Of::All || !is_token(kind)).map(|place| place.reason).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::secrets::all_kinds;

    #[test]
    fn examples_are_allowed_where_distributions_put_them() {
        let kind = |id: &str| all_kinds().find(|kind| kind.id == id).unwrap();
        let (key, token) = (kind("private-key"), kind("github-token"));
        for (path, of_key, of_token) in [
            ("usr/share/doc/x/examples/key.pem", true, true),
            ("etc/ssl/private/ssl-cert-snakeoil.key", true, false),
            ("usr/lib/python3.11/test/keycert.pem", true, false),
            ("usr/lib/python3/dist-packages/tornado/test/test.key", true, false),
            ("usr/share/perl/5.36/x/t/key", true, false),
            ("usr/share/nodejs/a/node_modules/b/test/key.pem", true, false),
            ("usr/local/go/src/crypto/tls/testdata/key.pem", true, false),
            ("usr/lib/jvm/java-17/lib/security/cacerts", true, false),
            ("usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3", true, false),
            ("lib64/libgnutls.so.30", true, false),
            ("opt/venv/lib/python3.12/site-packages/tornado/test/test.key", true, false),
            (
                "usr/local/lib/python3.12/site-packages/Crypto/SelfTest/PublicKey/test_import_RSA.py",
                true,
                false,
            ),
            ("root/.pyenv/versions/3.12.1/lib/python3.12/test/certdata/keycert.pem", true, false),
            ("usr/local/go/src/crypto/x509/platform_root_key.pem", true, false),
            ("go/pkg/mod/golang.org/x/crypto@v0.1.0/ssh/testdata/keys.go", true, false),
            ("usr/local/bundle/gems/puma-6.0/test/server.key", true, false),
            ("opt/venv/lib/python3.12/site-packages/app/key.pem", false, false),
            ("srv/lib/python3/test.pem", false, false),
            ("app/libgnutls.so", false, false),
            ("app/test/key.pem", false, false),
            ("app/node_modules/a/test/key.pem", false, false),
            ("test/usr/share/doc/x", false, false),
            ("usr/lib/python3.11/ssl.py", false, false),
        ] {
            let path = ImagePath::new(path);
            assert_eq!(allowed(&path, key).is_some(), of_key, "{path}");
            assert_eq!(allowed(&path, token).is_some(), of_token, "{path}");
        }
    }
}
