//! What makes the program smaller without making it slower.

/// Arguments of rustc for the last step of a release build, the linking.
///
/// On Linux for x86-64, where rustc links by LLD: addresses that the loader has to shift are written
/// as a bitmap (`DT_RELR`), which the C library understands from version 2.36 on, the one of
/// Debian 12; and functions of the same instructions are kept once.
pub fn link_arguments() -> &'static [&'static str] {
    match cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        true => &[
            "-Clink-arg=-Wl,-z,pack-relative-relocs",
            "-Clink-arg=-Wl,--icf=all",
        ],
        false => &[],
    }
}
