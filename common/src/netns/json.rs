//! The array, on one line.

use alloc::vec::Vec;

use super::{Device, Namespace};
use crate::json::{rfc3339, string};

/// Appends the namespaces as a JSON array and a line feed; `null` if there is none.
///
/// Devices that wait for a handle (`DevicesInQueue`) do not occur: a device is only seen through one.
pub fn write_json(namespaces: &[Namespace], out: &mut Vec<u8>) {
    if namespaces.is_empty() {
        out.extend_from_slice(b"null\n");
        return;
    }
    let mut separator = b'[';
    for namespace in namespaces {
        out.push(separator);
        separator = b',';
        out.extend_from_slice(b"{\"NsID\":");
        number(out, namespace.id);
        out.extend_from_slice(b",\"HandleFD\":");
        number(out, namespace.handle);
        out.extend_from_slice(b",\"HandlePath\":");
        string(out, namespace.path.as_bytes());
        out.extend_from_slice(b",\"LonelyTimeout\":\"");
        match namespace.lonely_until {
            Some(time) => rfc3339(out, time),
            None => out.extend_from_slice(b"0001-01-01T00:00:00Z"),
        }
        out.extend_from_slice(b"\",\"Devices\":");
        devices(out, namespace.devices.as_deref());
        out.extend_from_slice(b",\"DevicesInQueue\":null}");
    }
    out.extend_from_slice(b"]\n");
}

fn devices(out: &mut Vec<u8>, devices: Option<&[Device]>) {
    let Some(devices) = devices else { return out.extend_from_slice(b"null") };
    out.push(b'[');
    for (index, device) in devices.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"IfName\":");
        string(out, &device.name);
        out.extend_from_slice(b",\"IfIndex\":");
        number(out, device.index);
        out.push(b'}');
    }
    out.push(b']');
}

fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
