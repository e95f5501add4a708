//! The targets, and whether this run reached them.

use std::fmt::Write;

use crate::case::{CONTENDERS, Contender, Wait};
use crate::row::{Row, Summary, summary, summary_of};

const SPIN: &str = "framebus/-/spin";
const BLOCK: &str = "framebus/-/block";
const ADAPTIVE: &str = "framebus/-/adaptive";
const FLOOR_SPIN: &str = "floor/rotate/spin";
const FLOOR_FUTEX: &str = "floor/rotate/block";
const ICEORYX2: &str = "iceoryx2/pubsub/spin";

const LINE: &str = "reqrep-line";
const EVERY: &str = "reqrep-every";
const STREAM: &str = "stream-line-500x300";

/// What a ratio has to be.
#[derive(Clone, Copy)]
enum Reach {
    AtMost(f64),
    AtLeast(f64),
}

/// A measured ratio, and what there is to say about it: against whom, and how sure.
struct Ratio {
    value: f64,
    remark: String,
}

impl Ratio {
    fn new(value: f64, against: Option<&str>, misplaced: bool) -> Ratio {
        let doubt = misplaced.then_some("cores misplaced");
        let remarks: Vec<&str> = against.into_iter().chain(doubt).collect();
        let remark = match remarks.is_empty() {
            true => String::new(),
            false => format!(" ({})", remarks.join(", ")),
        };
        Ratio { value, remark }
    }
}

/// A ratio of kept rounds, or else one of misplaced rounds: never one of each.
fn like_with_like(ratio: impl Fn(bool) -> Option<Ratio>) -> Option<Ratio> {
    ratio(false).or_else(|| ratio(true))
}

/// One line of the table.
struct Target {
    what: &'static str,
    reach: Reach,
    ratio: Option<Ratio>,
}

/// The table of targets as Markdown; empty where framebus did not take part.
pub fn targets(rows: &[Row]) -> String {
    let book = Book { rows };
    let mut lines = String::new();
    let groups = [book.round_trips(), book.waits(), book.sizes_and_streams()];
    for target in groups.into_iter().flatten() {
        let Some(ratio) = target.ratio else {
            continue;
        };
        let (reach, met) = match target.reach {
            Reach::AtMost(limit) => (format!("at most {limit}"), ratio.value <= limit),
            Reach::AtLeast(limit) => (format!("at least {limit}"), ratio.value >= limit),
        };
        let verdict = if met { "yes" } else { "**no**" };
        let _ = writeln!(
            lines,
            "| {} | {reach} | {:.2}{} | {verdict} |",
            target.what, ratio.value, ratio.remark
        );
    }
    if let Some(growth) = book.growth_ns() {
        let what = "growth of one publish per subscriber that does not wait";
        let _ = writeln!(lines, "| {what} | stated | {growth:.1} ns | yes |");
    }
    match lines.is_empty() {
        true => lines,
        false => format!(
            "### Targets\n\n| what | target | ratio | reached |\n| --- | --- | --- | --- |\n{lines}\n"
        ),
    }
}

struct Book<'a> {
    rows: &'a [Row],
}

impl Book<'_> {
    fn round_trips(&self) -> Vec<Target> {
        use Reach::{AtLeast, AtMost};
        let p50 = |found: &Summary| found.p50_ns;
        vec![
            self.compare(
                "round trip, 64 bytes, spinning: framebus / spin floor",
                AtMost(1.3),
                (LINE, SPIN),
                (LINE, FLOOR_SPIN),
            ),
            self.compare(
                "round trip, 64 bytes: iceoryx2 polling / framebus spinning",
                AtLeast(3.0),
                (LINE, ICEORYX2),
                (LINE, SPIN),
            ),
            self.compare(
                "round trip, every byte, spinning: framebus / spin floor",
                AtMost(1.15),
                (EVERY, SPIN),
                (EVERY, FLOOR_SPIN),
            ),
            self.compare(
                "round trip, every byte: iceoryx2 at its defaults / framebus",
                AtLeast(3.0),
                (EVERY, ICEORYX2),
                (EVERY, SPIN),
            ),
            self.beats(
                "round trip, every byte: iceoryx2 at its best / framebus",
                Reach::AtLeast(1.0),
                (EVERY, SPIN),
                &iceoryx2_polling,
                &p50,
            ),
            self.compare(
                "round trip, 64 bytes, blocking: framebus / futex floor",
                AtMost(1.1),
                (LINE, BLOCK),
                (LINE, FLOOR_FUTEX),
            ),
            self.beats(
                "round trip, 64 bytes, blocking: best peer / framebus",
                AtLeast(1.0),
                (LINE, BLOCK),
                &sleeps,
                &p50,
            ),
        ]
    }

    fn waits(&self) -> Vec<Target> {
        use Reach::{AtLeast, AtMost};
        let adaptive = |what, limit, case, other| {
            self.compare(what, AtMost(limit), (case, ADAPTIVE), (case, other))
        };
        vec![
            self.compare(
                "round trip, every byte, blocking: framebus / futex floor",
                AtMost(1.1),
                (EVERY, BLOCK),
                (EVERY, FLOOR_FUTEX),
            ),
            self.beats(
                "round trip, every byte, blocking: best peer / framebus",
                AtLeast(1.0),
                (EVERY, BLOCK),
                &sleeps,
                &|found| found.p50_ns,
            ),
            adaptive("adaptive / blocking, slow peer", 1.15, "slow-line", BLOCK),
            adaptive(
                "adaptive / blocking, shared core",
                1.15,
                "shared-line",
                BLOCK,
            ),
            adaptive("adaptive / spinning, 64 bytes", 1.5, LINE, SPIN),
            adaptive("adaptive / spinning, every byte", 1.5, EVERY, SPIN),
        ]
    }

    fn sizes_and_streams(&self) -> Vec<Target> {
        use Reach::{AtLeast, AtMost};
        let across = |what, who| {
            let (large, small) = ("latency-4k", "latency-64x64");
            self.compare(what, AtMost(1.1), (large, who), (small, who))
        };
        vec![
            across("publish to receive, 4K / 64x64, spinning", SPIN),
            across("publish to receive, 4K / 64x64, blocking", BLOCK),
            self.beats(
                "frames per second of a stream, 64 bytes, spinning: framebus / iceoryx2",
                AtLeast(3.0),
                (STREAM, SPIN),
                &iceoryx2_polling,
                &|found| found.each_ns,
            ),
            self.beats(
                "processor time at 500 fps, blocking: best peer / framebus",
                AtLeast(1.0),
                ("paced-500fps", BLOCK),
                &sleeps,
                &|found| found.cpu_ns,
            ),
        ]
    }

    fn of(&self, (case, contender): (&str, &str), misplaced: bool) -> Option<Summary> {
        summary_of(self.rows, case, contender, misplaced)
    }

    /// The ratio of two medians, both of kept rounds or both of misplaced ones.
    fn compare(
        &self,
        what: &'static str,
        reach: Reach,
        upper: (&str, &str),
        lower: (&str, &str),
    ) -> Target {
        let ratio = like_with_like(|misplaced| {
            let (upper, lower) = (self.of(upper, misplaced)?, self.of(lower, misplaced)?);
            Some(Ratio::new(upper.p50_ns / lower.p50_ns, None, misplaced))
        });
        Target { what, reach, ratio }
    }

    /// A figure of the best of the peers that `pick` picks, over our own: large is good.
    fn beats(
        &self,
        what: &'static str,
        reach: Reach,
        own: (&str, &str),
        pick: &dyn Fn(&Contender) -> bool,
        figure: &dyn Fn(&Summary) -> f64,
    ) -> Target {
        let ratio = like_with_like(|misplaced| {
            let ours = figure(&self.of(own, misplaced)?);
            let peers = CONTENDERS.iter().filter(|contender| {
                !matches!(contender.peer.name(), "floor" | "framebus") && pick(contender)
            });
            let found = peers.filter_map(|contender| {
                let id = contender.id();
                Some((figure(&self.of((own.0, &id), misplaced)?), id))
            });
            let (best, id) = found.min_by(|a, b| a.0.total_cmp(&b.0))?;
            Some(Ratio::new(best / ours, Some(&id), misplaced))
        });
        Target { what, reach, ratio }
    }

    /// Nanoseconds that each of 64 subscribers adds to a publish.
    fn growth_ns(&self) -> Option<f64> {
        let one = summary(self.rows, "crowd-1", BLOCK)?;
        let many = summary(self.rows, "crowd-64", BLOCK)?;
        Some((many.p50_ns - one.p50_ns) / 63.0)
    }
}

fn iceoryx2_polling(contender: &Contender) -> bool {
    contender.peer.name() == "iceoryx2" && contender.wait == Wait::Spin
}

fn sleeps(contender: &Contender) -> bool {
    contender.wait != Wait::Spin
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::report;
    use crate::row::Status;
    use crate::side::Figures;

    fn row(case: &str, contender: &str, p50_ns: u64) -> Row {
        let figures = Figures {
            iterations: 10,
            p50_ns,
            p99_ns: p50_ns * 2,
            each_ns: p50_ns as f64,
            ..Figures::default()
        };
        Row {
            case: case.into(),
            contender: contender.into(),
            round: 0,
            status: Status::Kept,
            figures,
        }
    }

    #[test]
    fn targets_say_yes_and_no() {
        let mut rows = vec![
            row("reqrep-line", "framebus/-/spin", 250),
            row("reqrep-line", "floor/rotate/spin", 200),
            row("reqrep-line", "iceoryx2/pubsub/spin", 700),
        ];
        let text = report(&rows);
        assert!(
            text.contains("spin floor | at most 1.3 | 1.25 | yes |"),
            "{text}"
        );
        assert!(text.contains("at least 3 | 2.80 | **no** |"), "{text}");
        rows[0].status = Status::Hung;
        let text = report(&rows);
        assert!(
            text.contains("- reqrep-line framebus/-/spin round 0: hung"),
            "{text}"
        );
        assert!(!text.contains("at most 1.3"), "{text}");
    }

    #[test]
    fn kept_and_misplaced_rounds_are_never_compared() {
        let mut rows = vec![
            row("reqrep-line", "framebus/-/spin", 800),
            row("reqrep-line", "floor/rotate/spin", 200),
        ];
        rows[0].status = Status::Misplaced;
        assert!(!targets(&rows).contains("at most 1.3"));
        rows.push(row("reqrep-line", "floor/rotate/spin", 640));
        rows[2].status = Status::Misplaced;
        let text = targets(&rows);
        assert!(text.contains("1.25 (cores misplaced) | yes |"), "{text}");
    }

    #[test]
    fn the_best_peer_is_neither_the_floor_nor_ourselves() {
        let rows = vec![
            row("reqrep-line", "framebus/-/block", 50),
            row("reqrep-line", "floor/rotate/block", 40),
            row("reqrep-line", "socket/copy/block", 90),
            row("reqrep-line", "iceoryx2/pubsub/block", 60),
        ];
        let text = report(&rows);
        assert!(
            text.contains("1.20 (iceoryx2/pubsub/block) | yes |"),
            "{text}"
        );
    }
}
