//! Every rule, one line each.

use super::rule::Rule;
use super::{
    account, base, config, hygiene, integrity, package, platform, privilege, secrets, service, user,
};
use crate::facts::Facts;
use crate::model::spelling;
use crate::scan::Plan;

/// All rules, in alphabetical order of their names.
pub static RULES: [&Rule; 59] = [
    &account::account_no_password::RULE,
    &account::account_uid_zero::RULE,
    &hygiene::add_instruction::RULE,
    &package::advisories_stale::RULE,
    &integrity::ambiguous_entry::RULE,
    &integrity::ambiguous_header::RULE,
    &integrity::ambiguous_json::RULE,
    &platform::architecture_mismatch::RULE,
    &base::base_account_changed::RULE,
    &base::base_deprecated::RULE,
    &base::base_file_deleted::RULE,
    &base::base_file_modified::RULE,
    &base::base_file_replaced::RULE,
    &base::base_metadata_changed::RULE,
    &base::base_not_official::RULE,
    &base::base_package_changed::RULE,
    &base::base_revoked::RULE,
    &integrity::blob_missing::RULE,
    &integrity::broken_hardlink::RULE,
    &privilege::device_node::RULE,
    &integrity::diff_id_mismatch::RULE,
    &integrity::digest_mismatch::RULE,
    &platform::distribution_eol::RULE,
    &integrity::duplicate_entry::RULE,
    &privilege::file_capability::RULE,
    &hygiene::healthcheck_missing::RULE,
    &integrity::history_mismatch::RULE,
    &hygiene::image_size::RULE,
    &hygiene::label_missing::RULE,
    &hygiene::layer_count::RULE,
    &integrity::layer_count_mismatch::RULE,
    &integrity::layer_unsupported::RULE,
    &account::ld_so_preload::RULE,
    &integrity::media_type_mismatch::RULE,
    &hygiene::package_cache_left::RULE,
    &package::package_file_tampered::RULE,
    &package::package_forbidden::RULE,
    &config::path_env_unsafe::RULE,
    &integrity::path_escapes_root::RULE,
    &hygiene::port_privileged::RULE,
    &config::privileged_label::RULE,
    &secrets::secret_env::RULE,
    &secrets::secret_file::RULE,
    &secrets::secret_history::RULE,
    &service::service_missing::RULE,
    &service::service_not_allowed::RULE,
    &privilege::setgid_file::RULE,
    &privilege::setuid_file::RULE,
    &account::sudo_nopasswd::RULE,
    &hygiene::tag_latest::RULE,
    &integrity::trailing_data::RULE,
    &integrity::unread_data::RULE,
    &integrity::unreferenced_blob::RULE,
    &user::user_root::RULE,
    &user::user_unknown::RULE,
    &package::vulnerability::RULE,
    &config::workdir_unsafe::RULE,
    &privilege::world_writable_directory::RULE,
    &privilege::world_writable_file::RULE,
];

/// The rule that needs files held to their packages ([`crate::facts::Verified`]).
pub static PACKAGE_FILE_TAMPERED: &Rule = &package::package_file_tampered::RULE;

/// What rules want further, once what their plans wanted is read: files that other files name. Each is
/// asked again as long as what it wants brings something new.
pub static FURTHER: [fn(&Facts, &mut Plan); 2] =
    [account::account_no_password::further, account::sudo_nopasswd::further];

/// The rule of that name.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.into_iter().find(|rule| rule.id == id)
}

/// The name that is spelt most like `id`, for those who mistype.
pub fn nearest(id: &str) -> Option<&'static str> {
    spelling::nearest(id, RULES.iter().map(|rule| rule.id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_rule_stands_in_it_once() {
        let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
        let sorted: BTreeSet<_> = ids.iter().copied().collect();
        assert_eq!(ids, sorted.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn each_page_is_that_of_its_rule() {
        for rule in RULES {
            assert!(rule.page.starts_with(&format!("# {}\n\n", rule.id)), "{}", rule.id);
            let summary = rule.summary();
            assert!(summary.ends_with('.') && !summary.contains('\n'), "{}: {summary}", rule.id);
        }
    }

    #[test]
    fn each_rule_file_is_in_the_table() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
        let mut pages = BTreeSet::new();
        for entry in walkdir::WalkDir::new(root) {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
                assert!(
                    path.with_file_name(
                        path.file_stem().unwrap().to_str().unwrap().replace('-', "_") + ".rs"
                    )
                    .exists()
                );
            }
        }
        assert_eq!(pages, RULES.iter().map(|rule| rule.id.to_owned()).collect());
    }

    /// `docs/rules.md` as the table yields it: each page one heading deeper, under its severity.
    fn handbook() -> String {
        let mut text = "# The rules\n\n\
            Made from the pages beside the rules; do not edit it, but run `UPDATE_DOCS=1 cargo test --lib rules::table`.\n\n\
            | rule | severity | what |\n|---|---|---|\n"
            .to_owned();
        for rule in RULES {
            text += &format!("| [{0}](#{0}) | {1} | {2} |\n", rule.id, rule.severity, rule.summary());
        }
        for rule in RULES {
            let body = rule.page.split_once("\n\n").unwrap().1;
            let (summary, body) = body.split_once("\n\n").unwrap();
            let body = body.replace("\n## ", "\n### ").replacen("## ", "### ", 1);
            text += &format!("\n## {}\n\nSeverity: {}\n\n{summary}\n\n{body}", rule.id, rule.severity);
        }
        text
    }

    #[test]
    fn the_handbook_is_in_step_with_the_pages() {
        crate::host::document::hold("rules.md", &handbook());
    }

    #[test]
    fn each_heading_of_the_handbook_is_below_its_rule() {
        let handbook = handbook();
        let headings = |mark: &str| handbook.lines().filter(|line| line.starts_with(mark)).count();
        assert_eq!((headings("# "), headings("## ")), (1, RULES.len()));
        assert_eq!(headings("### What is checked"), RULES.len());
    }
}
