//! Something that looks like a secret, for each kind: put together here, so that no scanner takes this source for a
//! leak.

const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// So many digits and letters that look drawn by lot.
pub(crate) fn random(length: usize) -> String {
    digits(BASE_62, length)
}

fn digits(alphabet: &[u8], length: usize) -> String {
    let mut state = 0x9e37_79b9_u32;
    let digit = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(alphabet[(state >> 16) as usize % alphabet.len()])
    };
    (0..length).map(digit).collect()
}

pub(crate) fn hex(length: usize) -> String {
    digits(b"0123456789abcdef", length)
}

/// Letters and digits that look drawn by lot, and their checksum as GitHub and npm have it.
pub(crate) fn checked() -> String {
    let (lot, mut crc) = (random(30), flate2::Crc::new());
    crc.update(lot.as_bytes());
    let digit = |place| char::from(BASE_62[(crc.sum() / 62_u32.pow(place)) as usize % 62]);
    (0..6).rev().map(digit).fold(lot, |mut token, digit| {
        token.push(digit);
        token
    })
}

/// A PEM block of this label whose base64 begins so.
pub(crate) fn pem(label: &str, begin: &str) -> String {
    let label = [label, "KEY"].concat();
    let body = [begin, &random(64 - begin.len() % 64)].concat();
    format!("-----BEGIN {label}-----\n{body}\n{}\n-----END {label}-----\n", random(64))
}

/// One of each kind that is found by what it is, wherever it stands: the kind and the secret.
pub(crate) fn by_form() -> Vec<(&'static str, String)> {
    let of = |prefix: &[&str], length: usize| format!("{}{}", prefix.concat(), random(length));
    vec![
        ("github-token", ["gh", "p_", &checked()].concat()),
        ("github-token", ["gh", "o_", &checked()].concat()),
        ("github-token", ["gh", "u_", &checked()].concat()),
        ("github-token", ["gh", "s_", &checked()].concat()),
        ("github-token", ["gh", "r_", &checked()].concat()),
        ("github-token", of(&["github_", "pat_"], 82)),
        ("github-token-like", of(&["gh", "p_"], 36)),
        ("npm-token-like", of(&["np", "m_"], 36)),
        ("gitlab-token", of(&["gl", "pat-"], 20)),
        (
            "slack-token",
            format!("{}{}-{}-{}", ["xo", "xb-"].concat(), "2849301827", "4930128374", random(24)),
        ),
        ("npm-token", ["np", "m_", &checked()].concat()),
        ("pypi-token", of(&["pypi-", "AgE"], 120)),
        ("stripe-key", of(&["sk_", "live_"], 24)),
        ("sendgrid-key", format!("{}{}.{}", ["S", "G."].concat(), random(22), random(43))),
        ("google-api-key", of(&["AI", "za"], 35)),
        ("docker-token", of(&["dckr_", "pat_"], 27)),
        ("vault-token", of(&["hv", "s."], 95)),
        ("anthropic-key", of(&["sk-", "ant-", "api03-"], 90)),
        ("openai-key", of(&["sk-", "proj-"], 90)),
        ("digitalocean-token", format!("{}{}", ["dop_", "v1_"].concat(), hex(64))),
        ("databricks-token", format!("{}{}", ["da", "pi"].concat(), hex(32))),
        ("huggingface-token", of(&["h", "f_"], 34)),
        (
            "aws-access-key-id",
            format!("{}{}", ["AK", "IA"].concat(), digits(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        ),
        ("age-secret-key", of(&["AGE-SECRET-", "KEY-1"], 58)),
        ("azure-client-secret", format!("{}8Q~{}", random(3), random(34))),
        (
            "jwt",
            format!(
                "{}.{}.{}",
                ["eyJ", "hbGciOi", "JIUzI1NiJ9"].concat(),
                ["eyJ", &random(30)].concat(),
                random(43)
            ),
        ),
    ]
}

/// One of each kind that is known by what stands around it: the kind, what stands before, the secret, what stands behind.
pub(crate) fn by_context() -> Vec<(&'static str, String, String, &'static str)> {
    let field = |name: &str| format!("{name} = ");
    vec![
        ("aws-secret-access-key", field("aws_secret_access_key"), random(40), "\n"),
        ("aws-secret-access-key", "\"SecretAccessKey\": \"".into(), random(40), "\""),
        ("azure-storage-key", "EndpointsProtocol=https;AccountKey=".into(), random(86), "=="),
        ("azure-shared-access-key", "SharedAccessKeyName=a;SharedAccessKey=".into(), random(43), "="),
        ("azure-sas", "https://a.blob.example/c?sv=2022-11-02&sr=b&sig=".into(), random(43) + "%3D", "&"),
    ]
}

/// One of each kind of PEM and its like, whole files.
pub(crate) fn keys() -> Vec<(&'static str, String)> {
    let openssh = ["b3BlbnNzaC1rZXkt", "djEAAAAABG5vbmU"].concat();
    let locked = ["b3BlbnNzaC1rZXkt", "djEAAAAACmFlczI1Ni1jdHI"].concat();
    let rsa = pem("RSA PRIVATE ", "MIIE");
    let old =
        rsa.replacen("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n", 1);
    let escaped = pem("PRIVATE ", "MIIE").replace('\n', "\\n");
    vec![
        ("private-key", rsa),
        ("private-key", pem("EC PRIVATE ", "MHcC")),
        ("private-key", pem("DSA PRIVATE ", "MIIB")),
        ("private-key", pem("PRIVATE ", "MIIE")),
        ("private-key", pem("OPENSSH PRIVATE ", &openssh)),
        ("encrypted-private-key", pem("ENCRYPTED PRIVATE ", "MIIF")),
        ("encrypted-private-key", pem("OPENSSH PRIVATE ", &locked)),
        ("encrypted-private-key", old),
        ("pgp-private-key", pem("PGP PRIVATE ", "\nlQOYBF").replace("KEY-----", "KEY BLOCK-----")),
        (
            "gcp-service-account",
            format!("{{\"private_key_id\": \"{}\", \"private_key\": \"{escaped}\"}}", hex(40)),
        ),
        (
            "putty-private-key",
            format!("{}2: ssh-rsa\r\nEncryption: none\r\n", ["PuTTY-User-", "Key-File-"].concat()),
        ),
        (
            "putty-encrypted-private-key",
            format!("{}3: x\nEncryption: aes256-cbc\n", ["PuTTY-User-", "Key-File-"].concat()),
        ),
    ]
}
