//! The command line.

use std::path::PathBuf;

use crate::Outcome;
use crate::case::{CASES, CONTENDERS, Case, Contender};

/// What the command prints when asked.
pub const HELP: &str = "\
Compare framebus with other ways to move a picture between two processes.

usage: framebus-peers [OPTIONS]

  --quick            one short round of everything: does it still run?
  --once             one iteration of everything: does it still work?
  --rounds N         interleaved rounds per case (default 5)
  --only A,B         contenders whose name begins with one of these (floor, iceoryx2/history)
  --case A,B         cases whose name begins with one of these (reqrep, stream-line)
  --cores A,B        the two cores to pin to (default: the first two allowed ones)
  --out NAME         write results/NAME.tsv and results/NAME.svg (default: latest)
  --from FILE        measure nothing: read the rows of an earlier run
  --list             name the cases and the contenders
";

/// What to run and where to write it.
#[derive(Debug)]
pub struct Options {
    /// Interleaved rounds per case.
    pub rounds: u32,
    /// The measured time of every run is divided by this.
    pub haste: u64,
    /// One iteration per run.
    pub once: bool,
    only: Vec<String>,
    cases: Vec<String>,
    /// The two cores, where they are given.
    pub cores: Option<(usize, usize)>,
    /// Stem of the files in `results/`.
    pub out: String,
    /// Rows to read instead of measuring.
    pub from: Option<PathBuf>,
    /// Print the help and end.
    pub help: bool,
    /// Print the names and end.
    pub list: bool,
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::to_string).collect()
}

impl Options {
    /// From the words of the command line, without the program's name.
    pub fn parse(words: &[String]) -> Outcome<Options> {
        let mut options = Options {
            rounds: 5,
            haste: 1,
            once: false,
            only: Vec::new(),
            cases: Vec::new(),
            cores: None,
            out: "latest".into(),
            from: None,
            help: false,
            list: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => (options.rounds, options.haste) = (1, 5),
                "--once" => (options.rounds, options.once) = (1, true),
                "--rounds" => options.rounds = value()?.parse()?,
                "--only" => options.only = split(value()?),
                "--case" => options.cases = split(value()?),
                "--cores" => options.cores = Some(pair(value()?)?),
                "--out" => options.out = value()?.clone(),
                "--from" => options.from = Some(value()?.into()),
                "--list" => options.list = true,
                "--help" | "-h" => options.help = true,
                other => return Err(format!("no option {other}; --help names them").into()),
            }
        }
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Outcome<()> {
        if let Some(name) = self
            .cases
            .iter()
            .find(|name| !CASES.iter().any(|c| c.id.starts_with(*name)))
        {
            return Err(format!("no case begins with {name}; --list names them").into());
        }
        let known = |name: &&String| CONTENDERS.iter().any(|c| c.id().starts_with(name.as_str()));
        if let Some(name) = self.only.iter().find(|name| !known(name)) {
            return Err(format!("no contender begins with {name}; --list names them").into());
        }
        if self.out.is_empty() || self.out.contains('/') {
            return Err(format!("'{}' is no stem of a file name", self.out).into());
        }
        Ok(())
    }

    /// Whether a case is asked for.
    pub fn wants_case(&self, case: &Case) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| case.id.starts_with(name))
    }

    /// Whether a contender is asked for.
    pub fn wants(&self, contender: &Contender) -> bool {
        let id = contender.id();
        self.only.is_empty() || self.only.iter().any(|name| id.starts_with(name))
    }
}

fn pair(text: &str) -> Outcome<(usize, usize)> {
    let (first, second) = text
        .split_once(',')
        .ok_or("--cores takes two numbers: 0,1")?;
    Ok((first.parse()?, second.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Outcome<Options> {
        let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        Options::parse(&words)
    }

    #[test]
    fn filters_take_the_beginning_of_a_name() {
        let options = parse("--quick --only floor,iceoryx2/history --case stream-line").unwrap();
        let ids = CONTENDERS
            .iter()
            .filter(|c| options.wants(c))
            .map(|c| c.id());
        assert!(ids.clone().any(|id| id == "floor/rotate/spin"));
        assert!(!ids.clone().any(|id| id.starts_with("iceoryx2/pubsub")));
        assert!(
            CASES
                .iter()
                .filter(|c| options.wants_case(c))
                .all(|c| c.id.starts_with("stream-line"))
        );
        assert_eq!((options.rounds, options.haste), (1, 5));
    }

    #[test]
    fn what_is_unknown_is_refused_by_name() {
        for (line, named) in [
            ("--only nobody", "nobody"),
            ("--case nothing", "nothing"),
            ("--fast", "--fast"),
            ("--rounds", "--rounds"),
            ("--cores 1", "--cores"),
            ("--out a/b", "a/b"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
