//! Fetching, from a server on this machine that behaves and misbehaves.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bakeoff_data::{
    Dataset, FetchError, FetchEvent, FetchOptions, Published, Remote, SourceConfig, SourceKind, detect,
    fetch, find_published, published,
};
use sha2::{Digest, Sha256};

use crate::fixture;

/// How the server behaves.
#[derive(Clone, Default)]
struct Manners {
    /// Each response ends after so many bytes, without a word.
    breaks_off_after: Option<usize>,
    /// Ranges are ignored: always the whole file.
    no_ranges: bool,
    /// Another tag with every response.
    changes: bool,
}

struct Server {
    address: String,
    /// The first line and the range of every request.
    requests: Arc<Mutex<Vec<String>>>,
    manners: Arc<Mutex<Manners>>,
}

impl Server {
    fn new(files: &[(&str, Vec<u8>)], manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/files", listener.local_addr().unwrap());
        let files: HashMap<String, Vec<u8>> =
            files.iter().map(|(name, bytes)| (format!("/files/{name}"), bytes.clone())).collect();
        let (requests, manners) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(Mutex::new(manners)));
        let (seen, told) = (Arc::clone(&requests), Arc::clone(&manners));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let manners = told.lock().unwrap().clone();
                let _ = answer(stream, &files, &seen, &manners);
            }
        });
        Self { address, requests, manners }
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

fn answer(
    mut stream: TcpStream,
    files: &HashMap<String, Vec<u8>>,
    seen: &Mutex<Vec<String>>,
    manners: &Manners,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    let headers: HashMap<String, String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            Some((line.split_once(": ")?.0.to_lowercase(), line.split_once(": ")?.1.to_owned()))
        })
        .collect();
    let range = headers.get("range").cloned();
    let tag = format!("\"{}\"", if manners.changes { seen.lock().unwrap().len() } else { 7 });
    seen.lock().unwrap().push(format!("{first} {}", range.clone().unwrap_or_default()));
    let path = first.split(' ').nth(1).unwrap_or_default();
    let Some(whole) = files.get(path) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let same = headers.get("if-range").is_none_or(|wanted| *wanted == tag);
    let from: Option<usize> =
        range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from = from.filter(|_| same && !manners.no_ranges);
    let (status, body) = match from {
        Some(from) if from >= whole.len() => (416, &whole[..0]),
        Some(from) => (206, &whole[from..]),
        None => (200, &whole[..]),
    };
    let mut head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nETag: {tag}\r\nConnection: close\r\n",
        body.len()
    );
    match (status, from) {
        (206, Some(from)) => {
            head += &format!("Content-Range: bytes {from}-{}/{}\r\n", whole.len() - 1, whole.len())
        }
        (416, _) => head += &format!("Content-Range: bytes */{}\r\n", whole.len()),
        _ => {}
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&body[..body.len().min(manners.breaks_off_after.unwrap_or(usize::MAX))])
}

fn remote(server: &Server, name: &str, bytes: &[u8]) -> Remote {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Remote {
        url: format!("{}/{name}", server.address),
        bytes: Some(bytes.len() as u64),
        sha256: Some(sha256),
        unpack: name.ends_with(".tar.gz"),
    }
}

fn set(files: Vec<Remote>) -> Published {
    Published {
        name: "tiny".into(),
        title: "Tiny".into(),
        home: "http://127.0.0.1/home".into(),
        files,
        path: String::new(),
    }
}

fn quick(folder: &std::path::Path) -> FetchOptions {
    FetchOptions { wait: Duration::from_millis(1), ..FetchOptions::to(folder) }
}

fn silently(set: &Published, options: &FetchOptions) -> Result<Vec<bakeoff_data::FetchedFile>, FetchError> {
    fetch(set, options, &AtomicBool::new(false), &|_| ())
}

fn dogs() -> [(&'static str, Vec<u8>); 2] {
    ["images.tar", "lists.tar"].map(|name| (name, fs::read(fixture("dogs").join(name)).unwrap()))
}

#[test]
fn a_published_data_set_is_fetched_once_and_then_opens() {
    let files = dogs();
    let server = Server::new(&files, Manners::default());
    let set = set(files.iter().map(|(name, bytes)| remote(&server, name, bytes)).collect());
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new/dogs");
    let events = Mutex::new(Vec::new());
    let fetched = fetch(&set, &quick(&to), &AtomicBool::new(false), &|event| {
        if let FetchEvent::Fetching { file, done, total } = event {
            events.lock().unwrap().push((file.to_owned(), done, total));
        }
    });
    let fetched = fetched.unwrap();
    assert!(fetched.iter().all(|file| file.as_known && file.sha256.len() == 64));
    let length = files[0].1.len() as u64;
    assert!(events.lock().unwrap().contains(&("images.tar".into(), length, Some(length))));
    assert_eq!(server.requests().len(), 2);
    assert_eq!(detect(&to), Some(SourceKind::StanfordDogs));
    assert_eq!(Dataset::open(&SourceConfig::at(&to)).unwrap().samples().len(), 6);
    // Nothing is left over, and nothing is asked for again.
    let mut names: Vec<_> =
        fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["fetched.json", "images.tar", "lists.tar"]);
    assert_eq!(silently(&set, &quick(&to)).unwrap(), fetched);
    assert!(server.requests().is_empty());
    // One that was put there by hand is compared and used.
    fs::remove_file(to.join("fetched.json")).unwrap();
    assert_eq!(silently(&set, &quick(&to)).unwrap(), fetched);
    assert!(server.requests().is_empty());
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_stopped() {
    let files = dogs();
    let server = Server::new(&files, Manners { breaks_off_after: Some(6000), ..Manners::default() });
    let set = set(vec![remote(&server, files[0].0, &files[0].1)]);
    let folder = tempfile::tempdir().unwrap();
    silently(&set, &quick(folder.path())).unwrap();
    assert_eq!(fs::read(folder.path().join("images.tar")).unwrap(), files[0].1);
    let requests = server.requests();
    assert_eq!(requests.len(), files[0].1.len().div_ceil(6000));
    assert!(requests[1].ends_with("bytes=6000-") && requests[2].ends_with("bytes=12000-"), "{requests:?}");
}

#[test]
fn a_transfer_that_was_stopped_goes_on_in_the_next_run() {
    let files = dogs();
    let server = Server::new(&files, Manners { breaks_off_after: Some(5000), ..Manners::default() });
    let set = set(vec![remote(&server, files[0].0, &files[0].1)]);
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let stopping =
        |event: FetchEvent<'_>| stop.store(matches!(event, FetchEvent::Again { .. }), Ordering::Relaxed);
    assert!(matches!(fetch(&set, &quick(folder.path()), &stop, &stopping), Err(FetchError::Stopped)));
    assert_eq!(fs::metadata(folder.path().join("images.tar.part")).unwrap().len(), 5000);
    server.manners.lock().unwrap().breaks_off_after = None;
    server.requests();
    silently(&set, &quick(folder.path())).unwrap();
    assert!(server.requests()[0].ends_with("bytes=5000-"));
    assert_eq!(fs::read(folder.path().join("images.tar")).unwrap(), files[0].1);
}

#[test]
fn a_server_without_ranges_or_with_another_file_sends_it_from_the_beginning() {
    let files = dogs();
    for manners in
        [Manners { no_ranges: true, ..Manners::default() }, Manners { changes: true, ..Manners::default() }]
    {
        let server = Server::new(&files, Manners { breaks_off_after: Some(5000), ..manners.clone() });
        let set = set(vec![remote(&server, files[0].0, &files[0].1)]);
        let folder = tempfile::tempdir().unwrap();
        let error = silently(&set, &quick(folder.path())).unwrap_err();
        assert!(error.to_string().contains("run the same command again to go on"), "{error}");
        *server.manners.lock().unwrap() = manners;
        silently(&set, &quick(folder.path())).unwrap();
        assert_eq!(fs::read(folder.path().join("images.tar")).unwrap(), files[0].1);
    }
}

#[test]
fn another_file_than_the_known_one_is_refused_and_removed_unless_it_is_wanted() {
    let files = dogs();
    let server = Server::new(&files, Manners::default());
    let mut wrong = remote(&server, files[1].0, &files[1].1);
    wrong.sha256 = Some("0".repeat(64));
    let set = set(vec![wrong]);
    let folder = tempfile::tempdir().unwrap();
    let text = silently(&set, &quick(folder.path())).unwrap_err().to_string();
    assert!(
        text.contains("its SHA-256 is") && text.contains(&"0".repeat(64)) && text.contains("--unchecked"),
        "{text}"
    );
    assert!(!folder.path().join("lists.tar.part").exists() && !folder.path().join("lists.tar").exists());
    let fetched = silently(&set, &FetchOptions { unchecked: true, ..quick(folder.path()) }).unwrap();
    assert!(!fetched[0].as_known && folder.path().join("lists.tar").is_file());
}

#[test]
fn no_network_and_a_file_that_has_gone_say_what_to_do() {
    let server = Server::new(&[], Manners::default());
    let gone = set(vec![remote(&server, "images.tar", b"x")]);
    let folder = tempfile::tempdir().unwrap();
    let text = silently(&gone, &quick(folder.path())).unwrap_err().to_string();
    assert!(
        text.contains("404") && text.contains("http://127.0.0.1/home") && text.contains("--mirror"),
        "{text}"
    );
    // A port where nobody listens.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirror = Some(format!("http://{closed}/"));
    let text = silently(&gone, &FetchOptions { mirror, ..quick(folder.path()) }).unwrap_err().to_string();
    assert!(
        text.contains(&format!("cannot reach {closed}")) && text.contains("is there a network"),
        "{text}"
    );
    assert!(text.contains(&format!("get http://{closed}/images.tar in some other way")), "{text}");
    let text = find_published("standford-dogs").unwrap_err().to_string();
    assert!(text.contains("did you mean \"stanford-dogs\"?") && text.contains("flowers-102"), "{text}");
}

#[test]
fn a_mirror_stands_in_for_every_address() {
    let files = dogs();
    let server = Server::new(&files, Manners::default());
    let mut files: Vec<_> = files.iter().map(|(name, bytes)| remote(&server, name, bytes)).collect();
    files
        .iter_mut()
        .for_each(|file| file.url = format!("http://nowhere.invalid/a/b/{}?download=1", file.name()));
    let folder = tempfile::tempdir().unwrap();
    let options = FetchOptions { mirror: Some(server.address.clone()), ..quick(folder.path()) };
    silently(&set(files), &options).unwrap();
    assert!(server.requests()[0].starts_with("GET /files/images.tar HTTP"));
}

/// A `.tar.gz` of these.
fn packed(members: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, kind, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_entry_type(*kind);
        // As it stands, so that it may point anywhere.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        if kind.is_symlink() {
            header.set_link_name("/").unwrap();
        }
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn archives_are_unpacked_into_their_folder_and_nowhere_else() {
    let file = tar::EntryType::Regular;
    let good = packed(&[
        ("./set/a/1.txt", file, b"one"),
        ("set/link", tar::EntryType::Symlink, b""),
        ("set/link/etc/escaped", file, b"not through the link"),
        ("set/b/2.txt", file, b"two"),
    ]);
    let outside = packed(&[("set/a/1.txt", file, b"one"), ("set/../../escaped.txt", file, b"x")]);
    let mut cut = good.clone();
    cut.truncate(good.len() - 6);
    let files = [
        ("good.tar.gz", good),
        ("outside.tar.gz", outside),
        ("cut.tar.gz", cut),
        ("empty.tar.gz", packed(&[])),
    ];
    let server = Server::new(&files, Manners::default());
    let one =
        |name: &str| set(vec![remote(&server, name, &files.iter().find(|file| file.0 == name).unwrap().1)]);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("set");
    silently(&one("good.tar.gz"), &quick(&to)).unwrap();
    assert_eq!(fs::read(to.join("set/b/2.txt")).unwrap(), b"two");
    assert_eq!(fs::read(to.join("set/link/etc/escaped")).unwrap(), b"not through the link");
    assert!(to.join("set/link").symlink_metadata().unwrap().is_dir() && !to.join("good.tar.gz").exists());

    let text = silently(&one("outside.tar.gz"), &quick(&folder.path().join("2"))).unwrap_err().to_string();
    assert!(text.contains("points outside the archive"), "{text}");
    let text = silently(&one("cut.tar.gz"), &quick(&folder.path().join("3"))).unwrap_err().to_string();
    assert!(text.contains("cut.tar.gz cannot be unpacked"), "{text}");
    let text = silently(&one("empty.tar.gz"), &quick(&folder.path().join("4"))).unwrap_err().to_string();
    assert!(text.contains("holds no files"), "{text}");
    let text = silently(&one("good.tar.gz"), &quick(&to.join("set/.."))).map(|files| files.len());
    assert!(matches!(text, Ok(1)), "it is here already");
    fs::remove_file(to.join("fetched.json")).unwrap();
    let text = silently(&one("good.tar.gz"), &quick(&to)).unwrap_err().to_string();
    assert!(text.contains("is in the way"), "{text}");
    assert!(
        !folder.path().join("escaped.txt").exists()
            && !folder.path().parent().unwrap().join("escaped.txt").exists()
    );
}

#[test]
fn every_published_data_set_has_names_sizes_and_checksums() {
    let sets = published();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    for name in
        ["stanford-dogs", "oxford-iiit-pet", "cub-200", "flowers-102", "cifar-10", "cifar-100", "imagenette"]
    {
        assert!(names.contains(&name), "{name}");
    }
    for file in sets.iter().flat_map(|set| &set.files) {
        let sha256 = file.sha256.as_ref().unwrap();
        assert!(sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", file.url);
        assert!(
            file.bytes > Some(500) && file.name().contains('.') && !file.name().contains('?'),
            "{}",
            file.url
        );
    }
}

/// A server that does what it likes with every connection: it is given the number of the request and its head.
fn hostile(behave: impl Fn(&mut TcpStream, &str) -> std::io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/files", listener.local_addr().unwrap());
    let behave = Arc::new(behave);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let behave = Arc::clone(&behave);
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                    head.push(byte[0]);
                }
                let _ = behave(&mut stream, &String::from_utf8_lossy(&head));
            });
        }
    });
    address
}

/// A set of one file of so many bytes there.
fn of(address: &str, bytes: u64) -> Published {
    let url = format!("{address}/images.tar");
    set(vec![Remote { url, bytes: Some(bytes), sha256: Some("0".repeat(64)), unpack: false }])
}

/// What a fetch says in the end, and that it took no longer than this.
fn ends(set: &Published, options: &FetchOptions, most: Duration) -> String {
    let began = Instant::now();
    let error = silently(set, options).unwrap_err();
    assert!(began.elapsed() < most, "{:?}: {error}", began.elapsed());
    error.to_string()
}

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_server_that_drips_or_breaks_off_after_every_byte_is_left_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let hurried =
        |name: &str| FetchOptions { patience: Duration::from_millis(50), ..quick(&folder.path().join(name)) };
    // A byte now and then, for ever.
    let drips = hostile(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")?;
        loop {
            stream.write_all(b"x")?;
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let text = ends(&of(&drips, 100_000), &hurried("drips"), SOON);
    assert!(text.contains("breaks off again and again") && text.contains("less than 1024 bytes"), "{text}");
    // One byte more with every request: it gets further, and would for a day.
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let steps = hostile(move |stream, head| {
        *counted.lock().unwrap() += 1;
        let from = head.split("bytes=").nth(1).and_then(|rest| rest.split('-').next()?.parse::<u64>().ok());
        match from {
            None => stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\nx"),
            Some(from) => stream.write_all(
                format!("HTTP/1.1 206 X\r\nContent-Range: bytes {from}-99999/100000\r\nContent-Length: {}\r\n\r\nx", 100_000 - from)
                    .as_bytes(),
            ),
        }
    });
    let text = ends(&of(&steps, 100_000), &quick(&folder.path().join("steps")), SOON);
    assert!(text.contains("after 100 bytes"), "{text}");
    assert_eq!(*asked.lock().unwrap(), 100);
    // Its headers drip.
    let slow = hostile(|stream, _| {
        for byte in b"HTTP/1.1 200 X\r\nContent-Length: 1\r\n\r\nx".iter().cycle() {
            stream.write_all(&[*byte])?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    let text = ends(&of(&slow, 1), &hurried("slow"), SOON);
    assert!(text.contains("cannot reach"), "{text}");
}

#[test]
fn a_stop_is_heard_while_the_server_says_nothing() {
    for head in ["", "HTTP/1.1 200 X\r\n", "HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nx"] {
        let silent = hostile(move |stream, _| {
            stream.write_all(head.as_bytes())?;
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        });
        let folder = tempfile::tempdir().unwrap();
        let stop = AtomicBool::new(false);
        let began = Instant::now();
        let end = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(200));
                stop.store(true, Ordering::Relaxed);
            });
            fetch(&of(&silent, 9), &quick(folder.path()), &stop, &|_| ())
        });
        assert!(matches!(end, Err(FetchError::Stopped)), "{end:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "{head:?}: {:?}", began.elapsed());
    }
}

#[test]
fn what_a_server_says_of_the_file_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let says = |answer: &'static [u8], bytes: u64, unchecked: bool| {
        let server = hostile(move |stream, _| stream.write_all(answer));
        let options = FetchOptions { unchecked, ..quick(&folder.path().join("set")) };
        ends(&of(&server, bytes), &options, SOON)
    };
    // A part that nobody asked for, whatever it says of itself.
    for answer in [
        &b"HTTP/1.1 206 X\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56789"[..],
        b"HTTP/1.1 206 X\r\nContent-Length: 10\r\n\r\n0123456789",
        b"HTTP/1.1 206 X\r\nContent-Range: bytes 0-3/10\r\nContent-Length: 4\r\n\r\n0123",
    ] {
        let text = says(answer, 10, false);
        assert!(text.contains("sends a part of it that was not asked for"), "{text}");
    }
    let text = says(b"HTTP/1.1 416 X\r\nContent-Range: bytes */0\r\nContent-Length: 0\r\n\r\n", 10, false);
    assert!(text.contains("answers 416"), "{text}");
    // Another size is known before anything is fetched.
    let text = says(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n123456789", 10, false);
    assert!(text.contains("9 bytes instead of 10"), "{text}");
    // What is taken unchecked has a limit, too.
    let text = says(b"HTTP/1.1 200 X\r\nContent-Length: 1073741825\r\n\r\n", 10, true);
    assert!(text.contains("1073741824 are the most"), "{text}");
    let text = says(b"HTTP/1.1 200 X\r\nContent-Length: 18446744073709551615\r\n\r\n", 10, true);
    assert!(text.contains("1073741824 are the most"), "{text}");
    assert!(
        !folder.path().join("set/images.tar").exists() && !folder.path().join("set/images.tar.part").exists()
    );
    // Without a word on its size, and without an end.
    let endless = hostile(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n")?;
        loop {
            stream.write_all(&[7; 4096])?;
        }
    });
    let text = ends(&of(&endless, 100_000), &quick(&folder.path().join("set")), SOON);
    assert!(text.contains("instead of 100000"), "{text}");
    // Sent from one place to the next, and headers without end.
    let circle = hostile(|stream, _| {
        stream.write_all(b"HTTP/1.1 302 X\r\nLocation: /files/images.tar\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    });
    let text = ends(&of(&circle, 10), &quick(&folder.path().join("set")), SOON);
    assert!(text.contains("sends us on more than 5 times"), "{text}");
    let headers = hostile(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 X\r\n")?;
        loop {
            stream.write_all(b"X-More: and more\r\n")?;
        }
    });
    let text = ends(&of(&headers, 10), &quick(&folder.path().join("set")), SOON);
    assert!(text.contains("KiB of headers") || text.contains("cannot reach"), "{text}");
}

#[test]
fn a_file_for_which_there_is_no_room_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let free = fs4::available_space(folder.path()).unwrap();
    let bytes = free + (64 << 30);
    let large = hostile(move |stream, _| {
        stream.write_all(format!("HTTP/1.1 200 X\r\nContent-Length: {bytes}\r\n\r\n").as_bytes())
    });
    let text = ends(&of(&large, bytes), &quick(folder.path()), SOON);
    assert!(text.contains("there is room for") && text.contains("--to"), "{text}");
}

#[cfg(unix)]
#[test]
fn links_laid_where_a_part_would_be_are_replaced() {
    let files = dogs();
    let server = Server::new(&files, Manners::default());
    let set = set(vec![remote(&server, files[1].0, &files[1].1)]);
    let folder = tempfile::tempdir().unwrap();
    let (theirs, to) = (folder.path().join("theirs"), folder.path().join("set"));
    fs::create_dir(&to).unwrap();
    fs::write(&theirs, "theirs").unwrap();
    // As if a part of it were here.
    let origin = format!("{{\"url\": \"{}/lists.tar\", \"etag\": null, \"modified\": null}}", server.address);
    fs::write(to.join("lists.tar.origin"), origin).unwrap();
    for name in ["lists.tar.part", "lists.tar.origin.partial", "fetched.json.partial"] {
        std::os::unix::fs::symlink(&theirs, to.join(name)).unwrap();
    }
    silently(&set, &quick(&to)).unwrap();
    assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
    assert_eq!(fs::read(to.join("lists.tar")).unwrap(), files[1].1);
    assert!(!to.join("lists.tar").is_symlink());
}
