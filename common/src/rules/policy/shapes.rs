//! Rules in the shapes of the reference's default policy load, or say what they lack.

use super::{Options, PolicySource, load};
use crate::event::Origin;
use crate::rules::Feed;

const POLICY: &str = include_str!("shapes.policy");

/// What is said of the rules that do not work here, in their order.
const LACKING: [(&str, &str, usize); 5] = [
    ("other_system", "for machines where os == \"windows\"", 1),
    ("pipe", "cannot match: the {} backend does not feed `splice.pipe_entry_flag`", 22),
    ("bare_truth", "cannot match: the {} backend does not feed `chmod.file.in_upper_layer`", 25),
    ("switched_off", "disabled", 1),
    ("name_asked_for", "Lapwing does not observe dns events", 17),
];

#[test]
fn each_shape_loads_or_says_what_it_lacks() {
    for origin in [Origin::Kernel, Origin::Ptrace] {
        let source = PolicySource { name: "default.policy".into(), text: POLICY.into() };
        let loaded = load(&[source], &Options { feed: Feed::Backend(origin), ..Options::default() });
        let said: alloc::vec::Vec<_> = loaded
            .reports
            .iter()
            .map(|report| (&*report.rule, alloc::string::ToString::to_string(&report.fault), report.width))
            .collect();
        let lacking = LACKING.map(|(rule, fault, width)| (rule, fault.replace("{}", origin.name()), width));
        assert_eq!(said, lacking);
        let written = POLICY.lines().skip_while(|line| *line != "rules:").filter(|line| line.starts_with("  - id: "));
        assert_eq!(loaded.rules.rules().len() + LACKING.len(), written.count());
    }
}
