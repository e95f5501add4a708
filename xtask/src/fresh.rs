//! `fresh`: does the README keep its word on a machine that has nothing but Rust and a C linker?
//!
//! A new Debian 12 is made in a folder, this machine's Rust toolchain is copied in, the committed
//! state is cloned, and a plain user runs the README's commands there. The mounts live in a
//! namespace that ends with the command, so that removing the folder can reach nothing else.

use crate::options::Options;
use crate::process::{self, Failure, Outcome};
use crate::tools;
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const RELEASE: &str = "bookworm";

/// What a stranger has: a C linker, the C library's headers, and the root certificates that any
/// download needs. No git, no ffmpeg, no compiler for C++.
const PACKAGES: &str = "gcc,libc6-dev,ca-certificates";

/// How many of the README's commands are run: see it work, use it in a program.
const README_COMMANDS: usize = 2;

/// A first build on two cores takes minutes; more than this is a hang.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Who runs the commands: nobody in particular, with no password and no XDG variables.
const USER: &str = "1000:1000";

/// Enters the new system, from the root of the repository.
const ENTER: &str = "xtask/fresh-enter.sh";

/// How this machine reaches the registries; a stranger would have set them too.
const PASSED_ON: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// Makes the machine, runs the commands and removes it again.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let mut options = Options::new(arguments);
    let keep = options.flag("--keep");
    let mut commands = Vec::new();
    while let Some(command) = options.value::<String>("--command")? {
        commands.push(command);
    }
    options.finish()?;
    if commands.is_empty() {
        commands = readme_commands(&workspace.root)?;
    }
    if !tools::is_root(&workspace.root) {
        return Err(Failure::new(
            "a chroot needs root: run `sudo --preserve-env=PATH cargo xtask fresh`",
        ));
    }
    let needed = [
        ("debootstrap", "debootstrap"),
        ("git", "git"),
        ("unshare", "util-linux"),
    ];
    tools::ensure(&workspace.root, &needed)?;
    let machine = Machine {
        folder: workspace.target.join("fresh"),
        keep,
    };
    machine.remove()?;
    machine.bootstrap(workspace)?;
    let mut times = Vec::new();
    for command in &commands {
        let start = Instant::now();
        process::run_within(&mut machine.enter(&workspace.root, command), LIMIT)?;
        times.push(format!(
            "{:6.1} s  {command}",
            start.elapsed().as_secs_f64()
        ));
    }
    println!(
        "\nin a fresh Debian {RELEASE}, as a plain user:\n{}",
        times.join("\n")
    );
    println!("{} passed, 0 failed", times.len());
    Ok(())
}

/// The folder that holds the new system; dropping it removes the folder.
struct Machine {
    folder: PathBuf,
    keep: bool,
}

impl Machine {
    fn bootstrap(&self, workspace: &Workspace) -> Outcome {
        let root = &workspace.root;
        make_folder(&self.folder)?;
        process::run(
            process::command("debootstrap", root)
                .args([
                    "--variant=minbase",
                    &format!("--include={PACKAGES}"),
                    RELEASE,
                ])
                .arg(&self.folder),
        )?;
        for file in [
            "/etc/resolv.conf",
            "/etc/hosts",
            "/etc/ssl/certs/ca-certificates.crt",
        ] {
            self.copy_file(file)?;
        }
        self.copy_toolchain(root)?;
        let source = self.folder.join("src/framebus");
        process::run(
            process::command("git", root)
                // The files may belong to another user than root; they are ours all the same.
                .args(["-c", "safe.directory=*", "clone", "--quiet", "--no-local"])
                .arg(root)
                .arg(&source),
        )?;
        process::run(
            process::command("chown", root)
                .args(["-R", USER])
                .arg(self.folder.join("src")),
        )
    }

    /// Copies a file of this machine to the same place in the new one, if it exists.
    fn copy_file(&self, file: &str) -> Outcome {
        let to = self.folder.join(file.trim_start_matches('/'));
        match fs::copy(file, &to) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Failure::new(format!("cannot copy {file}: {error}"))),
        }
    }

    /// Compiler, standard library and cargo; not the documentation, which is most of the files.
    fn copy_toolchain(&self, root: &Path) -> Outcome {
        let sysroot =
            process::output(process::command("rustc", root).args(["--print", "sysroot"]))?;
        let to = self.folder.join("opt/rust");
        make_folder(&to)?;
        for part in ["bin", "lib"] {
            let from = Path::new(sysroot.trim()).join(part);
            process::run(process::command("cp", root).arg("-a").arg(from).arg(&to))?;
        }
        Ok(())
    }

    /// One shell line inside, in namespaces of its own.
    fn enter(&self, root: &Path, line: &str) -> Command {
        let passed: Vec<String> = PASSED_ON
            .iter()
            .filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)))
            .collect();
        let mut unshare = process::command("unshare", root);
        unshare.args([
            "--mount",
            "--pid",
            "--ipc",
            "--fork",
            "--kill-child",
            "sh",
            ENTER,
        ]);
        unshare
            .arg(&self.folder)
            .args([USER, line])
            .env("PASSED", passed.join(" "));
        unshare
    }

    fn remove(&self) -> Outcome {
        if !self.folder.exists() {
            return Ok(());
        }
        // `--one-file-system` stays out of anything that should, against all reason, be mounted.
        process::run(
            process::command("rm", Path::new("/"))
                .args(["-rf", "--one-file-system"])
                .arg(&self.folder),
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.keep {
            println!("kept: {}", self.folder.display());
        } else if let Err(failure) = self.remove() {
            println!("left behind: {failure}");
        }
    }
}

fn make_folder(folder: &Path) -> Outcome {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))
}

/// The first commands of the README that start cargo.
fn readme_commands(root: &Path) -> Outcome<Vec<String>> {
    let readme = root.join("README.md");
    let text = fs::read_to_string(&readme)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", readme.display())))?;
    let commands = cargo_lines(&text);
    if commands.len() < README_COMMANDS {
        let found = commands.len();
        return Err(Failure::new(format!(
            "README.md shows {found} lines that start with `cargo ` in a fenced block; \
             {README_COMMANDS} are expected"
        )));
    }
    Ok(commands.into_iter().take(README_COMMANDS).collect())
}

/// Lines of fenced blocks that start cargo, without prompt and comment.
fn cargo_lines(markdown: &str) -> Vec<String> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in markdown.lines() {
        let line = line.trim();
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let line = line.split(" #").next().unwrap_or(line).trim_end();
            if line.starts_with("cargo ") {
                lines.push(line.to_owned());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_commands_of_a_readme() {
        let readme = "Run cargo now:\n\n```sh\ngit clone x\n$ cargo run --release -- demo   # see\n\
                      ```\ncargo no\n```\ncargo run --example two\n```\n";
        assert_eq!(
            cargo_lines(readme),
            ["cargo run --release -- demo", "cargo run --example two"]
        );
    }
}
