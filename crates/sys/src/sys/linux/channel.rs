//! Channels as SEQPACKET Unix sockets.

use crate::channel::{ChannelOps, Credentials, MAX_HANDLES, Received};
use crate::{BorrowedHandle, Error, Handle, Result};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix,
    SocketFlags, SocketType, sockopt,
};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct ChannelLeaf(Handle);

#[derive(Debug)]
pub(crate) struct ListenerLeaf(Handle);

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

fn socket() -> Result<Handle> {
    let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)
        .map_err(|e| Error::system("socket", e))?;
    ask_for_credentials(&fd)?;
    Ok(fd)
}

fn ask_for_credentials(fd: &Handle) -> Result<()> {
    sockopt::set_socket_passcred(fd, true).map_err(|e| Error::system("SO_PASSCRED", e))
}

/// The address of `name` in `directory`, whatever the directory's length.
///
/// A socket address holds 108 bytes. A longer path goes through an open directory;
/// that handle has to live until the address was used.
fn address(directory: &Path, name: &str) -> Result<(SocketAddrUnix, Option<Handle>)> {
    let path = directory.join(name);
    if let Ok(address) = SocketAddrUnix::new(&path) {
        return Ok((address, None));
    }
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory, flags, Mode::empty())
        .map_err(|e| Error::system("open of the runtime directory", e))?;
    let number = opened.as_raw_fd();
    let path = PathBuf::from(format!("/proc/self/fd/{number}/{name}"));
    let address = SocketAddrUnix::new(&path).map_err(|e| Error::system("socket address", e))?;
    Ok((address, Some(opened)))
}

/// Room for the handles and the credentials of a message.
const CONTROL_BYTES: usize = {
    // SAFETY: these only compute lengths.
    let (handles, sender) = unsafe {
        (
            libc::CMSG_SPACE((MAX_HANDLES * size_of::<RawFd>()) as u32),
            libc::CMSG_SPACE(size_of::<libc::ucred>() as u32),
        )
    };
    (handles + sender) as usize
};

/// Control messages begin where a `cmsghdr` may.
#[repr(align(8))]
struct ControlBuffer([u64; CONTROL_BYTES / 8]);

const _: () = assert!(CONTROL_BYTES.is_multiple_of(8));

/// The handles, now ours, and the sender of a message that was received.
///
/// Not by rustix: the sender's pid is 0 if it lives in a pid namespace that cannot be
/// seen from here, and rustix has no value for that.
///
/// # Safety
///
/// `recvmsg` has filled `header` in, and its control buffer still lives.
unsafe fn control_messages(header: &libc::msghdr) -> (Vec<Handle>, Option<Credentials>) {
    let (mut handles, mut sender) = (Vec::new(), None);
    // SAFETY: walks the messages that the kernel wrote, by the macros made for it; each
    // handle in them is new and belongs to nobody else; credentials may lie unaligned.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = message.as_ref() {
            let data = libc::CMSG_DATA(message);
            let len = found.cmsg_len - (data as usize - message as usize);
            match (found.cmsg_level, found.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    for at in 0..len / size_of::<RawFd>() {
                        let number = data.cast::<RawFd>().add(at).read_unaligned();
                        handles.push(Handle::from_raw_fd(number));
                    }
                }
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if len >= size_of::<libc::ucred>() => {
                    let found = data.cast::<libc::ucred>().read_unaligned();
                    let pid = u32::try_from(found.pid).unwrap_or(0);
                    sender = Some(Credentials {
                        pid,
                        uid: found.uid,
                    });
                }
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    (handles, sender)
}

impl ChannelOps for ChannelLeaf {
    type Listener = ListenerLeaf;

    fn bind(directory: &Path, name: &str) -> Result<ListenerLeaf> {
        let fd = socket()?;
        // Under another name first: whoever finds the right one finds somebody who listens,
        // and what a dead process left there is replaced in one step.
        let fresh = format!(".{name}");
        match rustix::fs::unlink(directory.join(&fresh)) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(Error::system("unlink of a dead socket", e)),
        }
        let (address, _directory) = address(directory, &fresh)?;
        rustix::net::bind(&fd, &address).map_err(|e| Error::system("bind", e))?;
        rustix::net::listen(&fd, BACKLOG).map_err(|e| Error::system("listen", e))?;
        rustix::fs::rename(directory.join(&fresh), directory.join(name))
            .map_err(|e| Error::system("rename of a socket", e))?;
        Ok(ListenerLeaf(fd))
    }

    fn accept(listener: &ListenerLeaf) -> Result<Option<Self>> {
        match rustix::net::accept_with(&listener.0, FLAGS) {
            Ok(fd) => {
                ask_for_credentials(&fd)?;
                Ok(Some(ChannelLeaf(fd)))
            }
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(None),
            Err(e) => Err(Error::system("accept", e)),
        }
    }

    fn connect(directory: &Path, name: &str) -> Result<Option<Self>> {
        let fd = socket()?;
        let (address, _directory) = address(directory, name)?;
        match rustix::net::connect(&fd, &address) {
            Ok(()) => Ok(Some(ChannelLeaf(fd))),
            Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
            // The listener's queue is full.
            Err(Errno::AGAIN) => Err(Error::WouldBlock),
            Err(e) => Err(Error::system("connect", e)),
        }
    }

    fn pair() -> Result<(Self, Handle)> {
        let (a, b) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)
                .map_err(|e| Error::system("socketpair", e))?;
        ask_for_credentials(&a)?;
        ask_for_credentials(&b)?;
        Ok((ChannelLeaf(a), b))
    }

    fn from_handle(handle: Handle) -> Result<Self> {
        // Refuses a handle that is no such socket before anything is read from it.
        let kind =
            sockopt::socket_type(&handle).map_err(|e| Error::system("SO_TYPE of a channel", e))?;
        if kind != SocketType::SEQPACKET {
            return Err(Error::system(
                "a channel that is no SEQPACKET socket",
                Errno::PROTOTYPE,
            ));
        }
        rustix::io::ioctl_fionbio(&handle, true).map_err(|e| Error::system("FIONBIO", e))?;
        rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::CLOEXEC)
            .map_err(|e| Error::system("FD_CLOEXEC", e))?;
        ask_for_credentials(&handle)?;
        Ok(ChannelLeaf(handle))
    }

    fn into_handle(self) -> Handle {
        self.0
    }

    fn send(&self, bytes: &[u8], handles: &[BorrowedHandle<'_>]) -> Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_HANDLES))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !handles.is_empty() && !control.push(SendAncillaryMessage::ScmRights(handles)) {
            return Err(Error::Oversized { limit: MAX_HANDLES });
        }
        // DONTWAIT and not only O_NONBLOCK: whoever holds a copy of the socket can clear that.
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        loop {
            match rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Err(Error::WouldBlock),
                Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => return Err(Error::Closed),
                Err(e) => return Err(Error::system("sendmsg", e)),
            }
        }
    }

    fn recv(&self, buffer: &mut [u8]) -> Result<Option<Received>> {
        let limit = buffer.len();
        let mut control = ControlBuffer([0; CONTROL_BYTES / 8]);
        let mut part = libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        };
        // SAFETY: all zeroes is a valid empty header.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = CONTROL_BYTES;
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        let len = loop {
            // SAFETY: the header points at buffers of the lengths it states, which live here.
            match usize::try_from(unsafe {
                libc::recvmsg(self.0.as_raw_fd(), &raw mut header, flags)
            }) {
                Ok(len) => break len,
                Err(_) => match Errno::from_io_error(&std::io::Error::last_os_error()) {
                    Some(Errno::INTR) => continue,
                    Some(Errno::AGAIN) => return Ok(None),
                    Some(Errno::CONNRESET | Errno::NOTCONN) => return Err(Error::Closed),
                    other => return Err(Error::system("recvmsg", other.unwrap_or(Errno::IO))),
                },
            }
        };
        // SAFETY: the kernel has just filled the header in.
        let (handles, sender) = unsafe { control_messages(&header) };
        let cut = libc::MSG_TRUNC | libc::MSG_CTRUNC;
        if header.msg_flags & cut != 0 || handles.len() > MAX_HANDLES {
            return Err(Error::Oversized { limit });
        }
        // An empty message is end-of-file on a SEQPACKET socket; nobody here sends one.
        if len == 0 {
            return Err(Error::Closed);
        }
        let sender = sender.ok_or(Error::NoCredentials)?;
        Ok(Some(Received {
            len,
            handles,
            sender,
        }))
    }

    fn wait_readable(&self, timeout: Duration) -> Result<bool> {
        wait_readable(self.0.as_fd(), timeout)
    }

    fn peer(&self) -> Option<Handle> {
        // Linux 6.5 and later; of a pair, it would be whoever made the pair.
        const SO_PEERPIDFD: libc::c_int = 77;
        let own = sockopt::socket_peercred(&self.0)
            .is_ok_and(|peer| peer.pid == rustix::process::getpid());
        let mut number: RawFd = -1;
        let mut len = size_of::<RawFd>() as libc::socklen_t;
        // SAFETY: the option's value is one descriptor, and there is room for one.
        let result = unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_SOCKET,
                SO_PEERPIDFD,
                (&raw mut number).cast(),
                &raw mut len,
            )
        };
        // SAFETY: on success the descriptor is new and ours.
        (result == 0 && number >= 0)
            .then(|| unsafe { Handle::from_raw_fd(number) })
            .filter(|_| !own)
    }

    fn shutdown(&self) {
        let _ = rustix::net::shutdown(&self.0, Shutdown::Both);
    }
}

/// Sees to it that the child of `command` has `handle` too; gives the text that tells
/// the child which one it is.
pub(crate) fn inherit(handle: Handle, command: &mut std::process::Command) -> String {
    use std::os::unix::process::CommandExt;
    let number = handle.as_raw_fd();
    let keep = move || {
        // Only in the child, between fork and exec; the parent's copy stays close-on-exec.
        rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::empty())?;
        Ok(())
    };
    // SAFETY: the closure makes one system call and touches no lock and no allocator.
    unsafe { command.pre_exec(keep) };
    number.to_string()
}

/// The handle that [`inherit`] left to this process under that text.
///
/// # Safety
///
/// Nobody else in this process uses the handle, and it is taken only once.
pub(crate) unsafe fn inherited(text: &str) -> Option<Handle> {
    let number: RawFd = text.parse().ok().filter(|number| *number > 2)?;
    // SAFETY: only asks the kernel whether the number means anything.
    let borrowed = unsafe { BorrowedHandle::borrow_raw(number) };
    rustix::io::fcntl_getfd(borrowed).ok()?;
    // SAFETY: it is open, and the caller says that it is ours.
    Some(unsafe { Handle::from_raw_fd(number) })
}

/// Waits until `fd` can be read; `false` after `timeout`.
pub(crate) fn wait_readable(fd: BorrowedHandle<'_>, timeout: Duration) -> Result<bool> {
    let deadline = std::time::Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let left = left.try_into().ok();
        match rustix::event::poll(
            &mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)],
            left.as_ref(),
        ) {
            Ok(n) => return Ok(n > 0),
            Err(Errno::INTR) => continue,
            Err(e) => return Err(Error::system("poll", e)),
        }
    }
}

impl AsFd for ChannelLeaf {
    fn as_fd(&self) -> BorrowedHandle<'_> {
        self.0.as_fd()
    }
}

impl AsFd for ListenerLeaf {
    fn as_fd(&self) -> BorrowedHandle<'_> {
        self.0.as_fd()
    }
}
