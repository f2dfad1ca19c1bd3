//! What is installed: whether advisories know of it, whether they are up to date, and whether it may be there.

pub(super) mod advisories_stale;
pub(super) mod package_file_tampered;
pub(super) mod package_forbidden;
pub(super) mod vulnerability;
