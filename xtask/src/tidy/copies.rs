//! No block of ten lines stands in two places.

use super::source::Source;
use super::{Finding, Tree};
use std::collections::HashMap;

/// Lines that say something, one after the other, that make a block.
const BLOCK: usize = 10;

/// A copy is found where it begins, and names where the first one stands.
pub fn copied_blocks(tree: &Tree) -> Vec<Finding> {
    let rust: Vec<&Source> = tree
        .sources
        .iter()
        .filter(|source| source.is_rust())
        .collect();
    copies(&rust)
}

fn copies(sources: &[&Source]) -> Vec<Finding> {
    let mut seen: HashMap<Vec<&str>, (&str, usize)> = HashMap::new();
    let mut findings = Vec::new();
    for source in sources {
        let lines = telling_lines(&source.text);
        let mut in_copy = false;
        for block in lines.windows(BLOCK) {
            let words: Vec<&str> = block.iter().map(|(_, text)| *text).collect();
            let line = block[0].0;
            match seen.get(&words) {
                None => {
                    seen.insert(words, (&source.path, line));
                    in_copy = false;
                }
                // A longer copy is one finding, not one for each of its lines.
                Some(_) if in_copy => {}
                Some((path, first)) => {
                    let text = format!("{BLOCK} lines as in {path}:{first}");
                    findings.push(Finding::new("copied-block", &source.path, line, text));
                    in_copy = true;
                }
            }
        }
    }
    findings
}

/// Lines that are more than comments, imports, attributes and brackets, with their numbers.
fn telling_lines(text: &str) -> Vec<(usize, &str)> {
    let tells = |line: &str| {
        line.contains(char::is_alphanumeric)
            && !["//", "use ", "pub use ", "#[", "#!["]
                .iter()
                .any(|start| line.starts_with(start))
    };
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| tells(line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(lines: usize) -> String {
        (0..lines)
            .map(|line| format!("let x{line} = f({line});\n"))
            .collect()
    }

    #[test]
    fn finds_a_copy_once_however_long_it_is() {
        let lines = block(BLOCK + 5);
        let one = Source::new("one.rs", &lines);
        let two = Source::new("two.rs", &format!("fn f() {{\n\n    // why\n{lines}}}\n"));
        let findings = copies(&[&one, &two]);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].place.as_str(), findings[0].line),
            ("two.rs", 4)
        );
        assert!(
            findings[0].text.ends_with("one.rs:1"),
            "{}",
            findings[0].text
        );
    }

    #[test]
    fn fewer_lines_are_no_copy() {
        let one = Source::new("one.rs", &block(BLOCK - 1));
        let two = Source::new("two.rs", &format!("let y = 1;\n{}", block(BLOCK - 1)));
        assert!(copies(&[&one, &two]).is_empty());
        let imports = Source::new("a.rs", &"use a::b;\n".repeat(30));
        assert!(copies(&[&imports]).is_empty());
    }
}
