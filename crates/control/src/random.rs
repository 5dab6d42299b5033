//! Random octets from the operating system.

/// `N` random octets.
///
/// # Panics
/// When the operating system has no randomness to give, which on the systems Portlama runs on
/// means that it is broken beyond doing anything safely.
pub(crate) fn octets<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).expect("the operating system gives random octets");
    octets
}
