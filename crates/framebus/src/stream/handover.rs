//! Streams that are handed over without a name: to a child process, or over a channel
//! that the user has already.

use super::connection::Endpoint;
use crate::error::{ErrorKind, Result};
use crate::sync::{AtomicBool, Ordering};
use framebus_sys::channel::{self, Channel};
use framebus_sys::{Handle, runtime_dir};
use std::fmt;
use std::process::Command;
use std::str::FromStr;

/// The environment variable that tells a child which handle it inherited.
const VARIABLE: &str = "FRAMEBUS_STREAM";

/// One connected end of a stream, for one subscriber in another process.
///
/// Give it to a child with [`Export::inherit`], or turn it into a handle and pass that
/// over a channel of your own; the other side makes it a subscriber with
/// [`Subscriber::import`](crate::Subscriber::import). Dropping it ends the offer.
#[derive(Debug)]
pub struct Export(Handle);

impl Export {
    pub(crate) fn new(handle: Handle) -> Export {
        Export(handle)
    }

    /// Leaves this end to the child that `command` will start, which finds it by
    /// [`Subscriber::inherited`](crate::Subscriber::inherited).
    ///
    /// The offer ends when `command` is dropped and the child has exited.
    pub fn inherit(self, command: &mut Command) {
        let text = channel::inherit(self.0, command);
        command.env(VARIABLE, text);
    }

    /// The operating-system handle: a socket's file descriptor on Linux.
    pub fn into_handle(self) -> Handle {
        self.0
    }
}

impl From<Handle> for Export {
    fn from(handle: Handle) -> Export {
        Export(handle)
    }
}

/// The end that a parent left to this process. There is at most one, and it is taken once.
pub(crate) fn inherited() -> Result<Export> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let none = |reason| ErrorKind::InvalidTicket { reason }.into();
    let Some(text) = std::env::var_os(VARIABLE) else {
        return Err(none(
            "the environment variable FRAMEBUS_STREAM is not set: no parent left a stream to this process",
        ));
    };
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(none("the inherited stream was taken before"));
    }
    // SAFETY: the parent left the handle for this purpose alone, and nobody took it before.
    let handle = text
        .to_str()
        .and_then(|text| unsafe { channel::inherited(text) });
    handle
        .map(Export)
        .ok_or_else(|| none("FRAMEBUS_STREAM names no open handle"))
}

/// A text that lets one subscriber in, once.
///
/// Whoever knows it, and runs as the same user, may connect with
/// [`Subscriber::import_ticket`](crate::Subscriber::import_ticket): send it over a pipe,
/// a message, a command line. 39 ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(u128);

impl Ticket {
    pub(crate) fn fresh() -> Result<Ticket> {
        Ok(Ticket(framebus_sys::random()?))
    }

    pub(crate) fn socket_file(&self) -> String {
        format!("{self}.sock")
    }

    pub(crate) fn connect(&self) -> Result<Channel> {
        let directory = runtime_dir::open()?;
        let channel = Channel::connect(&directory, &self.socket_file())?;
        // It lets one in: the next one shall find no door, whatever becomes of this one.
        let _ = std::fs::remove_file(directory.join(self.socket_file()));
        channel.ok_or_else(|| {
            ErrorKind::InvalidTicket {
                reason: "it was used before, or its publisher is gone",
            }
            .into()
        })
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ticket-{:032x}", self.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is a secret; logs are not the place for it.
        f.write_str("Ticket(..)")
    }
}

impl FromStr for Ticket {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Ticket> {
        let digits = text.trim().strip_prefix("ticket-").filter(|digits| {
            digits.len() == 32
                && digits
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        });
        let number = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let reason = "it is not of the form ticket-, 32 hexadecimal digits";
        number
            .map(Ticket)
            .ok_or_else(|| ErrorKind::InvalidTicket { reason }.into())
    }
}

impl From<Export> for Endpoint {
    fn from(export: Export) -> Endpoint {
        Endpoint::Handle(Some(export.0))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_survives_its_text_and_shows_itself_to_no_log() {
        let ticket = Ticket::fresh().unwrap();
        let text = ticket.to_string();
        assert_eq!(text.len(), 39);
        assert_eq!(format!(" {text}\n").parse::<Ticket>().unwrap(), ticket);
        assert!(!format!("{ticket:?}").contains(&text[10..]));
        for bad in [
            "",
            "ticket-",
            "ticket-../../x",
            &text[..38],
            &format!("{text}0"),
            "ticket-ZZ",
        ] {
            assert!(bad.parse::<Ticket>().is_err(), "{bad}");
        }
    }
}
