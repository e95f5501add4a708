//! The test pattern as a source.

use std::time::SystemTime;

use framebus::{AlphaMode, ClockDomain, Colour, FrameLayout};

use super::{Details, Source};
use crate::error::CliError;
use crate::pattern::Pattern;

/// An endless test pattern.
#[derive(Debug)]
pub struct Moving {
    pattern: Pattern,
    colour: Colour,
}

impl Moving {
    /// A pattern for frames of `layout`.
    ///
    /// # Errors
    /// When the format cannot be painted.
    pub fn new(layout: FrameLayout) -> Result<Self, CliError> {
        let colour = if layout.format().chroma_subsampling().is_some() {
            Colour::BT709_LIMITED
        } else {
            Colour::SRGB
        };
        Ok(Self {
            pattern: Pattern::new(layout, colour)?,
            colour,
        })
    }
}

impl Source for Moving {
    fn next(&mut self) -> Result<Option<FrameLayout>, CliError> {
        Ok(Some(*self.pattern.layout()))
    }

    fn paint(&mut self, pixels: &mut [u8], age: u64) -> Result<Details, CliError> {
        let now = SystemTime::now();
        let damage = self.pattern.paint(pixels, age, now)?;
        let since = now.duration_since(SystemTime::UNIX_EPOCH).ok();
        let nanos = since.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Ok(Details {
            damage,
            alpha: AlphaMode::Opaque,
            source_time: nanos.map(|nanos| (nanos, ClockDomain::Utc)),
            ..Details::whole(self.colour)
        })
    }
}
