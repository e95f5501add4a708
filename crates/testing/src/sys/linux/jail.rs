//! A filter that kills the process at its next system call but the last one.

use std::mem::offset_of;

/// The exit status of [`leave`].
const LEFT: i64 = 0;

const fn statement(code: u32, value: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k: value,
    }
}

/// From here on any system call of this thread but `exit_group` kills the process.
pub fn forbid_system_calls() {
    let number = offset_of!(libc::seccomp_data, nr) as u32;
    let is_exit = libc::sock_filter {
        jf: 1,
        ..statement(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            libc::SYS_exit_group as u32,
        )
    };
    let mut filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, number),
        is_exit,
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_KILL_PROCESS),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program and its filter live across both calls, which only read them.
    let result = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    assert_eq!(result, 0, "seccomp");
}

/// Ends the process at once, by the one system call that is left.
pub fn leave() -> ! {
    // SAFETY: ends the process; nothing runs after it.
    unsafe {
        libc::syscall(libc::SYS_exit_group, LEFT);
    }
    unreachable!("exit_group does not return")
}
