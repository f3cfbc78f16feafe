"""Programs that take turns: each round measures every one of them once, beginning with another one each time."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fnmatch import fnmatch


class Failed(Exception):
    pass


class Settings:
    """What the environment says."""

    def __init__(self):
        get = os.environ.get
        self.threads, self.rounds = int(get("THREADS", "2")), int(get("ROUNDS", "5"))
        self.seconds, self.files = float(get("PIECE", "1")), int(get("FILES", "2000"))
        self.cores = {int(c) for c in get("CORES", "0,1").split(",")}
        self.modes = get("MODES", "*").split(",")
        self.out = os.path.abspath(get("OUT", "compare-out"))
        self.pictures = get("PICTURES")
        os.makedirs(self.out, exist_ok=True)
        os.sched_setaffinity(0, self.cores)
        os.environ["OMP_NUM_THREADS"] = str(self.threads)

    def wanted(self, mode):
        return any(fnmatch(mode, m) for m in self.modes)


class Program:
    """Runs once a round and prints one JSON object. `read` makes a record of it."""

    def __init__(self, mode, command, read):
        self.mode, self.command, self.read, self.facts = mode, list(map(str, command)), read, {}

    def start(self):
        pass

    def ready(self):
        pass

    def measure(self):
        done = subprocess.run(self.command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(done.stderr.strip()[-300:])
        return self.read(json.loads(done.stdout))

    def end(self):
        pass


class Peer:
    """Stays alive from round to round (peers/turns.py): it may take long to get ready."""

    def __init__(self, mode, command, images, seconds):
        self.mode, self.command, self.images, self.seconds, self.facts = mode, list(map(str, command)), images, seconds, {}

    def start(self):
        pipe = subprocess.PIPE
        self.messages = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would fill up
        self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, stderr=self.messages, text=True)

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            self.messages.seek(0)
            raise Failed(self.messages.read().strip()[-300:])
        return json.loads(text)

    def ready(self):
        self.facts = self.line()

    def measure(self):
        self.process.stdin.write(f"{self.seconds}\n")
        self.process.stdin.flush()
        record = self.line()
        record["images_per_second"] = self.images / record["seconds"]
        return record

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.messages.close()
        self.process.wait()


class Timed:
    """A whole process, from its start to its end, with its peak memory. `read` takes stdout and gives more for the record."""

    def __init__(self, mode, command, read=lambda text: {}):
        self.mode, self.command, self.read, self.facts = mode, list(map(str, command)), read, {}

    def start(self):
        pass

    def ready(self):
        self.measure()  # files come from memory from now on

    def measure(self):
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as p:
            begin = time.perf_counter()
            text = p.stdout.read()
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - begin
        if p.returncode:
            raise Failed(f"exit status {p.returncode}")
        record = {"seconds": took, "peak_resident_mb": usage.ru_maxrss * 1024 / 1e6, **self.read(text)}
        return record if record.get("files", 1) == 1 else {**record, "images_per_second": record["files"] / took}

    def end(self):
        pass


def take_turns(settings, kind, work, programs, log):
    """Median records by mode: those numbers that all rounds have. `log` gets every record as a line."""
    alive, records = [], {}
    programs = [p for p in programs if settings.wanted(p.mode)]
    for p in programs:
        p.start()
    for p in programs:
        try:
            p.ready()
            alive.append(p)
        except Failed as why:
            print(f"{work}: {p.mode} failed: {why}", file=sys.stderr)
    for i in range(settings.rounds):
        start = i % max(1, len(alive))
        for p in alive[start:] + alive[:start]:
            try:
                record = p.measure()
            except Failed as why:
                print(f"{work}: {p.mode} failed: {why}", file=sys.stderr)
                continue
            records.setdefault(p.mode, []).append(record)
            log.write(json.dumps({"kind": kind, "work": work, "mode": p.mode, "round": i, **record}) + "\n")
            log.flush()
    for p in programs:
        p.end()
    order = [p.mode for p in programs if p.mode in records]
    facts = {p.mode: p.facts for p in programs}
    return {mode: {**facts[mode], **medians(records[mode])} for mode in order}


def medians(records):
    numbers = {k for k, v in records[0].items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    together = {k: statistics.median(r[k] for r in records) for k in numbers}
    return {**records[0], **together}


