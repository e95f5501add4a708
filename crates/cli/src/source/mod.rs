//! Where the pictures that `pub` publishes come from.

mod images;
mod moving;
mod raw;
mod video;

use framebus::{AlphaMode, ClockDomain, Colour, Damage, FrameLayout};

use crate::error::CliError;
use crate::rate::FrameRate;

pub use images::Images;
pub use moving::Moving;
pub use raw::Raw;
pub use video::Video;

/// What a frame says about itself besides its pixels.
#[derive(Clone, Debug)]
pub struct Details {
    /// What differs from the frame before.
    pub damage: Damage,
    /// What the numbers mean as colours.
    pub colour: Colour,
    /// What alpha means.
    pub alpha: AlphaMode,
    /// When the picture was taken, and by which clock.
    pub source_time: Option<(u64, ClockDomain)>,
}

impl Details {
    /// A frame that is new all over and of which nothing else is known.
    pub fn whole(colour: Colour) -> Self {
        Self {
            damage: Damage::All,
            colour,
            alpha: AlphaMode::Unspecified,
            source_time: None,
        }
    }
}

/// A supply of pictures.
///
/// Each takes two steps, so that memory for the pixels is borrowed from the stream only once a
/// picture is known to come, and then is painted in place.
pub trait Source {
    /// The layout of the next picture; nothing when there is none any more.
    ///
    /// # Errors
    /// When the input is not what it should be.
    fn next(&mut self) -> Result<Option<FrameLayout>, CliError>;

    /// Paints the picture that [`Source::next`] announced. `pixels` has exactly the bytes of its
    /// layout and shows what this source painted `age` pictures ago (0: anything).
    ///
    /// # Errors
    /// As [`Source::next`].
    fn paint(&mut self, pixels: &mut [u8], age: u64) -> Result<Details, CliError>;

    /// The rate at which the pictures are meant to be shown, when the input says so.
    fn rate(&self) -> Option<FrameRate> {
        None
    }

    /// Whether the last picture stays to be seen when there are no more: a slide does, a video
    /// ends.
    fn stays(&self) -> bool {
        false
    }
}
