//! The tables: what everybody did, and which targets framebus reached.

use std::fmt::Write;

use crate::case::{CASES, CONTENDERS, Case, Contender, Work};
use crate::row::{Row, Status, Summary, summary};
use crate::targets::targets;

/// All tables as Markdown.
pub fn report(rows: &[Row]) -> String {
    let mut text = String::new();
    let asked = [
        "reqrep-line",
        "reqrep-every",
        "latency-64x64",
        "latency-4k",
        "slow-line",
        "shared-line",
    ];
    table(
        &mut text,
        rows,
        "Times in microseconds, p50 / p99 (`slow`: beyond the 2 ms of thinking)",
        &asked,
        &|found| format!("{} / {}", micros(found.p50_ns), micros(found.p99_ns)),
    );
    let streams = cases(&|case| case.work == Work::Stream);
    table(
        &mut text,
        rows,
        "Streams, frames per second, none lost, four in flight",
        &streams,
        &|found| rate(1e9 / found.each_ns),
    );
    table(
        &mut text,
        rows,
        "Processor time of both sides, seconds per 10,000 frames at 500 per second",
        &["paced-500fps"],
        &|found| {
            let (p50, p99) = (micros(found.p50_ns), micros(found.p99_ns));
            let cpu = found.cpu_ns * 1e-5;
            format!("{cpu:.3}, latency {p50} / {p99} us")
        },
    );
    table(
        &mut text,
        rows,
        "One publish while no subscriber waits, nanoseconds, p50 / p99",
        &cases(&|case| matches!(case.work, Work::Crowd(_))),
        &|found| format!("{:.0} / {:.0}", found.p50_ns, found.p99_ns),
    );
    text.push_str(&targets(rows));
    losses(&mut text, rows);
    text
}

fn cases(pick: &dyn Fn(&Case) -> bool) -> Vec<&'static str> {
    let picked = CASES.iter().filter(|case| pick(case));
    picked.map(|case| case.id).collect()
}

/// Microseconds with a sensible number of digits.
fn micros(ns: f64) -> String {
    match ns / 1e3 {
        us if us < 10.0 => format!("{us:.2}"),
        us if us < 1000.0 => format!("{us:.1}"),
        us => format!("{us:.0}"),
    }
}

/// A rate with three digits and a unit.
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e6 => format!("{:.1}M", r / 1e6),
        r if r >= 1e5 => format!("{:.0}k", r / 1e3),
        r if r >= 1e3 => format!("{:.1}k", r / 1e3),
        r => format!("{r:.0}"),
    }
}

/// One table: contenders down, cases across; nothing where no cell has a figure.
fn table(
    text: &mut String,
    rows: &[Row],
    title: &str,
    cases: &[&str],
    cell: &dyn Fn(&Summary) -> String,
) {
    let cases: Vec<&str> = cases
        .iter()
        .copied()
        .filter(|case| rows.iter().any(|row| row.case == *case))
        .collect();
    if cases.is_empty() {
        return;
    }
    let _ = writeln!(text, "### {title}\n");
    let _ = writeln!(text, "| contender | {} |", cases.join(" | "));
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(cases.len()));
    for id in CONTENDERS.iter().map(Contender::id) {
        let found: Vec<Option<Summary>> =
            cases.iter().map(|case| summary(rows, case, &id)).collect();
        if found.iter().all(Option::is_none) {
            continue;
        }
        let cells: Vec<String> = found
            .iter()
            .map(|found| match found {
                None => "-".to_string(),
                Some(found) if found.misplaced => format!("({})", cell(found)),
                Some(found) => cell(found),
            })
            .collect();
        let _ = writeln!(text, "| {id} | {} |", cells.join(" | "));
    }
    text.push('\n');
}

/// What was left out of the medians, and why.
fn losses(text: &mut String, rows: &[Row]) {
    let count =
        |pick: &dyn Fn(&Status) -> bool| rows.iter().filter(|row| pick(&row.status)).count();
    let kept = count(&|status| *status == Status::Kept);
    let misplaced = count(&|status| *status == Status::Misplaced);
    let _ = writeln!(
        text,
        "{kept} of {} runs kept; {misplaced} with misplaced cores (in brackets where there is \
         nothing better).",
        rows.len()
    );
    for row in rows {
        let why = match &row.status {
            Status::Kept | Status::Misplaced => continue,
            Status::Hung => "hung",
            Status::Failed(why) => why.as_str(),
        };
        let _ = writeln!(
            text,
            "- {} {} round {}: {why}",
            row.case, row.contender, row.round
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn rates_and_times_are_short() {
        assert_eq!(
            (rate(2.34e6), rate(12_345.0), rate(31.6)),
            ("2.3M".into(), "12.3k".into(), "32".into())
        );
        assert_eq!(
            (micros(180.0), micros(45_678.0)),
            ("0.18".into(), "45.7".into())
        );
    }
}
