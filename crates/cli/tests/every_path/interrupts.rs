//! Ctrl-C in the middle of every command: it ends within two seconds, with its exit code, and nothing half done has a final name.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{photograph, photographs, small_study};
use crate::support::{Project, bakeoff};

/// Two seconds, and what a busy machine may add.
const SOON: Duration = Duration::from_secs(4);

/// The program in the project's folder, with a stdout that nobody reads and that is full: it waits at its first line.
fn unread(project: &Project, arguments: &str) -> (Child, std::io::PipeReader) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // As much as a pipe holds, and no more.
    let stdout = writer.try_clone().unwrap();
    let filling = std::thread::spawn(move || {
        let _ = writer.write_all(&[b' '; 1 << 20]);
    });
    std::thread::sleep(Duration::from_millis(200));
    drop(filling);
    let mut command = Command::new(env!("CARGO_BIN_EXE_bakeoff"));
    command.current_dir(project.path("")).env("NO_COLOR", "1").stdin(Stdio::null());
    let child = command.args(arguments.split(' ')).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    (child, reader)
}

fn started(project: &Project, arguments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bakeoff"));
    command.current_dir(project.path("")).env("NO_COLOR", "1").stdin(Stdio::null());
    command.args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Exit code and stderr; it must end soon.
fn end(what: &str, mut child: Child) -> (Option<i32>, String) {
    let mut stderr: ChildStderr = child.stderr.take().unwrap();
    let told = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), told.join().unwrap());
        }
        if began.elapsed() > SOON {
            let _ = child.kill();
            panic!("{what}: it goes on after {:?}: {}", began.elapsed(), told.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Names below a folder that are of unfinished work.
fn unfinished(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            let name = entry.path().display().to_string();
            if name.contains(".partial") {
                found.push(name);
            }
        }
    }
    found
}

/// Interrupts a command after a moment, each way a system does it.
fn interrupted(project: &Project, arguments: &str, after: Duration, way: &str) -> String {
    let child = started(project, arguments);
    std::thread::sleep(after);
    signal(&child, way);
    let (code, text) = end(arguments, child);
    assert_eq!(code, Some(75), "{arguments}: {text}");
    assert!(text.contains("\ninterrupted; "), "{arguments}: {text}");
    assert_eq!(unfinished(&project.path("")), [""; 0], "{arguments}");
    text
}

/// One large photograph under many names: looking at all takes minutes.
fn many_large_photographs(project: &Project) {
    for split in ["train", "test"] {
        for (label, class) in ["cats", "dogs"].into_iter().enumerate() {
            let first = project.path(format!("large/{split}/{class}/0.jpg"));
            photograph(&first, label as u32, label as u32, 2400);
            for n in 1..150 {
                fs::hard_link(&first, first.with_file_name(format!("{n}.jpg"))).unwrap();
            }
        }
    }
}

#[test]
fn work_on_many_images_ends_soon_and_leaves_nothing_half_done() {
    let project = Project::new();
    many_large_photographs(&project);
    fs::write(project.path("study.toml"), small_study("large")).unwrap();
    photographs(&project, "photos", &["cats", "dogs"], 6);
    fs::write(project.path("small.toml"), small_study("photos")).unwrap();
    let made = bakeoff(&project).args(["run", "small.toml", "-q", "--set", "compare.seeds=2"]).run();
    assert_eq!(made.code, 0, "{made:?}");
    let second = Duration::from_secs(1);
    for (arguments, way) in [
        ("data check large --threads 1 --html page.html", "-INT"),
        ("data check large --threads 1 --json", "-TERM"),
        ("data pack large --threads 1 --packs packs", "-INT"),
        ("data pack large --threads 1 --packs packs", "-TERM"),
        ("preview study.toml --out sheets", "-INT"),
        ("predict --threads 1 --weights runs/small/trials/none/seed-1 large", "-INT"),
        ("predict --threads 1 --weights runs/small/trials/none/seed-1 large --json", "-HUP"),
        ("run study.toml --threads 1 --out run", "-INT"),
        ("run study.toml --threads 1 --out run -q", "-TERM"),
        (
            "plan small.toml --set model.name=resnet50 --set train.image=224 --set train.batch=16 --threads 1",
            "-INT",
        ),
        ("bench train --model resnet50 --batch 8 --image 224 --rounds 1000", "-INT"),
        ("bench input --data large --recipe decode --batch 4 --threads 1 --rounds 100000", "-INT"),
    ] {
        let text = interrupted(&project, arguments, second, way);
        assert!(!text.contains("panicked") && !text.contains("error:"), "{arguments}: {text}");
    }
    assert!(!project.path("page.html").exists());
    let packs = fs::read_dir(project.path("packs")).into_iter().flatten().count();
    assert_eq!(packs, 0, "no pack, and no part of one");
}

#[test]
fn training_stops_after_a_batch_and_a_second_interruption_ends_it_at_once() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 20);
    let study = small_study("photos").replace("epochs = 1", "epochs = 100000");
    fs::write(project.path("study.toml"), study).unwrap();
    let begun = |child: &Child| {
        let checkpoint = project.path("runs/study/trials/none/seed-1/trial.json");
        let began = Instant::now();
        while !checkpoint.exists() {
            assert!(began.elapsed() < Duration::from_secs(60), "{}: no trial has begun", child.id());
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(500));
    };
    let child = started(&project, "run study.toml --jobs 1");
    begun(&child);
    signal(&child, "-INT");
    let (code, text) = end("run", child);
    assert_eq!(code, Some(75), "{text}");
    assert!(text.contains("stopping after this batch") && text.contains("interrupted; "), "{text}");
    assert!(project.path("runs/study/trials/none/seed-1/checkpoint.safetensors").exists(), "{text}");
    let child = started(&project, "run study.toml --jobs 1 --quiet");
    std::thread::sleep(Duration::from_secs(2));
    signal(&child, "-INT");
    signal(&child, "-INT");
    let (code, text) = end("run twice", child);
    assert_eq!(code, Some(75), "{text}");
}

#[test]
fn a_demo_and_an_analysis_end_soon() {
    let project = Project::new();
    interrupted(&project, "demo --out demo", Duration::from_millis(1500), "-INT");
    photographs(&project, "photos", &["cats", "dogs"], 40);
    fs::write(project.path("small.toml"), small_study("photos")).unwrap();
    let made = bakeoff(&project).args(["run", "small.toml", "-q"]).run();
    assert_eq!(made.code, 0, "{made:?}");
    let child = started(&project, "analyse runs/small --images 0 --threads 1");
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, "-INT");
    let (code, text) = end("analyse", child);
    assert_eq!(code, Some(75), "{text}");
}

#[test]
fn a_fetch_from_a_silent_server_ends_soon() {
    let project = Project::new();
    for answer in ["", "HTTP/1.1 200 X\r\nContent-Length: 170052171\r\n\r\nx"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mirror =
            format!("data fetch cifar-10 --to to --mirror http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(answer.as_bytes());
                kept.push(stream);
            }
        });
        let text = interrupted(&project, &mirror, Duration::from_millis(500), "-INT");
        assert!(text.contains("what is there is kept"), "{text}");
    }
    assert!(!project.path("to/cifar-10-binary.tar.gz").exists());
}

#[test]
fn whatever_waits_for_somebody_to_read_its_output_ends_soon() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 6);
    fs::write(project.path("small.toml"), small_study("photos")).unwrap();
    let made = bakeoff(&project).args(["run", "small.toml", "-q", "--set", "compare.seeds=2"]).run();
    assert_eq!(made.code, 0, "{made:?}");
    fs::write(project.path("runs.csv"), "recipe,seed,accuracy\nnone,1,0.5\nnone,2,0.5\nb,1,0.6\nb,2,0.6\n")
        .unwrap();
    for arguments in [
        "models",
        "models --json",
        "schema",
        "recipes",
        "recipes --json",
        "recipes show cutmix",
        "report runs/small",
        "report runs/small --json",
        "compare runs.csv --out compared",
        "compare runs.csv --json",
        "plan small.toml --no-measure --json",
        "data check photos --json",
        "data fetch",
        "demo --print-study",
        "predict --weights runs/small/trials/none/seed-1 photos --json",
    ] {
        let (child, reader) = unread(&project, arguments);
        std::thread::sleep(Duration::from_millis(1500));
        signal(&child, "-INT");
        let (code, text) = end(arguments, child);
        assert_eq!(code, Some(75), "{arguments}: {text}");
        assert_eq!(unfinished(&project.path("")), [""; 0], "{arguments}");
        drop(reader);
    }
}

#[test]
fn a_page_that_is_served_is_closed_by_an_interruption() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 6);
    fs::write(project.path("small.toml"), small_study("photos")).unwrap();
    let made = bakeoff(&project).args(["run", "small.toml", "-q", "--set", "compare.seeds=2"]).run();
    assert_eq!(made.code, 0, "{made:?}");
    let child = started(&project, "watch runs/small --serve=0");
    std::thread::sleep(Duration::from_millis(700));
    signal(&child, "-INT");
    let (code, text) = end("watch", child);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_pack_or_a_page_that_fails_leaves_nothing_behind() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 6);
    fs::write(project.path("photos/train/cats/broken.jpg"), "no image").unwrap();
    fs::write(project.path("study.toml"), small_study("photos")).unwrap();
    let strict = bakeoff(&project).args(["run", "study.toml", "--strict", "-q"]).run();
    assert_eq!(strict.code, 1, "{strict:?}");
    assert!(strict.stderr.contains("broken.jpg"), "{strict:?}");
    let packs = fs::read_dir(project.path("runs/packs")).into_iter().flatten().count();
    assert_eq!((packs, unfinished(&project.path(""))), (0, Vec::new()));
    // A file where the folder of packs would be.
    fs::write(project.path("file"), "x").unwrap();
    let pack = bakeoff(&project).args(["data", "pack", "photos", "--packs", "file"]).run();
    assert_eq!(pack.code, 1, "{pack:?}");
    // The page of an earlier check stays as it was where a new one cannot be written.
    fs::create_dir(project.path("page.html")).unwrap();
    let check = bakeoff(&project).args(["data", "check", "photos", "--html", "page.html"]).run();
    assert_eq!(check.code, 1, "{check:?}");
    assert!(check.stderr.contains("cannot write page.html"), "{check:?}");
    assert_eq!(unfinished(&project.path("")), [""; 0]);
    let outside = bakeoff(&project).args(["data", "check", "photos", "--html", "none/page.html"]).run();
    assert!(outside.code == 1 && outside.stderr.contains("none/page.html"), "{outside:?}");
}

/// A disk of this size, if one can be mounted here.
#[cfg(target_os = "linux")]
struct Disk(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl Disk {
    fn new(path: std::path::PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        let mounted =
            mount.args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(&path).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(path))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_pack_for_which_the_disk_is_too_small_leaves_nothing_behind() {
    let project = Project::new();
    for n in 0..8 {
        photograph(&project.path(format!("photos/train/cats/{n}.jpg")), n, 0, 300);
        photograph(&project.path(format!("photos/train/dogs/{n}.jpg")), 50 + n, 1, 300);
    }
    let Some(disk) = Disk::new(project.path("disk"), "size=1m") else {
        return;
    };
    let pack = bakeoff(&project).args(["data", "pack", "photos", "--packs", "disk/packs"]).run();
    let left = fs::read_dir(disk.0.join("packs")).into_iter().flatten().count();
    assert_eq!((pack.code, left), (1, 0), "{pack:?}");
    let page = bakeoff(&project).args(["data", "check", "photos", "--html", "disk/page.html"]).run();
    let left =
        fs::read_dir(&disk.0).into_iter().flatten().flatten().filter(|entry| entry.path().is_file()).count();
    assert!((page.code, left) == (1, 0) || (page.code, left) == (0, 1), "{page:?}");
}
