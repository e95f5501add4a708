//! Two pipes: one for asks, one for frames.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::copy::Copier;
use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::link::Link;

/// The largest pipe an unprivileged process may ask for by default.
const BIG: libc::c_int = 1 << 20;

fn paths(setup: &Setup) -> (PathBuf, PathBuf) {
    (setup.dir.join("asks"), setup.dir.join("frames"))
}

fn make(path: &Path) -> Outcome<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `name` is a C string that lives through the call.
    if unsafe { libc::mkfifo(name.as_ptr(), 0o600) } != 0 {
        let error = std::io::Error::last_os_error();
        return Err(format!("mkfifo {}: {error}", path.display()).into());
    }
    Ok(())
}

/// The asking side; it makes the pipes.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    let (asks, frames) = paths(setup);
    make(&asks)?;
    make(&frames)?;
    link.say("made")?;
    let asks = File::options().write(true).open(asks)?;
    let frames = File::open(frames)?;
    if setup.contender.variant == "1MiB" {
        // SAFETY: F_SETPIPE_SZ takes an integer and touches no memory of ours.
        let size = unsafe { libc::fcntl(frames.as_raw_fd(), libc::F_SETPIPE_SZ, BIG) };
        if size < BIG {
            return Err(format!("the pipe could not grow to {BIG} bytes").into());
        }
    }
    Ok(Box::new(Copier::new(setup, frames, asks)))
}

/// The painting side.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    link.hear()?;
    let (asks, frames) = paths(setup);
    let asks = File::open(asks)?;
    let frames = File::options().write(true).open(frames)?;
    Ok(Box::new(Copier::new(setup, asks, frames)))
}
