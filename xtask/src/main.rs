//! The tasks of this repository, one file per verb: `cargo xtask VERB`.

mod assets;
mod bench_peers;
mod ci;
mod format;
mod fresh;
mod fuzz;
mod kill_run;
mod loom;
mod metadata;
mod miri;
mod options;
mod process;
mod steps;
mod test;
mod tidy;
mod tools;
mod workspace;

use process::Outcome;
use std::process::ExitCode;
use workspace::Workspace;

/// One verb of the command line.
struct Verb {
    name: &'static str,
    usage: &'static str,
    what: &'static str,
    run: fn(&Workspace, &[String]) -> Outcome,
}

/// Every verb, in the order of the help text.
const VERBS: &[Verb] = &[
    Verb {
        name: "test",
        usage: "test",
        what: "all tests: unit, integration, doc, loom, some kills (installs ffmpeg when it can)",
        run: test::run,
    },
    Verb {
        name: "ci",
        usage: "ci",
        what: "everything that must pass before a change goes in: checks, then `test`",
        run: ci::run,
    },
    Verb {
        name: "tidy",
        usage: "tidy",
        what: "the rules of the house over the tracked files",
        run: tidy::verb,
    },
    Verb {
        name: "assets",
        usage: "assets [--check]",
        what: "write man pages and shell completions again, or say whether they are current",
        run: assets::run,
    },
    Verb {
        name: "miri",
        usage: "miri",
        what: "by command only: the tests without system calls, under Miri (nightly)",
        run: miri::run,
    },
    Verb {
        name: "fuzz",
        usage: "fuzz [--seconds N] [--target NAME]",
        what: "by command only: every fuzz target for N seconds (nightly, cargo-fuzz)",
        run: fuzz::run,
    },
    Verb {
        name: "kill-run",
        usage: "kill-run [--kills N]",
        what: "by command only: the fault harness with N random kills (10000)",
        run: kill_run::run,
    },
    Verb {
        name: "bench-peers",
        usage: "bench-peers [ARGUMENT...]",
        what: "by command only: benchmarks against other systems (a heavy build)",
        run: bench_peers::run,
    },
    Verb {
        name: "fresh",
        usage: "fresh [--keep] [--command COMMAND]...",
        what: "by command only: the README's commands in a clean Debian 12 (root, debootstrap)",
        run: fresh::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = arguments.first() else {
        print!("{}", help());
        return ExitCode::from(2);
    };
    if name == "--help" || name == "-h" || name == "help" {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        eprintln!("xtask: no verb `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    let outcome = Workspace::find().and_then(|workspace| (verb.run)(&workspace, &arguments[1..]));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask VERB\n\n");
    for verb in VERBS {
        text += &format!("  {}\n      {}\n", verb.usage, verb.what);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_verb_once() {
        let help = help();
        for verb in VERBS {
            assert!(verb.usage.starts_with(verb.name), "{}", verb.usage);
            let line = format!("  {}\n", verb.usage);
            assert_eq!(help.matches(&line).count(), 1, "{}", verb.name);
        }
    }
}
