//! What passes for a secret, and what does not.

use alloc::string::String;
use alloc::vec::Vec;

use crate::process::{ArgumentLimits, Arguments};

/// The arguments as they are kept. `|` separates them, before and after.
fn scrub(arguments: &str) -> String {
    let values = core::iter::once("program").chain(arguments.split('|')).map(str::as_bytes);
    let captured = Arguments::capture(values, false, &ArgumentLimits::default());
    let texts: Vec<_> = captured.tail().iter().map(|value| core::str::from_utf8(value).unwrap()).collect();
    texts.join("|")
}

/// `#` is the mask.
#[track_caller]
fn masked(cases: &[(&str, &str)]) {
    for (arguments, expected) in cases {
        assert_eq!(scrub(arguments), expected.replace('#', "********"), "{arguments}");
    }
}

#[track_caller]
fn untouched(cases: &[&str]) {
    for arguments in cases {
        assert_eq!(scrub(arguments), *arguments);
    }
}

#[test]
fn options_with_their_value() {
    masked(&[
        ("--password=x", "--password=#"),
        ("-password=x", "-password=#"),
        ("--PassWord=x|y", "--PassWord=#|y"),
        ("--db-password=x", "--db-password=#"),
        ("--db_password=x", "--db_password=#"),
        ("--dbPassword=x", "--dbPassword=#"),
        ("--auth.password=x", "--auth.password=#"),
        ("--passwd=x", "--passwd=#"),
        ("--access-token=x", "--access-token=#"),
        ("--access_token=x", "--access_token=#"),
        ("--accessToken=x", "--accessToken=#"),
        ("--auth-token=x", "--auth-token=#"),
        ("--api-key=x", "--api-key=#"),
        ("--api_key=x", "--api_key=#"),
        ("--apikey=x", "--apikey=#"),
        ("--apiKey=x", "--apiKey=#"),
        ("--client-secret=x", "--client-secret=#"),
        ("--credentials=x", "--credentials=#"),
        ("--stripetoken=x", "--stripetoken=#"),
        ("--stripeToken=x", "--stripeToken=#"),
        ("--token=x", "--token=#"),
        ("--idToken=x", "--idToken=#"),
        ("--github-token=x", "--github-token=#"),
        // All of it is the value, whatever it contains.
        ("--password=a b, c;d&e\"f=g:h", "--password=#"),
        ("--password==x", "--password=#"),
        ("--password=\"x\"y", "--password=#"),
    ]);
}

#[test]
fn options_before_their_value() {
    masked(&[
        ("--password|x|y", "--password|#|y"),
        ("-password|x|y", "-password|#|y"),
        ("--token|x", "--token|#"),
        ("--token|a b c", "--token|#"),
        ("--api-key|-AbC123", "--api-key|#"),
        ("--api-key|--Ab_C123", "--api-key|#"),
        ("--password|password", "--password|#"),
        ("--password|x|--token|y", "--password|#|--token|#"),
        // Asked for later, so no value follows.
        ("--password|--token|y", "--password|--token|#"),
        ("--token|-password|x", "--token|-password|#"),
    ]);
    untouched(&[
        "--password|--all-databases|x",
        "--password|--port=1|x",
        "--password|-v|x",
        "--password",
        "--password=",
        "--password=|x",
        "--no-password|database",
        "--without-password|x",
        "--SKIP_PASSWORD|x",
    ]);
}

#[test]
fn variables() {
    masked(&[
        ("PASSWORD=x", "PASSWORD=#"),
        ("PASSWORD=a,b&c;d", "PASSWORD=#"),
        ("PGPASSWORD=x", "PGPASSWORD=#"),
        ("MYSQL_PWD=x|mysql", "MYSQL_PWD=#|mysql"),
        ("-e|MYSQL_ROOT_PASSWORD=x", "-e|MYSQL_ROOT_PASSWORD=#"),
        ("-eMYSQL_PWD=x", "-eMYSQL_PWD=#"),
        ("AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=#"),
        ("GITHUB_TOKEN=x", "GITHUB_TOKEN=#"),
        ("--from-literal=password=x", "--from-literal=password=#"),
        ("-o|user=me,password=x,ro", "-o|user=me,password=#,ro"),
        ("Server=db;Password=a,b;Port=1", "Server=db;Password=#;Port=1"),
        ("https://host/?user=me&access_token=x&z=1", "https://host/?user=me&access_token=#&z=1"),
        ("https://host/?api_key=x", "https://host/?api_key=#"),
    ]);
}

#[test]
fn no_false_hits() {
    untouched(&[
        "--password-file=/x",
        "--password-file|/x",
        "--password-stdin|x",
        "--token-ttl=5m",
        "--max-tokens=5|--tokenizer=bpe|--secrets-dir=/x",
        "passwords.txt",
        "password|x",
        "passwd|root",
        "PWD=/home/me|OLDPWD=/",
        "/etc/passwd|x",
        "-v|/etc/passwd:/etc/passwd:ro",
        "/run/secret=x",
        "registry/my-secret:latest|secret:latest",
        "fix: rotate the token: done",
        "--user|me:group|--port=1",
        "a=b|key=value|=x|:x|=|:| |",
        "://|x://|http://host:80/a:b@c|http://user@host|http://:@host|user:x@host|git@host:a.git",
        "compass word=x",
        "Content-Type: application/json",
    ]);
}

#[test]
fn addresses() {
    masked(&[
        ("https://user:x@host/path", "https://user:#@host/path"),
        ("postgres://u:p@ss:w@db:5432/x?a=b", "postgres://u:#@db:5432/x?a=b"),
        ("redis://:x@host", "redis://:#@host"),
        ("git+ssh://u:x@host a://b:y@c", "git+ssh://u:#@host a://b:#@c"),
        ("--url=https://u:x@h", "--url=https://u:#@h"),
        ("DATABASE_URL='https://u:x@h'", "DATABASE_URL='https://u:#@h'"),
    ]);
}

#[test]
fn headers() {
    masked(&[
        ("-H|Authorization: Bearer xyz", "-H|Authorization: Bearer #"),
        ("-H|authorization:Basic xyz", "-H|authorization:Basic #"),
        ("-HAuthorization: Bearer xyz", "-HAuthorization: Bearer #"),
        ("-H|Authorization: xyz", "-H|Authorization: #"),
        ("-H|Authorization: Digest username=\"a\", response=\"b\"", "-H|Authorization: Digest #"),
        ("--header|Proxy-Authorization: Basic xyz", "--header|Proxy-Authorization: Basic #"),
        ("--header=Authorization: Bearer xyz", "--header=Authorization: Bearer #"),
        ("X-Api-Key: xyz", "X-Api-Key: #"),
        ("X-Auth-Token:  xyz", "X-Auth-Token:  #"),
    ]);
    untouched(&["Authorization:", "Authorization: "]);
}

#[test]
fn json() {
    masked(&[
        (r##"{"user":"me","password":"x"}"##, r##"{"user":"me","password":"#"}"##),
        (r##"{"api_key": "a\"b", "n": 1}"##, r##"{"api_key": "#", "n": 1}"##),
        ("{'secret': 12345, 'n': 1}", "{'secret': #, 'n': 1}"),
    ]);
    untouched(&[r#"{"password_file":"x","a":"password"}"#, r#"x password":"x""#]);
}

#[test]
fn command_lines() {
    masked(&[
        ("-c|mysql --password=x -h db", "-c|mysql --password=# -h db"),
        ("-c|mysql --password x -h db", "-c|mysql --password # -h db"),
        ("-c|mysql --password 'a b' -h db", "-c|mysql --password '#' -h db"),
        ("-c|mysql --password='a b' -h db", "-c|mysql --password='#' -h db"),
        ("-c|mysql \"--password=a b\" -h db", "-c|mysql \"--password=#\" -h db"),
        ("-c|PASSWORD=x mysql; ls", "-c|PASSWORD=# mysql; ls"),
        ("-c|PASSWORD=x TOKEN=y z", "-c|PASSWORD=# TOKEN=# z"),
        (
            "-c|curl -H 'Authorization: Bearer x' https://u:p@h; sh",
            "-c|curl -H 'Authorization: Bearer #' https://u:#@h; sh",
        ),
        ("-c|x --token\ty\n--token z", "-c|x --token\t#\n--token #"),
    ]);
    untouched(&[
        "-c|mysql --password --host db",
        "-c|mysql --password|x",
        "-c|cat passwords.txt --password-file /x",
        "-c|psql --no-password db",
    ]);
}

/// Any bytes at all, cut anywhere: masking neither panics nor loses what is not secret.
#[test]
fn hostile_texts() {
    let text = b"--password='a \\' \"secret\": \"b\\\" Authorization:  'x\" t://u:p@h?token=&,;= \xff\0";
    for start in 0..text.len() {
        for end in start..=text.len() {
            let part = &text[start..end];
            let captured = Arguments::capture([b"", part, part], false, &ArgumentLimits::default());
            assert_eq!(captured.len(), 3);
        }
    }
}
