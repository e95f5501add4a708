//! One tracked file, and its code with comments and literals blanked out.

use std::path::Path;

/// A text file.
pub struct Source {
    /// From the root of the repository, with `/`.
    pub path: String,
    pub text: String,
    /// For Rust: as long as `text`, with comments and literals turned into spaces, so that every
    /// brace and word in it is code. Empty for other files.
    pub code: String,
}

impl Source {
    /// A file with this text.
    pub fn new(path: &str, text: &str) -> Source {
        let code = if path.ends_with(".rs") {
            mask(text)
        } else {
            String::new()
        };
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
        }
    }

    /// Reads a file; `None` when it is gone or not text (a picture, a fuzz corpus).
    pub fn read(root: &Path, path: &str) -> Option<Source> {
        let bytes = std::fs::read(root.join(path)).ok()?;
        if bytes.contains(&0) {
            return None;
        }
        Some(Source::new(path, &String::from_utf8(bytes).ok()?))
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether one of the folders that the file lies in has this name.
    pub fn is_below(&self, folder: &str) -> bool {
        self.path.rsplit('/').skip(1).any(|part| part == folder)
    }

    /// The line of a byte offset, from 1.
    pub fn line(&self, offset: usize) -> usize {
        1 + self.text.as_bytes()[..offset]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
    }
}

/// Offsets where `word` stands in `code` as a word of its own.
pub fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| is_name_byte(*byte));
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            !is_part(before) && !is_part(bytes.get(at + word.len()))
        })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The offset of the bracket that closes the one at `open`, if there is one.
pub fn closing(code: &str, open: usize) -> Option<usize> {
    let bytes = code.as_bytes();
    let (opens, closes) = match bytes.get(open)? {
        b'(' => (b'(', b')'),
        b'[' => (b'[', b']'),
        b'{' => (b'{', b'}'),
        _ => return None,
    };
    let mut depth = 0usize;
    for (at, &byte) in bytes.iter().enumerate().skip(open) {
        if byte == opens {
            depth += 1;
        } else if byte == closes {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Blanks comments and literals, keeping every line where it is.
fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = (at + literal_length(bytes, at)).min(bytes.len());
        if end > at {
            let blank = |byte: &u8| if *byte == b'\n' { b'\n' } else { b' ' };
            code.extend(bytes[at..end].iter().map(blank));
            at = end;
        } else {
            code.push(bytes[at]);
            at += 1;
        }
    }
    // Only whole characters were blanked.
    String::from_utf8_lossy(&code).into_owned()
}

/// Length of the comment or literal that starts at `at`; 0 when none starts there.
fn literal_length(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return block_comment(rest);
    }
    match rest[0] {
        b'"' => 1 + quoted(&rest[1..], b'"'),
        b'\'' => character(rest),
        b'r' => raw_string(bytes, at),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Length up to and with the closing `quote`, minding backslashes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of a character literal; 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return 1 + quoted(&rest[1..], b'\'');
    }
    // One character of up to four bytes, then the closing quote.
    let width = match rest.get(1) {
        Some(0xF0..) => 4,
        Some(0xE0..) => 3,
        Some(0xC0..) => 2,
        _ => 1,
    };
    if rest.get(1 + width) == Some(&b'\'') {
        width + 2
    } else {
        0
    }
}

/// Length of a raw string from its `r`; 0 when this `r` begins none.
fn raw_string(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') || !starts_raw(bytes, at) {
        return 0;
    }
    let end: Vec<u8> = std::iter::once(b'"')
        .chain(std::iter::repeat_n(b'#', hashes))
        .collect();
    let body = &rest[hashes + 2..];
    let length = body.windows(end.len()).position(|window| window == end);
    length.map_or(rest.len(), |length| hashes + 2 + length + end.len())
}

/// Whether the `r` at `at` is a prefix of its own (`r`, `br`, `cr`) and not the end of a name.
fn starts_raw(bytes: &[u8], at: usize) -> bool {
    let before = |distance: usize| at.checked_sub(distance).map_or(b' ', |at| bytes[at]);
    !is_name_byte(before(1)) || (matches!(before(1), b'b' | b'c') && !is_name_byte(before(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every case: the text, and its code with each run of blanks written as one space.
    #[test]
    fn masks_comments_and_literals_but_no_code() {
        let cases = [
            ("a // {\nb", "a b"),
            ("a /* { /* } */ \n */ b", "a b"),
            (r#"f("a\"{", x)"#, "f( , x)"),
            (r##"f(r#"{"#, br"}")"##, "f( , b )"),
            (r"g('{', '\'', '\u{1F}')", "g( , , )"),
            ("fn f<'a>(x: &'a u8) {}", "fn f<'a>(x: &'a u8) {}"),
            ("let r#type = bar; }", "let r#type = bar; }"),
            ("x('ü', é)", "x( , é)"),
        ];
        for (text, expected) in cases {
            let masked = mask(text);
            assert_eq!(masked.len(), text.len(), "{text}");
            let mut runs = masked.replace('\n', " ");
            while runs.contains("  ") {
                runs = runs.replace("  ", " ");
            }
            assert_eq!(runs, expected, "{text}");
        }
    }

    #[test]
    fn an_unclosed_literal_ends_with_the_file() {
        for text in ["\"abc", "/* abc", "r#\"abc\"", "'\\", "\"a\\"] {
            assert_eq!(mask(text).trim(), "", "{text}");
        }
    }

    #[test]
    fn finds_whole_words_and_closing_brackets() {
        assert_eq!(
            find_word("unix(unixy, _unix, unix)", "unix").collect::<Vec<_>>(),
            [0, 19]
        );
        assert_eq!(closing("f(a(b), c) d", 1), Some(9));
        assert_eq!(closing("f(a", 1), None);
        assert_eq!(closing("f(a", 0), None);
    }

    #[test]
    fn knows_folders_and_lines() {
        let source = Source::new("crates/sys/src/sys/linux/a.rs", "one\ntwo\n");
        assert!(source.is_below("sys") && source.is_below("linux"));
        assert!(!source.is_below("a.rs") && !source.is_below("gdi"));
        assert_eq!((source.line(0), source.line(4)), (1, 2));
    }
}
