"""Loads the live page of a run with everybody who does not mean to read it.

Attacked: `run --serve` while it trains, with 2,000 connections at once in turns that say nothing, send a byte a second, send headers without
end, ask a hundred times in one go, announce a body of an exabyte and send some of it, ask and never read, close one half, or are reset; and
requests for other hosts, methods and paths.

Bound: the run ends with exit code 0 and its report; its memory grows by less than 64 MiB; training beside it is as quick as without,
within NOISE; an honest reader is answered before, and again within 25 s after. What it sees meanwhile is told, not bounded: somebody who
fills all 64 places of a page on this machine keeps others out for as long as that goes on.

The attacker runs niced and mostly waits: what it takes of the processors is told too. Time: about 35 s; --long: about 3 minutes.
"""

import http.client
import json
import multiprocessing
import os
import resource
import selectors
import socket
import statistics
import struct
import time

# Two busy cores, a niced attacker and other people's work on the same machine: medians of images a second differ by so much anyway.
NOISE = 0.35
CONNECTIONS = 2000
GROWTH = 64 << 20


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def request(port, path="/", more=b"", method=b"GET"):
    return method + b" " + path.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port + more + b"\r\n"


# What a connection sends at once, and what again and again, every second.
def manners(port):
    return {
        "silent": (b"", b""),
        "a byte a second": (b"GET / HT", b"T"),
        "headers without end": (request(port)[:-2], b"X: " + b"y" * 1000 + b"\r\n"),
        "a header of 1 MiB": (request(port)[:-2] + b"X: " + b"y" * (1 << 20), b""),
        "a hundred requests in one go": (request(port, "/state") * 100, b""),
        "a body of an exabyte": (request(port, more=b"Content-Length: 1000000000000000000\r\n", method=b"POST"), b"x" * 1000),
        "chunks without end": (request(port, more=b"Transfer-Encoding: chunked\r\n", method=b"POST"), b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
        "two lengths": (request(port, more=b"Content-Length: 5\r\nContent-Length: 6\r\n", method=b"POST"), b""),
        "asks and never reads": (request(port), b""),
        "another host": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", b""),
        "no HTTP": (b"\x16\x03\x01\x02\x00" + bytes(range(256)), b"\0"),
        "another path": (request(port, "/../../etc/passwd"), b""),
        "half closed": (request(port), None),
        "reset": (request(port)[:-2], None),
    }


def attacker(port, seconds, seed, told):
    """Holds as many connections as there may be, of all manners, for some seconds. In a process of its own, so that its share can be told."""
    os.nice(19)
    begin = time.monotonic()
    kinds = list(manners(port).items())
    open_ones, made, number = {}, 0, 0
    selector = selectors.DefaultSelector()
    next_round = begin
    while time.monotonic() - begin < seconds:
        # New ones in place of those that were closed, not more than 400 at a time: most of the time is waited.
        for _ in range(min(400, CONNECTIONS - len(open_ones))):
            name, (first, again) = kinds[number % len(kinds)]
            number += 1
            connection = socket.socket()
            connection.setblocking(False)
            try:
                connection.connect_ex(("127.0.0.1", port))
                made += 1
                selector.register(connection, selectors.EVENT_WRITE, None)
                open_ones[connection] = [name, first, again]
            except OSError:
                connection.close()
        deadline = time.monotonic() + 0.25
        while time.monotonic() < deadline:
            for key, _ in selector.select(0.25):
                connection = key.fileobj
                name, first, again = open_ones[connection]
                try:
                    sent = connection.send(first) if first else 0
                    open_ones[connection][1] = first[sent:]
                    if not open_ones[connection][1]:
                        if name == "half closed":
                            connection.shutdown(socket.SHUT_WR)
                        if name == "reset":
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                            raise OSError
                        selector.unregister(connection)
                except (BlockingIOError, InterruptedError):
                    pass
                except OSError:
                    drop(selector, open_ones, connection)
            time.sleep(0.05)
        if time.monotonic() >= next_round:
            next_round = time.monotonic() + 1
            for connection, (_, first, again) in list(open_ones.items()):
                try:
                    if not first and again:
                        connection.send(again)
                    # Whoever was closed by the other side is replaced; nothing is read off the others.
                    if connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                        drop(selector, open_ones, connection)
                except (BlockingIOError, InterruptedError):
                    pass
                except OSError:
                    drop(selector, open_ones, connection)
    for connection in list(open_ones):
        drop(selector, open_ones, connection)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    told.put((made, (usage.ru_utime + usage.ru_stime) / seconds))


def drop(selector, open_ones, connection):
    try:
        selector.unregister(connection)
    except (KeyError, ValueError):
        pass
    open_ones.pop(connection, None)
    connection.close()


class Reader:
    """Somebody who reads the page's state ten times a second, and the page itself now and then."""

    def __init__(self, port):
        self.port = port

    def ask(self, path="/state"):
        begin = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if answer.status != 200 or not body:
                return None
        except (OSError, http.client.HTTPException):
            return None
        return time.monotonic() - begin

    def phase(self, seconds, process, tail):
        """Reads for so long. Gives the latencies, the failures, the most memory, and the images a second of training meanwhile."""
        begin, latencies, failures, peak = time.monotonic(), [], 0, 0
        mark = tail.mark()
        while time.monotonic() - begin < seconds and process.poll() is None:
            latency = self.ask()
            if latency is None:
                failures += 1
            else:
                latencies.append(latency)
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.1)
        return latencies, failures, peak, tail.since(mark), time.monotonic() - begin


class Tail:
    """Images a second, epoch by epoch, of all trials of a run."""

    def __init__(self, run):
        self.run = run

    def mark(self):
        return {path: path.stat().st_size for path in self.run.glob("trials/*/*/metrics.jsonl")}

    def since(self, mark):
        speeds = []
        for path in self.run.glob("trials/*/*/metrics.jsonl"):
            text = path.read_bytes()[mark.get(path, 0) :].decode()
            speeds += [json.loads(line)["images_per_second"] for line in text.split("\n")[:-1] if line]
        return speeds


def memory_of(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


def run(attack):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    quiet, loud = (20, 120) if attack.long else (6, 14)
    # More epochs than there is time for; the run is ended by then, and goes on to its end with what is left taken away.
    attack.study(epochs=100_000, seeds=1, recipes=("none", "cutmix"), images=100)
    port, place = free_port(), attack.folder / "runs/live"
    process = attack.start("run", "study.toml", "--out", place, "--quiet", f"--serve={port}")
    reader, tail = Reader(port), Tail(place)
    for _ in range(100):
        if tail.mark() and reader.ask() is not None:
            break
        time.sleep(0.1)
    if not attack.check("the page is there", None if process.poll() is None and reader.ask("/") else "no page within 10 s"):
        process.kill()
        process.wait()
        return
    phases = {"before": reader.phase(quiet, process, tail)}
    told = multiprocessing.Queue()
    enemy = multiprocessing.Process(target=attacker, args=(port, loud, attack.seed, told))
    enemy.start()
    phases["during"] = reader.phase(loud, process, tail)
    made, share = told.get(timeout=60)
    enemy.join()
    begin = time.monotonic()
    while reader.ask() is None and time.monotonic() - begin < 60 and process.poll() is None:
        time.sleep(0.2)
    back = time.monotonic() - begin
    phases["after"] = reader.phase(quiet, process, tail)
    table(attack, phases, made, share)
    judge(attack, phases, back)
    ends(attack, process, place, port, reader)


def table(attack, phases, made, share):
    print("page:          images/s   epochs  answered  refused  requests/s  median ms    p99 ms  memory MiB")
    for name, (latencies, failures, peak, speeds, seconds) in phases.items():
        ranked = sorted(latencies) or [float("nan")]
        middle, last = ranked[len(ranked) // 2], ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))]
        speed = statistics.median(speeds) if speeds else float("nan")
        print(f"page: {name:>7} {speed:>10.0f} {len(speeds):>8} {len(latencies):>9} {failures:>8} {len(latencies) / seconds:>11.1f} {1000 * middle:>10.1f} {1000 * last:>9.1f} {peak / (1 << 20):>11.0f}")
    print(f"page: the attacker made {made} connections and took {share:.0%} of a processor", flush=True)


def judge(attack, phases, back):
    growth = max(phases["during"][2], phases["after"][2]) - phases["before"][2]
    attack.check("memory under load", f"grew by {growth >> 20} MiB" if growth > GROWTH else None, f"grew by {max(0, growth) >> 20} MiB")
    speeds = {name: statistics.median(phase[3]) if phase[3] else 0.0 for name, phase in phases.items()}
    usual = (speeds["before"] + speeds["after"]) / 2
    slower = 1 - speeds["during"] / usual if usual else 1.0
    attack.check("training under load", f"{slower:.0%} slower" if slower > NOISE else None, f"{-slower:+.0%} images a second")
    attack.check("readers after the load", f"no answer within {back:.0f} s" if back > 25 else None, f"answered again after {back:.1f} s")
    attack.check("readers before the load", "requests failed" if phases["before"][1] else None)


def ends(attack, process, place, port, reader):
    """A run under load ends when it is asked to; and one that is at its end ends, with people connected who do not read."""
    process.send_signal(2)
    try:
        code = process.wait(20)
    except Exception:
        process.kill()
        process.wait()
        code = "none within 20 s"
    attack.check("an interrupted run under load", None if code == 75 else f"exit code {code}")
    process = attack.start("run", "study.toml", "--out", "runs/short", "--quiet", f"--serve={port}", "--set", "train.epochs=60")
    held = []
    for number in range(300):
        time.sleep(0.01)
        name, (first, _) = list(manners(port).items())[number % 14]
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=1)
            connection.setblocking(False)
            connection.send(first[:4096])
            held.append(connection)
        except OSError:
            pass
    try:
        code = process.wait(120)
    except Exception:
        process.kill()
        process.wait()
        code = "none within 120 s"
    page = attack.folder / "runs/short/report.html"
    wrong = None if code == 0 and page.exists() and page.read_bytes().rstrip().endswith(b"</html>") else f"exit code {code}, report {'there' if page.exists() else 'missing'}"
    attack.check("a run that ends under load writes its report", wrong, f"{len(held)} connections that do not read")
    for connection in held:
        connection.close()
