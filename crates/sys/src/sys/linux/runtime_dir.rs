//! The runtime directory and its trust.

use super::channel::wait_readable;
use crate::{BorrowedHandle, Error, Handle, Result};
use rustix::fs::inotify;
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) fn path() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(path) = set(crate::runtime_dir::VARIABLE) {
        return path;
    }
    match set("XDG_RUNTIME_DIR") {
        // The specification makes relative paths invalid; they are to be ignored.
        Some(path) if path.is_absolute() => path.join("framebus"),
        _ => PathBuf::from(format!("/tmp/framebus-{}", crate::process::current_user())),
    }
}

pub(crate) fn ensure(path: &Path) -> Result<()> {
    let wrong = |reason: String| Error::RuntimeDir {
        path: path.to_owned(),
        reason,
    };
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(wrong(format!("cannot be made: {e}"))),
    }
    // lstat: a link in /tmp could lead anywhere.
    let found = std::fs::symlink_metadata(path).map_err(|e| wrong(e.to_string()))?;
    let user = crate::process::current_user();
    if !found.is_dir() {
        return Err(wrong("is not a directory".into()));
    }
    if found.uid() != user {
        return Err(wrong(format!(
            "belongs to user {}, not to user {user}",
            found.uid()
        )));
    }
    if found.mode() & 0o077 != 0 {
        let mode = found.mode() & 0o777;
        return Err(wrong(format!(
            "has mode {mode:04o}, so that others may enter it; make it 0700"
        )));
    }
    Ok(())
}

#[derive(Debug)]
pub(crate) struct ChangesLeaf(Handle);

impl ChangesLeaf {
    pub(crate) fn of(directory: &Path) -> Result<Self> {
        use inotify::{CreateFlags, WatchFlags};
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(|e| Error::system("inotify_init", e))?;
        let what = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE;
        inotify::add_watch(&fd, directory, what)
            .map_err(|e| Error::system("inotify_add_watch", e))?;
        Ok(ChangesLeaf(fd))
    }

    pub(crate) fn wait(&self, timeout: Duration) -> Result<bool> {
        if !wait_readable(self.0.as_fd(), timeout)? {
            return Ok(false);
        }
        let mut sink = [0u8; 4096];
        loop {
            match rustix::io::read(&self.0, &mut sink) {
                Ok(0) | Err(Errno::AGAIN) => return Ok(true),
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(Error::system("read of inotify", e)),
            }
        }
    }
}

impl AsFd for ChangesLeaf {
    fn as_fd(&self) -> BorrowedHandle<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let base = std::env::temp_dir().join(format!("framebus-test-{}", std::process::id()));
        ensure(&base).unwrap();
        ensure(&base).unwrap();
        std::fs::set_permissions(&base, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = ensure(&base).unwrap_err().to_string();
        assert!(error.contains("0755"), "{error}");
        std::fs::remove_dir(&base).unwrap();
        std::fs::write(&base, b"").unwrap();
        assert!(
            ensure(&base)
                .unwrap_err()
                .to_string()
                .contains("not a directory")
        );
        std::fs::remove_file(&base).unwrap();
    }
}
