//! Rules match the same events, whoever captured them, and whatever the backend left out because no rule asks for it.

use std::path::Path;

use lapwing_integration::equivalence::{Program, check_matches};
use lapwing_integration::harness::Backend;
use lapwing_integration::need::{self, Need};

/// What a break-in does, as far as it does no harm here.
const INTRUSION: &str = "
    cat /etc/passwd /etc/shadow > read; cp /bin/true tool; ./tool; chmod u+s tool; rm tool
    mkdir -p .ssh; echo key >> .ssh/authorized_keys; touch -d 2020-01-01 .ssh/authorized_keys
    python3 -c 'import os; os.memfd_create(\"x\")'; (exec -a '[kworker]' sleep 0)
    ln -s /etc/shadow link; cat link > read; mv read .hidden; rm -r .ssh link .hidden
";

#[test]
fn of_an_intrusion() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    let program = Program { name: "intrusion", ground: super::ground::nothing, script: INTRUSION, processes: "tree" };
    if !Backend::Kernel.is_available() || !need::require(&[Need::Root]) || !need::installed(&["python3"]) {
        return;
    }
    let matched = check_matches(&program, &policies).unwrap_or_else(|problems| panic!("{problems}"));
    // By its path, and by a link to it.
    assert_eq!(matched.iter().filter(|rule| *rule == "shadow_read").count(), 2, "{matched:?}");
    assert!(matched.len() > 3, "{matched:?}");
}
