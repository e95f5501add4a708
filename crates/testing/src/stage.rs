//! A place for one test: a runtime directory of its own, and the peers that meet there.

use crate::child::Peer;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A runtime directory that goes with this value.
#[derive(Debug)]
pub struct Stage {
    directory: PathBuf,
    peer: PathBuf,
}

impl Stage {
    /// A fresh directory; `peer` is the program `framebus-peer`.
    pub fn new(peer: impl Into<PathBuf>) -> Stage {
        let number = framebus_sys::random().expect("random numbers") as u64;
        let directory = std::env::temp_dir().join(format!("framebus-stage-{number:016x}"));
        crate::sys::make_private(&directory).expect("a private directory");
        Stage {
            directory,
            peer: peer.into(),
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A command that starts a peer in this place.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.peer);
        command
            .env(framebus_sys::runtime_dir::VARIABLE, &self.directory)
            .env_remove("FRAMEBUS_FAULT");
        command
    }

    /// A peer that waits for its first line.
    pub fn peer(&self) -> Peer {
        Peer::start(self.command())
    }

    /// A peer that dies or stops at a point of the protocol, as `FRAMEBUS_FAULT` says.
    pub fn faulty_peer(&self, fault: &str) -> Peer {
        let mut command = self.command();
        command.env("FRAMEBUS_FAULT", fault);
        Peer::start(command)
    }

    /// The names of the files in the directory, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.directory).expect("the runtime directory");
        let mut names: Vec<_> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
