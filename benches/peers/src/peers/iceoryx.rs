//! iceoryx2: publish-subscribe by polling or with events, and request-response.
//!
//! `pubsub` and `reqres` use the defaults (a lossless stream has to switch the overflow off and ask
//! for a buffer of four). `history` adds `history_size(4)`, which makes its free list rotate;
//! `history+sem` also replaces the event's datagram socket by the semaphore that the library
//! carries. With `block`, every frame and every ask is followed by a notification, and a stream
//! returns credits by notifications too: otherwise the publisher would spin and nobody would sleep.

use std::fmt::Debug;

use iceoryx2::active_request::ActiveRequest;
use iceoryx2::port::client::Client;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::server::Server;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::{publish_subscribe, request_response};

use super::iceoryx_sem::SemaphoreService;
use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::case::{IN_FLIGHT, Wait, Work};
use crate::link::Link;
use crate::work::{stamp, stamped};

type Frames<S> = publish_subscribe::PortFactory<S, [u8], ()>;
type Asks<S> = publish_subscribe::PortFactory<S, u64, ()>;
type Answers<S> = request_response::PortFactory<S, u64, (), [u8], ()>;

/// The asking side.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    match setup.contender.variant {
        "reqres" => Ok(Box::new(Asker::<ipc::Service>::new(setup, link)?)),
        "history+sem" => Ok(Box::new(Wants::<SemaphoreService>::new(setup, link)?)),
        _ => Ok(Box::new(Wants::<ipc::Service>::new(setup, link)?)),
    }
}

/// The painting side.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    match setup.contender.variant {
        "reqres" => Ok(Box::new(Answerer::<ipc::Service>::new(setup, link)?)),
        "history+sem" => Ok(Box::new(Paints::<SemaphoreService>::new(setup, link)?)),
        _ => Ok(Box::new(Paints::<ipc::Service>::new(setup, link)?)),
    }
}

fn node<S: Service>(setup: &Setup) -> Outcome<Node<S>> {
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    config.global.prefix = FileName::new(setup.tag.as_bytes())?;
    let root = setup.dir.join("iceoryx2");
    let root = root.to_str().ok_or("the directory's name is not UTF-8")?;
    config.global.set_root_path(&Path::new(root.as_bytes())?);
    Ok(NodeBuilder::new().config(&config).create::<S>()?)
}

fn frames<S: Service>(node: &Node<S>, setup: &Setup) -> Outcome<Frames<S>> {
    let name = ServiceName::new("frames")?;
    let mut builder = node.service_builder(&name).publish_subscribe::<[u8]>();
    if setup.contender.variant.starts_with("history") {
        builder = builder.history_size(4);
    }
    if setup.lossless() {
        builder = builder
            .enable_safe_overflow(false)
            .subscriber_max_buffer_size(IN_FLIGHT as usize);
    } else if setup.contender.variant.starts_with("history") {
        // The history has to fit into the subscriber's buffer.
        builder = builder.subscriber_max_buffer_size(4);
    }
    Ok(builder.open_or_create()?)
}

fn asks<S: Service>(node: &Node<S>) -> Outcome<Asks<S>> {
    let name = ServiceName::new("asks")?;
    let builder = node.service_builder(&name).publish_subscribe::<u64>();
    Ok(builder.open_or_create()?)
}

fn answers<S: Service>(node: &Node<S>) -> Outcome<Answers<S>> {
    let name = ServiceName::new("answers")?;
    let builder = node.service_builder(&name);
    Ok(builder.request_response::<u64, [u8]>().open_or_create()?)
}

/// The two events of one side, where it sleeps.
#[derive(Debug)]
struct Bells<S: Service> {
    ours: Listener<S>,
    theirs: Notifier<S>,
    /// Notifications heard and not yet spent, for credits.
    heard: u64,
}

impl<S: Service> Bells<S> {
    fn new(node: &Node<S>, setup: &Setup, ours: &str, theirs: &str) -> Outcome<Option<Bells<S>>> {
        if setup.contender.wait == Wait::Spin {
            return Ok(None);
        }
        let event = |name: &str| -> Outcome<_> {
            let name = ServiceName::new(name)?;
            Ok(node.service_builder(&name).event().open_or_create()?)
        };
        Ok(Some(Bells {
            ours: event(ours)?.listener_builder().create()?,
            theirs: event(theirs)?.notifier_builder().create()?,
            heard: 0,
        }))
    }

    fn wait(&mut self) -> Outcome<()> {
        let heard = &mut self.heard;
        self.ours.blocking_wait(|event| *heard += event.count)?;
        Ok(())
    }

    fn spend(&mut self) -> Outcome<()> {
        while self.heard == 0 {
            self.wait()?;
        }
        self.heard -= 1;
        Ok(())
    }
}

/// Look until there is something, asleep in between where there are bells.
fn until<S: Service, T>(
    bells: &mut Option<Bells<S>>,
    mut look: impl FnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        match bells {
            Some(bells) => bells.wait()?,
            None => std::hint::spin_loop(),
        }
    }
}

fn ring<S: Service>(bells: &Option<Bells<S>>) -> Outcome<()> {
    if let Some(bells) = bells {
        bells.theirs.notify()?;
    }
    Ok(())
}

/// Publish-subscribe, the side that wants frames. Fields drop in order, the node last.
struct Wants<S: Service> {
    frames: Subscriber<S, [u8], ()>,
    asks: Publisher<S, u64, ()>,
    bells: Option<Bells<S>>,
    credits: bool,
    _node: Node<S>,
}

impl<S: Service> Wants<S> {
    fn new(setup: &Setup, link: &mut Link) -> Outcome<Wants<S>> {
        let node = node::<S>(setup)?;
        let frames = frames(&node, setup)?.subscriber_builder().create()?;
        let asks = asks(&node)?.publisher_builder().create()?;
        let bells = Bells::new(&node, setup, "frame", "ask")?;
        link.say("created")?;
        Ok(Wants {
            frames,
            asks,
            bells,
            credits: setup.case.work == Work::Stream,
            _node: node,
        })
    }
}

impl<S: Service> Receiver for Wants<S> {
    fn settle(&mut self) -> Outcome<()> {
        self.asks.update_connections()?;
        Ok(self.frames.update_connections()?)
    }

    fn ask(&mut self, word: u64) -> Outcome<()> {
        if !self.credits {
            self.asks.send_copy(word)?;
        }
        ring(&self.bells)
    }

    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64> {
        let frames = &self.frames;
        let sample = until(&mut self.bells, || Ok(frames.receive()?))?;
        look(sample.payload());
        Ok(stamped(sample.payload()))
    }
}

/// Publish-subscribe, the side that paints.
struct Paints<S: Service> {
    frames: Publisher<S, [u8], ()>,
    asks: Subscriber<S, u64, ()>,
    bells: Option<Bells<S>>,
    bytes: usize,
    credits: bool,
    _node: Node<S>,
}

impl<S: Service> Paints<S> {
    fn new(setup: &Setup, link: &mut Link) -> Outcome<Paints<S>> {
        link.hear()?;
        let node = node::<S>(setup)?;
        let bytes = setup.bytes();
        let frames = frames(&node, setup)?;
        let frames = frames.publisher_builder().initial_max_slice_len(bytes);
        let frames = frames.create()?;
        let asks = asks(&node)?.subscriber_builder().create()?;
        let bells = Bells::new(&node, setup, "ask", "frame")?;
        Ok(Paints {
            frames,
            asks,
            bells,
            bytes,
            credits: setup.case.work == Work::Stream,
            _node: node,
        })
    }
}

impl<S: Service> Painter for Paints<S> {
    fn settle(&mut self) -> Outcome<()> {
        self.asks.update_connections()?;
        Ok(self.frames.update_connections()?)
    }

    fn next_ask(&mut self) -> Outcome<u64> {
        match &mut self.bells {
            Some(bells) if self.credits => bells.spend().map(|()| 0),
            bells => {
                let asks = &self.asks;
                until(bells, || Ok(asks.receive()?.map(|ask| *ask)))
            }
        }
    }

    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()> {
        let sample = self.frames.loan_slice_uninit(self.bytes)?;
        // SAFETY: bytes of shared memory, which have some value whatever it is; u8 knows no other.
        let mut sample = unsafe { sample.assume_init() };
        brush(sample.payload_mut());
        stamp(sample.payload_mut());
        sample.send()?;
        ring(&self.bells)
    }

    fn needs_credits(&self) -> bool {
        self.bells.is_some()
    }
}

/// Request-response, the client.
struct Asker<S: Service> {
    client: Client<S, u64, (), [u8], ()>,
    pending: Option<iceoryx2::pending_response::PendingResponse<S, u64, (), [u8], ()>>,
    bells: Option<Bells<S>>,
    _node: Node<S>,
}

impl<S: Service> Asker<S> {
    fn new(setup: &Setup, link: &mut Link) -> Outcome<Asker<S>> {
        let node = node::<S>(setup)?;
        let client = answers(&node)?.client_builder().create()?;
        let bells = Bells::new(&node, setup, "frame", "ask")?;
        link.say("created")?;
        Ok(Asker {
            client,
            pending: None,
            bells,
            _node: node,
        })
    }
}

impl<S: Service> Receiver for Asker<S> {
    fn settle(&mut self) -> Outcome<()> {
        Ok(self.client.update_connections()?)
    }

    fn ask(&mut self, word: u64) -> Outcome<()> {
        self.pending = Some(self.client.send_copy(word)?);
        ring(&self.bells)
    }

    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64> {
        let pending = self.pending.as_ref().ok_or("nothing was asked for")?;
        let response = until(&mut self.bells, || Ok(pending.receive()?))?;
        look(response.payload());
        Ok(stamped(response.payload()))
    }
}

/// Request-response, the server.
struct Answerer<S: Service> {
    request: Option<ActiveRequest<S, u64, (), [u8], ()>>,
    server: Server<S, u64, (), [u8], ()>,
    bells: Option<Bells<S>>,
    bytes: usize,
    _node: Node<S>,
}

impl<S: Service> Answerer<S> {
    fn new(setup: &Setup, link: &mut Link) -> Outcome<Answerer<S>> {
        link.hear()?;
        let node = node::<S>(setup)?;
        let bytes = setup.bytes();
        let answers = answers(&node)?;
        let server = answers.server_builder().initial_max_slice_len(bytes);
        let server = server.create()?;
        let bells = Bells::new(&node, setup, "ask", "frame")?;
        Ok(Answerer {
            request: None,
            server,
            bells,
            bytes,
            _node: node,
        })
    }
}

impl<S: Service> Painter for Answerer<S> {
    fn settle(&mut self) -> Outcome<()> {
        Ok(self.server.update_connections()?)
    }

    fn next_ask(&mut self) -> Outcome<u64> {
        let server = &self.server;
        let request = until(&mut self.bells, || Ok(server.receive()?))?;
        let word = *request.payload();
        self.request = Some(request);
        Ok(word)
    }

    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()> {
        let request = self.request.take().ok_or("nobody asked")?;
        let response = request.loan_slice_uninit(self.bytes)?;
        // SAFETY: bytes of shared memory, which have some value whatever it is; u8 knows no other.
        let mut response = unsafe { response.assume_init() };
        brush(response.payload_mut());
        stamp(response.payload_mut());
        response.send()?;
        ring(&self.bells)
    }

    fn needs_credits(&self) -> bool {
        false
    }
}
