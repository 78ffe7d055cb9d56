//! What only Linux has.

/// Keeps the process's memory in pages of the usual size (PR_SET_THP_DISABLE, prctl(2)). The allocator asks for huge ones; of
/// 10,000 idle connections' memory they left a good third unused (docs/decisions/0005-allocator.md).
pub fn keep_pages_small() {
    // Kernels without huge pages have none to be kept from.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
