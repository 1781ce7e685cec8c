//! Our gateway's binary.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The example's binary, built once in the profile of this test.
pub(crate) fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        build.current_dir(env!("CARGO_MANIFEST_DIR")).args([
            "build",
            "--quiet",
            "--example",
            "gateway",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build.status().expect("cargo to run");
        assert!(built.success(), "the gateway does not build");
        let test = env::current_exe().expect("the path of this test");
        let profile = test
            .parent()
            .and_then(|deps| deps.parent())
            .expect("target/PROFILE/deps");
        profile.join("examples").join("gateway")
    })
}
