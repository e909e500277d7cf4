//! Which workloads of an agent have profiles, and how these are learned.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use lapwing_common::activity::CgroupPaths;
use lapwing_common::event::EventType;
use lapwing_common::profile::Settings;

use super::ConfigError;
use super::agent::within;
use super::file::{OneOrMany, ProfilesSection};
use crate::activity::Workload;

/// Where profiles are, if nobody says otherwise.
const DIRECTORY: &str = "/var/lib/lapwing/profiles";
/// Seconds of a year: the most that any time may be.
const YEAR: u32 = 365 * 24 * 3600;

/// Profiles of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProfilesConfig {
    /// Where they are saved.
    pub(crate) directory: PathBuf,
    /// How often.
    pub(crate) save: Duration,
    pub(crate) settings: Settings,
    /// Paths of control groups, in which there may be stars, and whose they are.
    pub(crate) cgroups: Vec<(Vec<u8>, Workload)>,
}

impl ProfilesConfig {
    /// `None` if there are to be none. What is written is checked all the same.
    pub(super) fn new(section: ProfilesSection) -> Result<Option<Self>, ConfigError> {
        let usual = Settings::default();
        let settings = Settings {
            workload_warmup: time("security-profiles.warmup-s", section.warmup_s, 0..=YEAR, usual.workload_warmup)?,
            minimum_stable: time("security-profiles.stable-s", section.stable_s, 1..=YEAR, usual.minimum_stable)?,
            unstable_time: time("security-profiles.unstable-s", section.unstable_s, 1..=YEAR, usual.unstable_time)?,
            unstable_size: match section.unstable_kib {
                Some(kib) => within("security-profiles.unstable-kib", kib, 100..=1 << 20)? << 10,
                None => usual.unstable_size,
            },
            max_image_tags: match section.versions {
                Some(versions) => within("security-profiles.versions", versions, 1..=1000)?,
                None => usual.max_image_tags,
            },
            types: if section.syscalls { usual.types.with(EventType::Syscalls) } else { usual.types },
            ..usual
        };
        let save = time("security-profiles.save-s", section.save_s, 1..=YEAR, Duration::from_secs(900))?;
        let mut cgroups = Vec::new();
        for (name, paths) in section.cgroups {
            let workload: Workload = name.parse().map_err(|_bad| ConfigError::BadWorkload(name.clone()))?;
            let paths = match paths {
                OneOrMany::One(path) => vec![path],
                OneOrMany::Many(paths) => paths,
            };
            for path in paths {
                let below = path.strip_prefix("/sys/fs/cgroup").unwrap_or(&path);
                if !below.starts_with('/') {
                    return Err(ConfigError::BadCgroup(path));
                }
                CgroupPaths::new([below.as_bytes()]).map_err(|_twice| ConfigError::BadCgroup(path.clone()))?;
                cgroups.push((below.as_bytes().to_vec(), workload.clone()));
            }
        }
        let directory = section.directory.unwrap_or_else(|| DIRECTORY.into());
        Ok(section.enabled.then_some(Self { directory, save, settings, cgroups }))
    }
}

fn time(
    key: &'static str,
    seconds: Option<u32>,
    range: RangeInclusive<u32>,
    usual: Duration,
) -> Result<Duration, ConfigError> {
    match seconds {
        Some(seconds) => within(key, seconds, range).map(|_| Duration::from_secs(seconds.into())),
        None => Ok(usual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_named_by_their_control_groups() {
        let section = ProfilesSection {
            enabled: true,
            stable_s: Some(5),
            cgroups: [
                ("web:1".to_owned(), OneOrMany::Many(vec!["/sys/fs/cgroup/a".into(), "/b".into()])),
                ("db".to_owned(), OneOrMany::One("/c".into())),
            ]
            .into(),
            ..ProfilesSection::default()
        };
        let config = ProfilesConfig::new(section.clone()).unwrap().unwrap();
        let named: Vec<_> = config.cgroups.iter().map(|(path, of)| (path.as_slice(), of.to_string())).collect();
        let expected = [(&b"/c"[..], "db:latest".to_owned()), (b"/a", "web:1".to_owned()), (b"/b", "web:1".to_owned())];
        assert_eq!(named, expected);
        assert_eq!(config.settings, Settings { minimum_stable: Duration::from_secs(5), ..Settings::default() });
        assert_eq!(ProfilesConfig::new(ProfilesSection { enabled: false, ..section.clone() }).unwrap(), None);
        let wrong = |section: ProfilesSection| ProfilesConfig::new(section).unwrap_err().to_string();
        let cgroups = [("web".to_owned(), OneOrMany::One("a".into()))].into();
        assert!(
            wrong(ProfilesSection { cgroups, ..section.clone() }).starts_with("security-profiles.cgroups: a is no")
        );
        let cgroups = [("web".to_owned(), OneOrMany::One("/**/a/**".into()))].into();
        assert!(wrong(ProfilesSection { cgroups, ..section.clone() }).contains("/**/a/** is no path"));
        let cgroups = [(":1".to_owned(), OneOrMany::One("/a".into()))].into();
        assert!(wrong(ProfilesSection { cgroups, ..section.clone() }).contains("a workload is NAME"));
        let stable_s = Some(0);
        assert!(wrong(ProfilesSection { stable_s, ..section }).starts_with("security-profiles.stable-s = 0"));
    }
}
