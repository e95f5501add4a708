//! What is measured (cases) and by whom (contenders).

/// What the two processes do together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Ask, write, signal, receive: the time of the whole round trip.
    Ask,
    /// The same, where the painter thinks before it paints: the time beyond the thinking.
    Slow,
    /// The same, but only the time from publish to receive.
    Latency,
    /// As many frames as go, none lost, four in flight.
    Stream,
    /// 500 frames per second; what counts is processor time.
    Paced,
    /// What one publish costs with this many subscribers of whom none waits.
    Crowd(u32),
}

/// How much of a frame is written and read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Touch {
    /// Its first 64 bytes: the transport alone.
    Line,
    /// Every byte, filled by the painter and summed by the receiver.
    Every,
}

/// How the two sides wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Look again and again.
    Spin,
    /// Sleep in the kernel.
    Block,
    /// Spin for a moment, then sleep.
    Adaptive,
}

impl Wait {
    /// The word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Wait::Spin => "spin",
            Wait::Block => "block",
            Wait::Adaptive => "adaptive",
        }
    }
}

/// Thinking time of a slow painter.
pub const THINK_NS: u64 = 2_000_000;
/// Frames in flight in a stream.
pub const IN_FLIGHT: u64 = 4;
/// Distance of two frames in the paced case.
pub const PACE_NS: u64 = 2_000_000;

/// One kind of work on one size of frame.
#[derive(Debug)]
pub struct Case {
    /// Its name on the command line and in the rows.
    pub id: &'static str,
    /// What the two sides do.
    pub work: Work,
    /// How much of the frame they touch.
    pub touch: Touch,
    /// Pixels per row of 4-byte pixels.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Both sides on one core.
    pub shared_core: bool,
    /// Measured time of one run, milliseconds.
    pub budget_ms: u64,
}

impl Case {
    /// Bytes of one frame.
    pub fn bytes(&self) -> usize {
        self.width as usize * self.height as usize * 4
    }
}

const fn case(
    id: &'static str,
    work: Work,
    touch: Touch,
    size: (u32, u32),
    budget_ms: u64,
) -> Case {
    Case {
        id,
        work,
        touch,
        width: size.0,
        height: size.1,
        shared_core: false,
        budget_ms,
    }
}

const TINY: (u32, u32) = (64, 64);
const SEED: (u32, u32) = (500, 300);
const FULL_HD: (u32, u32) = (1920, 1080);
const UHD: (u32, u32) = (3840, 2160);

/// Every case, in the order in which they run.
pub const CASES: &[Case] = &[
    case("reqrep-line", Work::Ask, Touch::Line, SEED, 250),
    case("reqrep-every", Work::Ask, Touch::Every, SEED, 250),
    case("slow-line", Work::Slow, Touch::Line, SEED, 400),
    Case {
        shared_core: true,
        ..case("shared-line", Work::Ask, Touch::Line, SEED, 250)
    },
    case("latency-64x64", Work::Latency, Touch::Line, TINY, 200),
    case("latency-4k", Work::Latency, Touch::Line, UHD, 200),
    case("stream-line-64x64", Work::Stream, Touch::Line, TINY, 200),
    case("stream-line-500x300", Work::Stream, Touch::Line, SEED, 250),
    case("stream-line-1080p", Work::Stream, Touch::Line, FULL_HD, 200),
    case("stream-line-4k", Work::Stream, Touch::Line, UHD, 200),
    case("stream-every-64x64", Work::Stream, Touch::Every, TINY, 200),
    case(
        "stream-every-500x300",
        Work::Stream,
        Touch::Every,
        SEED,
        250,
    ),
    case(
        "stream-every-1080p",
        Work::Stream,
        Touch::Every,
        FULL_HD,
        250,
    ),
    case("stream-every-4k", Work::Stream, Touch::Every, UHD, 250),
    case("paced-500fps", Work::Paced, Touch::Line, SEED, 1_000),
    case("crowd-1", Work::Crowd(1), Touch::Line, SEED, 100),
    case("crowd-8", Work::Crowd(8), Touch::Line, SEED, 100),
    case("crowd-64", Work::Crowd(64), Touch::Line, SEED, 100),
];

/// The system behind a contender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// One memfd and nothing else, by hand.
    Floor,
    /// This library.
    Framebus,
    /// iceoryx2 0.10.
    Iceoryx2,
    /// Zenoh 1.10 with its shared memory.
    #[cfg(feature = "zenoh")]
    Zenoh,
    /// ipc-channel 0.23.
    IpcChannel,
    /// A Unix stream socket, with copies.
    Socket,
    /// Two pipes, with copies.
    Pipe,
}

impl Peer {
    /// The word for tables and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Floor => "floor",
            Peer::Framebus => "framebus",
            Peer::Iceoryx2 => "iceoryx2",
            #[cfg(feature = "zenoh")]
            Peer::Zenoh => "zenoh",
            Peer::IpcChannel => "ipc-channel",
            Peer::Socket => "socket",
            Peer::Pipe => "pipe",
        }
    }
}

/// One way to use one system.
#[derive(Debug)]
pub struct Contender {
    /// The system.
    pub peer: Peer,
    /// The settings or the pattern, `-` where there is one only.
    pub variant: &'static str,
    /// How its two sides wait.
    pub wait: Wait,
}

impl Contender {
    /// Its name in the rows: system/variant/wait.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.peer.name(), self.variant, self.wait.name())
    }

    /// Whether this contender has something to say in that case.
    pub fn enters(&self, case: &Case) -> bool {
        let own = matches!(self.peer, Peer::Floor | Peer::Framebus);
        let odd = matches!(self.variant, "one-slot" | "safe" | "fresh" | "default");
        let answers_only = self.variant == "reqres";
        match case.work {
            Work::Ask if case.shared_core => own && !odd,
            Work::Ask => self.variant != "safe" || case.touch == Touch::Every,
            Work::Slow => own && !odd,
            Work::Latency => !odd && !answers_only,
            Work::Stream => !odd && !answers_only,
            Work::Paced => !odd && !answers_only && self.wait != Wait::Spin,
            Work::Crowd(_) => self.peer == Peer::Framebus && self.wait == Wait::Block,
        }
    }
}

const fn by(peer: Peer, variant: &'static str, wait: Wait) -> Contender {
    Contender {
        peer,
        variant,
        wait,
    }
}

/// Everybody.
pub const CONTENDERS: &[Contender] = &[
    by(Peer::Floor, "rotate", Wait::Spin),
    by(Peer::Floor, "rotate", Wait::Block),
    by(Peer::Floor, "rotate", Wait::Adaptive),
    by(Peer::Floor, "one-slot", Wait::Spin),
    by(Peer::Framebus, "-", Wait::Spin),
    by(Peer::Framebus, "-", Wait::Block),
    by(Peer::Framebus, "-", Wait::Adaptive),
    by(Peer::Framebus, "safe", Wait::Spin),
    by(Peer::Iceoryx2, "pubsub", Wait::Spin),
    by(Peer::Iceoryx2, "pubsub", Wait::Block),
    by(Peer::Iceoryx2, "history", Wait::Spin),
    by(Peer::Iceoryx2, "history", Wait::Block),
    by(Peer::Iceoryx2, "history+sem", Wait::Block),
    by(Peer::Iceoryx2, "reqres", Wait::Spin),
    by(Peer::Iceoryx2, "reqres", Wait::Block),
    #[cfg(feature = "zenoh")]
    by(Peer::Zenoh, "unix", Wait::Block),
    #[cfg(feature = "zenoh")]
    by(Peer::Zenoh, "lowlat", Wait::Block),
    by(Peer::IpcChannel, "reuse", Wait::Spin),
    by(Peer::IpcChannel, "reuse", Wait::Block),
    by(Peer::IpcChannel, "fresh", Wait::Block),
    by(Peer::Socket, "copy", Wait::Spin),
    by(Peer::Socket, "copy", Wait::Block),
    by(Peer::Pipe, "default", Wait::Block),
    by(Peer::Pipe, "1MiB", Wait::Block),
];

/// The case of that name.
pub fn find_case(id: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.id == id)
}

/// The contender of that name.
pub fn find_contender(id: &str) -> Option<&'static Contender> {
    CONTENDERS.iter().find(|contender| contender.id() == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_and_unique() {
        for (i, case) in CASES.iter().enumerate() {
            let found = CASES.iter().position(|other| other.id == case.id);
            assert_eq!(found, Some(i));
        }
        for (i, contender) in CONTENDERS.iter().enumerate() {
            let id = contender.id();
            let found = CONTENDERS.iter().position(|other| other.id() == id);
            assert_eq!(found, Some(i), "{id}");
        }
    }

    #[test]
    fn every_case_has_contenders_and_whole_words() {
        for case in CASES {
            let entered = CONTENDERS.iter().any(|contender| contender.enters(case));
            assert!(entered, "{}", case.id);
            let bytes = case.bytes();
            assert!(bytes.is_multiple_of(64) && bytes > 64, "{}", case.id);
        }
    }
}
