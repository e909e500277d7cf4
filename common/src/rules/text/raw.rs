//! Patterns that are put together while an event is looked at, so that they cannot be compiled before.

/// Whether a text matches a pattern in which `*` stands for anything.
pub(crate) fn pattern(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on if it turns out that the last star stands for one byte more.
    let mut retry = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            retry = Some((p, t));
        } else if pattern.get(p) == Some(&text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((after, at)) = retry {
            (p, t) = (after, at + 1);
            retry = Some((after, at + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether a path matches a glob. One with `**` twice matches nothing.
pub(crate) fn glob(glob: &[u8], path: &[u8]) -> bool {
    if path.is_empty() || (glob.starts_with(b"/") && !path.starts_with(b"/")) {
        return false;
    }
    let glob = glob.strip_prefix(b"/").unwrap_or(glob);
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let split = |text| <[u8]>::split(text, |byte| *byte == b'/');
    let double = |component: &&[u8]| **component == *b"**";
    let count = split(path).count();
    match split(glob).filter(double).count() {
        0 => count == split(glob).count() && split(glob).zip(split(path)).all(|(one, other)| pattern(one, other)),
        1 => {
            let head = split(glob).position(|component| component == b"**").unwrap_or_default();
            let tail = split(glob).count() - head - 1;
            let last = glob.rsplit(|byte| *byte == b'/').zip(path.rsplit(|byte| *byte == b'/')).take(tail);
            (if tail == 0 { count > head } else { count >= head.max(tail) })
                && split(glob).zip(split(path)).take(head).all(|(one, other)| pattern(one, other))
                && last.into_iter().all(|(one, other)| pattern(one, other))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::text::{Glob, Pattern};

    #[test]
    fn both_ways_agree() {
        let globs = ["/a/*", "/a/**", "/a/**/b", "/**", "/**/b*", "/*/b", "/a*/**/*b/c", "/a/b"];
        let paths = ["/", "/a", "/a/", "/a/b", "/a/x/b", "/ab/b/c", "/ax/y/bb/c", "/b", "b", ""];
        for text in globs {
            let compiled = Glob::new(text.as_bytes()).unwrap();
            let plain = Pattern::new(text.as_bytes(), false);
            for path in paths.map(str::as_bytes) {
                assert_eq!(glob(text.as_bytes(), path), compiled.matches(path), "{text} {path:?}");
                assert_eq!(pattern(text.as_bytes(), path), plain.matches(path), "{text} {path:?}");
            }
        }
    }
}
