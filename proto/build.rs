//! Makes Rust types of every `.proto` file below `proto/`, with a compiler written in Rust: building Lapwing
//! needs no protoc. What dumps need beyond that, JSON and a bound on memory, follows from the same descriptors.

#[path = "build/json.rs"]
mod json;
#[path = "build/shapes.rs"]
mod shapes;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where packages lie, by their names.
const ROOT: &str = "proto";
/// The package whose messages are written as JSON and read from files.
const DUMPS: &str = "datadog.cws.dumpsv1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    println!("cargo:rerun-if-changed=build");
    let mut files = Vec::new();
    collect(Path::new(ROOT), &mut files)?;
    files.sort();
    let descriptors = protox::compile(&files, [ROOT])?;
    // The generated code names only `core` and `alloc`; ordered maps make equal messages equal bytes.
    let mut config = prost_build::Config::new();
    config.btree_map(["."]).boxed(".lapwing.control.v1.Response.what.status");
    for file in descriptors.file.iter().filter(|file| file.package() == DUMPS) {
        json::derive(&mut config, file);
        fs::write(Path::new(&env::var("OUT_DIR")?).join("dump_shapes.rs"), shapes::table(file))?;
    }
    config.compile_fds(descriptors)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
