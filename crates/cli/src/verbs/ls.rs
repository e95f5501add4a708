//! `ls`: the streams that live now.

use std::io::Write as _;

use framebus::registry::{self, StreamInfo};
use serde::Serialize;

use crate::error::CliError;
use crate::table::{bytes, grouped, table};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a JSON array
    #[arg(long)]
    pub json: bool,
}

/// One stream, as JSON shows it. Size and format are null until the first frame.
#[derive(Debug, Serialize)]
struct Line<'a> {
    name: &'a str,
    pid: u32,
    epoch: u32,
    width: Option<u32>,
    height: Option<u32>,
    format: Option<&'static str>,
    published: u64,
    replied: u32,
    subscribers: u32,
    lossless: bool,
    responsive: bool,
    memory_bytes: u64,
}

impl<'a> From<&'a StreamInfo> for Line<'a> {
    fn from(info: &'a StreamInfo) -> Self {
        Self {
            name: &info.name,
            pid: info.pid,
            epoch: info.epoch,
            width: info.extent.map(|extent| extent.width()),
            height: info.extent.map(|extent| extent.height()),
            format: info.format.map(|format| format.name()),
            published: info.published,
            replied: info.replied,
            subscribers: info.subscribers,
            lossless: info.lossless,
            responsive: info.responsive,
            memory_bytes: info.memory_bytes,
        }
    }
}

/// Lists the streams.
///
/// # Errors
/// When the registry cannot be read.
pub fn run(args: &Args) -> Result<(), CliError> {
    let streams = registry::list()?;
    let text = if args.json {
        let lines: Vec<Line<'_>> = streams.iter().map(Line::from).collect();
        serde_json::to_string(&lines).map_err(|error| CliError::Json(error.to_string()))? + "\n"
    } else {
        let rows: Vec<Vec<String>> = streams.iter().map(row).collect();
        let heading = [
            "NAME",
            "PID",
            "SIZE",
            "FORMAT",
            "FRAMES",
            "SUBSCRIBERS",
            "MEMORY",
        ];
        table(&heading, &rows)
    };
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(CliError::io("cannot write -"))
}

fn row(info: &StreamInfo) -> Vec<String> {
    let dash = || "-".to_owned();
    // A publisher that is stopped says nothing.
    let known = |text| if info.responsive { text } else { dash() };
    vec![
        info.name.clone(),
        info.pid.to_string(),
        info.extent.map_or_else(dash, |extent| extent.to_string()),
        info.format.map_or_else(dash, |format| format.to_string()),
        known(grouped(info.published)),
        known(info.subscribers.to_string()),
        known(bytes(info.memory_bytes)),
    ]
}
