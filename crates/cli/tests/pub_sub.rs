//! `pub` and `sub` together: what goes in comes out.

mod common;

use common::{Bus, gray_y4m, read_png};
use framebus_cli::y4m::{Chroma, Reader};

#[test]
fn a_pattern_becomes_a_png() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "160x90", "--fps", "100"]);
    let ended = bus
        .run(&["sub", "cam", "--wait", "10", "--png", "picture.png"])
        .ok();
    assert!(
        ended.stderr.contains("cam: 1 frame received"),
        "{}",
        ended.stderr
    );
    let picture = read_png(&bus.path("picture.png"));
    assert_eq!(picture.dimensions(), (160, 90));
    // The first bar is grey, the fourth green, and both reach from the top almost to the middle;
    // the box can be over one of them, not over both.
    let at = |x, y| picture.get_pixel(x, y).0;
    let bars = [at(2, 2), at(82, 2)];
    assert!(
        bars.contains(&[191, 191, 191, 255]) || bars.contains(&[0, 191, 0, 255]),
        "{bars:?}"
    );
    assert!(!bus.path("picture.png.part").exists());
    publisher.interrupt();
    publisher.end().ok();
}

#[test]
fn every_format_can_be_published_and_seen() {
    let bus = Bus::new();
    for format in framebus_frame::PixelFormat::ALL {
        let mut publisher = bus.start(&[
            "pub",
            format.name(),
            "--size",
            "97x61",
            "--format",
            format.name(),
        ]);
        let file = format!("{}.png", format.name());
        bus.run(&["sub", format.name(), "--wait", "10", "--png", &file])
            .ok();
        assert_eq!(read_png(&bus.path(&file)).dimensions(), (97, 61));
        publisher.interrupt();
        publisher.end().ok();
    }
}

#[test]
fn numbered_pngs_are_one_per_frame() {
    let bus = Bus::new();
    let video = bus.write("in.y4m", &gray_y4m(9, 5, 6));
    let publisher = bus.start(&[
        "pub",
        "film",
        "--y4m",
        &video,
        "--lossless",
        "--subscribers",
        "1",
    ]);
    let ended = bus
        .run(&["sub", "film", "--wait", "10", "--png", "f-%03d.png"])
        .ok();
    assert!(ended.stderr.contains("6 frames received"), "{ended:?}");
    for number in 1..=6_u8 {
        let picture = read_png(&bus.path(&format!("f-{number:03}.png")));
        assert_eq!(picture.dimensions(), (9, 5));
        let gray = number - 1;
        assert!(
            picture
                .pixels()
                .all(|pixel| pixel.0 == [gray, gray, gray, 255])
        );
    }
    assert!(!bus.path("f-007.png").exists());
    let ended = publisher.end().ok();
    assert!(ended.stderr.contains("6 frames published"), "{ended:?}");
}

#[test]
fn y4m_comes_out_as_it_went_in() {
    let bus = Bus::new();
    for chroma in Chroma::ALL {
        let (width, height) = (33, 7);
        let header = format!(
            "YUV4MPEG2 W{width} H{height} F30000:1001 Ip A1:1 C{}",
            chroma.tag()
        );
        let layout = framebus_cli::y4m::Header::parse(header.as_bytes())
            .and_then(|header| header.layout())
            .expect("a header");
        let mut input = format!("{header}\n").into_bytes();
        for frame in 0..20 {
            input.extend_from_slice(b"FRAME\n");
            input.extend((0..layout.byte_len()).map(|index| (index * 7 + frame) as u8));
        }
        let publish = [
            "pub",
            "film",
            "--y4m",
            "-",
            "--lossless",
            "--subscribers",
            "1",
        ];
        let publisher = bus.start_with(&publish, &input);
        let ended = bus.run(&["sub", "film", "--wait", "10", "--y4m", "-"]).ok();
        publisher.end().ok();
        let mut read = Reader::new(&ended.stdout[..]).expect("y4m");
        assert_eq!(read.header().chroma.format(), chroma.format());
        assert_eq!(
            read.header().rate.map(|rate| rate.to_string()).as_deref(),
            Some("30000/1001")
        );
        let frames = |bytes: &[u8]| {
            let start = bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .expect("a line");
            bytes[start..].to_vec()
        };
        assert!(frames(&ended.stdout) == frames(&input), "{chroma:?}");
        assert!(read.begin_frame().expect("a frame"));
    }
}

#[test]
fn raw_video_comes_out_as_it_went_in() {
    let bus = Bus::new();
    let input: Vec<u8> = (0..30 * 50 * 40 * 3_u32)
        .map(|index| (index / 7) as u8)
        .collect();
    let publisher = bus.start_with(
        &[
            "pub",
            "raw",
            "--raw",
            "-",
            "--size",
            "50x40",
            "--format",
            "rgb24",
            "--fps",
            "200",
            "--lossless",
            "--subscribers",
            "1",
        ],
        &input,
    );
    let ended = bus
        .run(&[
            "sub",
            "raw",
            "--wait",
            "10",
            "--raw",
            "-",
            "--print-ffmpeg-args",
        ])
        .ok();
    assert!(ended.stdout == input);
    assert!(
        ended
            .stderr
            .contains("-f rawvideo -pixel_format rgb24 -video_size 50x40 -framerate 200 -i -"),
        "{}",
        ended.stderr
    );
    let published = publisher.end().ok();
    assert!(
        published.stderr.contains("30 frames published"),
        "{published:?}"
    );
}

#[test]
fn padded_rows_are_written_packed() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "pad", "--size", "33x2", "--format", "gray8"]);
    let ended = bus
        .run(&["sub", "pad", "--wait", "10", "--raw", "-", "--count", "3"])
        .ok();
    assert_eq!(ended.stdout.len(), 33 * 2 * 3);
    publisher.interrupt();
    publisher.end().ok();
}

#[test]
fn an_image_stays_to_be_seen() {
    let bus = Bus::new();
    let mut picture = image::RgbaImage::new(20, 10);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        pixel.0 = [x as u8 * 10, y as u8 * 20, 77, 255 - x as u8];
    }
    picture.save(bus.path("in.png")).expect("saved");
    let mut publisher = bus.start(&["pub", "logo", "--image", "in.png"]);
    bus.wait_for_stream("logo");
    for name in ["one.png", "two.png"] {
        bus.run(&["sub", "logo", "--png", name]).ok();
        assert!(read_png(&bus.path(name)) == picture);
    }
    publisher.interrupt();
    let ended = publisher.end().ok();
    assert!(ended.stderr.contains("1 frame published"), "{ended:?}");
}

#[test]
fn a_folder_of_images_is_shown_in_order() {
    let bus = Bus::new();
    std::fs::create_dir(bus.path("slides")).expect("a folder");
    for (name, size) in [("b.png", 20), ("a.bmp", 10), ("c.ppm", 30)] {
        image::RgbImage::new(size, 5)
            .save(bus.path("slides").join(name))
            .expect("saved");
    }
    bus.write("slides/broken.png", b"no picture");
    bus.write("slides/notes.txt", b"no picture either");
    let publisher = bus.start(&[
        "pub",
        "slides",
        "--image",
        "slides",
        "--fps",
        "50",
        "--count",
        "3",
        "--lossless",
        "--subscribers",
        "1",
    ]);
    bus.run(&["sub", "slides", "--wait", "10", "--png", "s%d.png"])
        .ok();
    let ended = publisher.end().ok();
    assert!(ended.stderr.contains("skipped: "), "{}", ended.stderr);
    let widths = [1, 2, 3].map(|number| read_png(&bus.path(&format!("s{number}.png"))).width());
    assert_eq!(widths, [10, 20, 30]);
}

#[test]
fn pictures_are_painted_on_demand() {
    let bus = Bus::new();
    let publisher = bus.start(&[
        "pub",
        "ask",
        "--on-demand",
        "--size",
        "64x48",
        "--count",
        "5",
    ]);
    let ended = bus
        .run(&[
            "sub",
            "ask",
            "--wait",
            "10",
            "--request",
            "hello",
            "--count",
            "4",
            "--png",
            "a%d.png",
        ])
        .ok();
    assert!(ended.stderr.contains("4 frames received"), "{ended:?}");
    assert_eq!(read_png(&bus.path("a4.png")).dimensions(), (64, 48));
    bus.run(&["sub", "ask", "--request", "--count", "1"]).ok();
    let ended = publisher.end().ok();
    assert!(ended.stderr.contains("5 frames published"), "{ended:?}");
}

#[test]
fn formats_without_a_y4m_word_are_converted() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "64x36", "--format", "bgra8"]);
    let ended = bus
        .run(&[
            "sub", "cam", "--wait", "10", "--y4m", "out.y4m", "--count", "2",
        ])
        .ok();
    assert!(ended.stderr.contains("bgra8"), "{}", ended.stderr);
    let bytes = std::fs::read(bus.path("out.y4m")).expect("written");
    let reader = Reader::new(&bytes[..]).expect("y4m");
    assert_eq!(reader.header().chroma, Chroma::C444);
    assert_eq!(
        reader.header().rate.map(|rate| rate.to_string()).as_deref(),
        Some("60")
    );
    publisher.interrupt();
    publisher.end().ok();
}
