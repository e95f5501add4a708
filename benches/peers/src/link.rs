//! The line of text between the two sides: set-up, barriers and the final report.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::Outcome;

/// Longest silence during set-up before a side gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Unix socket between receiver and painter that carries lines.
pub struct Link {
    read: BufReader<UnixStream>,
    write: UnixStream,
}

impl Link {
    /// The end that the parent left on standard input.
    pub fn from_stdin() -> Outcome<Link> {
        let write = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        write.set_read_timeout(Some(PATIENCE))?;
        Ok(Link {
            read: BufReader::new(write.try_clone()?),
            write,
        })
    }

    /// Send one line.
    pub fn say(&mut self, text: &str) -> Outcome<()> {
        self.write.write_all(format!("{text}\n").as_bytes())?;
        Ok(())
    }

    /// Wait for one line.
    pub fn hear(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.read.read_line(&mut line)? == 0 {
            return Err("the other side went away".into());
        }
        Ok(line.trim_end().to_string())
    }

    /// Wait until the other side stands at the same point.
    pub fn meet(&mut self, point: &str) -> Outcome<()> {
        self.say(point)?;
        let heard = self.hear()?;
        match heard == point {
            true => Ok(()),
            false => Err(format!("at '{point}' the other side said '{heard}'").into()),
        }
    }
}
