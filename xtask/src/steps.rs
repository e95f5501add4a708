//! What `test` and `ci` run, as data, and the runner that times it.

use crate::process::{self, Outcome};
use crate::workspace::Workspace;
use crate::{assets, format, loom, tidy, tools};
use std::time::{Duration, Instant};

/// Which verb runs a step: `ci` runs both kinds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In `test` and in `ci`.
    Test,
    /// In `ci` alone.
    Ci,
}

/// What a step does.
pub enum Action {
    /// Cargo with these arguments and environment variables.
    Cargo {
        arguments: &'static [&'static str],
        variables: &'static [(&'static str, &'static str)],
    },
    /// A function of this program.
    Own(fn(&Workspace) -> Outcome),
}

/// One row of the table.
pub struct Step {
    pub name: &'static str,
    pub why: &'static str,
    pub when: When,
    pub action: Action,
}

/// A step that takes longer than this hangs, even where it builds everything first.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Every step, cheap ones first so that small mistakes show early.
pub const STEPS: &[Step] = &[
    Step {
        name: "tools",
        why: "git and ffmpeg are there, or can be installed",
        when: When::Test,
        action: Action::Own(tools::ensure_for_tests),
    },
    Step {
        name: "lock file",
        why: "Cargo.lock fits the manifests; downloads what it names",
        when: When::Ci,
        action: Action::Cargo {
            arguments: &["fetch", "--locked"],
            variables: &[],
        },
    },
    Step {
        name: "tidy",
        why: "the rules of the house over the tracked files",
        when: When::Ci,
        action: Action::Own(tidy::run),
    },
    Step {
        name: "format",
        why: "rustfmt has nothing to change",
        when: When::Ci,
        action: Action::Own(format::check),
    },
    Step {
        name: "clippy",
        why: "no warning in any target with any feature",
        when: When::Ci,
        action: Action::Cargo {
            arguments: &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ],
            variables: &[],
        },
    },
    Step {
        name: "fuzz targets",
        why: "they still fit the crates (not run: that needs nightly)",
        when: When::Ci,
        action: Action::Cargo {
            arguments: &[
                "check",
                "--manifest-path",
                "fuzz/Cargo.toml",
                "--locked",
                "--lib",
                "--bins",
            ],
            // Stands for the fuzzer's library, which nothing links here: a C++ compiler would build it.
            variables: &[("CUSTOM_LIBFUZZER_PATH", "none/libnone.a")],
        },
    },
    Step {
        name: "documentation",
        why: "every page builds, every link in it leads somewhere",
        when: When::Ci,
        action: Action::Cargo {
            // Not the program `framebus`: its pages would overwrite the library's of that name.
            arguments: &[
                "doc",
                "--workspace",
                "--no-deps",
                "--all-features",
                "--lib",
                "--bin",
                "xtask",
            ],
            variables: &[("RUSTDOCFLAGS", "-D warnings")],
        },
    },
    Step {
        name: "tests",
        why: "unit and integration tests, with overflow checks and debug assertions",
        when: When::Test,
        action: Action::Cargo {
            arguments: &[
                "test",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
                "--examples",
            ],
            variables: &[],
        },
    },
    Step {
        name: "doc tests",
        why: "the examples of the documentation run; what must not compile does not",
        when: When::Test,
        action: Action::Cargo {
            arguments: &["test", "--workspace", "--doc"],
            variables: &[],
        },
    },
    Step {
        name: "features",
        why: "the library with its optional faces and its fault points",
        when: When::Test,
        action: Action::Cargo {
            arguments: &[
                "test",
                "-p",
                "framebus",
                "--features",
                "async,fault-injection",
            ],
            variables: &[],
        },
    },
    Step {
        name: "loom",
        why: "the ring under every interleaving of up to four preemptions",
        when: When::Test,
        action: Action::Own(loom::run),
    },
    Step {
        name: "kills",
        why: "publishers and subscribers killed at random; nothing torn, leaked or hanging",
        when: When::Test,
        action: Action::Cargo {
            arguments: &[
                "run",
                "--release",
                "-p",
                "framebus-testing",
                "--bin",
                "fault-harness",
                "--",
                "--kills",
                "300",
            ],
            variables: &[],
        },
    },
    Step {
        name: "demo",
        why: "the command of the README: every pixel of every frame verified",
        when: When::Ci,
        action: Action::Cargo {
            arguments: &["run", "--release", "--", "demo"],
            variables: &[],
        },
    },
    Step {
        name: "bench once",
        why: "the benchmark still runs (one iteration, no times judged)",
        when: When::Ci,
        action: Action::Cargo {
            arguments: &["run", "--release", "--", "bench", "--once"],
            variables: &[],
        },
    },
    Step {
        name: "assets",
        why: "man pages and completions are what the command generates",
        when: When::Ci,
        action: Action::Own(assets::check),
    },
];

/// How one step ended.
struct Record {
    name: &'static str,
    spent: Duration,
    outcome: Outcome,
}

/// Runs the steps that `wanted` picks, all of them even after a failure, and prints the table.
pub fn run(workspace: &Workspace, verb: &str, wanted: impl Fn(When) -> bool) -> Outcome {
    let start = Instant::now();
    let steps: Vec<&Step> = STEPS.iter().filter(|step| wanted(step.when)).collect();
    let mut records = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!(
            "\n== [{}/{}] {}: {}",
            index + 1,
            steps.len(),
            step.name,
            step.why
        );
        let started = Instant::now();
        let outcome = perform(workspace, &step.action);
        if let Err(failure) = &outcome {
            println!("-- {} failed: {failure}", step.name);
        }
        records.push(Record {
            name: step.name,
            spent: started.elapsed(),
            outcome,
        });
    }
    let (table, failed) = report(&records, start.elapsed());
    print!("\n{table}");
    if failed.is_empty() {
        return Ok(());
    }
    Err(process::Failure::new(format!(
        "{verb} failed in: {}",
        failed.join(", ")
    )))
}

fn perform(workspace: &Workspace, action: &Action) -> Outcome {
    match action {
        Action::Own(function) => function(workspace),
        Action::Cargo {
            arguments,
            variables,
        } => {
            let mut cargo = process::cargo(&workspace.root);
            cargo.args(*arguments).envs(variables.iter().copied());
            process::run_within(&mut cargo, LIMIT)
        }
    }
}

/// The table of steps, its last line a plain count, and the names of those that failed.
fn report(records: &[Record], total: Duration) -> (String, Vec<&'static str>) {
    let minutes = |spent: Duration| spent.as_secs_f64() / 60.0;
    let width = records
        .iter()
        .map(|record| record.name.len())
        .max()
        .unwrap_or(0)
        .max(5);
    let mut table = format!("{:width$}  minutes  result\n", "step");
    for record in records {
        let result = if record.outcome.is_ok() {
            "passed"
        } else {
            "failed"
        };
        table += &format!(
            "{:width$}  {:7.1}  {result}\n",
            record.name,
            minutes(record.spent)
        );
    }
    let failed: Vec<_> = records
        .iter()
        .filter(|record| record.outcome.is_err())
        .map(|record| record.name)
        .collect();
    table += &format!("{:width$}  {:7.1}\n", "total", minutes(total));
    table += &format!(
        "{} passed, {} failed\n",
        records.len() - failed.len(),
        failed.len()
    );
    (table, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_steps_are_unique() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn report_counts_and_names_failures() {
        let record = |name, seconds, outcome| Record {
            name,
            spent: Duration::from_secs(seconds),
            outcome,
        };
        let records = [
            record("tidy", 6, Ok(())),
            record("kills", 90, Err(process::Failure::new("torn frame"))),
        ];
        let (table, failed) = report(&records, Duration::from_secs(96));
        assert_eq!(failed, ["kills"]);
        assert_eq!(
            table,
            "step   minutes  result\n\
             tidy       0.1  passed\n\
             kills      1.5  failed\n\
             total      1.6\n\
             1 passed, 1 failed\n"
        );
    }
}
