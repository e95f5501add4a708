//! Channels and listeners.

use super::{Case, Linked};
use crate::child::eventually;
use crate::stage::Stage;
use framebus_sys::Error;
use framebus_sys::channel::{Channel, Listener};
use framebus_sys::process::current_user;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    ("a_message_names_its_sender", senders_are_known),
    ("handles_go_both_ways", handles_go_both_ways),
    (
        "a_listener_replaces_what_a_dead_process_left",
        dead_sockets_are_replaced,
    ),
    ("nobody_listening_is_no_error", absence_is_told),
    ("a_long_runtime_directory_is_no_obstacle", long_paths_work),
    ("a_dead_peer_closes_the_channel", death_closes),
];

fn senders_are_known(stage: &Stage) {
    let mut linked = Linked::new(stage);
    linked.channel.send(b"hello", &[]).expect("sent");
    let taken = linked.peer.must("take nothing");
    assert_eq!(taken.number("pid"), u64::from(std::process::id()));
    assert_eq!(taken.number("uid"), u64::from(current_user()));
    linked.peer.must("send-back nothing text=it is me");
    let mut bytes = [0; 64];
    let received = linked
        .channel
        .recv_timeout(&mut bytes, Duration::from_secs(10))
        .expect("received")
        .expect("a message");
    assert_eq!(received.sender.pid, linked.peer.pid());
    assert_eq!(&bytes[..received.len], b"it is me");
}

fn handles_go_both_ways(stage: &Stage) {
    use std::io::{Read, Write};
    let mut linked = Linked::new(stage);
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    linked.hand_over("pipe", std::os::fd::AsFd::as_fd(&writer));
    drop(writer);
    linked.peer.must("send-back pipe text=here it is");
    let (text, mut handles) = linked.receive();
    assert_eq!((text.as_str(), handles.len()), ("here it is", 1));
    let mut writer = std::fs::File::from(handles.remove(0));
    writer
        .write_all(b"through the peer and back")
        .expect("written");
    drop(writer);
    linked.peer.kill();
    let mut text = String::new();
    reader
        .read_to_string(&mut text)
        .expect("all writers are gone");
    assert_eq!(text, "through the peer and back");
}

fn dead_sockets_are_replaced(stage: &Stage) {
    let mut peer = stage.peer();
    peer.must("publish p name=dead");
    let file = crate::raw::socket_file("dead");
    assert!(stage.files().contains(&file));
    peer.kill();
    assert!(
        stage.files().contains(&file),
        "a killed process cleans nothing up"
    );
    let none = Channel::connect(stage.directory(), &file).expect("no error");
    assert!(none.is_none(), "nobody listens there");
    let listener = Listener::bind(stage.directory(), &file).expect("bound over it");
    let ours = Channel::connect(stage.directory(), &file)
        .expect("no error")
        .expect("a listener");
    let theirs = eventually("the connection", || listener.accept().expect("accept"));
    ours.send(b"1", &[]).expect("sent");
    let mut bytes = [0; 8];
    let received = theirs.recv_timeout(&mut bytes, Duration::from_secs(10));
    assert_eq!(received.expect("received").expect("a message").len, 1);
}

fn absence_is_told(stage: &Stage) {
    let nobody = Channel::connect(stage.directory(), "nobody.sock").expect("no error");
    assert!(nobody.is_none());
}

fn long_paths_work(stage: &Stage) {
    let long = stage.directory().join("x".repeat(200));
    crate::sys::make_private(&long).expect("a directory");
    let name = crate::raw::socket_file("n");
    let listener = Listener::bind(&long, &name).expect("bound");
    let _ours = Channel::connect(&long, &name)
        .expect("no error")
        .expect("a listener");
    eventually("the connection", || listener.accept().expect("accept"));
    // And the library as a whole, in a directory like that.
    let mut command = stage.command();
    command.env(framebus_sys::runtime_dir::VARIABLE, &long);
    let mut peer = crate::child::Peer::start(command);
    let stream = "s".repeat(128);
    peer.must(&format!("publish p name={stream}"));
    peer.must(&format!("subscribe s name={stream}"));
    peer.must("frame p");
    assert_eq!(peer.must("receive s").get("whole"), "true");
}

fn death_closes(stage: &Stage) {
    let mut linked = Linked::new(stage);
    linked.peer.kill();
    let mut bytes = [0; 8];
    let error = linked
        .channel
        .recv_timeout(&mut bytes, Duration::from_secs(10))
        .expect_err("nobody is there");
    assert!(matches!(error, Error::Closed), "{error}");
    let error = linked.channel.send(b"?", &[]).expect_err("nobody is there");
    assert!(matches!(error, Error::Closed), "{error}");
}
