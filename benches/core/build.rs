//! Compile libmseed from the folder that `LIBMSEED_DIR` names, with the -O2 of the wheels of pymseed.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=LIBMSEED_DIR");
    println!("cargo:rerun-if-changed=shim.c");
    let folder = PathBuf::from(std::env::var("LIBMSEED_DIR").expect(
        "LIBMSEED_DIR: expected the folder of libmseed's C files; `make bench-core` gets it",
    ));
    let is_c = |path: &Path| path.extension().is_some_and(|e| e == "c");
    let sources = std::fs::read_dir(&folder)
        .expect("LIBMSEED_DIR is a folder")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| is_c(path));
    cc::Build::new()
        .files(sources)
        .file("shim.c")
        .include(&folder)
        .opt_level(2)
        .warnings(false)
        .compile("mseed");
}
