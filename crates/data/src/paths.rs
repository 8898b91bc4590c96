//! Paths and the ids made of them.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::escaped_name;

/// A path below a folder as an id: forward slashes, and bytes that are not UTF-8 escaped, so that no two files have the same id.
pub(crate) fn slashes(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            // The slash comes from joining.
            Component::RootDir if parts.is_empty() => parts.push("".into()),
            Component::RootDir => {}
            part => parts.push(escaped_name(part.as_os_str())),
        }
    }
    parts.join("/")
}

/// Whether a name with forward slashes, from a file of other people's, stays below the folder it is put into.
pub(crate) fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Forward slashes to a path below a folder.
pub(crate) fn below(folder: &Path, id: &str) -> PathBuf {
    id.split('/').fold(folder.to_owned(), |path, part| path.join(part))
}

/// A path that cannot be what a person meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// An environment variable that is not there.
    #[error("{path}: the environment variable {name} is not set; set it, or write the path out")]
    Unset {
        /// As written.
        path: String,
        /// The variable.
        name: String,
    },
    /// `${…}` with more than a name in it.
    #[error(
        "{path}: {form} is not understood; of a shell's variables only $NAME and ${{NAME}} are, and %NAME%"
    )]
    Form {
        /// As written.
        path: String,
        /// The part that is not understood.
        form: String,
    },
    /// `~/` where nobody knows where that is.
    #[error(
        "{path}: ~ stands for the home folder, but the environment variable {name} is not set; write the path out"
    )]
    NoHome {
        /// As written.
        path: String,
        /// The variable that would tell.
        name: String,
    },
    /// `~user`.
    #[error(
        "{path}: {user} would be the home folder of another user, which is not looked up; write the path out, or ./{path} for a \
         file of that name"
    )]
    OtherHome {
        /// As written.
        path: String,
        /// With its tilde.
        user: String,
    },
    /// An address of the web or of some store.
    #[error(
        "{path} is an address, not a path: images and files must be on this machine; fetch it first, then name the file or folder"
    )]
    Address {
        /// As written.
        path: String,
    },
    /// `C:\…` or `\\server\…` where there are no drives.
    #[error("{path} is a path of Windows, and this system has no drives; {remedy}")]
    Windows {
        /// As written.
        path: String,
        /// What to write instead.
        remedy: String,
    },
}

/// The path that a person means who writes `~/photos`, `$HOME/photos`, `${DATA}/photos` or `%USERPROFILE%\photos`: for where
/// no shell has filled it in, such as a study file or a quoted argument. What exists as it is written is taken as it is
/// written. Backslashes are separators, also where the system has others, if something is there then.
///
/// # Errors
/// A variable that is not set, the home folder of another user, the address of something on the web, and a drive of Windows on
/// another system.
pub fn expand(path: &Path) -> Result<PathBuf, PathError> {
    expand_from(&[Path::new("")], path)
}

/// [`expand`] of a path that may start from any of some folders. What is relative stays so.
///
/// # Errors
/// As [`expand`].
pub fn expand_from(folders: &[&Path], path: &Path) -> Result<PathBuf, PathError> {
    let there = |path: &Path| folders.iter().any(|folder| folder.join(path).symlink_metadata().is_ok());
    let Some(text) = path.to_str().filter(|text| needs_a_look(text)) else {
        // A name that is no Unicode may still begin at home.
        return match path.strip_prefix("~") {
            Ok(rest) if !there(path) => Ok(home(&path.to_string_lossy())?.join(rest)),
            _ => Ok(path.to_owned()),
        };
    };
    if there(path) {
        return Ok(path.to_owned());
    }
    if let Some(error) = foreign(text) {
        return Err(error);
    }
    let mut forms = text.split("${").skip(1).filter_map(|after| after.split_once('}'));
    if let Some((form, _)) = forms.find(|(name, _)| !is_variable(name)) {
        return Err(PathError::Form { path: text.to_owned(), form: format!("${{{form}}}") });
    }
    let mut expanded = OsString::new();
    let mut literal = String::new();
    for (number, part) in text.split('/').enumerate() {
        if number > 0 {
            expanded.push("/");
            literal.push('/');
        }
        literal.push_str(part);
        let marked = part.contains(['$', '%']) || number == 0 && part.starts_with('~');
        if !marked || there(Path::new(&literal)) {
            expanded.push(part);
            continue;
        }
        let rest = match part.strip_prefix('~').filter(|_| number == 0) {
            None => part,
            Some(rest) => {
                let user = rest.split('\\').next().unwrap_or_default();
                if !user.is_empty() {
                    return Err(PathError::OtherHome { path: text.to_owned(), user: format!("~{user}") });
                }
                expanded.push(home(text)?);
                rest
            }
        };
        variables(text, rest, &mut expanded)?;
    }
    let expanded = PathBuf::from(expanded);
    Ok(match with_slashes(&expanded) {
        Some(path) if !there(&expanded) && there(&path) => path,
        _ => expanded,
    })
}

/// Whether a path holds anything that [`expand`] cares for. Most do not, and tables have many.
pub(crate) fn needs_a_look(text: &str) -> bool {
    text.starts_with('~') || text.contains(['$', '%', '\\', ':'])
}

/// The same path with slashes for backslashes; `None` where it has none, or where they mean the same.
pub(crate) fn with_slashes(path: &Path) -> Option<PathBuf> {
    let text = path.to_str().filter(|text| cfg!(not(windows)) && text.contains('\\'))?;
    Some(PathBuf::from(text.replace('\\', "/")))
}

/// What is written as a path but leads away from this machine's files.
pub(crate) fn foreign(text: &str) -> Option<PathError> {
    let path = || text.to_owned();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    if scheme
        .is_some_and(|s| s.len() > 1 && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)))
    {
        return Some(PathError::Address { path: path() });
    }
    if cfg!(windows) {
        return None;
    }
    let mut letters = text.chars();
    let drive = (letters.next(), letters.next(), letters.next());
    if let (Some(letter), Some(':'), Some('\\' | '/') | None) = drive
        && letter.is_ascii_alphabetic()
    {
        let rest = text[2..].replace('\\', "/");
        let remedy = format!(
            "write where its files are here (under WSL that is /mnt/{}{rest})",
            letter.to_ascii_lowercase()
        );
        return Some(PathError::Windows { path: path(), remedy });
    }
    text.starts_with("\\\\").then(|| PathError::Windows {
        path: path(),
        remedy: "write where the share is mounted here, such as /mnt/share".into(),
    })
}

/// The home folder, for a path that begins with it.
fn home(path: &str) -> Result<PathBuf, PathError> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let found = std::env::var_os(name).filter(|value| !value.is_empty());
    found.map(PathBuf::from).ok_or_else(|| PathError::NoHome { path: path.to_owned(), name: name.to_owned() })
}

/// Whether this can be the name of a variable.
fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Adds a text with its variables filled in.
fn variables(path: &str, text: &str, expanded: &mut OsString) -> Result<(), PathError> {
    let mut rest = text;
    while let Some(at) = rest.find(['$', '%']) {
        expanded.push(&rest[..at]);
        let (sign, after) = rest[at..].split_at(1);
        let end_of_name = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let braced = after.strip_prefix('{').and_then(|inner| Some((inner, inner.find('}')?)));
        // The name, and how many bytes after the sign are its.
        let found = match (sign, braced) {
            ("$", Some((inner, end))) => Some((&inner[..end], end + 2)),
            ("$", None) => Some((&after[..end_of_name], end_of_name)),
            _ => after.find('%').map(|end| (&after[..end], end + 1)),
        };
        match found.filter(|(name, _)| is_variable(name)) {
            Some((name, length)) => {
                let value = std::env::var_os(name).filter(|value| !value.is_empty());
                let unset = || PathError::Unset { path: path.to_owned(), name: name.to_owned() };
                expanded.push(value.ok_or_else(unset)?);
                rest = &after[length..];
            }
            // A price, a share of a hundred, or a name that is just odd.
            None => {
                expanded.push(sign);
                rest = after;
            }
        }
    }
    expanded.push(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo sets this for tests, so that none has to change the environment, which threads share.
    const VARIABLE: &str = "CARGO_MANIFEST_DIR";

    fn expanded(text: &str) -> Result<String, String> {
        expand(Path::new(text)).map(|path| path.display().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn home_and_variables_are_filled_in_wherever_a_shell_would() {
        let value = std::env::var(VARIABLE).unwrap();
        let home = std::env::var("HOME").unwrap();
        for (written, meant) in [
            ("~", home.clone()),
            ("~/pho tos/1.jpg", format!("{home}/pho tos/1.jpg")),
            ("./~/photos", "./~/photos".into()),
            ("a/~/photos", "a/~/photos".into()),
            ("a~b", "a~b".into()),
            (&format!("${VARIABLE}/x"), format!("{value}/x")),
            (&format!("${{{VARIABLE}}}/x"), format!("{value}/x")),
            (&format!("%{VARIABLE}%/x"), format!("{value}/x")),
            (&format!("a/${{{VARIABLE}}}_2/${VARIABLE}-3"), format!("a/{value}_2/{value}-3")),
            ("5$/100%/$1/50% off 20%", "5$/100%/$1/50% off 20%".into()),
            ("$", "$".into()),
            ("${open", "${open".into()),
            ("", String::new()),
            ("plain/Größe/사진.jpg", "plain/Größe/사진.jpg".into()),
        ] {
            assert_eq!(expanded(written), Ok(meant), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_named() {
        for (written, named) in [
            ("$NO_SUCH_THING_HERE/x", "variable NO_SUCH_THING_HERE is not set"),
            ("${NO_SUCH_THING_HERE}/x", "variable NO_SUCH_THING_HERE is not set"),
            ("a/%NO_SUCH_THING_HERE%\\x", "variable NO_SUCH_THING_HERE is not set"),
            ("${DATA:-/tmp}/x", "${DATA:-/tmp} is not understood"),
            ("~somebody/x", "~somebody would be the home folder of another user"),
            ("https://example.org/1.jpg", "must be on this machine"),
            ("s3://bucket/photos", "must be on this machine"),
        ] {
            let error = expanded(written).unwrap_err();
            assert!(error.contains(named) && error.contains(written), "{written}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_of_windows_is_named_on_other_systems() {
        for written in ["C:\\photos\\1.jpg", "d:/photos", "\\\\server\\share", "C:"] {
            let error = expanded(written).unwrap_err();
            assert!(error.contains("path of Windows"), "{written}: {error}");
        }
        assert!(expanded("C:\\photos\\1.jpg").unwrap_err().contains("/mnt/c/photos/1.jpg"));
        assert_eq!(expanded("ab:c/d"), Ok("ab:c/d".into()));
    }

    #[cfg(unix)]
    #[test]
    fn what_exists_as_it_is_written_is_taken_as_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let there = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        };
        let from = |text: &str| expand_from(&[folder.path()], Path::new(text)).unwrap().display().to_string();
        for name in ["~/x", "$HOME/y", "%PATH%", "C:\\z", "a\\b.jpg", "sub/0.jpg"] {
            there(name);
            assert_eq!(from(name), name);
        }
        assert_eq!(from("sub\\0.jpg"), "sub/0.jpg");
        // What is new below a folder of such a name stays below it.
        assert_eq!(from("$HOME/new"), "$HOME/new");
        assert_eq!(from("nothing\\there"), "nothing\\there");
    }
}
