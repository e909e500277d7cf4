//! A dump or a profile out of a file, and what it becomes in another.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::thread;

use flate2::read::MultiGzDecoder;
use lapwing_common::picture::{self, Picture};
use lapwing_proto::dumps::{
    DecodeError, Limits, ProcessActivityNode, ProfileContext, ProfileSelector, SecDump, SecurityProfile, decode_dump,
    decode_dump_json, decode_profile, to_json,
};
use prost::Message as _;

use super::format::Format;
use super::host;
use super::recorder::Workload;
use super::{ActivityError, Encoding};

/// Bytes that are read of a file, unpacked: a hundred times the largest dump that is usual, as JSON.
const LONGEST: u64 = 256 << 20;
/// What the deepest of files takes of stack, with room to spare.
const STACK: usize = 16 << 20;

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    Dump(SecDump),
    Profile(SecurityProfile),
}

/// Reads a file whose name says what it holds.
pub(crate) fn read(path: &Path) -> Result<Document, ActivityError> {
    let failed = |error| ActivityError::Read { path: path.into(), error };
    // A name without meaning is an error of usage, and was refused before.
    let encoding = Encoding::of(path).unwrap_or(Encoding { format: Format::Protobuf, gzip: false });
    if matches!(encoding.format, Format::Dot | Format::Svg) {
        return Err(ActivityError::NotReadable { path: path.into(), name: encoding.format.name() });
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let read = if encoding.gzip {
        MultiGzDecoder::new(file).take(LONGEST + 1).read_to_end(&mut bytes)
    } else {
        file.take(LONGEST + 1).read_to_end(&mut bytes)
    };
    if read.map_err(failed)? as u64 > LONGEST {
        return Err(ActivityError::TooLong { path: path.into(), limit: LONGEST, packed: encoding.gzip });
    }
    let decoded = thread::scope(|scope| {
        // The stack of this thread is whatever the user's limit says.
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || decode(&bytes, encoding.format));
        worker.map(|worker| worker.join().unwrap_or(Err(DecodeError::TooDeep)))
    });
    decoded.map_err(failed)?.map_err(|error| ActivityError::Decode { path: path.into(), error })
}

/// Makes a document of bytes in one of the forms that can be read.
pub(super) fn decode(bytes: &[u8], format: Format) -> Result<Document, DecodeError> {
    let limits = Limits::default();
    match format {
        Format::Profile => decode_profile(bytes, limits).map(Document::Profile),
        Format::Json => decode_dump_json(bytes, limits).map(Document::Dump),
        Format::Protobuf | Format::Dot | Format::Svg => decode_dump(bytes, limits).map(Document::Dump),
    }
}

impl Document {
    /// The bytes of a file. `None` for a profile of a dump that does not say of which image.
    pub(crate) fn to_bytes(&self, format: Format) -> Option<Vec<u8>> {
        Some(match format {
            Format::Json => to_json(&self.as_dump(format)),
            Format::Protobuf => self.as_dump(format).encode_to_vec(),
            Format::Profile => Some(self.to_profile()).filter(is_selected)?.encode_to_vec(),
            Format::Dot => picture::dot(&self.picture()).into_bytes(),
            Format::Svg => picture::svg(&self.picture()).into_bytes(),
        })
    }

    /// What people see of it.
    pub(crate) fn picture(&self) -> Picture {
        match self {
            Self::Dump(dump) => Picture::from(dump),
            Self::Profile(profile) => Picture::from(profile),
        }
    }

    /// Says of which workload it is.
    pub(crate) fn select(&mut self, workload: &Workload) {
        match self {
            Self::Dump(dump) => {
                dump.tags.retain(|tag| !is_of_image(tag));
                dump.tags.extend(workload.tags());
            }
            Self::Profile(profile) => profile.selector = Some(workload.selector()),
        }
    }

    fn as_dump(&self, format: Format) -> SecDump {
        let mut dump = match self {
            Self::Dump(dump) => dump.clone(),
            Self::Profile(profile) => {
                let ProfileSelector { image_name, image_tag } = profile.selector.clone().unwrap_or_default();
                let of_version = profile.profile_contexts.get(&image_tag);
                let mut tags = of_version.map(|context| context.tags.clone()).unwrap_or_default();
                tags.retain(|tag| !is_of_image(tag));
                let tag = |tags: &[String], name: &str| {
                    tags.iter().find_map(|tag| tag.strip_prefix(name)).unwrap_or_default().to_owned()
                };
                let (host, source) = (tag(&tags, "host:"), tag(&tags, "source:"));
                if profile.selector.is_some() {
                    tags.extend(Workload { name: image_name.clone(), tag: image_tag }.tags());
                }
                SecDump {
                    host,
                    source,
                    service: image_name,
                    metadata: profile.metadata.clone(),
                    tags,
                    tree: profile.tree.clone(),
                }
            }
        };
        if let Some(metadata) = &mut dump.metadata {
            metadata.serialization = format.name().into();
        }
        dump
    }

    /// As a profile, which has no selector if the dump does not say of which image it is.
    pub(crate) fn to_profile(&self) -> SecurityProfile {
        let mut profile = match self {
            Self::Profile(profile) => profile.clone(),
            Self::Dump(dump) => {
                let tag = |name: &str| dump.tags.iter().find_map(|tag| tag.strip_prefix(name)).unwrap_or_default();
                let (image_name, image_tag) = (tag("image_name:").to_owned(), tag("image_tag:").to_owned());
                let (start, end) = dump.metadata.as_ref().map_or((0, 0), |metadata| (metadata.start, metadata.end));
                let boot = host::boot();
                let context = ProfileContext {
                    first_seen: start.saturating_sub(boot),
                    last_seen: end.saturating_sub(boot),
                    syscalls: calls(&dump.tree),
                    tags: dump.tags.clone(),
                    ..ProfileContext::default()
                };
                SecurityProfile {
                    metadata: dump.metadata.clone(),
                    tree: dump.tree.clone(),
                    profile_contexts: [(image_tag.clone(), context)].into(),
                    selector: Some(ProfileSelector { image_name, image_tag }),
                    ..SecurityProfile::default()
                }
            }
        };
        if let Some(metadata) = &mut profile.metadata {
            metadata.serialization = Format::Profile.name().into();
        }
        profile
    }
}

/// Whether a tag says of which image a dump is.
fn is_of_image(tag: &str) -> bool {
    tag.starts_with("image_name:") || tag.starts_with("image_tag:")
}

/// The system calls of all programs, by number, each once.
fn calls(tree: &[ProcessActivityNode]) -> Vec<u32> {
    let mut waiting: Vec<_> = tree.iter().collect();
    let mut calls = BTreeSet::new();
    while let Some(node) = waiting.pop() {
        calls.extend(node.syscall_nodes.iter().map(|call| call.syscall.cast_unsigned()));
        waiting.extend(&node.children);
    }
    calls.into_iter().collect()
}

fn is_selected(profile: &SecurityProfile) -> bool {
    profile.selector.as_ref().is_some_and(|by| !by.image_name.is_empty() && !by.image_tag.is_empty())
}
