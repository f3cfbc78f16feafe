"""Programs that take turns: each round measures every one of them once, beginning with another one each time."""
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from fnmatch import fnmatch


PATIENCE = float(os.environ.get("PATIENCE", "900"))  # seconds for one answer: a compiled peer takes minutes to get ready, one that hangs is ended


class Failed(Exception):
    pass


@contextlib.contextmanager
def patiently(process):
    """Ends the process if what is done here takes too long."""
    late = threading.Event()
    timer = threading.Timer(PATIENCE, lambda: (late.set(), process.kill()))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise Failed(f"no answer within {PATIENCE:g} seconds")


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
        return True

    def measure(self):
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p, patiently(p):
            out, err = p.communicate()
        if p.returncode:
            raise Failed(err.strip()[-300:])
        return self.read(json.loads(out))

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
        with patiently(self.process):
            text = self.process.stdout.readline()
        if not text:
            self.messages.seek(0)
            raise Failed(self.messages.read().strip()[-300:])
        return json.loads(text)

    def ready(self):
        self.facts = self.line()
        return True

    def measure(self):
        try:
            self.process.stdin.write(f"{self.seconds}\n")
            self.process.stdin.flush()
        except OSError as why:
            raise Failed("it has ended") from why
        record = self.line()
        record["images_per_second"] = self.images / record["seconds"]
        return record

    def end(self):
        with contextlib.suppress(OSError):  # what it was told and never read
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
        return self.measure()  # files come from memory from now on

    def measure(self):
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as p, patiently(p):
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


class Records:
    """Every measurement, a line of OUT/records.jsonl each. What is measured again takes the place of what was there, so a run may be made in pieces."""

    def __init__(self, settings):
        self.path, self.all = os.path.join(settings.out, "records.jsonl"), []
        if os.path.exists(self.path):
            with open(self.path) as f:
                self.all = [json.loads(line) for line in f]

    def forget(self, work, modes):
        self.all = [r for r in self.all if r["work"] != work or r["mode"] not in modes]
        with open(self.path, "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in self.all)

    def add(self, record):
        self.all.append(record)
        with open(self.path, "a") as f:
            f.write(json.dumps(record) + "\n")

    def rounds(self, work):
        """Records by mode."""
        modes = {}
        for r in self.all:
            if r["work"] == work:
                modes.setdefault(r["mode"], []).append(r)
        return modes

    def medians(self, work):
        """By mode: of every number its median over the rounds."""
        return {mode: {k: statistics.median(r[k] for r in rounds) if isinstance(v, (int, float)) else v for k, v in rounds[0].items()}
                for mode, rounds in self.rounds(work).items()}

    def fastest(self, work):
        """By mode: the round that the machine's neighbours disturbed least, for what one program gains. The product beside it is the fastest, too."""
        return {mode: {**min(rounds, key=lambda r: r["seconds"]), "gemm": max(r["gemm"] for r in rounds)}
                for mode, rounds in self.rounds(work).items()}


def attempt(work, program, action):
    """What the action gives; None if it fails, which is said."""
    try:
        return action()
    except Failed as why:
        print(f"{work}: {program.mode} failed: {why}", file=sys.stderr)
        return None


def take_turns(settings, work, programs, records):
    """Every program once a round, beginning with another one each round."""
    programs = [p for p in programs if settings.wanted(p.mode)]
    records.forget(work, {p.mode for p in programs})
    alive = []
    for p in programs:  # one by one: more threads than cores would wait for each other
        p.start()
        alive += [p] if attempt(work, p, p.ready) is not None else []
    for i in range(settings.rounds):
        first = i % max(1, len(alive))
        for p in alive[first:] + alive[:first]:
            record = attempt(work, p, p.measure)
            if record:
                records.add({"work": work, "mode": p.mode, "round": i, **p.facts, **record})
    for p in programs:
        p.end()
