//! The machine that rules may be meant for.

use alloc::string::String;

use crate::rules::compile::{Compiler, Feed};
use crate::rules::problem::Problem;
use crate::rules::set::{RuleSet, State};
use crate::rules::{Sample, SampleValue};

/// What rules may ask about the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// `ID` of os-release: `debian`.
    pub id: String,
    /// `ID_LIKE` of os-release.
    pub like: String,
    /// `VERSION_ID` of os-release.
    pub version: String,
    /// Version of the kernel: major, minor, patch.
    pub kernel: [u64; 3],
    /// Its name.
    pub hostname: String,
    /// The backend, as rules name it: `ebpf` or `ebpfless`; empty if there is none yet.
    pub origin: String,
}

impl Host {
    fn sample(&self) -> Sample {
        let mut sample = Sample::default();
        let text = |text: &str| SampleValue::Text(text.as_bytes().into());
        let number = |value: u64| SampleValue::Int(value.cast_signed());
        let is = |ids: &[&str]| SampleValue::Bool(ids.contains(&self.id.as_str()));
        let version = |major: &str| self.version.split('.').next() == Some(major);
        let is_of = |ids: &[&str], major: &str| SampleValue::Bool(ids.contains(&self.id.as_str()) && version(major));
        for (name, value) in [
            ("os", text("linux")),
            ("os.id", text(&self.id)),
            ("os.platform_id", text(&self.like)),
            ("os.version_id", text(&self.version)),
            ("os.is_amazon_linux", is(&["amzn"])),
            ("os.is_cos", is(&["cos"])),
            ("os.is_debian", is(&["debian"])),
            ("os.is_oracle", is(&["ol"])),
            ("os.is_rhel", is(&["rhel", "centos"])),
            ("os.is_rhel7", is_of(&["rhel", "centos"], "7")),
            ("os.is_rhel8", is_of(&["rhel", "centos"], "8")),
            ("os.is_sles", is(&["sles"])),
            ("os.is_sles12", is_of(&["sles"], "12")),
            ("os.is_sles15", is_of(&["sles"], "15")),
            ("kernel.version.major", number(self.kernel[0])),
            ("kernel.version.minor", number(self.kernel[1])),
            ("kernel.version.patch", number(self.kernel[2])),
            ("kernel.version.abi", number(0)),
            ("kernel.version.flavor", text("")),
            ("kernel.core.enabled", SampleValue::Bool(true)),
            ("envs", SampleValue::Texts(alloc::vec::Vec::new())),
            ("origin", text(&self.origin)),
            ("hostname", text(&self.hostname)),
        ] {
            sample.set(name, value);
        }
        sample
    }

    /// Whether a filter means this machine.
    pub(super) fn passes(&self, filter: &str) -> Result<bool, Problem> {
        let mut compiler = Compiler::for_host(Feed::Everything);
        let compiled = compiler.rule(filter)?;
        let rules = RuleSet::new(compiler.program, compiler.variables, alloc::vec![compiled]);
        let mut passes = false;
        let mut state = State::new(&rules, 0);
        rules.matches_facts("any", &self.sample(), &mut state, &mut |_, _, _| passes = true);
        Ok(passes)
    }
}
