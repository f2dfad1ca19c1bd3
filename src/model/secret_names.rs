//! Which names say that a value is a secret.
//!
//! Names are compared by their words, `npm.authToken` as `NPM_AUTH_TOKEN`. The last word that names a secret decides, with
//! what stands behind it: `PASSWORD_HASHER` is about a secret and none. A name alone is never certain, so where it
//! speaks about a secret, or says something unknown of it, the value's form decides.

use super::secret_values::{is_drawn, is_mechanism, is_no_secret, is_plain};

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A secret.
    Secret,
    /// A user's password with the user before it, or how one logs in: `NEO4J_AUTH`.
    Login,
    /// Perhaps a secret: many of them, or one with a word behind it that says nothing to us.
    Perhaps,
    /// Something about a secret: where it lies, how long it lives, who has it.
    About,
    /// A number or digest that looks like a secret and is for everyone: `TOKENIZER_REVISION`.
    Public,
}

/// Words that name a secret wherever they stand, also within a longer word (`DBPASSWORD`) and with an `S` behind.
const SECRETS: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "APIKEY",
    "ACCESSKEY",
    "AUTHKEY",
    "PRIVATEKEY",
];

/// The same in two words.
const PAIRS: [(&str, &str); 14] = [
    ("PASS", "WORD"),
    ("PASS", "WD"),
    ("PASS", "PHRASE"),
    ("API", "KEY"),
    ("PRIVATE", "KEY"),
    ("ACCESS", "KEY"),
    ("ACCOUNT", "KEY"),
    ("SHARED", "KEY"),
    ("AUTH", "KEY"),
    ("MASTER", "KEY"),
    ("FERNET", "KEY"),
    ("JWT", "KEY"),
    ("ENCRYPTION", "KEY"),
    ("SIGNING", "KEY"),
];

/// Of these there is a key for everyone, too, which a name of [`PUBLIC_KEYS`] tells.
const KEYS_IN_TWO: [&str; 3] = ["JWT", "ENCRYPTION", "SIGNING"];

/// Words of keys that everyone is to have: package signatures are checked with them.
const PUBLIC_KEYS: &str = "PUBLIC GPG PGP APT RPM REPO";

/// Keys that are as often no secret: these alone say nothing of a value that is not drawn by lot.
const OTHER_KEYS: &str = "APP CLIENT SESSION COOKIE HMAC CRYPT STORAGE SERVICE ADMIN";

/// Words that name a secret only as the last of a name; the first two also at the end of a longer word (`DBPASS`).
const LAST: &str = "PASS PWD PW AUTH";

/// Words that end as if they named a password.
const NO_PASSWORDS: &str =
    "BYPASS COMPASS ENCOMPASS HIGHPASS KEEPASS LASTPASS LOWPASS MULTIPASS OLDPWD OVERPASS SURPASS TRESPASS";

/// Words that say which of several secrets is meant, or in which form it stands.
const WHICH: &str = "\
    ADMIN B BACKUP BASE BOT CI CLEAR CLEARTEXT CURRENT DATA DB DEFAULT DEMO DEV DEVELOPMENT DOCKER ENC \
    ENCODED ENCRYPTED GH GIT GITHUB GITLAB LIVE LOCAL MAIN MASTER MONGO MYSQL NEW NEXT NPM OLD PG PLAIN \
    PLAINTEXT POSTGRES PREVIOUS PRIMARY PROD PRODUCTION QA RAW READ READONLY REDIS RO ROOT SANDBOX SECONDARY \
    STAGE STAGING TEST UAT VALUE WRITE";

/// Words behind a secret's that tell a name *about* it.
const ABOUT: [&str; 7] = [
    // Where it is.
    "ADDR ADDRESS BUCKET DIR DIRECTORY DOMAIN ENDPOINT ENDPOINTS ENV FD FILE FILENAME FILES FOLDER HOST \
     HOSTNAME LOCATION MOUNT NAMESPACE PATH PATHS PORT PROJECT REALM REGION REGISTRY REPOSITORY SERVER \
     SERVICE SOCK SOCKET STDIN URI URIS URL URLS VOLUME ZONE",
    // How long it lives.
    "AGE DATE DAYS DELAY DURATION EXP EXPIRATION EXPIRE EXPIRED EXPIRES EXPIRY GRACE HOURS INTERVAL LEEWAY \
     LIFESPAN LIFETIME MILLIS MINS MINUTES MS PERIOD RENEWAL ROTATION SEC SECONDS SECS SKEW TIME TIMEOUT \
     TIMESTAMP TTL VALIDITY WINDOW",
    // How many, how much.
    "ATTEMPTS BATCH BITS BUDGET BYTES CHUNK COMPLEXITY COST COUNT DEPTH HISTORY ITERATIONS LEN LENGTH LIMIT \
     LIMITS MAX MIN NUM NUMBER OVERLAP POOL QUOTA RATE RETRIES ROUNDS SIZE STRENGTH THRESHOLD USAGE",
    // How it is kept, made and checked.
    "ALG ALGO ALGORITHM AUTHENTICATION AUTHENTICATOR BACKEND BACKENDS CACHE CACHING CHAIN CHECK CHECKER CLASS \
     CLASSNAME CONFIG CONFIGURATION CONVERTER CRYPT DECODER DRIVER ENCODER ENCODING ENCRYPTION ENGINE \
     EXTRACTOR FACTORY FILTER FORMAT GENERATION GENERATOR HANDLER HASHER HASHERS HASHING HELPER IMPL KIND \
     LIBRARY MANAGER METHOD METHODS MODE MODULE OPTIONS OPTS PARSER PATTERN PLUGIN POLICIES POLICY PROVIDER \
     PROVIDERS REF REFS REGEX RESOLVER SCHEME SELECTOR SERIALIZER SETTINGS SOURCE SOURCES STORAGE STORE \
     STRATEGY TEMPLATE TYPE TYPES VALIDATION VALIDATOR VALIDATORS VERIFICATION VERIFIER VERIFY",
    // What it is called, and who has it.
    "ARN ATTRIBUTE AUD AUDIENCE CLAIM CLAIMS COLUMN COOKIE DESCRIPTION EMAIL FIELD FIELDS GROUP HEADER \
     HEADERS HINT ISSUER LABEL MESSAGE NAME NAMES OWNER PARAM PARAMETER PARAMS PREFIX PROMPT PROPERTY \
     RESOURCE ROLE ROLES SCOPE SCOPES SUBJECT SUFFIX TABLE TITLE USER USERNAME USERNAMES USERS VAR VARIABLE",
    // Whether it is used.
    "ALLOWED CHANGE DISABLE DISABLED ENABLE ENABLED EXCHANGE FLOW INTROSPECTION LOGIN OPTIONAL RECOVERY \
     REQUIRE REQUIRED RESET REVOCATION STATE STATUS",
    // Tokens of a text.
    "MODEL PADDING PARALLELISM TRUNCATION VOCAB",
];

/// Words before a secret's that tell the same.
const ABOUT_BEFORE: &str = "\
    ALLOW BATCHED BOS CLS DISABLE ENABLE ENABLED EOS HAS IS MAX MAXIMUM MIN MINIMUM NO NUM PAD REQUIRE SEP \
    SKIP UNK USE";

/// Words behind a secret's that tell what anyone may know, however it looks.
const IDENTIFYING: &str =
    "CHECKSUM COMMIT DIGEST FINGERPRINT HASHSUM ID IDS IMAGE MD REV REVISION SHA TAG THUMBPRINT VERSION";

/// Whether a word is one of a text of words.
fn is_one(word: &str, of: &str) -> bool {
    of.split(' ').any(|known| word.eq_ignore_ascii_case(known))
}

/// A word of a name.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    /// It is the rest of a longer one: `IZER` of `TOKENIZER`.
    is_rest: bool,
}

impl Word<'_> {
    fn is(self, known: &str) -> bool {
        self.text.eq_ignore_ascii_case(known)
    }

    fn is_one(self, of: &str) -> bool {
        is_one(self.text, of)
    }

    /// One of [`SECRETS`], and whether there are several.
    fn secret(self) -> Option<bool> {
        if self.is_one("CRED CREDS") {
            return Some(true);
        }
        let is_plural = self.text.ends_with(['s', 'S']);
        let single = if is_plural { self.text.get(..self.text.len() - 1)? } else { self.text };
        SECRETS.iter().any(|known| single.eq_ignore_ascii_case(known)).then_some(is_plural)
    }

    fn is_last(self) -> bool {
        let ends = |end: &str| {
            self.text.len() > end.len()
                && self
                    .text
                    .get(self.text.len() - end.len()..)
                    .is_some_and(|part| part.eq_ignore_ascii_case(end))
        };
        self.is_one(LAST) || (ends("PASS") || ends("PWD")) && !self.is_one(NO_PASSWORDS)
    }
}

/// The words of a name: parted by all but letters, and where a small letter or the last of capitals has a capital behind
/// it; those of [`SECRETS`] are taken out of longer ones.
fn words(name: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    for run in name.split(|char: char| !char.is_ascii_alphabetic()) {
        let bytes = run.as_bytes();
        let mut start = 0;
        for at in 1..=bytes.len() {
            let upper = |at: usize| bytes.get(at).map(u8::is_ascii_uppercase);
            let begins = match (upper(at - 1), upper(at), upper(at + 1)) {
                (_, None, _) | (Some(false), Some(true), _) => true,
                // `DBPassword`
                (Some(true), Some(true), Some(false)) => true,
                _ => false,
            };
            if begins {
                taken_apart(run.get(start..at).unwrap_or_default(), &mut words);
                start = at;
            }
        }
    }
    words
}

/// Takes a secret's word out of a longer one.
fn taken_apart<'a>(text: &'a str, words: &mut Vec<Word<'a>>) {
    let word = |text, is_rest| Word { text, is_rest };
    let place = |secret: &&str| {
        let mut windows = text.as_bytes().windows(secret.len());
        Some((windows.rposition(|part| part.eq_ignore_ascii_case(secret.as_bytes()))?, secret.len()))
    };
    let Some((at, length)) = SECRETS.iter().filter_map(place).max() else {
        if !text.is_empty() {
            words.push(word(text, false));
        }
        return;
    };
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let several = rest.len() == length + 1 && rest.ends_with(['s', 'S']);
    let (secret, rest) =
        rest.split_at_checked(if several { rest.len() } else { length }).unwrap_or((rest, ""));
    words.extend(
        [word(before, false), word(secret, false), word(rest, true)].iter().filter(|w| !w.text.is_empty()),
    );
}

/// A secret's word or words in a name: where they begin and end, and what they mean by themselves.
fn secret_at(words: &[Word<'_>], at: usize) -> Option<(usize, usize, Meaning)> {
    let word = words.get(at)?;
    if let Some(several) = word.secret() {
        let meaning = if several || word.is("CREDENTIAL") { Meaning::Perhaps } else { Meaning::Secret };
        return Some((at, at + 1, meaning));
    }
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    if let Some(before) = before {
        let several = word.is("KEYS");
        let is_word = |last: &str| word.is(last) || several && last == "KEY";
        if let Some((first, _)) = PAIRS.iter().find(|(first, last)| before.is(first) && is_word(last)) {
            let is_public = KEYS_IN_TWO.contains(first) && words.iter().any(|word| word.is_one(PUBLIC_KEYS));
            let meaning = match (is_public, several) {
                (true, _) => Meaning::Public,
                (false, true) => Meaning::Perhaps,
                (false, false) => Meaning::Secret,
            };
            return Some((at - 1, at + 1, meaning));
        }
        if word.is("KEY") && before.is_one(OTHER_KEYS) {
            return Some((at - 1, at + 1, Meaning::About));
        }
    }
    match word {
        word if word.is("AUTH") => Some((at, at + 1, Meaning::Login)),
        // Alone it is a header, which has a form of its own.
        word if word.is_one("AUTHORIZATION AUTHENTICATION") && words.len() > 1 => {
            Some((at, at + 1, Meaning::About))
        }
        // A directory in most shells.
        word if word.is("PWD") && words.len() == 1 => Some((at, at + 1, Meaning::About)),
        word if word.is_last() => Some((at, at + 1, Meaning::Secret)),
        _ => None,
    }
}

fn meaning(name: &str) -> Option<Meaning> {
    let words = words(name);
    let (first, end, meaning) = (0..words.len()).rev().find_map(|at| secret_at(&words, at))?;
    let before = words.get(..first).unwrap_or_default();
    let named = words.get(first..end).unwrap_or_default();
    let behind = words.get(end..).unwrap_or_default();
    // `SECRET_KEY_BASE`: a key behind is the secret itself.
    let behind = match behind {
        [key, rest @ ..] if key.is("KEY") && named.iter().all(|word| word.is("SECRET")) => rest,
        behind => behind,
    };
    let is_about = behind
        .iter()
        .any(|word| ABOUT.iter().any(|words| word.is_one(words)) || word.is_rest && !word.is_one(WHICH))
        || before.iter().any(|word| word.is_one(ABOUT_BEFORE));
    let has_known = behind.iter().all(|word| word.is_one(WHICH));
    let is_weak = named.iter().all(|word| word.is_last());
    Some(match meaning {
        Meaning::Public => Meaning::Public,
        // Vault's is what one logs in with; others name a secret by it.
        Meaning::Secret if matches!((named, behind), ([secret], [id]) if secret.is("SECRET") && id.is("ID")) => {
            Meaning::Perhaps
        }
        _ if behind.iter().any(|word| word.is_one(IDENTIFYING)) => Meaning::Public,
        _ if is_about || is_weak && !has_known => Meaning::About,
        Meaning::Secret if !has_known => Meaning::Perhaps,
        meaning => meaning,
    })
}

/// Whether a value of this name is not to be shown.
pub fn is_secret_name(name: &str) -> bool {
    meaning(name).is_some()
}

/// Whether this name tells a secret of this value.
pub fn is_named_secret(name: &str, value: &str) -> bool {
    let tells = match meaning(name) {
        Some(Meaning::Secret) => true,
        Some(Meaning::Login) => !is_mechanism(value),
        Some(Meaning::Perhaps) => !is_plain(value),
        Some(Meaning::About) => is_drawn(value),
        Some(Meaning::Public) | None => false,
    };
    tells && !is_no_secret(value)
}

#[cfg(test)]
#[path = "secret_names_tests.rs"]
mod tests;
