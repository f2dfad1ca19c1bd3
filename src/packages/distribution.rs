//! Which distribution a tree is of, as os-release(5) says.

use super::Databases;
use crate::model::ImagePath;
use crate::scan::Plan;

/// Where os-release(5) says that it is; the first that is there counts.
const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// What os-release says of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The file that says so.
    pub path: ImagePath,
    /// `ID`: `debian`, `alpine`, `almalinux`; `linux` where it is not told.
    pub id: String,
    /// `VERSION_ID`: `12`, `3.19.1`, `9.4`. What is still in the making has none.
    pub version: Option<String>,
    /// `VERSION_CODENAME`: `bookworm`.
    pub codename: Option<String>,
    /// `PRETTY_NAME`: what people call it.
    pub name: Option<String>,
}

/// Asks for the files that [`Databases::distribution`] reads.
pub fn plan(plan: &mut Plan) {
    OS_RELEASE.into_iter().for_each(|path| plan.capture(ImagePath::new(path)));
}

impl Distribution {
    /// What a file says; `None` where it names nothing.
    fn parse(path: ImagePath, content: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(content);
        let field = |name| field(&text, name).filter(|value| !value.is_empty());
        let (id, version) = (field("ID"), field("VERSION_ID"));
        if id.is_none() && version.is_none() {
            return None;
        }
        let id = id.unwrap_or_else(|| "linux".to_owned());
        Some(Self { path, id, version, codename: field("VERSION_CODENAME"), name: field("PRETTY_NAME") })
    }

    /// What people call it.
    pub fn title(&self) -> String {
        let plain = || match &self.version {
            Some(version) => format!("{} {version}", self.id),
            None => self.id.clone(),
        };
        self.name.clone().unwrap_or_else(plain)
    }
}

impl Databases<'_> {
    /// Which distribution the tree is of; `None` where nothing says it.
    ///
    /// # Errors
    /// Why the file that would say it is not known.
    pub fn distribution(&self) -> Result<Option<Distribution>, String> {
        for path in OS_RELEASE.map(ImagePath::new) {
            if let Some(content) = self.read(&path)? {
                return Ok(Distribution::parse(path, &content));
            }
        }
        Ok(None)
    }
}

/// The value of `NAME=value`, without its quotes; the last one counts, as in the shell.
fn field(os_release: &str, name: &str) -> Option<String> {
    let mut values = os_release.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    let value = values.next_back()?.trim();
    let quoted = |mark| value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(value).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_the_shell_reads_them() {
        assert_eq!(field("ID='a'\n  ID=\"b\"\nXID=c", "ID").as_deref(), Some("b"));
        assert_eq!(field("VERSION_ID=3.1", "VERSION").as_deref(), None);
    }

    #[test]
    fn a_distribution_has_at_least_a_name_or_a_version() {
        let read = |text: &str| Distribution::parse(ImagePath::new("etc/os-release"), text.as_bytes());
        assert_eq!(read("NAME=x\nID=\nVERSION_ID=\"\"\n"), None);
        let sid = read("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nVERSION_CODENAME=trixie\n");
        let sid = sid.unwrap();
        assert_eq!(
            (&*sid.id, sid.version.as_deref(), sid.codename.as_deref()),
            ("debian", None, Some("trixie"))
        );
        assert_eq!(sid.title(), "Debian GNU/Linux trixie/sid");
        assert_eq!(read("VERSION_ID=1").unwrap().title(), "linux 1");
    }
}
