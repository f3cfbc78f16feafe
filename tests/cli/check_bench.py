"""foil bench --profile and --trace: the steps are a plan's, their work is the plan's, and the time line is one that viewers open."""
import json
import math
import os
import subprocess
import sys
import tempfile

FOIL, SOURCE = os.environ["FOIL"], os.environ["FOIL_SOURCE"]


def bench(path, *options):
    return subprocess.run([FOIL, "bench", os.path.join(SOURCE, "configs", path), "--threads", "2", "--seconds", "0.01", *options],
                          capture_output=True, text=True)


def check_time_line(path, result):
    with open(path, encoding="utf-8") as f:
        events = [e for e in json.load(f)["traceEvents"] if e["ph"] == "X"]
    runs, steps = ([e for e in events if e["tid"] == tid] for tid in (1, 2))
    assert len(runs) == 1 and runs[0]["ts"] == 0 and steps
    at = 0
    for e in steps:
        assert e["dur"] >= 0 and e["ts"] >= at - 1e-3, "steps overlap"
        at = e["ts"] + e["dur"]
        assert set(e["args"]) == {"layer", "shape", "implementation", "kind", "flops", "bytes"}
    assert at <= runs[0]["dur"] + 1e-3, "a step ends after the run"
    assert sum(e["dur"] for e in steps) <= runs[0]["dur"] + 1e-3
    assert math.isclose(sum(e["args"]["flops"] for e in steps), result["flops"], rel_tol=1e-8)


def check(path, phases, *options):
    with tempfile.TemporaryDirectory() as folder:
        to = os.path.join(folder, "trace.json")
        run = bench(path, "--profile", "--json", "--trace", to, *options)
        assert run.returncode == 0, run.stderr
        result = json.loads(run.stdout)
        check_time_line(to, result)
    steps = result["profile"]
    assert math.isclose(sum(s["flops"] for s in steps), result["flops"], rel_tol=1e-8)
    assert [s["seconds"] for s in steps] == sorted((s["seconds"] for s in steps), reverse=True)
    assert {s["phase"] for s in steps} == phases
    assert all(s["seconds"] >= 0 and s["bytes"] > 0 and s["share_of_roofline"] >= 0 for s in steps)
    assert result["bytes_per_second"] > 0
    if "discriminator" in phases:
        assert sum(s["kind"] == "optimizer" for s in steps) == len(phases)


def is_sanitized():
    with open(os.path.join(os.environ["FOIL_BUILD"], "CMakeCache.txt"), encoding="utf-8") as f:
        return "FOIL_SANITIZE:BOOL=ON" in f.read()


def check_memory(path, *options):
    """What a training step will take is known before the first one."""
    run = bench(path, "--json", *options)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    predicted, measured = result["predicted_resident_mb"], result["peak_resident_mb"]
    assert predicted == 0 or abs(predicted - measured) <= 0.05 * measured, f"{path}: {predicted} MB predicted, {measured} MB taken"


def main():
    if not is_sanitized():
        for batch in ("2", "32"):
            check_memory("train/dcgan32.yaml", "--batch", batch)
        check_memory("train/r1_32.yaml", "--batch", "8", "--precision", "bf16")
    check("nets/dcgan32-d.yaml", {"inference"}, "--batch", "2")
    check("nets/meso4.yaml", {"inference"}, "--batch", "17")  # in micro-batches
    check("train/dcgan32.yaml", {"discriminator", "generator"}, "--batch", "2")
    check("train/r1_32.yaml", {"discriminator", "generator"}, "--batch", "1", "--precision", "bf16")
    run = bench("nets/meso4.yaml", "--batch", "17")
    assert run.returncode == 0 and "batch 17, 9 at once, f32" in run.stdout, run.stdout
    run = bench("nets/dcgan32-d.yaml", "--batch", "1", "--profile")
    assert run.returncode == 0 and "roof" in run.stdout and "kind" in run.stdout and "conv" in run.stdout, run.stdout
    run = bench("nets/dcgan32-d.yaml", "--batch", "1", "--json")
    assert run.returncode == 0 and "profile" not in json.loads(run.stdout)
    run = bench("train/r1_32.yaml", "game.penalty.r1.every=1000000")
    assert run.returncode == 1 and "game.penalty.r1.every is 1000000" in run.stderr, run.stderr
    with tempfile.TemporaryDirectory() as folder:
        for path, name in (("nets/dcgan32-d.yaml", "nowhere/trace.json"), ("nets/no-such.yaml", "trace.json")):
            run = bench(path, "--trace", os.path.join(folder, name))
            assert run.returncode == 1 and run.stderr.startswith("foil bench: "), run.stderr
            assert os.listdir(folder) == [], "something is left of a trace that could not be written"


if __name__ == "__main__":
    sys.exit(main())
