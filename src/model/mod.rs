//! What an image is, as plain data: no file is opened here and nothing is judged.

pub mod anomaly;
pub mod config;
pub mod descriptor;
pub mod escape;
pub mod image;
pub mod json;
pub mod manifest;
pub mod path;
pub mod platform;
pub mod secret_names;
pub mod secret_values;
pub mod spelling;

pub use anomaly::{Anomaly, Fault};
pub use config::{Config, History};
pub use descriptor::{Descriptor, MediaType};
pub use image::{Form, Image, LayerRef};
pub use path::ImagePath;
pub use platform::Platform;
