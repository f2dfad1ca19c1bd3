use base64::Engine as _;

use super::*;
use crate::report::fixture::{
    error, finding, full, image, report, sparse, unasked_base, with_errors, with_findings,
};
use crate::report::stream::written;

/// Each opening tag's name, `<!` and closing ones left out.
fn tags(page: &str) -> Vec<&str> {
    let begun = page.split('<').skip(1).map(|rest| rest.split([' ', '>', '\n']).next().unwrap());
    begun.filter(|name| !name.starts_with(['/', '!'])).collect()
}

#[test]
fn only_its_own_script_may_run() {
    let hash = base64::engine::general_purpose::STANDARD.encode(
        match crate::digest::Digest::sha256(SCRIPT.as_bytes()) {
            crate::digest::Digest::Sha256(bytes) => bytes.to_vec(),
            crate::digest::Digest::Sha512(bytes) => bytes.to_vec(),
        },
    );
    assert_eq!(SCRIPT_HASH, format!("sha256-{hash}"));
    let page = written(|out| write(&full(), out));
    assert_eq!(tags(&page).iter().filter(|tag| **tag == "script").count(), 1);
    assert!(
        page.contains(&format!("default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'"))
    );
    for outward in ["http://", "src=", "href=", "url(", "@import"] {
        assert!(!page.replace("href=\"#image-", "").contains(outward), "{outward}: it needs no other file");
    }
}

#[test]
fn nothing_in_an_image_is_markup() {
    let hostile = "\"><script>alert('1')</script>&amp;\u{202e}\u{1b}[2J";
    let mut one = with_findings(image(), vec![finding("setuid-file", Severity::High, hostile, hostile)]);
    one.identity.source = hostile.into();
    one.identity.names = vec![hostile.into()];
    one.identity.platform.os = hostile.into();
    one.contents.config.user = Some(hostile.into());
    one.contents.layers[0].created_by = Some(hostile.into());
    one.contents.base = unasked_base(hostile);
    one.findings[0].evidence.insert(hostile.into(), hostile.into());
    let mut report =
        with_errors(vec![one], vec![crate::report::ErrorReport { message: hostile.into(), ..error() }]);
    report.policy.source = hostile.into();
    let page = written(|out| write(&report, out));
    let mut harmless = tags(&page);
    assert_eq!(harmless.iter().filter(|tag| **tag == "script").count(), 1, "{page}");
    harmless.sort_unstable();
    harmless.dedup();
    for tag in harmless {
        let ours = "a b body br code dd details div dl dt h1 h2 h3 head header html i input label li meta output p script section small span style summary table tbody td th thead title tr ul";
        assert!(ours.split(' ').any(|one| one == tag), "{tag}");
    }
    assert!(page.chars().all(|char| char == '\n' || !char.is_control()));
    assert!(!page.contains('\u{202e}') && page.contains("\\xe2\\x80\\xae"));
}

#[test]
fn what_is_opened_is_closed() {
    for report in [full(), sparse(), report(vec![image()]), report(Vec::new())] {
        let page = written(|out| write(&report, out));
        for tag in [
            "html", "head", "body", "section", "table", "tbody", "tr", "td", "dl", "div", "span", "p",
            "details", "ul", "li", "code", "h2", "h3",
        ] {
            let opened = tags(&page).iter().filter(|one| **one == tag).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}

#[test]
fn all_that_counts_is_there() {
    let page = written(|out| write(&full(), out));
    for words in [
        "verdict error",
        "debian-base:12",
        "step deprecated",
        "step revoked",
        "no approved base",
        "not evaluated",
        "layer 2 could not be read",
        "/usr/bin/find",
        "severity critical",
        "data-status=\"waived\"",
        "replaced in release 2",
        "missing.tar",
        "an attestation was left out",
        "0123456789abcdef",
        "production",
    ] {
        assert!(page.contains(words), "{words}");
    }
}
