//! The handbook of limits, `docs/limits.md`: made of the constants, their comments and this list, which says
//! what comes of each and which tests hold it.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// What a limit counts, and so how its value is written.
#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Number,
    Seconds,
    Milliseconds,
    /// A power of two, in bytes.
    Log,
    /// Times.
    Times,
}

/// What comes of more.
#[derive(Clone, Copy)]
enum Over {
    /// An error of the input, or of the one image: exit status 2.
    Error,
    /// The layer counts as unread: the finding `layer-unsupported`, what needs it is not evaluated.
    Unread,
    /// A rule that needs it is not evaluated, and says why: exit status 2.
    NotEvaluated,
    /// The file on the user's side is refused or not used, which is told.
    Told,
    /// An error of what the user wrote: exit status 2.
    Usage,
    /// No error: it bounds what is kept or looked at, in a way that the page of its rule or option says.
    Bounds(&'static str),
}

struct Row {
    name: &'static str,
    value: u64,
    unit: Unit,
    over: Over,
    /// Tests that hold it from both sides.
    tests: &'static [&'static str],
}

macro_rules! rows {
    ($($name:ident $unit:ident $over:expr, $($test:literal)+;)+) => {
        [$(Row {
            name: stringify!($name),
            value: $name as u64,
            unit: Unit::$unit,
            over: { use Over::*; $over },
            tests: &[$($test),+],
        }),+]
    };
}

fn rows() -> Vec<Row> {
    rows! {
        JSON_BYTES Bytes Error, "a_document_is_held_to_json_bytes_in_every_place";
        JSON_VALUES Number Error, "a_document_is_held_to_json_values";
        INPUT_JSON_BYTES Bytes Error, "all_documents_of_an_input_are_held_to_input_json_bytes";
        IMAGE_NAME_BYTES Bytes Error, "a_name_is_held_to_image_name_bytes_in_every_form";
        INDEX_DEPTH Number Error, "indexes_in_indexes_are_held_to_index_depth";
        MANIFESTS Number Error, "the_images_of_an_input_are_held_to_manifests_in_every_form";
        LAYERS Number Error, "the_layers_of_an_image_are_held_to_layers_in_every_form";
        ARCHIVE_MEMBERS Number Error,
            "members_are_held_to_archive_members_however_they_are_named"
            "the_names_in_a_directory_are_held_to_archive_members";
        ARCHIVE_NAME_BYTES Bytes Error,
            "names_and_links_are_held_to_archive_name_bytes_together"
            "the_names_in_a_directory_are_held_to_archive_members";
        ARCHIVE_LINK_HOPS Number Error, "links_between_members_are_held_to_archive_link_hops";
        ENTRIES Number Unread,
            "the_entries_of_a_layer_are_held_to_entries"
            "the_names_of_an_image_are_held_to_entries_over_all_layers";
        PATH_BYTES Bytes Unread,
            "a_path_is_held_to_path_bytes_in_every_form"
            "a_link_that_does_not_count_is_held_to_path_bytes_too"
            "a_path_behind_symlinks_is_held_to_path_bytes"
            "a_name_and_a_link_are_held_to_path_bytes";
        PAX_BYTES Bytes Unread,
            "an_extended_header_is_held_to_pax_bytes"
            "global_headers_are_held_to_pax_bytes_together"
            "an_extended_header_of_the_archive_is_held_to_pax_bytes";
        ENTRY_NAMES Number Unread, "the_names_of_one_entry_are_held_to_entry_names";
        SPARSE_SEGMENTS Number Unread, "the_map_of_a_sparse_file_is_held_to_sparse_segments_in_every_form";
        IMAGE_ANOMALIES Number Error,
            "anomalies_are_held_to_their_number"
            "what_is_ambiguous_is_held_to_image_anomalies_over_all_layers";
        IMAGE_ANOMALY_BYTES Bytes Error,
            "anomalies_are_held_to_their_bytes"
            "directories_that_layers_do_not_name_are_held_to_image_anomaly_bytes";
        LAYER_XATTR_BYTES Bytes Unread,
            "own_attributes_are_held_to_layer_xattr_bytes_for_all_entries"
            "global_attributes_are_held_to_layer_xattr_bytes_for_all_entries";
        LAYER_ANOMALIES Number Unread, "anomalies_are_held_to_their_number";
        LAYER_ANOMALY_BYTES Bytes Unread, "anomalies_are_held_to_their_bytes";
        INPUT_FACTS_BYTES Bytes Error,
            "all_layers_of_an_input_are_held_to_input_facts_bytes"
            "what_is_said_of_a_broken_layer_counts_too"
            "an_input_is_held_to_input_facts_bytes_as_a_whole";
        LAYER_BYTES Bytes Unread,
            "a_layer_is_held_to_layer_bytes_with_its_holes"
            "what_a_layer_may_grow_to_is_held_to_each_of_three_limits"
            "limits_of_the_policy_hold_to_the_byte";
        RATIO Times Unread,
            "what_a_layer_may_grow_to_is_held_to_each_of_three_limits"
            "what_is_spooled_is_held_to_the_ratio_beyond_the_free_bytes"
            "a_sparse_file_cannot_grow_beyond_the_ratio";
        RATIO_FREE_BYTES Bytes Unread,
            "what_a_layer_may_grow_to_is_held_to_each_of_three_limits"
            "what_is_spooled_is_held_to_the_ratio_beyond_the_free_bytes";
        SPOOL_BYTES Bytes Error, "what_is_spooled_is_held_to_spool_bytes";
        GZIP_HEADER_BYTES Bytes Unread, "a_gzip_header_is_held_to_gzip_header_bytes";
        ZSTD_WINDOW_LOG Log Unread, "a_zstd_window_is_held_to_zstd_window_log";
        XZ_MEMORY_BYTES Bytes Unread, "an_xz_dictionary_is_held_to_xz_memory_bytes";
        DECODER_AT_ONCE_BYTES Bytes Bounds("other layers wait"),
            "large_decoders_go_on_one_at_a_time_beyond_decoder_at_once_bytes";
        TOC_BYTES Bytes Bounds("the table cannot be read: `ambiguous-entry`"), "a_table_is_held_to_toc_bytes";
        LAYER_TOCS Number Bounds("the table cannot be read: `ambiguous-entry`"),
            "tables_of_one_layer_are_held_to_layer_tocs";
        TOC_DIFFERENCES Number Bounds("of further ones the number is told"),
            "differences_are_told_up_to_toc_differences";
        SYMLINK_HOPS Number NotEvaluated, "symlinks_are_followed_up_to_symlink_hops";
        CAPTURED_FILE_BYTES Bytes NotEvaluated, "captured_files_are_held_to_each_of_three_limits";
        RPM_DATABASE_BYTES Bytes NotEvaluated, "captured_files_are_held_to_each_of_three_limits";
        CAPTURED_BYTES Bytes Bounds("what finds no room is read again, alone; beyond that not evaluated"),
            "captured_files_are_held_to_each_of_three_limits"
            "what_finds_no_room_beside_other_layers_is_kept_by_the_second_read";
        FURTHER_READS Number NotEvaluated, "sudoers_that_name_others_are_read_further_reads_times";
        LAYER_READS Number NotEvaluated, "further_reads_of_layers_are_held_to_layer_reads";
        SECOND_READ_KEPT_BYTES Bytes Bounds("the layer is read again for each image"),
            "what_is_kept_for_other_images_is_held_to_second_read_kept_bytes";
        INPUT_LISTED_ENTRIES Number Error,
            "listed_entries_are_held_to_input_listed_entries_over_all_images";
        INCLUDED_FILES Number NotEvaluated, "sudoers_may_include_included_files_and_no_more";
        SUDOERS_BYTES Bytes NotEvaluated, "files_of_sudo_and_doas_are_held_to_sudoers_bytes";
        SUDOERS_NAMES Number NotEvaluated, "names_are_held_to_sudoers_names";
        FACTS_CONTENT_BYTES Bytes Bounds("the layer is read each time"), "contents_are_held_to_facts_content_bytes";
        FACTS_FILE_BYTES Bytes Told, "a_facts_file_is_held_to_its_size";
        FACTS_BYTES Bytes Told, "what_facts_unpack_to_is_held_to_facts_bytes";
        FACTS_KEPT_BYTES Bytes Bounds("the oldest are forgotten, and read anew"),
            "the_oldest_make_room_and_spoilt_layers_are_not_kept";
        CACHE_BYTES Bytes Bounds("entries that were longest unused are removed"),
            "the_longest_unused_are_removed_first" "the_default_in_the_help_is_that_of_the_limits";
        CACHE_LEAST_BYTES Bytes Usage, "a_cache_is_no_smaller_than_cache_least_bytes";
        CACHE_BLOCK_BYTES Bytes Bounds("how entries are counted"), "the_longest_unused_are_removed_first";
        CACHE_UNSEEN_SHARE Number Bounds("the cache is surveyed again"), "what_other_runs_write_counts";
        CACHE_ENTRY_BYTES Bytes Told, "an_entry_is_held_to_cache_entry_bytes_and_to_the_size_of_its_layer";
        CACHE_ENTRY_RATIO Number Told, "an_entry_is_held_to_cache_entry_bytes_and_to_the_size_of_its_layer";
        CACHE_AT_ONCE_BYTES Bytes Bounds("other layers wait"),
            "large_entries_are_held_one_at_a_time_beyond_cache_at_once_bytes";
        CACHE_LAYER_BYTES Bytes Bounds("smaller layers are read each time"),
            "layers_are_kept_from_cache_layer_bytes_on";
        TIMEOUT_GRACE_MS Milliseconds Bounds("what still waits is left alone"),
            "a_pipe_that_gives_nothing_is_left_when_the_time_is_up";
        HOLE_PIECE_BYTES Bytes Bounds("the clock is looked at in between"),
            "what_is_large_only_when_unpacked_is_left_in_time";
        ENTRIES_AT_ONCE Number Bounds("the clock is looked at in between"),
            "what_is_large_only_when_unpacked_is_left_in_time";
        CACHE_KEY_CHARACTERS Number Usage, "a_secret_text_is_the_key_and_no_file_is_made";
        CACHE_LEFTOVER_SECONDS Seconds Bounds("the file is removed"), "the_longest_unused_are_removed_first";
        LIKENESS_BASES Number Bounds("further bases are compared by their layers only"),
            "files_of_likeness_bases_and_no_more_are_looked_at";
        INPUT_LIKENESS_FILES Number Bounds("further images are compared with bases by their layers only, and it is told"),
            "comparisons_are_held_to_input_likeness_files_over_all_images";
        LIKENESS_KEPT_FILES Number Bounds("those that are kept are forgotten, and read anew"),
            "what_is_kept_of_bases_is_held_to_likeness_kept_files";
        USER_FILE_BYTES Bytes Usage, "files_of_the_user_are_held_to_their_limits";
        POLICY_BYTES Bytes Usage, "files_of_the_user_are_held_to_their_limits";
        VEX_BYTES Bytes Usage, "files_of_the_user_are_held_to_their_limits";
        VEX_DOCUMENTS Number Usage, "documents_are_held_to_vex_documents_and_vex_items";
        VEX_ITEMS Number Usage, "documents_are_held_to_vex_documents_and_vex_items";
        FINDING_STATEMENTS Number Bounds("of further ones only what they decide counts"),
            "a_finding_tells_finding_statements_of_statement_characters";
        STATEMENT_CHARACTERS Number Bounds("the middle of it is left out"),
            "a_finding_tells_finding_statements_of_statement_characters";
        PATTERN_BYTES Bytes Usage, "a_pattern_is_held_to_pattern_bytes";
        HOOK_INPUT_BYTES Bytes Error, "what_git_tells_of_a_push_is_held_to_hook_input_bytes";
        HOOK_REFS Number Bounds("the images are checked"), "refs_that_are_asked_for_are_held_to_hook_refs";
        HOOK_GIT_BYTES Bytes Bounds("the images are checked"), "an_answer_of_git_is_held_to_its_limit";
        HOOK_LINKS Number Bounds("the images are checked"), "symlinks_are_followed_up_to_hook_links";
        HOOK_FILES Number Usage, "names_that_are_walked_are_held_to_hook_files";
        POLICY_MISTAKES Number Bounds("the first are told, and how many there are"),
            "a_bomb_is_a_mistake_and_costs_little";
        LAYER_VISITS Number Error, "steps_are_held_to_layer_visits_over_all_layers";
        ACCOUNT_LINES Number NotEvaluated,
            "lines_are_held_to_account_lines"
            "lines_of_account_files_are_held_to_account_lines";
        PACKAGES Number NotEvaluated, "packages_are_held_to_packages" "more_records_than_packages_are_refused";
        PACKAGE_TEXT_BYTES Bytes NotEvaluated, "texts_are_held_to_package_text_bytes";
        PACKAGE_FILES Number NotEvaluated,
            "files_are_held_to_package_files_and_their_paths_to_package_path_bytes"
            "the_files_of_a_database_are_held_to_package_files_and_package_path_bytes"
            "lists_of_all_packages_are_held_to_package_files_and_package_path_bytes";
        PACKAGE_PATH_BYTES Bytes NotEvaluated,
            "files_are_held_to_package_files_and_their_paths_to_package_path_bytes"
            "the_files_of_a_database_are_held_to_package_files_and_package_path_bytes"
            "lists_of_all_packages_are_held_to_package_files_and_package_path_bytes";
        VERIFIED_FILES Number NotEvaluated,
            "files_that_are_compared_are_held_to_verified_files_and_verified_path_bytes";
        VERIFIED_PATH_BYTES Bytes NotEvaluated,
            "files_that_are_compared_are_held_to_verified_files_and_verified_path_bytes";
        LOCATED_BYTES Bytes Bounds("symlinks of the directories are followed again"),
            "directories_that_are_remembered_are_held_to_located_bytes";
        LOCATED_STEPS Number NotEvaluated, "steps_from_directories_are_held_to_located_steps";
        LINE_FINDINGS Number NotEvaluated,
            "faults_are_held_to_line_findings"
            "what_is_kept_of_a_file_is_what_may_be_told";
        LINKED_VISITS Number NotEvaluated, "names_behind_symlinks_are_held_to_linked_visits";
        FOLLOWED_STEPS Number NotEvaluated, "paths_are_followed_up_to_followed_steps";
        FINDING_PATHS Number Bounds("no path of a policy covers the finding"),
            "paths_of_a_finding_are_held_to_finding_paths";
        INPUT_FINDINGS Number Error,
            "findings_are_held_to_what_is_left_over_all_rules"
            "findings_are_held_to_input_findings_over_all_images";
        INPUT_FINDING_BYTES Bytes Error,
            "findings_are_held_to_their_bytes"
            "findings_are_held_to_input_findings_over_all_images";
        IMAGE_VULNERABILITY_BYTES Bytes NotEvaluated,
            "packages_of_vulnerabilities_are_held_to_image_vulnerability_bytes";
        ADVISORY_COMPARISONS Number NotEvaluated, "comparisons_are_held_to_advisory_comparisons";
        FINDING_STEP_CHARACTERS Number Bounds("the middle of it is left out"),
            "a_finding_tells_finding_step_characters_of_a_build_step";
        CONFIG_SECRETS Number NotEvaluated, "secrets_of_settings_are_held_to_config_secrets";
        SECRET_AHEAD_BYTES Bytes Bounds("the clue is no secret"),
            "a_secret_is_found_across_every_boundary" "holes_move_what_is_behind_them";
        SECRET_BEHIND_BYTES Bytes Bounds("what stands before is no label"),
            "a_secret_is_found_across_every_boundary";
        SECRET_CHUNK_BYTES Bytes Bounds("the file is searched in several pieces"),
            "a_secret_is_found_across_every_boundary";
        SECRET_FORM_BYTES Bytes NotEvaluated, "files_of_a_form_are_held_to_their_size";
        SECRET_CONFIG_BYTES Bytes Bounds("the file is data, in which no assignments are guessed at"),
            "files_of_a_form_are_held_to_their_size";
        SECRET_VALUE_BYTES Bytes Bounds("the value is data"), "a_value_is_held_to_secret_value_bytes";
        FILE_SECRETS Number NotEvaluated, "what_is_beyond_a_limit_is_told";
        LAYER_SECRETS Number NotEvaluated, "what_is_beyond_a_limit_is_told";
        LAYER_SECRET_GAPS Number Bounds("the rule is not evaluated for the first"),
            "gaps_are_held_to_layer_secret_gaps";
        ARCHIVE_TAIL_BYTES Bytes NotEvaluated, "what_is_kept_of_a_file_is_held_to_its_tail";
        PLAIN_TAIL_BYTES Bytes NotEvaluated, "what_is_kept_of_a_file_is_held_to_its_tail";
        ARCHIVE_ENDS Number NotEvaluated, "too_many_names_or_ends_are_a_gap";
        LAYER_MEMBER_NAME_BYTES Bytes NotEvaluated, "names_are_held_to_layer_member_name_bytes";
        COMPONENT_FILE_BYTES Bytes Bounds("a gap among the components, where what says them lies in the middle"),
            "a_file_is_held_to_component_file_bytes" "what_is_not_kept_of_a_program_is_a_gap";
        COMPONENT_AT_ONCE_BYTES Bytes Bounds("other layers wait"),
            "large_files_are_kept_one_at_a_time_beyond_component_at_once_bytes";
        COMPONENT_TEXT_BYTES Bytes Bounds("a gap among the components"),
            "texts_are_held_to_component_text_bytes"
            "a_text_in_an_archive_is_held_to_component_text_bytes"
            "lists_in_programs_are_held_to_component_text_bytes";
        COMPONENT_DEPTH Number Bounds("a gap among the components"),
            "archives_within_archives_are_looked_into_up_to_component_depth";
        COMPONENT_UNPACKED_BYTES Bytes Bounds("a gap among the components"),
            "what_is_unpacked_is_held_to_a_limit_of_the_file_and_one_of_the_layer";
        LAYER_COMPONENT_UNPACKED_BYTES Bytes Bounds("a gap among the components"),
            "what_is_unpacked_is_held_to_a_limit_of_the_file_and_one_of_the_layer";
        INPUT_COMPONENT_UNPACKED_BYTES Bytes Error,
            "what_is_unpacked_is_held_to_a_limit_over_all_layers";
        LAYER_COMPONENT_BYTES Bytes Bounds("a gap among the components"),
            "components_are_held_to_layer_component_bytes";
        COMPONENT_LINKS Number Bounds("a gap among the components"),
            "links_are_held_to_component_links_and_component_link_steps";
        DPKG_UPDATES Number Bounds("a gap of the inventory"), "the_journal_of_dpkg_is_held_to_dpkg_updates";
        HISTORY_FILES Number Bounds("a gap of the inventory"), "files_of_layers_are_held_to_history_files";
        COMPONENT_LINK_STEPS Number Bounds("a gap among the components"),
            "links_are_held_to_component_links_and_component_link_steps";
        FEED_FILE_BYTES Bytes Usage, "a_feed_is_held_to_feed_file_bytes";
        FEED_DOCUMENT_BYTES Bytes Usage, "a_document_is_held_to_feed_document_bytes";
        FEED_UNPACKED_BYTES Bytes Usage, "an_archive_is_held_to_feed_unpacked_bytes";
        FEED_DOCUMENTS Number Usage, "a_feed_is_held_to_feed_documents";
        FEED_LIST_ITEMS Number Usage, "a_list_is_held_to_feed_list_items";
        ADVISORY_TEXT_BYTES Bytes Usage,
            "a_text_is_held_to_advisory_text_bytes"
            "versions_of_packages_are_held_to_advisory_text_bytes";
        ADVISORY_LIST_ITEMS Number Usage, "a_list_is_held_to_advisory_list_items";
        ADVISORY_SUMMARY_CHARACTERS Number Bounds("the rest is cut off"),
            "a_summary_is_held_to_advisory_summary_characters";
        ADVISORY_REFERENCES Number Bounds("the rest is left out"),
            "an_advisory_keeps_advisory_references_of_its_references";
        ADVISORY_HEADER_BYTES Bytes Usage, "a_database_is_held_to_its_limits_by_its_first_bytes";
        ADVISORY_DATABASE_BYTES Bytes Usage, "a_database_is_held_to_its_limits_by_its_first_bytes";
    }
    .into()
}

const SOURCE: &str = include_str!("../limits.rs");

/// The constants, in their order, each with what its comment says.
fn constants() -> Vec<(&'static str, String)> {
    let mut comment = String::new();
    let mut constants = Vec::new();
    for line in SOURCE.lines() {
        if let Some(text) = line.strip_prefix("///") {
            comment += text;
        } else if let Some((name, _)) = line.strip_prefix("pub const ").and_then(|line| line.split_once(':'))
        {
            constants.push((name, std::mem::take(&mut comment).trim().to_owned()));
        } else {
            comment.clear();
        }
    }
    constants
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = (0..digits.len())
        .filter(|at| *at == 0 || (digits.len() - at).is_multiple_of(3))
        .map(|at| {
            &digits[at..(at + 1..digits.len())
                .find(|end| (digits.len() - end).is_multiple_of(3))
                .unwrap_or(digits.len())]
        })
        .collect();
    groups.join(",")
}

/// In the largest unit of which it is a whole number.
fn bytes(number: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| number >> shift > 0 && number >> shift << shift == number) {
        Some((unit, shift)) => format!("{} {unit}", number >> shift),
        None => format!("{} bytes", grouped(number)),
    }
}

fn shown(row: &Row) -> String {
    match row.unit {
        Unit::Bytes => bytes(row.value),
        Unit::Number => grouped(row.value),
        Unit::Seconds => format!("{} hours", row.value / 3_600),
        Unit::Milliseconds => format!("{} ms", grouped(row.value)),
        Unit::Log => format!("{} ({})", row.value, bytes(1 << row.value)),
        Unit::Times => format!("{} times", grouped(row.value)),
    }
}

fn consequence(over: Over) -> String {
    match over {
        Over::Error => "error".to_owned(),
        Over::Unread => "layer unread".to_owned(),
        Over::NotEvaluated => "not evaluated".to_owned(),
        Over::Told => "not used, and told".to_owned(),
        Over::Usage => "usage error".to_owned(),
        Over::Bounds(what) => what.to_owned(),
    }
}

const HEAD: &str = "# Limits

Made from `src/limits.rs`; do not edit it, but run `UPDATE_DOCS=1 cargo test --lib limits::`.

Images are hostile until they are judged, so all that one can ask of memory or time has a ceiling. Beyond it nothing is cut off
in silence: what comes of it names the limit.

- **error**: the image, or the input, is not judged. Exit status 2.
- **layer unread**: the layer could not be read. That is the finding `layer-unsupported`, and rules that need the layer are not
  evaluated. Exit status 2. In the archive around the layers, or in the tree that they make, the same limit is an error.
- **not evaluated**: the rule that needed it could not look at everything, and says so. Exit status 2, unless the rule found enough
  to fail anyhow.
- **not used, and told**: a facts file or an entry of the cache is passed over, and the layer is read.
- **usage error**: what the user wrote is refused. Exit status 2.

Limits with a key are the policy's to set, under [`[limits]`](policy-reference.md#limits). What stands in the last column are the tests that hold a
limit from both sides: just within it all is read, just beyond it what the table says comes of it.

| limit | value | policy key | what it holds | beyond it | tests |
|---|---|---|---|---|---|
";

fn handbook() -> String {
    let keys: BTreeSet<&str> = Limits::default().by_name().iter().map(|(key, _)| *key).collect();
    let mut text = HEAD.to_owned();
    for ((name, comment), row) in constants().iter().zip(rows()) {
        let key = name.to_lowercase();
        let key = if keys.contains(key.as_str()) { format!("`{key}`") } else { String::new() };
        let tests: Vec<_> = row.tests.iter().map(|test| format!("`{test}`")).collect();
        // Links to other constants are to rows of this table.
        let comment = comment.replace("[`", "`").replace("`]", "`").replace('|', "\\|");
        let (value, over) = (shown(&row), consequence(row.over));
        text += &format!("| `{name}` | {value} | {key} | {comment} | {over} | {} |\n", tests.join(", "));
    }
    text
}

#[test]
fn every_limit_has_a_row() {
    let (constants, rows) = (constants(), rows());
    let names: Vec<_> = constants.iter().map(|(name, _)| *name).collect();
    let listed: Vec<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names, listed, "each constant of src/limits.rs has a row here, in its order");
    assert!(constants.iter().all(|(_, comment)| comment.len() > 20), "each says what it holds");
    for (key, value) in Limits::default().by_name() {
        let row = rows.iter().find(|row| row.name.to_lowercase() == key);
        assert_eq!(row.map(|row| row.value), Some(value), "{key} of a policy is a constant by that name");
    }
}

#[test]
fn every_limit_is_asked_for() {
    let code = code();
    for row in rows() {
        let uses = code.iter().filter(|(path, _)| !path.ends_with("limits.rs") && !path.contains("test"));
        let own = SOURCE.matches(row.name).count() > 1;
        assert!(own || uses.clone().any(|(_, text)| text.contains(row.name)), "{} holds nothing", row.name);
    }
}

/// A test is named for each, and is there.
#[test]
fn the_tests_of_every_limit_are_there() {
    let code = code();
    for row in rows() {
        for test in row.tests {
            let definition = format!("#[test]\nfn {test}() {{");
            let there = |text: &str| {
                let lines: Vec<_> = text.lines().map(str::trim_start).collect();
                lines.join("\n").contains(&definition)
            };
            assert!(code.iter().any(|(_, text)| there(text)), "{}: there is no test {test}", row.name);
        }
    }
}

#[test]
fn the_handbook_is_in_step_with_the_limits() {
    crate::host::document::hold("limits.md", &handbook());
}

#[test]
fn values_are_written_as_people_read_them() {
    assert_eq!([1, 999, 1_000, 1_234_567].map(grouped), ["1", "999", "1,000", "1,234,567"]);
    assert_eq!([100, 4_096, 3 << 20, 1 << 40].map(bytes), ["100 bytes", "4 KiB", "3 MiB", "1 TiB"]);
}

/// All code of the tree, with its paths.
fn code() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = Vec::new();
    for entry in ["src", "tests"].iter().flat_map(|directory| walkdir::WalkDir::new(root.join(directory))) {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let path = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
            code.push((path, std::fs::read_to_string(entry.path()).unwrap()));
        }
    }
    code
}
