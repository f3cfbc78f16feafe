"""Files of the reference implementation are read, and written again byte for byte; what it refuses we refuse."""
import os
import subprocess
import sys
import tempfile

try:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

TOOL = os.path.join(os.environ["FOIL_BUILD"], "tests", "nn_test_safetensors")


def rewrite(source, target):
    return subprocess.run([TOOL, source, target], stderr=subprocess.PIPE, text=True)


def main():
    torch.manual_seed(1)
    tensors = {
        "layers.10.weight": torch.randn(4, 3, 2, 2),
        "layers.2.weight": torch.randn(7),
        "half": torch.randn(5).to(torch.float16),
        "brain": torch.randn(3, 3).to(torch.bfloat16),
        "double": torch.randn(2, dtype=torch.float64),
        "bytes": torch.arange(5, dtype=torch.uint8),
        "flags": torch.tensor([True, False]),
        "steps": torch.tensor(12345678901234),
        "short": torch.arange(3, dtype=torch.int16),
        "int": torch.arange(3, dtype=torch.int32),
        "empty": torch.zeros(0, 3),
        'quote " and é': torch.ones(1),
    }
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = os.path.join(folder, "theirs"), os.path.join(folder, "ours")
        for metadata in (None, {"format": "pt"}, {"text": 'a "b"\n\té \\'}):
            save_file(tensors, theirs, metadata)
            done = rewrite(theirs, ours)
            assert done.returncode == 0, done.stderr
            a, b = open(theirs, "rb").read(), open(ours, "rb").read()
            assert a == b, "not the reference writer's bytes"
            loaded = load_file(ours)
            assert loaded.keys() == tensors.keys()
            for name, value in tensors.items():
                assert loaded[name].dtype == value.dtype and torch.equal(loaded[name], value), name
        save_file({}, theirs, {"only": "metadata"})
        assert rewrite(theirs, ours).returncode == 0
        with safe_open(ours, "pt") as f:
            assert f.metadata() == {"only": "metadata"}

        # Damage: whatever the reference refuses, we refuse.
        save_file({"a": torch.arange(4.0), "b": torch.arange(3, dtype=torch.uint8)}, theirs)
        good = open(theirs, "rb").read()
        variants = [good[:n] for n in range(len(good))] + [good + b"\0"]
        for old, new in ((b"[4]", b"[3]"), (b"F32", b"F64"), (b"[0,16]", b"[1,16]"), (b"[16,19]", b"[15,18]"), (b'"a"', b'"b"')):
            assert old in good
            variants.append(good.replace(old, new))
        for bytes_ in variants:
            broken = os.path.join(folder, "broken")
            open(broken, "wb").write(bytes_)
            try:
                load_file(broken)
                refused = False
            except Exception:
                refused = True
            done = rewrite(broken, ours)
            assert (done.returncode != 0) >= refused, bytes_
            assert done.returncode in (0, 1), "crashed"
    print("ok")


main()
