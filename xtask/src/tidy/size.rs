//! Rules about length: where one starts asking to be two.

use super::source::{Source, closing, find_word};
use super::{Finding, Tree};

/// Lines of a file that one can still hold in one's head.
const FILE_LINES: usize = 800;

/// Lines of a function, from its `fn` to its closing brace: about one screen.
const FUNCTION_LINES: usize = 70;

/// Files of code are at most [`FILE_LINES`] long.
pub fn long_files(tree: &Tree) -> Vec<Finding> {
    const CODE: &[&str] = &[".rs", ".c", ".h", ".py", ".sh"];
    let is_code = |source: &&Source| CODE.iter().any(|end| source.path.ends_with(end));
    tree.sources
        .iter()
        .filter(is_code)
        .filter_map(long_file)
        .collect()
}

fn long_file(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    let text = format!("{lines} lines, at most {FILE_LINES}");
    (lines > FILE_LINES).then(|| Finding::new("long-file", &source.path, 0, text))
}

/// Functions are at most [`FUNCTION_LINES`] long.
pub fn long_functions(tree: &Tree) -> Vec<Finding> {
    tree.sources
        .iter()
        .filter(|source| source.is_rust())
        .flat_map(long_functions_in)
        .collect()
}

fn long_functions_in(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for at in find_word(&source.code, "fn") {
        let Some((name, open)) = signature(&source.code, at) else {
            continue;
        };
        let Some(close) = closing(&source.code, open) else {
            continue;
        };
        let first = source.line(at);
        let lines = source.line(close) - first + 1;
        if lines > FUNCTION_LINES {
            let text = format!("`{name}` has {lines} lines, at most {FUNCTION_LINES}");
            findings.push(Finding::new("long-function", &source.path, first, text));
        }
    }
    findings
}

/// Name and opening brace of the function whose `fn` is at `at`; `None` for a type or a declaration.
fn signature(code: &str, at: usize) -> Option<(&str, usize)> {
    let name = code[at + 2..].trim_start();
    let length = name
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(name.len());
    if length == 0 {
        return None;
    }
    let start = code.len() - name.len();
    let mut depth = 0;
    for (offset, byte) in code.bytes().enumerate().skip(start + length) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some((&name[..length], offset)),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!(
            "fn long<T>(x: [u8; 4]) -> T {{\n{}}}\n",
            "    x();\n".repeat(lines - 2)
        )
    }

    #[test]
    fn counts_the_lines_of_functions() {
        let found = |text: &str| long_functions_in(&Source::new("a.rs", text));
        assert!(found(&function(FUNCTION_LINES)).is_empty());
        let findings = found(&format!("\n{}", function(FUNCTION_LINES + 1)));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 2);
        assert!(
            findings[0].text.starts_with("`long` has 71 lines"),
            "{}",
            findings[0].text
        );
    }

    #[test]
    fn a_declaration_or_a_type_is_no_function() {
        let rest = "mod m {\n".to_owned() + &"\n".repeat(100) + "}\n";
        for start in [
            "type F = fn(u8) -> u8;\n",
            "trait T { fn f(x: [u8; 2]); }\n",
        ] {
            let source = Source::new("a.rs", &format!("{start}{rest}"));
            assert!(long_functions_in(&source).is_empty(), "{start}");
        }
    }

    #[test]
    fn counts_the_lines_of_files() {
        let lines = |count: usize| Source::new("a.rs", &"x\n".repeat(count));
        assert!(long_file(&lines(FILE_LINES)).is_none());
        assert!(long_file(&lines(FILE_LINES + 1)).is_some());
    }
}
