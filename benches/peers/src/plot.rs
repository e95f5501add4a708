//! The plot: one panel per question, bars on a logarithmic scale, written as SVG by hand.

use std::fmt::Write;

use crate::case::CONTENDERS;
use crate::report::rate;
use crate::row::{Row, Summary, summary};

const WIDTH: f64 = 860.0;
const LABEL: f64 = 210.0;
const VALUE: f64 = 90.0;
const BAR: f64 = 15.0;
const HEAD: f64 = 34.0;

/// One panel of the plot.
struct Panel {
    title: &'static str,
    case: &'static str,
    /// The figure that the bar shows, in units of `unit`.
    figure: fn(&Summary) -> f64,
    unit: &'static str,
}

const PANELS: &[Panel] = &[
    Panel {
        title: "Round trip, 500x300 BGRA, 64 bytes touched (shorter is better)",
        case: "reqrep-line",
        figure: |found| found.p50_ns / 1e3,
        unit: "us",
    },
    Panel {
        title: "Round trip, 500x300 BGRA, every byte written and read (shorter is better)",
        case: "reqrep-every",
        figure: |found| found.p50_ns / 1e3,
        unit: "us",
    },
    Panel {
        title: "Stream, 500x300 BGRA, every byte written and read (longer is better)",
        case: "stream-every-500x300",
        figure: |found| 1e9 / found.each_ns,
        unit: "fps",
    },
    Panel {
        title: "Processor seconds per 10,000 frames at 500 fps (shorter is better)",
        case: "paced-500fps",
        figure: |found| found.cpu_ns * 1e-5,
        unit: "s",
    },
];

/// The plot of these rows; nothing where no panel has a bar.
pub fn plot(rows: &[Row]) -> Option<String> {
    let mut body = String::new();
    let mut y = 12.0;
    for panel in PANELS {
        let bars: Vec<(String, f64)> = CONTENDERS
            .iter()
            .filter_map(|c| Some((c.id(), (panel.figure)(&summary(rows, panel.case, &c.id())?))))
            .filter(|bar| bar.1.is_finite() && bar.1 > 0.0)
            .collect();
        if !bars.is_empty() {
            y = draw(&mut body, panel, &bars, y);
        }
    }
    if body.is_empty() {
        return None;
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" width=\"{WIDTH}\" \
         height=\"{y}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    ))
}

/// Draw one panel from `y` downwards; where the next one begins.
fn draw(body: &mut String, panel: &Panel, bars: &[(String, f64)], y: f64) -> f64 {
    let low = bars.iter().fold(f64::INFINITY, |low, bar| low.min(bar.1));
    let high = bars.iter().fold(0.0f64, |high, bar| high.max(bar.1));
    // Whole decades around the figures, at least one.
    let first = low.log10().floor();
    let decades = (high.log10().ceil() - first).max(1.0);
    let across = WIDTH - LABEL - VALUE;
    let at = |value: f64| LABEL + across * (value.log10() - first) / decades;
    let bottom = y + HEAD + bars.len() as f64 * BAR;
    let _ = writeln!(
        body,
        "<text x=\"8\" y=\"{}\" font-size=\"13\" font-weight=\"bold\">{}</text>",
        y + 14.0,
        panel.title
    );
    for decade in 0..=decades as i32 {
        let value = 10f64.powf(first + f64::from(decade));
        let x = at(value);
        let top = y + HEAD - 4.0;
        let _ = writeln!(
            body,
            "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\
             <text x=\"{x:.1}\" y=\"{}\" fill=\"#777\" text-anchor=\"middle\">{} {}</text>",
            top - 2.0,
            short(value),
            panel.unit
        );
    }
    for (i, (name, value)) in bars.iter().enumerate() {
        let top = y + HEAD + i as f64 * BAR;
        let colour = match name.split('/').next() {
            Some("framebus") => "#c2410c",
            Some("floor") => "#9ca3af",
            _ => "#4b7bab",
        };
        let (x, base) = (at(*value), top + BAR - 4.0);
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{LABEL}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{base}\">{}</text>",
            LABEL - 6.0,
            top + 1.0,
            (x - LABEL).max(1.0),
            BAR - 3.0,
            x + 4.0,
            short(*value)
        );
    }
    bottom + 18.0
}

/// A figure in few characters, whatever its size.
fn short(value: f64) -> String {
    match value {
        v if v >= 1000.0 => rate(v),
        v if v >= 10.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v => {
            let text = format!("{v:.3}");
            text.trim_end_matches('0').to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Status;
    use crate::side::Figures;

    #[test]
    fn a_panel_has_a_bar_for_each_contender_that_ran() {
        let row = |contender: &str, p50_ns| Row {
            case: "reqrep-line".into(),
            contender: contender.into(),
            round: 0,
            status: Status::Kept,
            figures: Figures {
                p50_ns,
                ..Figures::default()
            },
        };
        let rows = [
            row("floor/rotate/spin", 180),
            row("pipe/1MiB/block", 270_000),
        ];
        let svg = plot(&rows).unwrap();
        assert_eq!(svg.matches("<rect x=").count(), 2);
        assert!(svg.contains(">floor/rotate/spin<") && svg.contains(">0.18<"));
        assert!(!svg.contains("paced") && !svg.contains("NaN"));
        assert!(plot(&[]).is_none());
    }
}
