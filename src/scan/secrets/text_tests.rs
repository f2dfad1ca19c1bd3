use super::super::samples::by_form;
use super::*;

/// The kinds told in a text, and the text as it is shown.
fn of_text(text: &str) -> (Vec<&'static str>, String) {
    (in_text(text).iter().map(|found| found.kind.id).collect(), mask_text(text))
}

#[test]
fn commands_and_build_steps_are_told_and_masked() {
    let (_, token) = by_form().remove(0);
    for (text, kinds, shown) in [
        (
            "|1 NPM_TOKEN=hunter2 /bin/sh -c npm ci",
            &["named-secret"][..],
            "|1 NPM_TOKEN=*** /bin/sh -c npm ci",
        ),
        ("/bin/sh -c #(nop)  ENV API_KEY=hunter2", &["named-secret"], "/bin/sh -c #(nop)  ENV API_KEY=***"),
        ("ENV NPM_TOKEN hunter2", &["named-secret"], "ENV NPM_TOKEN ***"),
        ("ENV A=b TOKEN=\"two words\"", &["named-secret"], "ENV A=b TOKEN=\"***\""),
        ("RUN export PASSWORD=hunter2; make", &["named-secret"], "RUN export PASSWORD=***; make"),
        (
            "sh -c \"A=1 TOKEN=hunter2 x && PASSWORD='a b' y\"",
            &["named-secret", "named-secret"],
            "sh -c \"A=1 TOKEN=*** x && PASSWORD='***' y\"",
        ),
        ("curl -u user:hunter2 https://h", &["user-password"], "curl -u user:*** https://h"),
        (
            "x --password hunter2 --token=hunter3",
            &["named-secret", "named-secret"],
            "x --password *** --token=***",
        ),
        (
            "curl -H 'Authorization: Bearer hunter2hunter2' h",
            &["named-secret"],
            "curl -H 'Authorization: Bearer ***' h",
        ),
        ("git clone https://u:hunter2@h.example/x", &["url-password"], "git clone https://u:***@h.example/x"),
        (
            "curl 'https://h.example/?a=b&token=hunter2'",
            &["named-secret"],
            "curl 'https://h.example/?a=b&token=***'",
        ),
        (
            "docker build --build-arg TOKEN=hunter2 .",
            &["named-secret"],
            "docker build --build-arg TOKEN=*** .",
        ),
        (
            "ENV URL=jdbc:postgresql://h/db?password=hunter2&user=a",
            &["named-secret"],
            "ENV URL=jdbc:postgresql://h/db?password=***&user=a",
        ),
        (
            "ENV URL=jdbc:postgresql://h/db?user=a&password=hunter2",
            &["named-secret"],
            "ENV URL=jdbc:postgresql://h/db?user=a&password=***",
        ),
        (
            "ENV R=redis:6379,password=hunter2,ssl=True S=a,token=hunter3,secret=hunter4",
            &["named-secret", "named-secret", "named-secret"],
            "ENV R=redis:6379,password=***,ssl=True S=a,token=***,secret=***",
        ),
        (
            "ENV J='{\"a\":{\"b\":1,\"password\":\"hunter2\"}}'",
            &["named-secret"],
            "ENV J='{\"a\":{\"b\":1,\"password\":\"***\"}}'",
        ),
    ] {
        assert_eq!(of_text(text), (kinds.to_vec(), shown.to_owned()), "{text}");
    }
    let (kinds, shown) = of_text(&format!("RUN x {token}"));
    assert_eq!((kinds, shown), (vec!["github-token"], format!("RUN x {}…", &token[..4])));
    let (kinds, shown) = of_text(&format!("ARG GH_TOKEN={token}"));
    assert_eq!(kinds, ["github-token"]);
    assert!(!shown.contains(&token[4..]));
}

#[test]
fn ordinary_commands_are_no_secrets() {
    for text in [
        "RUN apt-get install -y libsecret-1-0 && echo token",
        "ENV PASSWORD_FILE=/run/secrets/x TOKEN_TTL=30",
        "ARG NPM_TOKEN",
        "RUN NPM_TOKEN=$NPM_TOKEN npm ci",
        "RUN --mount=type=secret,id=npm_token npm ci",
        "RUN useradd -u 1000 app && docker run -u 1000:1000 x",
        "chown --user root:root",
        "ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "ENV PYTHON_SHA256=8d3ed8ec5c88c1c95f5e558612a725450d2452813ddad5e58fdb1a53b1209b78",
        "ENV NODE_VERSION=20.1.0 PATH=/bin",
        "ENV PASSWORD=changeme SECRET=${SECRET}",
        "COPY https://h.example/a:b@c /",
        "CMD [\"node\", \"server.js\"]",
        "CMD [\"serve\",\"--max-num-batched-tokens\",\"8192\",\"--tokenizer\",\"meta-llama/x\"]",
        "RUN curl https://h.example/?token=$TOKEN&x=1",
        "ENV R=redis:6379,password=,ssl=True IMAGES=h.example/secret:1,h.example/token:latest",
        "RUN docker login --password-stdin h.example",
        "ENV DB_PASSWORD=$DB_PASS",
    ] {
        assert_eq!(in_text(text), [], "{text}");
    }
}

#[test]
fn variables_and_commands_in_words_are_masked() {
    assert_eq!(mask_assignment("NPM_TOKEN", "hunter2"), "***");
    assert_eq!(mask_assignment("X", "postgres://u:hunter2@h/db"), "postgres://u:***@h/db");
    assert_eq!(mask_assignment("TOKEN", "${TOKEN}"), "${TOKEN}");
    assert_eq!(mask_assignment("TOKEN", ""), "");
    assert_eq!(mask_assignment("DBPASS", "$Xk29dkq9sLmz"), "***");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let command = words(&["run", "--password", "hunter2", "TOKEN=hunter3", "sh -c 'API_KEY=hunter4 x'"]);
    assert_eq!(in_words(&command).iter().map(|(word, _)| *word).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(
        mask_words(&command),
        words(&["run", "--password", "***", "TOKEN=***", "sh -c 'API_KEY=***'"])
    );
    // A token that is too weak to be told is hidden, and does not show the password.
    let command = words(&["curl", "-u", "a&TOKEN=P;b:hunter2Xk29"]);
    assert_eq!(in_words(&command).iter().map(|(_, found)| found.start).collect::<Vec<_>>(), [12]);
    assert_eq!(mask_words(&command)[2], "a&TOKEN=***;b:***");
}

#[test]
fn hostile_settings_cost_time_in_proportion() {
    let started = std::time::Instant::now();
    let words = vec!["--password=hunter2abc1".to_owned(); 100_000];
    assert!(mask_words(&words).iter().all(|word| !word.contains("hunter2")));
    let token = by_form().remove(0).1;
    let text = format!("export PASSWORD=hunter2abc1 {token} ").repeat(10_000);
    assert!(!mask_text(&text).contains("hunter2"));
    // The names' and the tokens' own.
    assert_eq!(in_text(&text).len(), 20_000);
    // Of each word it must not be asked again what all others are: that took minutes.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
