//! The few options that the verbs take, without a parser crate.

use crate::process::{Failure, Outcome};
use std::str::FromStr;

/// The arguments of a verb, taken away one by one; what stays is unknown.
pub struct Options {
    left: Vec<String>,
}

impl Options {
    /// Starts with all of `arguments`.
    pub fn new(arguments: &[String]) -> Options {
        Options {
            left: arguments.to_vec(),
        }
    }

    /// Whether `name` was given; takes it away.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|argument| argument != name);
        self.left.len() < before
    }

    /// The value after the first `name`, if it was given.
    pub fn value<T: FromStr>(&mut self, name: &str) -> Outcome<Option<T>> {
        let Some(at) = self.left.iter().position(|argument| argument == name) else {
            return Ok(None);
        };
        if at + 1 == self.left.len() {
            return Err(Failure::new(format!("{name} needs a value")));
        }
        let text = self.left.remove(at + 1);
        self.left.remove(at);
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Failure::new(format!("{name} cannot be `{text}`"))),
        }
    }

    /// Fails when an argument is left that no one asked for.
    pub fn finish(self) -> Outcome {
        match self.left.first() {
            None => Ok(()),
            Some(unknown) => Err(Failure::new(format!("unknown argument `{unknown}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Options {
        Options {
            left: text.split_whitespace().map(String::from).collect(),
        }
    }

    #[test]
    fn takes_flags_and_values_in_any_order() {
        let mut given = options("--kills 300 --keep");
        assert!(given.flag("--keep"));
        assert!(!given.flag("--check"));
        assert_eq!(given.value::<u32>("--kills").unwrap(), Some(300));
        assert_eq!(given.value::<u32>("--seconds").unwrap(), None);
        given.finish().unwrap();
    }

    #[test]
    fn names_what_is_wrong() {
        let error = options("--kills many").value::<u32>("--kills").unwrap_err();
        assert_eq!(error.to_string(), "--kills cannot be `many`");
        let error = options("--kills").value::<u32>("--kills").unwrap_err();
        assert_eq!(error.to_string(), "--kills needs a value");
        let error = options("--fast").finish().unwrap_err();
        assert_eq!(error.to_string(), "unknown argument `--fast`");
    }
}
