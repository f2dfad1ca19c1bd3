//! Options of `docker run` and `podman run` that take a container's fences down.

use crate::model::ImagePath;
use crate::model::escape::escape_text;

/// What Docker or podman give every container; to ask for it is to ask for nothing.
const DEFAULT_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Values of `--security-opt` that switch a fence off; Docker also takes `:` for `=`.
const SECURITY_OPTIONS: [&str; 5] =
    ["seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined", "label=disable", "unmask=all"];

/// Options whose value may be the host's own namespace.
const NAMESPACES: [&str; 7] = ["--pid", "--ipc", "--net", "--network", "--userns", "--uts", "--cgroupns"];

/// Through the sockets of these, whoever holds them runs what he likes on the host.
const SOCKETS: [&str; 4] = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock"];

/// Directories that hold these sockets.
const SOCKET_DIRECTORIES: [&str; 2] = ["/run", "/var/run"];

/// What a command line asks for; `None` where it asks for no more than usual.
///
/// podman puts itself in the place of a command that is `podman` or whose last part is `docker`.
pub(super) fn of_command(command: &str) -> Option<String> {
    let read = words(command);
    // As `podman container runlabel` does it (`containers_runlabel.go`): words, variables in them, and words of all that.
    let again = words(&expanded(&read.join(" ")));
    of_line(read).or_else(|| of_line(again))
}

fn of_line(words: Vec<String>) -> Option<String> {
    let (program, words) = match words.split_first()? {
        // People copy it as it stands, and sudo's own options are few.
        (program, words) if program.rsplit('/').next() == Some("sudo") => {
            let engine = words.iter().position(|word| is_engine(word))?;
            words.get(engine..)?.split_first()?
        }
        parts => parts,
    };
    is_engine(program).then(|| of_words(words)).flatten()
}

/// A text with its variables as Go's `os.Expand` reads them and podman fills them in: most are empty.
fn expanded(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        expanded.push_str(before);
        let length = |is_part: fn(char) -> bool| behind.find(|char| !is_part(char)).unwrap_or(behind.len());
        let (name, after) = match behind.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(parts) => parts,
            None if behind.starts_with(|char: char| "*#$@!?-0123456789".contains(char)) => behind.split_at(1),
            None => behind.split_at(length(|char| char.is_ascii_alphanumeric() || char == '_')),
        };
        match name {
            "IMAGE" | "NAME" => expanded.push_str(name),
            "PWD" | "HOME" => expanded.push_str("/home/user"),
            _ => {}
        }
        rest = after;
    }
    expanded + rest
}

/// The program of a command line that is no container engine: it would run on the host as it is.
pub(super) fn host_program(command: &str) -> Option<String> {
    let program = words(command).into_iter().next()?;
    (!is_engine(&program)).then(|| format!("the program {} on the host", escape_text(&program)))
}

fn is_engine(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("docker" | "podman"))
}

fn of_words(words: &[String]) -> Option<String> {
    // These run a program of the image's choice on the host, or in a machine of podman's.
    let is_option = |word: &&String| word.starts_with('-');
    if let Some(command @ ("unshare" | "machine")) =
        words.iter().find(|word| !is_option(word)).map(String::as_str)
    {
        return Some(format!("podman {command}, which runs no container"));
    }
    words.iter().enumerate().find_map(|(at, word)| {
        let (option, given) = word.split_once('=').map_or((word.as_str(), None), |(o, v)| (o, Some(v)));
        let next = words.get(at + 1).map(String::as_str);
        let value = given.or(next).unwrap_or_default();
        let shown = || Some(escape_text(&format!("{option} {value}")));
        match option {
            // A switch takes no value but behind `=`, and then as Go reads it.
            "--privileged" if is_false(given) => None,
            "--privileged" => Some(option.to_owned()),
            "--cap-add" => capabilities(value.split(',')),
            "--device" | "--hooks-dir" => shown(),
            // By its name it is one that the host has.
            "--runtime" if value.contains('/') => shown(),
            "--security-opt" if is_open(value) => shown(),
            option if NAMESPACES.contains(&option) && value == "host" => shown(),
            _ => volume(word).or_else(|| mount(word)),
        }
    })
}

fn is_false(value: Option<&str>) -> bool {
    value.is_some_and(|value| ["0", "f", "F", "false", "False", "FALSE"].contains(&value))
}

/// Whether a value of `--security-opt` switches a fence off.
pub(super) fn is_open(option: &str) -> bool {
    SECURITY_OPTIONS.contains(&option.replacen(':', "=", 1).to_ascii_lowercase().as_str())
}

/// Capabilities beyond those that every container has.
pub(super) fn capabilities<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names = names.map(|name| {
        let name = name.trim().to_ascii_uppercase();
        name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
    });
    let beyond: Vec<String> = names
        .filter(|name| !name.is_empty() && !DEFAULT_CAPABILITIES.contains(&name.as_str()))
        .map(|name| escape_text(&name))
        .collect();
    (!beyond.is_empty()).then(|| format!("capabilities beyond the usual: {}", beyond.join(", ")))
}

/// `[--volume=|-v]SOURCE:TARGET`, also where the option is a word of its own, and behind switches (`-itv/:/host`).
fn volume(word: &str) -> Option<String> {
    let short = word.strip_prefix('-').map(|letters| letters.trim_start_matches(['i', 't', 'd', 'P', 'q']));
    let short = short.and_then(|letters| letters.strip_prefix('v'));
    let short = short.map(|value| value.strip_prefix('=').unwrap_or(value));
    let word = word.strip_prefix("--volume=").or(short).unwrap_or(word);
    source(word.split_once(':')?.0)
}

/// `[--mount=]type=bind,source=SOURCE,…`: fields of CSV, whose names Docker takes in any case.
pub(super) fn mount(word: &str) -> Option<String> {
    let fields = word.strip_prefix("--mount=").unwrap_or(word).split(',');
    let sources = fields.filter_map(|field| {
        let (name, value) = field.trim_matches('"').split_once('=')?;
        ["source", "src"].iter().any(|known| name.eq_ignore_ascii_case(known)).then_some(value)
    });
    sources.map(|value| value.trim_matches('"')).find_map(source)
}

/// What a mount of this path of the host gives away.
pub(super) fn source(path: &str) -> Option<String> {
    // Another than an absolute one is the name of a volume, or depends on where the command is run.
    let path = path.starts_with('/').then(|| ImagePath::new(path))?;
    if path.is_root() {
        return Some("the host's root directory".to_owned());
    }
    let is = |known: &str| path == ImagePath::new(known);
    if SOCKET_DIRECTORIES.iter().any(|directory| is(directory)) {
        return Some(format!("the host's sockets ({path})"));
    }
    let is_socket = SOCKETS.iter().any(|socket| socket.as_bytes() == path.file_name());
    is_socket.then(|| format!("the host's container engine ({path})"))
}

/// The words of a command as a shell parts them: at blanks, but for those in quotes or behind a backslash.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = command.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), char) if char == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, char) if char.is_whitespace() => words.extend(word.take()),
            (_, char) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_take_fences_down_are_told() {
        for (command, told) in [
            ("docker run -it --privileged -v /:/host IMAGE", "--privileged"),
            ("/usr/bin/podman run --privileged=true IMAGE", "--privileged"),
            // As Go's flags: `false` is the image here.
            ("podman run --privileged false", "--privileged"),
            ("podman run \"--privi\"leged IMAGE", "--privileged"),
            ("podman run --privi\\leged IMAGE", "--privileged"),
            ("docker run --cap-add SYS_ADMIN IMAGE", "capabilities beyond the usual: SYS_ADMIN"),
            ("docker run --cap-add=chown,sys_time IMAGE", "capabilities beyond the usual: SYS_TIME"),
            ("docker run --net=host IMAGE", "--net host"),
            ("docker run --userns host IMAGE", "--userns host"),
            ("docker run --device /dev/kvm IMAGE", "--device /dev/kvm"),
            ("docker run --security-opt seccomp=unconfined IMAGE", "--security-opt seccomp=unconfined"),
            ("docker run --security-opt=label:disable IMAGE", "--security-opt label:disable"),
            ("docker run --security-opt unmask=ALL IMAGE", "--security-opt unmask=ALL"),
            ("sudo docker run --privileged IMAGE", "--privileged"),
            ("/usr/bin/sudo -n podman run --uts=host IMAGE", "--uts host"),
            ("docker run --cgroupns host IMAGE", "--cgroupns host"),
            ("docker run -v /var/run:/host/run IMAGE", "the host's sockets (/var/run)"),
            ("docker run --mount type=bind,source=/run/,target=/x IMAGE", "the host's sockets (/run)"),
            (
                "docker run -v /var/run/docker.sock/:/s IMAGE",
                "the host's container engine (/var/run/docker.sock)",
            ),
            ("docker run -v /:/host IMAGE", "the host's root directory"),
            // The engines clean paths.
            ("docker run -v /./:/host IMAGE", "the host's root directory"),
            ("docker run -v /etc/..:/host IMAGE", "the host's root directory"),
            ("docker run --mount type=bind,source=/./,target=/host IMAGE", "the host's root directory"),
            ("docker run -v /var//lib/../run/.:/host/run IMAGE", "the host's sockets (/var/run)"),
            (
                "docker run -v /run/x/../docker.sock:/s IMAGE",
                "the host's container engine (/run/docker.sock)",
            ),
            ("docker run --volume=/:/host IMAGE", "the host's root directory"),
            ("docker run --mount type=bind,source=/,target=/host IMAGE", "the host's root directory"),
            ("docker run -itv/:/host IMAGE", "the host's root directory"),
            ("docker run -dv=/:/host IMAGE", "the host's root directory"),
            ("docker run --mount type=bind,Source=/,target=/host IMAGE", "the host's root directory"),
            ("docker run --mount 'type=bind,\"source=/\",target=/host' IMAGE", "the host's root directory"),
            ("podman run --priv${X}ileged IMAGE", "--privileged"),
            ("podman run '--rm --privileged' IMAGE", "--privileged"),
            ("podman run '--pri\"vi\"leged' IMAGE", "--privileged"),
            ("podman run -v $PWD/../../..:/host IMAGE", "the host's root directory"),
            ("podman run -v ${X}/:/host IMAGE", "the host's root directory"),
            ("podman run --pid=h$1ost IMAGE", "--pid host"),
            ("${X}podman run --privileged IMAGE", "--privileged"),
            ("podman unshare sh -c x", "podman unshare, which runs no container"),
            ("podman --log-level=info machine ssh x", "podman machine, which runs no container"),
            ("podman --runtime=/tmp/x run IMAGE", "--runtime /tmp/x"),
            ("podman --hooks-dir /tmp/x run IMAGE", "--hooks-dir /tmp/x"),
            (
                "docker run -v/var/run/docker.sock:/var/run/docker.sock IMAGE",
                "the host's container engine (/var/run/docker.sock)",
            ),
        ] {
            assert_eq!(of_command(command).as_deref(), Some(told), "{command}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_none() {
        for command in [
            "docker run -it --rm --network bridge -v /srv:/srv IMAGE",
            "podman run --privileged=false IMAGE",
            "podman run --cap-add NET_BIND_SERVICE --cap-drop ALL IMAGE",
            "docker run --security-opt no-new-privileges IMAGE sh /",
            "do not run it with --privileged",
            "sudo -u docker",
            "sudo apt-get install --privileged",
            "docker run -v /var/run/app:/run/app --uts private -v run:/run IMAGE",
            "docker run -v /srv/./data/../x:/x -v ./docker.sock:/x IMAGE",
            "docker run --runtime nvidia -it IMAGE",
            "podman run -v $PWD:/src -v ${HOME}/.m2:/m2 -e X=$X -itd IMAGE $",
            "docker run IMAGE unshare",
            "docker",
            "",
            "\\",
            "'",
        ] {
            assert_eq!(of_command(command), None, "{command}");
        }
    }

    #[test]
    fn what_is_no_engine_runs_on_the_host() {
        assert_eq!(host_program("/usr/bin/docker run IMAGE"), None);
        assert_eq!(host_program("  "), None);
        let told = host_program("sh -c 'podman run --privileged IMAGE'");
        assert_eq!(told.as_deref(), Some("the program sh on the host"));
    }
}
