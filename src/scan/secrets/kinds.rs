//! The kinds of secrets.

use super::tokens::TOKENS;

/// How much a finding of a kind weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A secret that opens something as it is.
    Open,
    /// A secret that a passphrase protects.
    Locked,
    /// Perhaps a secret, or one that lives for a short time.
    Perhaps,
}

/// A kind of secrets.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// As in evidence: `github-token`.
    pub id: &'static str,
    /// For people: `a GitHub token`.
    pub what: &'static str,
    /// The beginning that all of the kind have and that is no secret; may be empty.
    pub prefix: &'static str,
    /// How much it weighs.
    pub weight: Weight,
}

impl Kind {
    /// What may be shown in a secret's place.
    pub fn masked(&self) -> String {
        if self.prefix.is_empty() { "***".to_owned() } else { format!("{}…", self.prefix) }
    }
}

/// Every kind. `id` and `prefix` together name one.
pub fn all_kinds() -> impl Iterator<Item = &'static Kind> {
    TOKENS.iter().map(|token| &token.kind).chain(OTHERS.iter().copied())
}

/// The kind with this `id` and `prefix`.
pub fn kind(id: &[u8], prefix: &[u8]) -> Option<&'static Kind> {
    all_kinds().find(|kind| kind.id.as_bytes() == id && kind.prefix.as_bytes() == prefix)
}

macro_rules! kinds {
    ($($name:ident $weight:ident $id:literal $what:literal;)*) => {
        $(pub(super) static $name: Kind = Kind { id: $id, what: $what, prefix: "", weight: Weight::$weight };)*
        static OTHERS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    PRIVATE_KEY Open "private-key" "a private key";
    ENCRYPTED_KEY Locked "encrypted-private-key" "a private key that a passphrase protects";
    PGP_KEY Open "pgp-private-key" "an OpenPGP private key";
    PUTTY_KEY Open "putty-private-key" "a PuTTY private key";
    PUTTY_LOCKED Locked "putty-encrypted-private-key" "a PuTTY private key that a passphrase protects";
    PKCS12 Open "pkcs12-keystore" "a PKCS#12 keystore with a private key";
    JAVA_KEYSTORE Open "java-keystore" "a Java keystore with a private key";
    GCP_ACCOUNT Open "gcp-service-account" "the key of a Google Cloud service account";
    AWS_SECRET Open "aws-secret-access-key" "an AWS secret access key";
    AZURE_STORAGE Open "azure-storage-key" "the key of an Azure storage account";
    AZURE_SHARED Open "azure-shared-access-key" "an Azure shared access key";
    AZURE_SAS Open "azure-sas" "an Azure shared access signature";
    AZURE_CLIENT Open "azure-client-secret" "an Azure client secret";
    JWT Perhaps "jwt" "a JSON Web Token";
    DOCKER_AUTH Open "registry-login" "the login of a registry";
    NPM_LOGIN Open "npm-login" "the login of an npm registry";
    PYPI_LOGIN Open "pypi-login" "the password of a Python package index";
    NETRC Open "netrc-password" "a password in netrc form";
    PGPASS Open "pgpass-password" "a PostgreSQL password";
    MYSQL_LOGIN Open "mysql-password" "a MySQL password";
    URL_PASSWORD Open "url-password" "a password in a URL";
    USER_PASSWORD Open "user-password" "a user's password on a command line";
    KUBECONFIG Open "kubeconfig-credential" "a credential of a Kubernetes cluster";
    CARGO_TOKEN Open "cargo-token" "a token of a cargo registry";
    MAVEN_LOGIN Open "maven-password" "a password in Maven's settings";
    GITHUB_LIKE Perhaps "github-token-like" "what looks like a GitHub token but for its checksum";
    NPM_LIKE Perhaps "npm-token-like" "what looks like an npm token but for its checksum";
    HTPASSWD Open "htpasswd-password" "a password in htpasswd form";
    PASSWORD_HASH Open "password-hash" "the hash of an account's password";
    NAMED Open "named-secret" "a value whose name says that it is a secret";
    ASSIGNMENT Perhaps "assignment" "a value that looks like a secret, as its name does";
}
