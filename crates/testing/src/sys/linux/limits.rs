//! Less of everything than a process is used to.

use rustix::process::{Resource, Rlimit};
use std::os::unix::process::CommandExt;
use std::process::Command;

fn limit(resource: Resource, value: u64) {
    let maximum = rustix::process::getrlimit(resource).maximum;
    let limits = Rlimit {
        current: Some(maximum.map_or(value, |maximum| value.min(maximum))),
        maximum,
    };
    rustix::process::setrlimit(resource, limits).expect("lowering a limit");
}

/// Lets this process have at most `handles` open; more can be had again later.
pub fn limit_handles(handles: u64) {
    limit(Resource::Nofile, handles);
}

/// Lets this process make files, and memory segments, of at most `bytes`.
pub fn limit_file_size(bytes: u64) {
    limit(Resource::Fsize, bytes);
}

/// Makes `command` run as another user, which only root can.
pub fn as_user(command: &mut Command, user: u32) {
    command.uid(user).gid(user);
}
