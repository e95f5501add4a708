//! Who a process is, whether it lives, what it has locked, and where it meets others.

use super::Case;
use crate::child::{PATIENCE, Peer, eventually};
use crate::stage::Stage;
use framebus_sys::Error;
use framebus_sys::process::{Process, ProcessIdentity};
use framebus_sys::watcher;
use std::sync::{Arc, mpsc};
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    ("everybody_agrees_who_a_process_is", identities_agree),
    (
        "a_stopped_process_lives_and_a_killed_one_does_not",
        stopped_is_alive,
    ),
    (
        "the_watcher_tells_many_deaths_once_each",
        watcher_tells_deaths,
    ),
    ("a_lock_dies_with_its_holder", locks_die),
    (
        "a_lock_is_kept_while_its_holder_is_stopped",
        locks_survive_stops,
    ),
    (
        "the_runtime_directory_is_private_or_refused",
        directory_is_private,
    ),
];

fn identities_agree(stage: &Stage) {
    let (mut one, mut other) = (stage.peer(), stage.peer());
    let ours = ProcessIdentity::of(one.pid()).expect("it lives");
    let own = one.must("identity -");
    let seen = other.must(&format!("identity - pid={}", one.pid()));
    for told in [own, seen] {
        assert_eq!(told.number("pid"), u64::from(ours.pid));
        assert_eq!(told.number("start"), ours.start);
        assert_eq!(told.get("boot"), ours.boot.to_string());
    }
    assert_ne!(ProcessIdentity::of(other.pid()).expect("it lives"), ours);
    assert_ne!(ProcessIdentity::current().expect("we live"), ours);
}

fn stopped_is_alive(stage: &Stage) {
    let mut peer = stage.peer();
    let process = Process::open(peer.pid()).expect("it lives");
    peer.stop();
    assert!(process.is_alive());
    // A stopped process can be killed.
    peer.kill();
    assert!(!process.is_alive());
    let pid = peer.pid();
    let error = Process::open(pid).expect_err("it is gone");
    assert!(matches!(error, Error::NoSuchProcess { pid: gone } if gone == pid));
}

fn watcher_tells_deaths(stage: &Stage) {
    let (tell, told) = mpsc::channel();
    let mut peers: Vec<Peer> = (0..8).map(|_| stage.peer()).collect();
    let watches: Vec<_> = peers
        .iter()
        .map(|peer| {
            let (tell, pid) = (tell.clone(), peer.pid());
            let process = Arc::new(Process::open(pid).expect("it lives"));
            watcher::on_exit(&process, move || tell.send(pid).expect("heard")).expect("watched")
        })
        .collect();
    let mut dead: Vec<u32> = peers.iter().map(Peer::pid).collect();
    for peer in &mut peers {
        peer.kill();
    }
    let mut heard: Vec<u32> = dead
        .iter()
        .map(|_| told.recv_timeout(PATIENCE).expect("told"))
        .collect();
    heard.sort_unstable();
    dead.sort_unstable();
    assert_eq!(heard, dead);
    assert!(
        told.recv_timeout(Duration::from_millis(20)).is_err(),
        "once each"
    );
    drop(watches);
}

fn locks_die(stage: &Stage) {
    let (mut one, mut other) = (stage.peer(), stage.peer());
    assert_eq!(one.must("lock l file=x.lock").get("holder"), "me");
    let holder = other.must("lock l file=x.lock").number("holder");
    assert_eq!(holder, u64::from(one.pid()));
    one.kill();
    assert_eq!(other.must("lock l file=x.lock").get("holder"), "me");
    assert!(
        stage.files().contains(&"x.lock".to_owned()),
        "never removed"
    );
}

fn locks_survive_stops(stage: &Stage) {
    let (mut one, mut other) = (stage.peer(), stage.peer());
    one.must("lock l file=x.lock");
    one.stop();
    let holder = other.must("lock l file=x.lock").number("holder");
    assert_eq!(holder, u64::from(one.pid()));
    one.go_on();
    assert!(one.finish().success());
    eventually("the lock", || {
        (other.must("lock l file=x.lock").get("holder") == "me").then_some(())
    });
}

fn directory_is_private(stage: &Stage) {
    let inside = stage.directory().join("made");
    let start = |path: &std::path::Path| {
        let mut command = stage.command();
        command.env(framebus_sys::runtime_dir::VARIABLE, path);
        Peer::start(command)
    };
    let made = start(&inside).must("directory -");
    assert_eq!(made.get("text"), inside.to_str().expect("text"));
    let link = stage.directory().join("link");
    crate::sys::link(&inside, &link);
    let file = stage.directory().join("file");
    std::fs::write(&file, b"").expect("written");
    crate::sys::let_others_enter(&inside);
    for (path, reason) in [
        (&inside, "0755"),
        (&link, "not a directory"),
        (&file, "not a directory"),
    ] {
        let refused = start(path).ask("directory -");
        assert!(refused.text().contains(reason), "{refused:?}");
        assert!(
            refused.text().contains(path.to_str().expect("text")),
            "{refused:?}"
        );
    }
}
