//! A run goes on and ends well whatever is sent to its page.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::scene::{photographs, small_study};
use crate::support::{Project, bakeoff};

#[test]
fn no_request_ends_a_run_or_keeps_it_from_ending() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 8);
    std::fs::write(project.path("study.toml"), small_study("photos")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let serve = format!("--serve={port}");
    let call = bakeoff(&project).args(["run", "study.toml", "-q", &serve, "--set", "train.epochs=40"]);
    let mut child = call.spawn();
    let connect = || {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => return stream,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let mut held = Vec::new();
    for length in ["1000000000000", "9223372036854775808", "9223372036854775808", "9223372036854775808"] {
        for host in ["x", &format!("127.0.0.1:{port}")] {
            let mut stream = connect();
            let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
            let _ = stream.write_all(request.as_bytes());
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let _ = stream.read(&mut [0; 20]);
            held.push(stream);
        }
    }
    // Connections that never end: the run does.
    held.extend((0..20).map(|_| connect()));
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(project.path("runs/study/report.html").is_file());
    drop(held);
}
