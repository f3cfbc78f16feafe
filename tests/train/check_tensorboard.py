"""TensorBoard's own reader opens the events of a run, scalars and pictures, also after it was continued."""
import json
import os
import subprocess
import sys
import tempfile

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

FOIL, SOURCE, BUILD = os.environ["FOIL"], os.environ["FOIL_SOURCE"], os.environ["FOIL_BUILD"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        pictures, run = os.path.join(folder, "set.h5"), os.path.join(folder, "run")
        subprocess.run([os.path.join(BUILD, "tests", "tool_set"), pictures, "32", "60", "3"], check=True)
        for steps in (6, 9):
            subprocess.run([FOIL, "train", os.path.join(SOURCE, "configs", "train", "dcgan32.yaml"), "data.set=" + pictures, f"run.steps={steps}", "run.batch=4",
                            "log.every=1", "log.samples=3", "--resume", "--quiet", "--out", run], check=True)
        events = EventAccumulator(run, size_guidance={"scalars": 0, "images": 0})
        events.Reload()
        lines = [json.loads(line) for line in open(os.path.join(run, "log.jsonl"))]
        assert [line["step"] for line in lines] == list(range(1, 10)), lines
        for tag in ("loss/d", "loss/g", "logit/real", "logit/fake", "gradient/d", "gradient/g", "lr/d", "images_per_second", "waited"):
            scalars = events.Scalars(tag)
            assert [s.step for s in scalars] == list(range(1, 10)), tag
            for s, line in zip(scalars, lines):
                assert abs(s.value - line[tag]) <= 1e-6 * abs(line[tag]), (tag, s, line)
        images = events.Images("samples")
        assert [i.step for i in images] == [3, 6, 9]
        for i in images:
            png = open(os.path.join(run, "samples", f"step-{i.step:06}.png"), "rb").read()
            assert i.encoded_image_string == png and (i.width, i.height) == (8 * 34 - 2, 8 * 34 - 2), (i.width, i.height)
    print("9 steps of scalars, 3 pictures")


main()
