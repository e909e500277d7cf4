//! Rules about `fim.write.file`: eight rules, one for each way to change a file.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::rules::problem::Problem;
use crate::rules::syntax::{Expr, Logic, Node, parse};

const PREFIX: &str = "fim.write.file.";

/// The name of a way, what `fim.write.file.` becomes, and what has to hold besides.
const WAYS: [(&str, &str, &str); 8] = [
    ("open", "open.file.", "open.flags & (O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND) > 0"),
    ("chmod", "chmod.file.", "chmod.file.destination.rights != chmod.file.rights"),
    (
        "chown",
        "chown.file.",
        "(chown.file.destination.uid != -1 && chown.file.destination.uid != chown.file.uid) \
         || (chown.file.destination.gid != -1 && chown.file.destination.gid != chown.file.gid)",
    ),
    ("link", "link.file.", ""),
    ("rename", "rename.file.", ""),
    ("rename_destination", "rename.file.destination.", ""),
    ("unlink", "unlink.file.", ""),
    ("utimes", "utimes.file.", ""),
];

/// Whether an expression is about `fim.write.file`.
pub(super) fn is_expandable(node: &Node) -> bool {
    let mut found = false;
    node.visit(&mut |part| {
        found |= matches!(&part.kind, Expr::Name(name) | Expr::Field(name) if name.starts_with(PREFIX));
    });
    found
}

/// The rules that a rule stands for: their ids and expressions.
pub(super) fn expand(id: &str, group: &str, node: &Node) -> Result<Vec<(String, Node)>, Problem> {
    WAYS.iter()
        .map(|(way, prefix, guard)| {
            let mut body = node.clone();
            body.visit_mut(&mut |part| {
                if let Expr::Name(name) | Expr::Field(name) = &mut part.kind
                    && let Some(member) = name.strip_prefix(PREFIX)
                {
                    *name = Box::from(format!("{prefix}{member}"));
                }
            });
            if !guard.is_empty() {
                let mut guard = parse(guard)?.root;
                guard.visit_mut(&mut |part| part.span = node.span);
                body = Node { span: node.span, kind: Expr::Logic(Logic::And, alloc::vec![guard, body]) };
            }
            Ok((format!("__fim_expanded_{way}_{group}_{id}"), body))
        })
        .collect()
}
