//! The server as a browser, and as somebody who should not get in, sees it.

use bakeoff_live::{LiveError, Progress, Server};
use bakeoff_report::Language;
use bakeoff_study::RunFolder;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A run folder of two trials of which none has begun.
fn plan(folder: &Path) {
    let recipe = |name: &str| serde_json::json!({"name": name, "pipeline": ["as it is"]});
    let trial = |name: &str| serde_json::json!({"recipe": name, "seed": 1, "id": name});
    let plan = serde_json::json!({
        "study": "<b>dogs</b>", "baseline": "none", "headline": "last", "margin": 1.0, "epochs": 4,
        "recipes": [recipe("none"), recipe("cutmix")], "seeds": [1], "trials": [trial("none"), trial("cutmix")],
    });
    fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
}

fn epoch(folder: &Path, recipe: &str, epochs: u32) {
    let folder = folder.join("trials").join(recipe).join("seed-1");
    fs::create_dir_all(&folder).unwrap();
    let record = serde_json::json!({"recipe": recipe, "seed": 1, "id": recipe, "status": "running"});
    fs::write(folder.join("trial.json"), record.to_string()).unwrap();
    let line = |e: u32| {
        serde_json::json!({"epoch": e, "train_loss": 1.5, "train_top1": 0.4, "validation_loss": 1.6, "validation_top1": 0.3,
            "validation_top5": 0.8, "learning_rate": 0.1, "images_per_second": 100.0, "seconds": 10.0})
        .to_string()
    };
    fs::write(folder.join("metrics.jsonl"), (1..=epochs).map(|e| line(e) + "\n").collect::<String>())
        .unwrap();
}

/// Status and body of a request of these bytes.
fn ask(server: &Server, request: &str) -> (u16, String) {
    let address = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(request.replace("HOST", &address).as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}

fn get(server: &Server, path: &str) -> (u16, String) {
    ask(server, &format!("GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"))
}

fn serving(folder: &Path, work: impl FnOnce(&Server)) {
    let server = Server::bind(folder, 0, Language::English).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| server.serve(&stop).unwrap());
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&server)));
        stop.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn the_page_follows_the_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    serving(folder.path(), |server| {
        let (status, body) = get(server, "/");
        assert_eq!(status, 200);
        assert!(body.contains("No report yet") && body.contains("http-equiv=\"refresh\""), "{body}");
        plan(folder.path());
        let state = || serde_json::from_str::<serde_json::Value>(&get(server, "/state").1).unwrap();
        let before = state();
        assert_eq!(
            (&before["share"], &before["text"]["en"]),
            (&0.0.into(), &"Live: 0 of 2 trials done".into())
        );
        assert!(get(server, "/").1.contains("No epoch has been finished yet"));
        epoch(folder.path(), "none", 2);
        let after = state();
        assert_ne!(after["version"], before["version"]);
        assert_eq!(
            (&after["share"], &after["text"]["en"]),
            (&0.25.into(), &"Live: 0 of 2 trials done, about 60.0\u{a0}s left".into())
        );
        let page = get(server, "/").1;
        assert!(page.contains("2/4") && page.contains("connect-src 'self'") && page.contains("data-live"));
        assert!(!page.contains("<b>dogs</b>"));
        assert_eq!(state()["version"], after["version"]);
    });
}

#[test]
fn a_run_has_ended_when_its_state_says_so_whatever_its_log_says() {
    let folder = tempfile::tempdir().unwrap();
    plan(folder.path());
    let ended = || Progress::read(&RunFolder::open(folder.path()).unwrap()).unwrap().ended;
    let say = |state: &str| fs::write(folder.path().join("state.json"), state).unwrap();
    fs::write(folder.path().join("log.txt"), "2026-01-01T00:00:00Z ended: 2 finished, 0 failed, 0 left\n")
        .unwrap();
    assert!(!ended(), "an earlier version's folder, of which no trial is over");
    say(r#"{"status": "running", "since": "2026-01-01T00:00:00Z"}"#);
    assert!(!ended());
    say(r#"{"status": "stopped", "reason": "no room", "since": "2026-01-01T00:00:00Z"}"#);
    assert!(ended());
    say(r#"{"status": "ended", "finished": 0, "failed": 0, "pending": 2, "interrupted": true, "since": ""}"#);
    assert!(ended());
    say("{");
    assert!(!ended(), "damaged, and no trial is over");
}

#[test]
fn only_this_machine_under_its_own_name_may_read_and_nobody_may_change() {
    let folder = tempfile::tempdir().unwrap();
    plan(folder.path());
    serving(folder.path(), |server| {
        let with = |first: &str, host: &str| {
            ask(server, &format!("{first} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 0\r\n\r\n"))
                .0
        };
        assert_eq!(with("GET /state", "Host: HOST\r\n"), 200);
        // DNS rebinding: another page's own name, which it let resolve to 127.0.0.1.
        assert_eq!(with("GET /state", "Host: evil.example\r\n"), 403);
        assert_eq!(with("GET /state", ""), 403);
        assert_eq!(with("POST /state", "Host: HOST\r\n"), 405);
        assert_eq!(with("DELETE /", "Host: HOST\r\n"), 405);
        assert_eq!(with("GET /plan.json", "Host: HOST\r\n"), 404);
        assert_eq!(with("GET /../../etc/passwd", "Host: HOST\r\n"), 404);
        assert_eq!(with("HEAD /", "Host: HOST\r\n"), 200);
    });
}

#[test]
fn a_damaged_plan_is_told_and_a_taken_port_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plan.json"), "{<script>").unwrap();
    serving(folder.path(), |server| {
        let (status, body) = get(server, "/");
        assert!(status == 200 && body.contains("plan.json") && !body.contains("<script>"), "{body}");
        let port = server.url().trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        let taken = Server::bind(folder.path(), port, Language::English);
        assert!(matches!(taken, Err(LiveError::Listen { port: p, .. }) if p == port));
    });
}

/// A connection on which these bytes were sent as far as they were taken.
fn sent(server: &Server, bytes: &[u8]) -> TcpStream {
    let address = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _ = stream.write_all(bytes);
    stream
}

#[test]
fn lengths_that_nobody_can_send_and_heads_without_end_are_answered_or_closed() {
    let folder = tempfile::tempdir().unwrap();
    plan(folder.path());
    serving(folder.path(), |server| {
        for length in ["1000000000000", "9223372036854775808", "18446744073709551616", "-1", "x"] {
            for host in ["Host: HOST\r\n", "Host: x\r\n"] {
                let (status, _) =
                    ask(server, &format!("GET / HTTP/1.1\r\n{host}Content-Length: {length}\r\n\r\n"));
                assert!(matches!(status, 200 | 400 | 403), "{length}: {status}");
            }
        }
        let endless: [&dyn Fn() -> Vec<u8>; 3] = [
            &|| vec![b'A'; 4 << 20],
            &|| [b"GET / HTTP/1.1\r\nHost: ".to_vec(), vec![b'x'; 4 << 20]].concat(),
            &|| [b"GET / HTTP/1.1\r\n".to_vec(), b"a: b\r\n".repeat(1 << 19)].concat(),
        ];
        for bytes in endless {
            let mut answer = Vec::new();
            // Closed with or without an answer, and without waiting for more.
            let _ = sent(server, &bytes()).read_to_end(&mut answer);
            assert!(answer.len() < 1000, "{}", answer.len());
        }
        assert_eq!(get(server, "/state").0, 200);
    });
}

#[test]
fn clients_that_do_not_read_or_never_finish_hold_up_neither_others_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    plan(folder.path());
    let mut held = Vec::new();
    let mut ended = Instant::now();
    serving(folder.path(), |server| {
        let head = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\n",
            server.url().trim_start_matches("http://").trim_end_matches('/')
        );
        for number in 0..300 {
            // A third reads nothing of its answer, a third sends half a head, a third sends nothing.
            held.push(sent(
                server,
                match number % 3 {
                    0 => [head.as_bytes(), b"\r\n"].concat(),
                    1 => head.clone().into_bytes(),
                    _ => Vec::new(),
                }
                .as_slice(),
            ));
        }
        // Once the slow ones' time for a head is over there is room again.
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let address = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
            let mut stream = TcpStream::connect(&address).unwrap();
            let request = format!("GET /state HTTP/1.1\r\nHost: {address}\r\n\r\n");
            let mut answer = String::new();
            if stream.write_all(request.as_bytes()).is_ok()
                && stream.read_to_string(&mut answer).is_ok()
                && answer.contains("200 OK")
            {
                break;
            }
            assert!(Instant::now() < deadline, "nobody else is answered");
            std::thread::sleep(Duration::from_millis(100));
        }
        held.extend((0..50).map(|_| sent(server, head.as_bytes())));
        ended = Instant::now();
    });
    assert!(ended.elapsed() < Duration::from_secs(3), "the end waited for clients: {:?}", ended.elapsed());
    drop(held);
}
