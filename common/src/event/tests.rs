//! The reference document and what addresses say about themselves.

use super::{Address, EventType, File, reference};

#[test]
fn event_types_have_unique_names_and_numbers() {
    let mut names: alloc::vec::Vec<_> = EventType::ALL.iter().map(|event| event.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), EventType::ALL.len());
    for event in EventType::ALL {
        assert_eq!(EventType::named(event.name()), Some(event));
        assert!((event as u8) < 64, "an event set has 64 bits");
    }
}

#[test]
fn upstream_numbers_are_kept() {
    let number = |event: EventType| event as u8;
    assert_eq!(number(EventType::Open), 1);
    assert_eq!(number(EventType::Chdir), 15);
    assert_eq!(number(EventType::Connect), 18);
    assert_eq!(number(EventType::Setsockopt), 20);
}

#[test]
fn the_reference_has_every_type_and_every_call() {
    let document = reference::markdown();
    for event in EventType::ALL {
        assert!(document.contains(&alloc::format!("\n### {}\n", event.name())), "{event}");
    }
    for row in crate::syscall::CATALOGUE {
        assert!(document.contains(&alloc::format!("| {} |", row.name)), "{}", row.name);
    }
}

#[test]
fn public_addresses() {
    let public = |ip: &str| Address { ip: Some(ip.parse().unwrap()), ..Address::default() }.is_public();
    for ip in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "100.63.0.1", "172.32.0.1"] {
        assert!(public(ip), "{ip}");
    }
    for ip in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(!public(ip), "{ip}");
    }
}

#[test]
fn names_and_extensions() {
    let parts = |path: &str| {
        let file = File::at(path.as_bytes());
        (file.name().to_vec(), file.extension().to_vec())
    };
    assert_eq!(parts("/a/b.tar.gz"), (b"b.tar.gz".to_vec(), b".gz".to_vec()));
    assert_eq!(parts("/a/.bashrc"), (b".bashrc".to_vec(), b"".to_vec()));
    assert_eq!(parts("plain"), (b"plain".to_vec(), b"".to_vec()));
    assert_eq!(parts("/"), (b"".to_vec(), b"".to_vec()));
}
