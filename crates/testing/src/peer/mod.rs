//! A peer: a process that does, line by line, what a test tells it over its standard input.
//!
//! A line is a verb, the name of what it is about, and values as `key=value`; the value of
//! `text` is the rest of the line. The answer is one line: `ok` and values, `none`, or `err`,
//! the kind of the library's error, and its text. `VERBS` lists the verbs.

mod publishing;
mod subscribing;
mod surroundings;

use framebus::{Error, ErrorKind, Frame, Publisher, Request, Subscriber};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Duration;

/// The values of a line or an answer.
pub fn values(text: &str) -> BTreeMap<String, String> {
    let (words, rest) = match text.split_once("text=") {
        Some((words, rest)) => (words, Some(rest)),
        None => (text, None),
    };
    let pairs = words
        .split_ascii_whitespace()
        .filter_map(|word| word.split_once('='));
    let mut values: BTreeMap<_, _> = pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    if let Some(rest) = rest {
        values.insert("text".to_owned(), rest.to_owned());
    }
    values
}

/// A line, taken apart.
struct Order {
    verb: String,
    subject: String,
    values: BTreeMap<String, String>,
}

impl Order {
    fn parse(line: &str) -> Order {
        let mut words = line.splitn(3, ' ');
        let mut next = || words.next().unwrap_or_default();
        Order {
            verb: next().to_owned(),
            subject: next().to_owned(),
            values: values(next()),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    fn text(&self, key: &str) -> &str {
        self.get(key)
            .unwrap_or_else(|| panic!("{} needs {key}", self.verb))
    }

    fn number(&self, key: &str) -> Option<u64> {
        let text = self.get(key)?;
        Some(text.parse().unwrap_or_else(|_| panic!("{key}={text}")))
    }

    fn millis(&self, key: &str) -> Option<Duration> {
        self.number(key).map(Duration::from_millis)
    }
}

/// What came of an order.
enum Outcome {
    /// Done; values to tell.
    Done(String),
    Nothing,
}

type Result = std::result::Result<Outcome, Error>;

fn done(values: impl Into<String>) -> Result {
    Ok(Outcome::Done(values.into()))
}

/// Everything a peer has, by the names its test gave.
#[derive(Default)]
struct Peer {
    publishers: BTreeMap<String, Publisher>,
    requests: BTreeMap<String, Request>,
    subscribers: BTreeMap<String, Subscriber>,
    frames: BTreeMap<String, Frame>,
    surroundings: surroundings::Surroundings,
}

impl Peer {
    fn publisher(&mut self, order: &Order) -> &mut Publisher {
        let found = self.publishers.get_mut(&order.subject);
        found.unwrap_or_else(|| panic!("no publisher {:?}", order.subject))
    }

    fn subscriber(&mut self, order: &Order) -> &mut Subscriber {
        let found = self.subscribers.get_mut(&order.subject);
        found.unwrap_or_else(|| panic!("no subscriber {:?}", order.subject))
    }

    /// Ends whatever has this name.
    fn close(&mut self, order: &Order) -> Result {
        self.publishers.remove(&order.subject);
        self.requests.remove(&order.subject);
        self.subscribers.remove(&order.subject);
        self.frames.remove(&order.subject);
        done("")
    }
}

type Act = fn(&mut Peer, &Order) -> Result;

/// The verbs and what they do.
const VERBS: &[(&str, Act)] = &[
    ("publish", Peer::publish),
    ("frame", Peer::frame),
    ("hold", Peer::hold_loan),
    ("layout", Peer::layout),
    ("accept", Peer::accept_request),
    ("answer", Peer::answer),
    ("decline", Peer::decline),
    ("subscribers", Peer::subscribers),
    ("drained", Peer::drained),
    ("published", Peer::published),
    ("ticket", Peer::ticket),
    ("spread", Peer::spread),
    ("silently", Peer::publish_silently),
    ("subscribe", Peer::subscribe),
    ("receive", Peer::receive),
    ("try", Peer::try_receive),
    ("newest", Peer::newest),
    ("verify", Peer::verify),
    ("request", Peer::request),
    ("send", Peer::send_request),
    ("reply", Peer::reply),
    ("cancel", Peer::cancel),
    ("since", Peer::since),
    ("poll", Peer::poll),
    ("stream", Peer::stream),
    ("received", Peer::received),
    ("list", Peer::list),
    ("close", Peer::close),
    ("count", Peer::count),
    ("memory", Peer::memory),
    ("handles", Peer::limit_handles),
    ("hoard", Peer::hoard),
    ("file-size", Peer::limit_file_size),
    ("take", Peer::take_handle),
    ("attack", Peer::attack),
    ("grip", Peer::grip),
    ("map", Peer::map),
    ("peek", Peer::peek),
    ("poke", Peer::poke),
    ("ring", Peer::ring),
    ("sleep", Peer::sleep),
    ("fill", Peer::fill),
    ("send-back", Peer::send_back),
    ("lock", Peer::lock),
    ("identity", Peer::identity),
    ("directory", Peer::runtime_directory),
];

/// The variant's name: what a test matches on.
fn kind_name(kind: &ErrorKind) -> String {
    let text = format!("{kind:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

fn obey(peer: &mut Peer, line: &str) -> String {
    let order = Order::parse(line);
    let act = VERBS.iter().find(|(verb, _)| *verb == order.verb);
    let (_, act) = act.unwrap_or_else(|| panic!("no verb {:?}", order.verb));
    match act(peer, &order) {
        Ok(Outcome::Done(values)) => format!("ok {values}"),
        Ok(Outcome::Nothing) => "none".to_owned(),
        Err(error) => format!("err {} {error}", kind_name(error.kind())),
    }
}

/// Obeys until the input ends.
pub fn run() {
    let mut peer = Peer::default();
    let mut output = std::io::stdout();
    for line in std::io::stdin()
        .lock()
        .lines()
        .map_while(std::io::Result::ok)
    {
        // One line, whatever strangers have put into it.
        let answer = obey(&mut peer, &line).replace(char::is_control, "?");
        if writeln!(output, "{answer}")
            .and_then(|()| output.flush())
            .is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_rest_of_the_line() {
        let order = Order::parse("request s timeout=5 text=two words=2");
        assert_eq!(
            (order.verb.as_str(), order.subject.as_str()),
            ("request", "s")
        );
        assert_eq!(order.number("timeout"), Some(5));
        assert_eq!(order.text("text"), "two words=2");
    }

    #[test]
    fn an_error_is_named_by_its_variant() {
        assert_eq!(kind_name(&ErrorKind::Demoted), "Demoted");
        assert_eq!(
            kind_name(&ErrorKind::PublisherGone { pid: 1 }),
            "PublisherGone"
        );
    }
}
