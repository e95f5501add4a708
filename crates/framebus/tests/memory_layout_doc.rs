//! Holds docs/memory-layout.md to the code: every offset, size, number and message, and what a C
//! compiler makes of them.
//!
//! A table that is checked stands behind a comment `<!-- layout: NAME -->`.

use framebus::{Extent, FrameLayout, PixelFormat, layout_facts};
use std::collections::BTreeMap;
use std::process::Command;

const PAGE: &str = include_str!("../../../docs/memory-layout.md");

/// The cells of the table behind the marker, row by row, without its heading.
fn table(name: &str) -> Vec<Vec<&'static str>> {
    let marker = format!("<!-- layout: {name} -->\n");
    let (_, rest) = PAGE
        .split_once(&marker)
        .unwrap_or_else(|| panic!("no table marked {name:?}"));
    let rows: Vec<_> = rest
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(!rows.is_empty(), "the table {name:?} is empty");
    rows
}

fn number(text: &str) -> u64 {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// A type as the tables write it: the C name of its elements, their size, and how many.
fn type_of(text: &str) -> (&str, usize, usize) {
    let (element, count) = match text.split_once('[') {
        Some((element, count)) => (element, number(count.trim_end_matches(']')) as usize),
        None => (text, 1),
    };
    let size = match element {
        "u8" => 1,
        "u16" => 2,
        "u32" => 4,
        "u64" => 8,
        "record" => 0xC0,
        _ => panic!("unknown type {text:?}"),
    };
    (element, size, count)
}

/// Records first: pages contain them.
const STRUCTURES: [&str; 4] = [
    "damage record",
    "stream page",
    "control page",
    "frame header",
];

#[test]
fn every_structure_is_drawn_without_gap_and_as_the_code_has_it() {
    for structure in STRUCTURES {
        let mut facts: BTreeMap<_, _> = layout_facts::fields_of(structure)
            .unwrap_or_else(|| panic!("the code knows no {structure}"))
            .into_iter()
            .map(|(name, offset, size)| (name, (offset, size)))
            .collect();
        let mut end = 0;
        for row in table(structure) {
            let (_, size, count) = type_of(row[1]);
            let (offset, size) = (number(row[0]) as usize, size * count);
            assert_eq!(offset, end, "{structure}: gap or overlap before {}", row[2]);
            end = offset + size;
            if row[2] != "reserved" {
                let fact = facts.remove(row[2]);
                assert_eq!(fact, Some((offset, size)), "{structure}: {}", row[2]);
            }
        }
        let missing: Vec<_> = facts.into_keys().collect();
        assert!(
            missing.is_empty(),
            "{structure}: not on the page: {missing:?}"
        );
    }
}

/// What the source declares, so that a field cannot be new and on neither side of the comparison.
#[test]
fn every_field_of_the_shared_words_is_compared() {
    let source = include_str!("../src/ring/page.rs");
    for (name, structure) in [
        ("StreamWords", "stream page"),
        ("DamageWords", "damage record"),
        ("ControlWords", "control page"),
    ] {
        let (_, rest) = source
            .split_once(&format!("struct {name} {{\n"))
            .expect("the structure");
        let declared: Vec<_> = rest
            .lines()
            .take_while(|line| *line != "}")
            .filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split_once(':'))
            .map(|(field, _)| field)
            .collect();
        assert!(!declared.is_empty(), "{name}");
        let facts = layout_facts::fields_of(structure).expect("facts");
        for field in declared {
            assert!(facts.iter().any(|fact| fact.0 == field), "{name}: {field}");
        }
    }
}

#[test]
fn every_number_is_that_of_the_code() {
    let page: BTreeMap<_, _> = table("values")
        .into_iter()
        .map(|row| (row[0], number(row[1])))
        .collect();
    assert_eq!(page, layout_facts::values().into_iter().collect());
    let size = |structure| {
        let rows = table(structure);
        let last = rows.last().expect("not empty");
        let (_, size, count) = type_of(last[1]);
        number(last[0]) + (size * count) as u64
    };
    assert_eq!(size("stream page"), page["bytes of a stream segment"]);
    assert_eq!(size("control page"), page["bytes of a control segment"]);
    assert_eq!(size("frame header"), page["pixels in a slot"]);
    assert_eq!(size("damage record"), 0xC0);
}

#[test]
fn every_message_has_its_fields_where_the_page_says() {
    let rows = table("messages");
    let messages = layout_facts::messages();
    assert_eq!(rows.len(), messages.len());
    for (row, (name, bytes, fields)) in rows.into_iter().zip(messages) {
        assert_eq!(row[1], name);
        assert_eq!(bytes.len(), 64, "{name}");
        let words: Vec<_> = bytes
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")))
            .collect();
        assert_eq!(bytes[..4], *b"FBM1", "{name}");
        assert_eq!(u64::from(words[1]), 1 << 16 | number(row[0]), "{name}");
        let mut left: BTreeMap<_, _> = fields.into_iter().collect();
        let mut used = vec![0, 1];
        for field in row[3].split(", ").filter(|field| !field.is_empty()) {
            let mut parts = field.split(' ');
            let at = number(parts.next().unwrap_or_default()) as usize;
            let field = parts.next().unwrap_or_default();
            assert_eq!(left.remove(field), Some(words[at]), "{name}: {field}");
            used.push(at);
            if parts.next() == Some("u64") {
                // The examples have a thousand more in the high half.
                assert_eq!(words[at + 1], words[at] + 1000, "{name}: {field}");
                used.push(at + 1);
            }
        }
        assert!(left.is_empty(), "{name}: not on the page: {left:?}");
        let unlisted = (0..16).filter(|at| !used.contains(at));
        assert!(unlisted.map(|at| words[at]).all(|word| word == 0), "{name}");
    }
}

#[test]
fn every_pixel_format_is_listed_with_its_names_and_blocks() {
    let rows = table("formats");
    assert_eq!(rows.len(), PixelFormat::ALL.len());
    // An odd size, so that rounding up shows.
    let extent = Extent::new(37, 21).expect("a size");
    for (row, &format) in rows.into_iter().zip(PixelFormat::ALL) {
        assert_eq!(number(row[0]), u64::from(format.code()));
        assert_eq!(row[1], format.name());
        let fourcc = format.fourcc().map(|code| format!("`{code}`"));
        assert_eq!(row[2], fourcc.as_deref().unwrap_or("none"), "{format}");
        assert_eq!(Some(row[3]), format.ffmpeg_pix_fmt(), "{format}");
        let blocks: Vec<_> = row[4].split("; ").map(block).collect();
        assert_eq!(blocks.len(), format.plane_count(), "{format}");
        let layout = FrameLayout::packed(format, extent).expect("a layout");
        for (plane, (width, height, bytes)) in blocks.into_iter().enumerate() {
            let row_bytes = 37u32.div_ceil(width) * bytes;
            assert_eq!(layout.plane_row_bytes(plane), row_bytes, "{format}");
            assert_eq!(layout.plane_rows(plane), 21u32.div_ceil(height), "{format}");
        }
    }
}

/// `2x2 1: Cb` as width, height and bytes.
fn block(text: &str) -> (u32, u32, u32) {
    let shape = text.split([':', '.']).next().unwrap_or_default();
    let (shape, bytes) = shape.split_once(' ').expect("a block and its bytes");
    let (width, height) = shape.split_once('x').expect("width x height");
    let number = |text| number(text) as u32;
    (number(width), number(height), number(bytes))
}

#[test]
fn names_become_the_files_that_the_page_says() {
    for row in table("names") {
        let [lock, socket] = layout_facts::files_of(row[0]).expect("a name");
        assert_eq!(lock, format!("{}.lock", row[1]));
        assert_eq!(socket, format!("{}.sock", row[1]));
    }
}

/// The structures as C, in the natural types, with the page's offsets asserted.
fn c_source() -> String {
    let mut source = String::from(
        "#include <stddef.h>\ntypedef unsigned char u8;\ntypedef unsigned short u16;\n\
         typedef unsigned int u32;\ntypedef unsigned long long u64;\n",
    );
    for structure in STRUCTURES {
        let c_name = match structure {
            "damage record" => "record".to_owned(),
            other => other.replace(' ', "_"),
        };
        let (mut members, mut checks) = (String::new(), String::new());
        for (number, row) in table(structure).into_iter().enumerate() {
            let (element, size, count) = type_of(row[1]);
            let field = match row[2] {
                "reserved" => format!("reserved{number}"),
                // `inline` is a word of C.
                other => format!("{other}_"),
            };
            let (width, offset) = (size * count, row[0]);
            members += &format!("  {element} {field}[{count}];\n");
            checks += &format!(
                "_Static_assert(offsetof({c_name}, {field}) == {offset}, \"{field}\");\n\
                 _Static_assert(sizeof((({c_name} *)0)->{field}) == {width}, \"{field}\");\n"
            );
        }
        source += &format!("typedef struct {{\n{members}}} {c_name};\n{checks}");
    }
    source
}

#[test]
fn a_c_compiler_lays_the_structures_out_in_the_same_way() {
    let folder = std::env::temp_dir().join(format!("framebus-layout-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("layout.c");
    std::fs::write(&file, c_source()).expect("a file");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(&compiler)
        .args(["-std=c11", "-Wall", "-Wpadded", "-Werror", "-c", "-o"])
        .arg(folder.join("layout.o"))
        .arg(&file)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}, which links Rust programs too: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    assert!(output.status.success(), "{said}");
}
