//! Starting other programs: said aloud, cleaned of cargo's own variables, bounded in time.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Why a task did not succeed, in words for the terminal.
#[derive(Debug)]
pub struct Failure(String);

/// What a task returns.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure that says `text`.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command for `program` in `folder`, with no standard input.
///
/// What `cargo run` told this process about its own package is taken out, since the children that
/// are cargo again would otherwise see it change and build more than they need.
pub fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if is_about_this_package(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

fn is_about_this_package(variable: &str) -> bool {
    const NAMES: &[&str] = &[
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
    ];
    variable.starts_with("CARGO_PKG_")
        || variable.starts_with("CARGO_MANIFEST_")
        || NAMES.contains(&variable)
}

/// The cargo that started this process, in `folder`.
pub fn cargo(folder: &Path) -> Command {
    command(
        std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        folder,
    )
}

/// The cargo of the nightly toolchain, in `folder`.
pub fn nightly_cargo(folder: &Path) -> Command {
    let mut rustup = command("rustup", folder);
    rustup
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    rustup.args(["run", "nightly", "cargo"]);
    rustup
}

/// Whether `program` can be started at all.
pub fn exists(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// Runs `command` to its end with its output shown; a status other than zero is a failure.
pub fn run(command: &mut Command) -> Outcome {
    announce(command);
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    check(command, status)
}

/// Like [`run`], but ends the command and all its children after `limit`.
pub fn run_within(command: &mut Command, limit: Duration) -> Outcome {
    announce(command);
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    match wait_within(&mut child, limit) {
        Ok(Some(status)) => check(command, status),
        Ok(None) => {
            kill_tree(child.id());
            // The status of a killed child says nothing new.
            let _ = child.wait();
            let minutes = limit.as_secs_f64() / 60.0;
            Err(Failure::new(format!(
                "`{}` was ended: over {minutes:.1} minutes",
                shown(command)
            )))
        }
        Err(error) => Err(Failure::new(format!(
            "waiting for `{}`: {error}",
            shown(command)
        ))),
    }
}

/// Runs `command` silently and gives what it wrote to standard output.
pub fn output(command: &mut Command) -> Outcome<String> {
    let output = command
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let shown = shown(command);
        return Err(Failure::new(format!(
            "`{shown}`: {}\n{}",
            output.status,
            errors.trim_end()
        )));
    }
    String::from_utf8(output.stdout)
        .map_err(|error| Failure::new(format!("`{}` wrote no UTF-8: {error}", shown(command))))
}

/// How many tests `command`, a `cargo test ... -- --list`, names; none at all is a failure, since a
/// filter that fits nothing would otherwise pass for ever.
pub fn count_tests(command: &mut Command) -> Outcome<usize> {
    let list = output(command)?;
    match list.lines().filter(|line| line.ends_with(": test")).count() {
        0 => Err(Failure::new(format!("`{}` names no test", shown(command)))),
        count => Ok(count),
    }
}

fn wait_within(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills a process and everything it started, parents last so that no child gets away unseen.
fn kill_tree(pid: u32) {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        if let Ok(child) = child.parse() {
            kill_tree(child);
        }
    }
    // It may have ended by itself since; then there is nothing to kill.
    let _ = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

fn check(command: &Command, status: ExitStatus) -> Outcome {
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{}`: {status}", shown(command))))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot start `{}`: {error}", shown(command)))
}

fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

/// The command as one would type it, with the variables that it sets.
fn shown(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| {
            let value = value?.to_string_lossy();
            Some(format!("{}={}", name.to_string_lossy(), quoted(&value)))
        })
        .collect();
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    words.push(program.to_string_lossy().into_owned());
    words.extend(
        command
            .get_args()
            .map(|argument| quoted(&argument.to_string_lossy())),
    );
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = command("sh", Path::new("."));
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn shows_a_command_as_it_is_typed() {
        let mut command = command("/usr/bin/cargo", Path::new("."));
        command
            .env("RUSTFLAGS", "--cfg loom")
            .args(["test", "-p", "it's"]);
        assert_eq!(
            shown(&command),
            r"RUSTFLAGS='--cfg loom' cargo test -p 'it'\''s'"
        );
    }

    #[test]
    fn a_status_is_a_failure_that_names_the_command() {
        run(&mut shell("exit 0")).unwrap();
        let failure = run(&mut shell("exit 3")).unwrap_err().to_string();
        assert!(
            failure.contains("exit 3") && failure.contains("status: 3"),
            "{failure}"
        );
    }

    #[test]
    fn output_carries_what_went_wrong() {
        assert_eq!(output(&mut shell("echo yes")).unwrap(), "yes\n");
        let failure = output(&mut shell("echo no >&2; exit 1"))
            .unwrap_err()
            .to_string();
        assert!(failure.ends_with("\nno"), "{failure}");
    }

    #[test]
    fn no_test_at_all_is_a_failure() {
        let list = "echo 'a::b: test'; echo 'c: test'; echo; echo '2 tests, 0 benchmarks'";
        assert_eq!(count_tests(&mut shell(list)).unwrap(), 2);
        assert!(count_tests(&mut shell("echo '0 tests, 0 benchmarks'")).is_err());
    }

    #[test]
    fn a_command_over_its_limit_ends_with_its_children() {
        let folder = std::env::temp_dir().join(format!("xtask-limit-{}", std::process::id()));
        let mark = folder.display().to_string();
        // The inner shell writes its pid, then lives on unless the whole tree is ended.
        let script =
            format!("exec 2>/dev/null; sh -c 'echo $$ > {mark}; while :; do sleep 1; done' & wait");
        let failure = run_within(&mut shell(&script), Duration::from_secs(1)).unwrap_err();
        assert!(failure.to_string().contains("was ended"), "{failure}");
        let pid = std::fs::read_to_string(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let status = format!("/proc/{}/stat", pid.trim());
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::fs::read_to_string(&status).is_ok_and(|line| !line.contains(") Z")) {
            assert!(
                Instant::now() < deadline,
                "process {} still runs",
                pid.trim()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
