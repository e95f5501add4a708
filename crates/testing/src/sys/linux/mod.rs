//! Linux: /proc, signals, limits, attacks and a filter of system calls.

mod attacks;
mod jail;
mod limits;
mod processes;

pub use attacks::{GRIP, attack, fill_without_nonblock, foreign_handle, grip, plain_memory};
pub use jail::{forbid_system_calls, leave};
pub use limits::{as_user, limit_file_size, limit_handles};
pub use processes::{
    SharedMemory, go_on, is_stopped, kill, let_others_enter, link, make_private, mappings,
    open_handles, own_number, poll_readable, shared_memory, stop,
};
