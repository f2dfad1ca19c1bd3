//! The definition of the arguments, and `docs/command-line.md`, which is made of it.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::*;
use crate::host::document;

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn the_default_in_the_help_is_that_of_the_limits() {
    let help = Arguments::command().render_long_help().to_string();
    assert!(help.contains(&format!("[default: {}]", limits::CACHE_BYTES)), "{help}");
}

#[test]
fn a_cache_is_no_smaller_than_cache_least_bytes() {
    let of = |size: u64| {
        Arguments::try_parse_from(["ocicheck", "x", "--cache", "c", "--cache-size", &size.to_string()])
    };
    assert!(of(limits::CACHE_LEAST_BYTES).is_ok());
    assert!(of(limits::CACHE_LEAST_BYTES - 1).unwrap_err().to_string().contains("1048576"));
}

#[test]
fn times_have_a_unit_or_are_seconds() {
    for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3_600)] {
        assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    for text in ["", "0", "0s", "s", "-1", "1.5", "1d", "1 s", "99999999999999999999", "9999999999999999999h"]
    {
        assert!(time(text).is_err(), "{text}");
    }
}

#[test]
fn a_sha256_is_64_digits_however_they_are_written() {
    let digits = "ab".repeat(32);
    let wanted = sha256(&digits).unwrap();
    for same in [digits.to_uppercase(), format!("sha256:{digits}")] {
        assert_eq!(sha256(&same), Ok(wanted));
    }
    for text in ["", "zz", &digits[1..], &format!("{digits}0"), &format!("sha512:{digits}"), &"zz".repeat(32)]
    {
        assert!(sha256(text).unwrap_err().contains("64 hexadecimal digits"), "{text}");
    }
}

#[test]
fn check_is_the_default_command() {
    let short = Arguments::try_parse_from(["ocicheck", "image.tar", "--bases", "b.json"]).unwrap();
    assert!(short.command.is_none() && short.check.images.len() == 1);
    let long = Arguments::try_parse_from(["ocicheck", "check", "image.tar"]).unwrap();
    assert!(matches!(long.command, Some(Command::Check(_))));
    assert!(Arguments::try_parse_from(["ocicheck"]).is_err());
}

/// An argument as it is written, with what stands for its value.
fn written(argument: &clap::Arg) -> String {
    let value =
        argument.get_value_names().into_iter().flatten().map(|name| name.as_str()).collect::<String>();
    let takes = argument.get_action().takes_values();
    match (argument.get_short(), argument.get_long()) {
        (None, None) => value,
        (short, long) => {
            let short = short.map(|short| format!("-{short}"));
            let names: Vec<_> = short.into_iter().chain(long.map(|long| format!("--{long}"))).collect();
            let value = if takes { format!(" {value}") } else { String::new() };
            format!("{}{value}", names.join(", "))
        }
    }
}

/// What an argument means: its help, the words that it takes, what else gives it, and what holds without it.
fn meaning(argument: &clap::Arg) -> String {
    let mut text = argument.get_help().expect("a help").to_string();
    if argument.get_action().takes_values() {
        let words: Vec<_> = argument.get_possible_values().iter().map(word).collect();
        if !words.is_empty() {
            let _ = write!(text, ": {}", words.join(", "));
        }
        let default: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !default.is_empty() {
            let _ = write!(text, " [default: {}]", default.join(", "));
        }
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, " [or `{}`]", variable.to_string_lossy());
    }
    if argument.is_required_set() && argument.get_long().is_some() {
        text += " [required]";
    }
    text.replace('|', "\\|")
}

fn word(value: &clap::builder::PossibleValue) -> String {
    let help = value.get_help().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("`{}`{help}", value.get_name())
}

/// A command with its arguments, and those below it.
fn push_command(text: &mut String, name: &str, command: &clap::Command) {
    let shown = |argument: &&clap::Arg| !["help", "version"].contains(&argument.get_id().as_str());
    let about = command.get_about().expect("what it does");
    let arguments: Vec<_> = command.get_arguments().filter(shown).collect();
    if !command.has_subcommands() {
        let _ = write!(text, "\n## `{name}`\n\n{about}.\n");
        if !arguments.is_empty() {
            text.push_str("\n| argument | meaning |\n|---|---|\n");
        }
        for argument in arguments {
            let written = written(argument).replace('|', "\\|");
            let _ = writeln!(text, "| `{written}` | {} |", meaning(argument));
        }
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        push_command(text, &format!("{name} {}", below.get_name()), below);
    }
}

const HEAD: &str = "# The command line

Made from `src/cli/args.rs`; do not edit it, but run `UPDATE_DOCS=1 cargo test --lib cli::args`. `ocicheck COMMAND --help` says the same.

`ocicheck IMAGE…` is short for `ocicheck check IMAGE…`. `--help` and `--version` do what they do everywhere. The exit status is 0 where
every image passes or the command is done, 1 where some image fails (of `db query`: where some package is affected), and 2 where something could not be checked or done;
[ci.md](ci.md) tells what to do with it, and all variables of the environment.
";

#[test]
fn the_handbook_is_in_step_with_the_definition() {
    let mut command = Arguments::command();
    command.build();
    let mut text = HEAD.to_owned();
    push_command(&mut text, "ocicheck", &command);
    for long in command.find_subcommand("check").unwrap().get_arguments().filter_map(clap::Arg::get_long) {
        assert!(text.contains(&format!("--{long}")), "{long}");
    }
    document::hold("command-line.md", &text);
}
