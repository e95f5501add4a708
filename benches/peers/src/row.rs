//! Rows: what one run measured, and the table of them as tab-separated text.

use crate::Outcome;
use crate::measure::median;
use crate::side::Figures;

/// What became of a run.
#[derive(Clone, PartialEq, Debug)]
pub enum Status {
    /// Measured with the two cores where they should be.
    Kept,
    /// Measured, but the placement check was outside of its band before or after.
    Misplaced,
    /// Did not end in time.
    Hung,
    /// Ended with an error.
    Failed(String),
}

/// One run.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The case's name.
    pub case: String,
    /// The contender's name.
    pub contender: String,
    /// Which round, from 0.
    pub round: u32,
    /// What became of it.
    pub status: Status,
    /// What was measured; zeros where nothing was.
    pub figures: Figures,
}

const HEAD: &str = "case\tcontender\tround\tstatus\titerations\tp50_ns\tp99_ns\teach_ns\t\
                    cpu_receiver_us\tcpu_painter_us\thop_before_ns\thop_after_ns";

impl Row {
    fn line(&self) -> String {
        let status = match &self.status {
            Status::Kept => "kept".to_string(),
            Status::Misplaced => "misplaced".to_string(),
            Status::Hung => "hung".to_string(),
            Status::Failed(why) => format!("failed: {why}"),
        };
        let figures = self.figures.line().replace(' ', "\t");
        format!(
            "{}\t{}\t{}\t{status}\t{figures}",
            self.case, self.contender, self.round
        )
    }

    fn parse(line: &str) -> Option<Row> {
        let mut words = line.splitn(5, '\t');
        Some(Row {
            case: words.next()?.into(),
            contender: words.next()?.into(),
            round: words.next()?.parse().ok()?,
            status: match words.next()? {
                "kept" => Status::Kept,
                "misplaced" => Status::Misplaced,
                "hung" => Status::Hung,
                other => Status::Failed(other.strip_prefix("failed: ")?.into()),
            },
            figures: Figures::parse(words.next()?)?,
        })
    }
}

/// All rows as text, the remarks as lines that begin with `#`.
pub fn to_text(rows: &[Row], remarks: &[String]) -> String {
    let remarks = remarks.iter().map(|remark| format!("# {remark}\n"));
    let lines = rows.iter().map(|row| row.line() + "\n");
    let head = std::iter::once(format!("{HEAD}\n"));
    remarks.chain(head).chain(lines).collect()
}

/// Rows and remarks from such text.
pub fn from_text(text: &str) -> Outcome<(Vec<Row>, Vec<String>)> {
    let (mut rows, mut remarks) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        if let Some(remark) = line.strip_prefix("# ") {
            remarks.push(remark.to_string());
        } else if line != HEAD {
            let row = Row::parse(line);
            rows.push(row.ok_or_else(|| format!("line {} is no row: {line}", number + 1))?);
        }
    }
    Ok((rows, remarks))
}

/// The medians of one contender in one case.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Median of the rounds' medians, nanoseconds.
    pub p50_ns: f64,
    /// Median of the rounds' 99th percentiles, nanoseconds.
    pub p99_ns: f64,
    /// Median wall time per iteration, nanoseconds.
    pub each_ns: f64,
    /// Processor time of both sides per iteration, nanoseconds.
    pub cpu_ns: f64,
    /// Whether they are misplaced rounds, for want of better ones.
    pub misplaced: bool,
}

/// Summarise one contender in one case, by its misplaced rounds where it has no better ones;
/// nothing where no round succeeded.
pub fn summary(rows: &[Row], case: &str, contender: &str) -> Option<Summary> {
    let by = |misplaced| summary_of(rows, case, contender, misplaced);
    by(false).or_else(|| by(true))
}

/// Summarise the kept or the misplaced rounds alone.
pub fn summary_of(rows: &[Row], case: &str, contender: &str, misplaced: bool) -> Option<Summary> {
    let status = match misplaced {
        true => Status::Misplaced,
        false => Status::Kept,
    };
    let figures: Vec<&Figures> = rows
        .iter()
        .filter(|row| row.case == case && row.contender == contender && row.status == status)
        .map(|row| &row.figures)
        .collect();
    if figures.is_empty() {
        return None;
    }
    let middle = |pick: &dyn Fn(&Figures) -> f64| {
        median(&figures.iter().map(|f| pick(f)).collect::<Vec<f64>>())
    };
    Some(Summary {
        p50_ns: middle(&|f| f.p50_ns as f64),
        p99_ns: middle(&|f| f.p99_ns as f64),
        each_ns: middle(&|f| f.each_ns),
        cpu_ns: middle(&|f| {
            (f.cpu_receiver_us + f.cpu_painter_us) as f64 * 1e3 / f.iterations.max(1) as f64
        }),
        misplaced,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(round: u32, status: Status, p50_ns: u64) -> Row {
        let figures = Figures {
            iterations: 1,
            p50_ns,
            each_ns: 2.5,
            ..Figures::default()
        };
        Row {
            case: "c".into(),
            contender: "a/b/spin".into(),
            round,
            status,
            figures,
        }
    }

    #[test]
    fn text_keeps_everything() {
        let rows = vec![
            row(0, Status::Kept, 3),
            row(1, Status::Failed("no way: really".into()), 0),
            row(2, Status::Hung, 0),
        ];
        let remarks = vec!["one".to_string()];
        let text = to_text(&rows, &remarks);
        assert_eq!(from_text(&text).unwrap(), (rows, remarks));
        assert!(from_text("nonsense").is_err());
    }

    #[test]
    fn misplaced_rounds_count_only_where_there_are_no_others() {
        let mut rows = vec![row(0, Status::Misplaced, 9), row(1, Status::Misplaced, 11)];
        let found = summary(&rows, "c", "a/b/spin").unwrap();
        assert!(found.misplaced && found.p50_ns == 10.0);
        rows.push(row(2, Status::Kept, 4));
        let found = summary(&rows, "c", "a/b/spin").unwrap();
        assert!(!found.misplaced && found.p50_ns == 4.0);
        assert!(summary(&rows, "d", "a/b/spin").is_none());
    }
}
