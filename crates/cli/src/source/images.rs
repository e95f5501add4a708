//! Image files as a source: one, or all of a folder in the order of their names.

use std::path::{Path, PathBuf};

use framebus::{AlphaMode, Colour, Extent, FrameLayout, PixelFormat};
use framebus_frame::convert;
use image::{ImageReader, Limits};

use super::{Details, Source};
use crate::error::CliError;

/// What counts as a picture in a folder.
const EXTENSIONS: [&str; 9] = [
    "png", "jpg", "jpeg", "bmp", "pnm", "pbm", "pgm", "ppm", "pam",
];
/// The most memory a decoder may take: a file of a few bytes can claim any size.
const MAX_DECODE: u64 = 1 << 30;
/// Pictures are kept decoded for the next round while they are smaller than this together.
const KEEP: u64 = 256 << 20;

/// A picture ready to be painted.
#[derive(Debug)]
struct Decoded {
    layout: FrameLayout,
    alpha: AlphaMode,
    rgba: Vec<u8>,
}

/// One image file, or a folder of them.
#[derive(Debug)]
pub struct Images {
    files: Vec<PathBuf>,
    /// A broken file ends the verb when it was named, and is skipped in a folder.
    folder: Option<PathBuf>,
    kept: Vec<Option<Decoded>>,
    kept_bytes: u64,
    format: PixelFormat,
    looping: bool,
    next: usize,
    current: Option<usize>,
}

impl Images {
    /// Finds the files; decodes none of them yet.
    ///
    /// # Errors
    /// When the path or folder cannot be read, or a folder has no pictures.
    pub fn open(path: &Path, format: PixelFormat, looping: bool) -> Result<Self, CliError> {
        let cannot_read = || CliError::io(format!("cannot read {}", path.display()));
        let folder = std::fs::metadata(path).map_err(cannot_read())?.is_dir();
        let files = if folder {
            let mut files = Vec::new();
            for entry in std::fs::read_dir(path).map_err(cannot_read())? {
                let file = entry.map_err(cannot_read())?.path();
                if has_image_extension(&file) {
                    files.push(file);
                }
            }
            files.sort();
            files
        } else {
            vec![path.to_owned()]
        };
        if files.is_empty() {
            return Err(CliError::NoImages(path.to_owned()));
        }
        Ok(Self {
            kept: files.iter().map(|_| None).collect(),
            kept_bytes: 0,
            files,
            folder: folder.then(|| path.to_owned()),
            format,
            looping,
            next: 0,
            current: None,
        })
    }

    /// Decodes picture `index` unless it is there already.
    fn decode(&mut self, index: usize) -> Result<FrameLayout, CliError> {
        if let Some(decoded) = &self.kept[index] {
            return Ok(decoded.layout);
        }
        if self.kept_bytes > KEEP {
            self.kept.iter_mut().for_each(|kept| *kept = None);
            self.kept_bytes = 0;
        }
        let decoded = decode(&self.files[index], self.format)?;
        let layout = decoded.layout;
        self.kept_bytes += decoded.rgba.len() as u64;
        self.kept[index] = Some(decoded);
        Ok(layout)
    }

    /// The next index, going round when asked to.
    fn advance(&mut self) -> Option<usize> {
        if self.next == self.files.len() && self.looping {
            self.next = 0;
        }
        let index = self.next;
        (index < self.files.len()).then(|| {
            self.next += 1;
            index
        })
    }
}

impl Source for Images {
    fn next(&mut self) -> Result<Option<FrameLayout>, CliError> {
        while let Some(index) = self.advance() {
            match (self.decode(index), &self.folder) {
                (Ok(layout), _) => {
                    self.current = Some(index);
                    return Ok(Some(layout));
                }
                (Err(error), Some(folder)) => {
                    eprintln!("framebus: skipped: {error}");
                    let folder = folder.clone();
                    self.files.remove(index);
                    self.kept.remove(index);
                    self.next = index;
                    if self.files.is_empty() {
                        return Err(CliError::NoImages(folder));
                    }
                }
                (Err(error), None) => return Err(error),
            }
        }
        Ok(None)
    }

    fn paint(&mut self, pixels: &mut [u8], _age: u64) -> Result<Details, CliError> {
        let current = self.current.and_then(|index| self.kept[index].as_ref());
        let Some(picture) = current else {
            return Err(CliError::Usage("no picture was announced".into()));
        };
        convert::from_rgba8(&picture.layout, &Colour::SRGB, &picture.rgba, pixels)?;
        Ok(Details {
            alpha: picture.alpha,
            ..Details::whole(Colour::SRGB)
        })
    }

    fn stays(&self) -> bool {
        true
    }
}

fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(|text| text.to_str());
    extension.is_some_and(|text| {
        EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(text))
    })
}

fn decode(path: &Path, format: PixelFormat) -> Result<Decoded, CliError> {
    let cannot_read = || CliError::io(format!("cannot read {}", path.display()));
    let no_picture = |error| match error {
        image::ImageError::IoError(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            cannot_read()(error)
        }
        error => CliError::Image {
            path: path.to_owned(),
            error,
        },
    };
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(cannot_read())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(framebus_frame::MAX_DIMENSION);
    limits.max_image_height = Some(framebus_frame::MAX_DIMENSION);
    limits.max_alloc = Some(MAX_DECODE);
    reader.limits(limits);
    let image = reader.decode().map_err(no_picture)?;
    let extent = Extent::new(image.width(), image.height())?;
    let alpha = if image.color().has_alpha() {
        AlphaMode::Straight
    } else {
        AlphaMode::Opaque
    };
    Ok(Decoded {
        layout: FrameLayout::with_default_stride(format, extent)?,
        alpha,
        rgba: image.into_rgba8().into_raw(),
    })
}
