//! What the config asks of those who run the image, beside its user.

mod mounted;
pub(super) mod path_env_unsafe;
pub(super) mod privileged_label;
mod run_options;
pub(super) mod workdir_unsafe;
