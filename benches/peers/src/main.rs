//! The same picture between two processes, by framebus and by its peers, side by side in one run.
//!
//! README.md says how to read what it prints.

use std::error::Error;
use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

mod case;
mod link;
mod measure;
mod options;
mod peers;
mod plot;
mod report;
mod row;
mod run;
mod shared;
mod side;
mod targets;
mod work;

use case::{CASES, CONTENDERS, Contender};
use options::{HELP, Options};
use row::{Row, Status};

/// A result whose error is for people.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The run of this name is the one that the README shows.
const REFERENCE: &str = "reference";
/// The figures stand between these two lines.
const FIGURES: [&str; 2] = ["<!-- figures -->\n", "<!-- end of figures -->\n"];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.first().map(String::as_str) {
        Some("__receive") => side::Plan::parse(&words[1..]).and_then(|plan| side::receive(&plan)),
        Some("__paint") => side::Plan::parse(&words[1..]).and_then(|plan| side::paint(&plan)),
        _ => compare(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(words: &[String]) -> Outcome<()> {
    let options = Options::parse(words)?;
    if options.help {
        print!("{HELP}");
        return Ok(());
    }
    if options.list {
        CASES.iter().for_each(|case| println!("case {}", case.id));
        let contenders = CONTENDERS.iter().map(Contender::id);
        contenders.for_each(|id| println!("contender {id}"));
        return Ok(());
    }
    if let Some(file) = &options.from {
        let (rows, remarks) = row::from_text(&fs::read_to_string(file)?)?;
        remarks.iter().for_each(|remark| println!("{remark}"));
        println!("\n{}", report::report(&rows));
        return Ok(());
    }
    let start = Instant::now();
    let watched = std::io::stderr().is_terminal();
    let remarks = remarks(words);
    let mut runs = 0;
    let rows = run::run(&options, |row| {
        runs += 1;
        if watched {
            let (case, who) = (&row.case, &row.contender);
            eprint!("\r\x1b[K{runs}: {case} {who} round {}", row.round);
        }
    })?;
    if watched {
        eprint!("\r\x1b[K");
    }
    eprintln!("{runs} runs in {:.0} s", start.elapsed().as_secs_f64());
    remarks.iter().for_each(|remark| println!("{remark}"));
    let report = report::report(&rows);
    println!("\n{report}");
    keep(&options, &rows, &remarks, &report)?;
    let lost = rows
        .iter()
        .filter(|row| matches!(row.status, Status::Hung | Status::Failed(_)));
    match lost.count() {
        0 => Ok(()),
        n => Err(format!("{n} of {} runs hung or failed", rows.len()).into()),
    }
}

/// Write rows and plot, and where this is the reference run, the README's figures.
fn keep(options: &Options, rows: &[Row], remarks: &[String], report: &str) -> Outcome<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let stem = here.join("results").join(&options.out);
    files.push((stem.with_extension("tsv"), row::to_text(rows, remarks)));
    if let Some(svg) = plot::plot(rows) {
        files.push((stem.with_extension("svg"), svg));
    }
    if options.out == REFERENCE {
        let readme = here.join("README.md");
        let text = with_figures(&fs::read_to_string(&readme)?, remarks, report);
        files.push((
            readme,
            text.ok_or("README.md has no place for the figures")?,
        ));
    }
    fs::create_dir_all(here.join("results"))?;
    for (file, text) in files {
        fs::write(&file, text)?;
        println!("written: {}", file.display());
    }
    Ok(())
}

/// What a reader of the rows must know: the command, the machine, and whether it was quiet.
fn remarks(words: &[String]) -> Vec<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let processor = read("/proc/cpuinfo");
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = measure::cores().len();
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    vec![
        format!("command: cargo run --release -- {}", words.join(" "))
            .trim_end_matches(" -- ")
            .into(),
        format!(
            "machine: {model}, {cores} cores, Linux {}, load before {load}",
            kernel.trim()
        ),
    ]
}

/// The README with these figures in place of the old ones.
fn with_figures(readme: &str, remarks: &[String], report: &str) -> Option<String> {
    let (before, rest) = readme.split_once(FIGURES[0])?;
    let (_, after) = rest.split_once(FIGURES[1])?;
    let (command, machine) = (remarks.first()?, remarks.get(1)?);
    let [begin, end] = FIGURES;
    Some(format!(
        "{before}{begin}\n`{command}`\\\n{machine}\n\n{report}\n{end}{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_replace_figures_only() {
        let [begin, end] = FIGURES;
        let readme = format!("head\n{begin}old\n{end}tail\n");
        let remarks = ["command: a".to_string(), "machine: b".to_string()];
        let once = with_figures(&readme, &remarks, "new").unwrap();
        assert!(once.starts_with("head\n") && once.ends_with("tail\n"));
        assert!(once.contains("new") && once.contains("machine: b") && !once.contains("old"));
        assert_eq!(with_figures(&once, &remarks, "new"), Some(once));
        assert_eq!(with_figures("nothing", &remarks, "new"), None);
    }

    #[test]
    fn the_readme_has_a_place_for_them() {
        let readme = include_str!("../README.md");
        assert!(with_figures(readme, &["c".into(), "m".into()], "r").is_some());
    }
}
