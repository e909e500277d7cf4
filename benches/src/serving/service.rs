//! The services, and what loads them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use lapwing_measure::peers;

/// Connections at once.
const CONNECTIONS: &str = "16";

/// A service that people run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// nginx, which opens the file that it serves anew for each request.
    Nginx,
    /// Redis, which makes no call that Lapwing reports while it serves.
    Redis,
}

impl Service {
    pub(super) const ALL: [Self; 2] = [Self::Nginx, Self::Redis];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Redis => "Redis",
        }
    }

    /// What loads it, for people to read.
    pub(super) fn load_shown(self) -> &'static str {
        match self {
            Self::Nginx => "wrk --threads 1 --connections 16 --duration 1s http://127.0.0.1:PORT/page.html",
            Self::Redis => "redis-benchmark -p PORT -t get -n 60000 -c 16 -q --csv",
        }
    }

    /// A program that is needed and not there.
    pub(super) fn missing(self) -> Option<&'static str> {
        let programs = match self {
            Self::Nginx => ["nginx", "wrk"],
            Self::Redis => ["redis-server", "redis-benchmark"],
        };
        programs.into_iter().find(|program| program_path(program).is_none())
    }

    /// Writes what it needs to a directory and returns its command. It stays in the foreground and ends, with
    /// status 0, by `SIGTERM`.
    pub(super) fn prepare(self, directory: &Path, port: u16) -> anyhow::Result<Vec<OsString>> {
        match self {
            Self::Nginx => {
                let folder = directory.display();
                let configuration = format!(
                    "daemon off;\nuser root;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n\
                     events {{ worker_connections 256; }}\nhttp {{\n  access_log off;\n  keepalive_requests 10000000;\n  \
                     client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  fastcgi_temp_path {folder}/fastcgi;\n  \
                     uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  \
                     server {{ listen 127.0.0.1:{port}; root {folder}/www; }}\n}}\n"
                );
                let file = directory.join("nginx.conf");
                fs::write(&file, configuration).context("cannot write nginx.conf")?;
                fs::create_dir_all(directory.join("www")).context("cannot make a folder")?;
                fs::write(directory.join("www/page.html"), "x".repeat(1024)).context("cannot write a page")?;
                let program = program_path("nginx").context("there is no nginx")?;
                Ok(vec![program, "-c".into(), file.into_os_string()])
            }
            Self::Redis => {
                let program = program_path("redis-server").context("there is no redis-server")?;
                let mut words = vec![program, "--port".into(), port.to_string().into()];
                let options =
                    ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir"];
                words.extend(options.map(OsString::from));
                words.push(directory.as_os_str().to_owned());
                Ok(words)
            }
        }
    }

    /// Loads it, and returns how many requests a second were answered.
    pub(super) fn load(self, port: u16) -> anyhow::Result<f64> {
        let port = port.to_string();
        let mut command = match self {
            Self::Nginx => {
                let mut command = Command::new("wrk");
                command.args(["--threads", "1", "--connections", CONNECTIONS, "--duration", "1s"]);
                command.arg(format!("http://127.0.0.1:{port}/page.html"));
                command
            }
            Self::Redis => {
                let mut command = Command::new("redis-benchmark");
                command.args([
                    "-h",
                    "127.0.0.1",
                    "-p",
                    &port,
                    "-t",
                    "get",
                    "-n",
                    "60000",
                    "-c",
                    CONNECTIONS,
                    "-q",
                    "--csv",
                ]);
                command
            }
        };
        let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{command:?}: {}: {said}", output.status);
        let rate = if self == Self::Nginx { of_wrk(&said) } else { of_redis(&said) };
        rate.with_context(|| format!("{command:?} said: {said}"))
    }
}

/// Daemons are in folders that a user's `PATH` need not contain.
fn program_path(name: &str) -> Option<OsString> {
    let found = peers::find(name).or_else(|| {
        ["/usr/sbin", "/sbin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
    });
    found.map(Into::into)
}

/// `Requests/sec:  12345.67`, unless some were answered by an error.
fn of_wrk(said: &str) -> Option<f64> {
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return None;
    }
    let rest = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?;
    rest.trim().parse().ok()
}

/// `"GET","12345.67",…`
fn of_redis(said: &str) -> Option<f64> {
    let rest = said.lines().find_map(|line| line.strip_prefix("\"GET\",\""))?;
    rest.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_from_what_load_generators_say() {
        assert_eq!(
            of_wrk("Running 2s test\n  5 requests in 2.00s\nRequests/sec:  12345.67\nTransfer/sec: 1MB\n"),
            Some(12345.67)
        );
        assert_eq!(of_wrk("  Non-2xx or 3xx responses: 12\nRequests/sec:  12345.67\n"), None);
        assert_eq!(of_wrk("unable to connect"), None);
        assert_eq!(of_redis("\"test\",\"rps\"\n\"GET\",\"98765.43\",\"0.1\"\n"), Some(98765.43));
        assert_eq!(of_redis(""), None);
    }
}
