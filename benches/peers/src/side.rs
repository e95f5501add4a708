//! One side of one run: a process of its own, pinned to a core.

use std::path::PathBuf;

use crate::Outcome;
use crate::case::{Case, Contender, IN_FLIGHT, PACE_NS, THINK_NS, Work, find_case, find_contender};
use crate::link::Link;
use crate::measure::{Samples, cpu_us, hop_ns, now_ns, pin, sleep_until, think};
use crate::peers::{self, Painter, Receiver, Setup, framebus};
use crate::shared::Map;
use crate::work::{LAST, STOP, brush, look};

/// A run that has not ended by itself is ended by the kernel after this many seconds.
const WATCHDOG_S: u32 = 60;
/// More samples than this are not kept.
const MOST_SAMPLES: u64 = 200_000;

/// What a side is told on its command line.
pub struct Plan {
    setup: Setup,
    core: usize,
    budget_ns: u64,
    /// Most iterations that are measured.
    max: u64,
}

/// Figures of one run, as they stand in one row.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct Figures {
    /// Round trips, frames or publishes that were measured.
    pub iterations: u64,
    /// Median duration in nanoseconds; 0 in streams.
    pub p50_ns: u64,
    /// 99th percentile in nanoseconds; 0 in streams.
    pub p99_ns: u64,
    /// Wall time per iteration in nanoseconds.
    pub each_ns: f64,
    /// User and system time of the receiver, microseconds.
    pub cpu_receiver_us: u64,
    /// User and system time of the painter, microseconds.
    pub cpu_painter_us: u64,
    /// Round trip of the placement check before, nanoseconds; 0 on a shared core.
    pub hop_before_ns: u64,
    /// The same after the run.
    pub hop_after_ns: u64,
}

impl Figures {
    /// As one line of text, in the order of the fields.
    pub fn line(&self) -> String {
        format!(
            "{} {} {} {:.1} {} {} {} {}",
            self.iterations,
            self.p50_ns,
            self.p99_ns,
            self.each_ns,
            self.cpu_receiver_us,
            self.cpu_painter_us,
            self.hop_before_ns,
            self.hop_after_ns
        )
    }

    /// From such a line.
    pub fn parse(line: &str) -> Option<Figures> {
        let mut words = line.split_whitespace();
        let mut int = || words.next()?.parse::<f64>().ok();
        Some(Figures {
            iterations: int()? as u64,
            p50_ns: int()? as u64,
            p99_ns: int()? as u64,
            each_ns: int()?,
            cpu_receiver_us: int()? as u64,
            cpu_painter_us: int()? as u64,
            hop_before_ns: int()? as u64,
            hop_after_ns: int()? as u64,
        })
    }
}

impl Plan {
    /// The arguments that describe a run to [`Plan::parse`].
    pub fn arguments(
        case: &Case,
        contender: &Contender,
        core: usize,
        budget_us: u64,
        max: u64,
    ) -> Vec<String> {
        let (core, budget, max) = (core.to_string(), budget_us.to_string(), max.to_string());
        vec![case.id.to_string(), contender.id(), core, budget, max]
    }

    /// Read them back; the last two are the run's directory and its tag.
    pub fn parse(words: &[String]) -> Outcome<Plan> {
        let [case, contender, core, budget, max, dir, tag] = words else {
            return Err(format!("a side takes 7 words, not {}", words.len()).into());
        };
        Ok(Plan {
            setup: Setup {
                case: find_case(case).ok_or_else(|| format!("no case {case}"))?,
                contender: find_contender(contender)
                    .ok_or_else(|| format!("no contender {contender}"))?,
                dir: PathBuf::from(dir),
                tag: tag.clone(),
            },
            core: core.parse()?,
            budget_ns: budget.parse::<u64>()? * 1_000,
            max: max.parse()?,
        })
    }

    /// Iterations before the measured ones.
    fn warm(&self) -> u64 {
        match self.max {
            1 => 0,
            _ if self.setup.case.work == Work::Stream => 8,
            _ => 32,
        }
    }

    fn begin(&self) -> Outcome<Link> {
        // SAFETY: alarm only sets a timer whose signal ends this process.
        unsafe { libc::alarm(WATCHDOG_S) };
        // SAFETY: the call takes two integers: end with the parent.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        pin(self.core)?;
        Link::from_stdin()
    }

    fn hop(&self, link: &mut Link, map: &Map, first: bool) -> Outcome<u64> {
        link.meet("hop")?;
        match self.setup.case.shared_core {
            true => Ok(0),
            false => Ok(hop_ns(map, 0, first)),
        }
    }
}

/// Be the receiver; prints one line of figures.
pub fn receive(plan: &Plan) -> Outcome<()> {
    let mut link = plan.begin()?;
    let map = Map::create(4096)?;
    link.say(&map.address())?;
    link.meet("mapped")?;
    let hop_before_ns = plan.hop(&mut link, &map, true)?;
    let mut figures = match plan.setup.case.work {
        Work::Crowd(n) => {
            let crowd = framebus::crowd(&plan.setup, &mut link, n)?;
            link.meet("painted")?;
            drop(crowd);
            Figures::default()
        }
        work => {
            let mut receiver = peers::receiver(&plan.setup, &mut link)?;
            for point in ["built", "settled"] {
                link.meet(point)?;
                receiver.settle()?;
            }
            let credits = link.hear()? == "credits";
            let figures = match work {
                Work::Stream | Work::Paced => take_stream(plan, receiver.as_mut(), credits)?,
                _ => take_asked(plan, receiver.as_mut())?,
            };
            link.meet("painted")?;
            figures
        }
    };
    let painted = Figures::parse(&link.hear()?).ok_or("the painter's report is not figures")?;
    if matches!(plan.setup.case.work, Work::Crowd(_)) {
        figures = painted;
    }
    figures.cpu_painter_us = painted.cpu_painter_us;
    figures.hop_before_ns = hop_before_ns;
    figures.hop_after_ns = plan.hop(&mut link, &map, true)?;
    println!("{}", figures.line());
    Ok(())
}

/// Be the painter.
pub fn paint(plan: &Plan) -> Outcome<()> {
    let mut link = plan.begin()?;
    let map = Map::open(&link.hear()?)?;
    link.meet("mapped")?;
    plan.hop(&mut link, &map, false)?;
    let painted = match plan.setup.case.work {
        Work::Crowd(n) => {
            let painted = framebus::publish_to_crowd(&plan.setup, &mut link, n, plan.max)?;
            link.meet("painted")?;
            painted
        }
        work => {
            let mut painter = peers::painter(&plan.setup, &mut link)?;
            for point in ["built", "settled"] {
                link.meet(point)?;
                painter.settle()?;
            }
            let credits = work == Work::Stream && painter.needs_credits();
            link.say(if credits { "credits" } else { "free" })?;
            let cpu_painter_us = match work {
                Work::Stream | Work::Paced => give_stream(plan, painter.as_mut(), credits)?,
                _ => give_asked(plan, painter.as_mut())?,
            };
            // Nothing is torn down before the receiver has seen the last frame.
            link.meet("painted")?;
            Figures {
                cpu_painter_us,
                ..Figures::default()
            }
        }
    };
    link.say(&painted.line())?;
    plan.hop(&mut link, &map, false)?;
    Ok(())
}

/// Receive one frame; its number and the time it was published.
fn take(plan: &Plan, receiver: &mut dyn Receiver) -> Outcome<(u64, u64)> {
    let mut seen = None;
    let touch = plan.setup.case.touch;
    let stamp = receiver.receive(&mut |bytes| seen = look(bytes, touch))?;
    match seen {
        Some(number) => Ok((number, stamp)),
        None => Err("a frame is not what was painted".into()),
    }
}

fn take_asked(plan: &Plan, receiver: &mut dyn Receiver) -> Outcome<Figures> {
    let latency = plan.setup.case.work == Work::Latency;
    let thought = match plan.setup.case.work {
        Work::Slow => THINK_NS,
        _ => 0,
    };
    let warm = plan.warm();
    let mut samples = Samples::with_capacity(plan.max.min(MOST_SAMPLES) as usize);
    let (mut start, mut cpu, mut before) = (0, 0, 0);
    for number in 0.. {
        if number == warm {
            cpu = cpu_us();
            start = now_ns();
            before = start;
        }
        receiver.ask(number)?;
        let (got, stamp) = take(plan, receiver)?;
        let now = now_ns();
        if got != number {
            return Err(format!("asked for frame {number}, got {got}").into());
        }
        if number < warm {
            continue;
        }
        samples.push(match latency {
            true => now.saturating_sub(stamp),
            false => (now - before).saturating_sub(thought),
        });
        before = now;
        let count = samples.len() as u64;
        if count >= plan.max.min(MOST_SAMPLES) || now - start > plan.budget_ns {
            break;
        }
    }
    let cpu = cpu_us() - cpu;
    receiver.ask(STOP)?;
    let iterations = samples.len() as u64;
    Ok(Figures {
        iterations,
        p50_ns: samples.quantile(0.5),
        p99_ns: samples.quantile(0.99),
        each_ns: (before - start) as f64 / iterations as f64,
        cpu_receiver_us: cpu,
        ..Figures::default()
    })
}

/// Answer asks until the last; the processor time since the measured ones began, microseconds.
fn give_asked(plan: &Plan, painter: &mut dyn Painter) -> Outcome<u64> {
    let mut cpu = cpu_us();
    let touch = plan.setup.case.touch;
    loop {
        let number = painter.next_ask()?;
        if number == STOP {
            return Ok(cpu_us() - cpu);
        }
        if number == plan.warm() {
            cpu = cpu_us();
        }
        if plan.setup.case.work == Work::Slow {
            think(THINK_NS);
        }
        painter.paint(&mut |bytes| brush(bytes, number, touch))?;
    }
}

fn take_stream(plan: &Plan, receiver: &mut dyn Receiver, credits: bool) -> Outcome<Figures> {
    let paced = plan.setup.case.work == Work::Paced;
    let warm = plan.warm();
    let mut samples = Samples::with_capacity(4096);
    let (mut start, mut cpu, mut received, mut expected) = (now_ns(), cpu_us(), 0u64, 0);
    loop {
        let (number, stamp) = take(plan, receiver)?;
        let last = number & LAST != 0;
        let number = number & !LAST;
        if number != expected && !paced {
            return Err(format!("frame {number} came instead of {expected}").into());
        }
        expected = number + 1;
        if paced {
            samples.push(now_ns().saturating_sub(stamp));
        }
        if credits {
            receiver.ask(1)?;
        }
        if last {
            break;
        }
        if number <= warm {
            (start, cpu, received) = (now_ns(), cpu_us(), 0);
        } else {
            received += 1;
        }
    }
    let wall = now_ns() - start;
    let iterations = received + 1;
    Ok(Figures {
        iterations,
        p50_ns: samples.quantile(0.5),
        p99_ns: samples.quantile(0.99),
        each_ns: wall as f64 / iterations as f64,
        cpu_receiver_us: cpu_us() - cpu,
        ..Figures::default()
    })
}

/// Publish until the time is over; the processor time of the measured frames, microseconds.
fn give_stream(plan: &Plan, painter: &mut dyn Painter, credits: bool) -> Outcome<u64> {
    let case = plan.setup.case;
    let warm = plan.warm();
    let (begun, mut start, mut cpu) = (now_ns(), now_ns(), cpu_us());
    // Look at the clock as seldom as the pace of the frames allows.
    let (mut looked, mut distance, mut next_look) = (start, 1, warm + 1);
    for number in 0.. {
        let mut last = number + 1 >= plan.max + warm;
        if case.work == Work::Paced {
            sleep_until(begun + number * PACE_NS);
        } else if number >= next_look {
            let now = now_ns();
            distance = match now - looked {
                0..50_000 => 64.min(distance * 2),
                _ => 1,
            };
            (looked, next_look) = (now, number + distance);
            last |= now - start > plan.budget_ns;
        }
        if credits && number >= IN_FLIGHT {
            painter.next_ask()?;
        }
        let mark = if last { number | LAST } else { number };
        painter.paint(&mut |bytes| brush(bytes, mark, case.touch))?;
        if number == warm {
            (start, cpu) = (now_ns(), cpu_us());
        }
        if last {
            break;
        }
    }
    Ok(cpu_us() - cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_survive_the_line() {
        let figures = Figures {
            iterations: 10,
            p50_ns: 200,
            p99_ns: 300,
            each_ns: 210.5,
            cpu_receiver_us: 4,
            cpu_painter_us: 5,
            hop_before_ns: 120,
            hop_after_ns: 130,
        };
        assert_eq!(Figures::parse(&figures.line()), Some(figures));
        assert_eq!(Figures::parse("1 2 three"), None);
    }
}
