"""NumPy opens exported archives: every tensor of the detector, bit for bit."""
import tempfile
import zipfile

import peers

np, safetensors = peers.need("numpy", "safetensors.numpy")

with tempfile.TemporaryDirectory() as folder:
    detectors, runs = peers.write_networks(folder)
    for source, options, prefix in [(d, [], "") for d in detectors] + [(r, ["--generator"], "generator.") for r in runs]:
        path = source.with_suffix(".npz")
        peers.foil("export", source, "-o", path, *options)
        assert zipfile.ZipFile(path).testzip() is None
        wanted = safetensors.load_file(source if not options else source / "checkpoint.safetensors")
        with np.load(path) as archive:
            assert {prefix + n for n in archive.files} == set(wanted)
            for name in archive.files:
                assert archive[name].dtype == np.float32 and np.array_equal(archive[name], wanted[prefix + name]), (source, name)
        first = path.read_bytes()
        peers.foil("export", source, "-o", path, *options)
        assert path.read_bytes() == first, "two exports differ"
    print(f"{len(detectors) + len(runs)} archives")
