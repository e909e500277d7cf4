//! Is a sub-init, which gets an orphan. The orphan executes a program once it has been adopted.

use std::process::Command;

fn main() -> std::io::Result<()> {
    nix::sys::prctl::set_child_subreaper(true)?;
    // The shell ends at once. That the orphan cannot signal it any more means that it has been waited for.
    let script = "(while kill -0 $$ 2>/dev/null; do :; done; exec echo adopted) &";
    Command::new("sh").args(["-c", script]).status()?;
    while nix::sys::wait::wait().is_ok() {}
    Ok(())
}
