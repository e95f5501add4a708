//! Subscribers as `futures::Stream`s.

use super::frame::Frame;
use super::subscriber::Subscriber;
use crate::error::Result;
use framebus_sys::watcher::{self, Next, Watch};
use futures_core::Stream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// The frames of a subscriber as a stream of results, for any executor.
///
/// Woken by the library's own watcher thread. Ends after the error that says that the
/// publisher is gone.
#[derive(Debug)]
pub struct Frames {
    subscriber: Subscriber,
    waker: Arc<Mutex<Option<Waker>>>,
    _watch: Watch,
    ended: bool,
}

impl Subscriber {
    /// Turns the subscriber into a `futures::Stream` of frames.
    pub fn into_stream(mut self) -> Result<Frames> {
        let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
        let (woken, pollable) = (waker.clone(), self.signal_source()?);
        let watch = watcher::on_ring(&pollable, {
            let pollable = pollable.clone();
            move || {
                // The ring is taken back here, or the watcher would be called for it until
                // the task runs.
                pollable.clear();
                if let Some(waker) = woken.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    waker.wake();
                }
                Next::Continue
            }
        })?;
        Ok(Frames {
            subscriber: self,
            waker,
            _watch: watch,
            ended: false,
        })
    }
}

impl Frames {
    /// The subscriber, for requests and statistics.
    pub fn subscriber(&mut self) -> &mut Subscriber {
        &mut self.subscriber
    }
}

impl Stream for Frames {
    type Item = Result<Frame>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // Before the look: a ring that comes after it finds the waker.
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        match self.subscriber.try_recv() {
            Ok(Some(frame)) => Poll::Ready(Some(Ok(frame))),
            Ok(None) => Poll::Pending,
            Err(error) => {
                self.ended = matches!(error.kind(), crate::ErrorKind::PublisherGone { .. });
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}
