//! The exceptions: one line each, with a reason, and none that is no longer needed.

use super::Finding;
use crate::process::{Failure, Outcome};
use std::path::Path;

/// Where the exceptions stand.
const FILE: &str = "xtask/tidy-allow.txt";

/// A reason has at least this many letters: "legacy" says nothing.
const SHORTEST_REASON: usize = 15;

/// One exception: this rule may find something in this place.
#[derive(Debug, PartialEq, Eq)]
pub struct Allowed {
    line: usize,
    rule: String,
    place: String,
}

impl Allowed {
    fn covers(&self, finding: &Finding) -> bool {
        self.rule == finding.rule && self.place == finding.place
    }
}

/// Reads the list.
pub fn read(root: &Path) -> Outcome<Vec<Allowed>> {
    match std::fs::read_to_string(root.join(FILE)) {
        Ok(text) => parse(&text),
        Err(error) => Err(Failure::new(format!("cannot read {FILE}: {error}"))),
    }
}

/// Each line is `rule place reason`, the first two without spaces.
fn parse(text: &str) -> Outcome<Vec<Allowed>> {
    let mut list = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (rule, place) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let reason = words.collect::<Vec<_>>().join(" ");
        if reason.len() < SHORTEST_REASON {
            let line = index + 1;
            return Err(Failure::new(format!(
                "{FILE}:{line}: `{rule} {place}` gives no reason"
            )));
        }
        list.push(Allowed {
            line: index + 1,
            rule: rule.to_owned(),
            place: place.to_owned(),
        });
    }
    Ok(list)
}

/// Takes away what is allowed, and adds a finding for every exception that excuses nothing.
pub fn filter(allowed: &[Allowed], findings: Vec<Finding>) -> Vec<Finding> {
    let unused: Vec<Finding> = allowed
        .iter()
        .filter(|allowed| !findings.iter().any(|finding| allowed.covers(finding)))
        .map(|allowed| {
            let text = format!(
                "`{} {}` excuses nothing any more",
                allowed.rule, allowed.place
            );
            Finding::new("unused-exception", FILE, allowed.line, text)
        })
        .collect();
    let mut left = excuse(allowed, findings);
    left.extend(unused);
    left
}

/// Takes away what is allowed.
pub fn excuse(allowed: &[Allowed], mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| !allowed.iter().any(|allowed| allowed.covers(finding)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_needs_a_reason() {
        let list = parse("# comment\n\nlong-file a.rs one table of names\n").unwrap();
        let expected = Allowed {
            line: 3,
            rule: "long-file".into(),
            place: "a.rs".into(),
        };
        assert_eq!(list, [expected]);
        let error = parse("long-file a.rs because\n").unwrap_err().to_string();
        assert!(
            error.contains(":1:") && error.contains("no reason"),
            "{error}"
        );
    }

    #[test]
    fn excuses_its_own_place_alone_and_is_itself_checked() {
        let text = "long-file a.rs one table of names\ncopy b.rs no longer copied\n";
        let findings = vec![
            Finding::new("long-file", "a.rs", 0, "900 lines"),
            Finding::new("long-file", "c.rs", 0, "901 lines"),
        ];
        let left = filter(&parse(text).unwrap(), findings);
        let places: Vec<_> = left
            .iter()
            .map(|found| (found.rule, found.place.as_str()))
            .collect();
        assert_eq!(places, [("long-file", "c.rs"), ("unused-exception", FILE)]);
    }
}
