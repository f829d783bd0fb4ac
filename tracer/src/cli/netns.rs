//! Network namespaces as users name them.

use std::{fmt, path::PathBuf, str::FromStr};

/// A network namespace as the user names it. It is not checked here whether the namespace exists.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Netns {
    /// A name under `/run/netns`, as `ip netns` shows it.
    Name(String),
    /// The inode number, as `lsns` and `ls -l /proc/PID/ns/net` show it.
    Inum(u32),
    /// A path to a namespace file.
    Path(PathBuf),
    /// The namespace of a process.
    Pid(u32),
}

impl FromStr for Netns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let how = "give a name that `ip netns` shows, an inode number, a path or pid:N";
        if let Some(pid) = text.strip_prefix("pid:") {
            return match pid.parse() {
                Ok(pid) if pid > 0 => Ok(Self::Pid(pid)),
                _ => Err(format!("--netns `{text}` does not name a process: write it like pid:1234")),
            };
        }
        if text.is_empty() || text.contains('\0') {
            return Err(format!("--netns `{}` does not name a network namespace: {how}", text.escape_debug()));
        }
        // `net:[4026531840]` is how links in /proc read.
        let number = text.strip_prefix("net:[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if number.bytes().all(|byte| byte.is_ascii_digit()) {
            return number
                .parse()
                .map(Self::Inum)
                .map_err(|_| format!("--netns `{text}` is too large for an inode number: {how}"));
        }
        Ok(if text.contains('/') { Self::Path(text.into()) } else { Self::Name(text.to_owned()) })
    }
}

impl fmt::Display for Netns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Inum(inum) => write!(f, "{inum}"),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Pid(pid) => write!(f, "pid:{pid}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Netns;

    #[test]
    fn each_way_to_name_one() {
        assert_eq!("web".parse(), Ok(Netns::Name("web".into())));
        assert_eq!("4026531840".parse(), Ok(Netns::Inum(4_026_531_840)));
        assert_eq!("net:[4026531840]".parse(), Ok(Netns::Inum(4_026_531_840)));
        assert_eq!("/proc/1/ns/net".parse(), Ok(Netns::Path("/proc/1/ns/net".into())));
        assert_eq!("pid:1".parse(), Ok(Netns::Pid(1)));
        for wrong in ["", "pid:", "pid:x", "pid:0", "99999999999"] {
            assert!(wrong.parse::<Netns>().is_err(), "{wrong}");
        }
    }
}
