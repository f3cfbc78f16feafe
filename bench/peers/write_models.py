"""One network with random weights as everybody wants it: write_models.py NET.yaml SIDE OUT makes OUT.yaml for `foil bench`, OUT.safetensors, a detector
of Foil's, and OUT.onnx, by PyTorch, which folds batch norm into convolutions. SIDE: of its pictures, 0 = the file's."""
import os
import re
import sys
import warnings

import torch
from safetensors.torch import save_file

sys.path.insert(0, os.path.dirname(__file__))
from networks import Judge, images  # noqa: E402

CARD = {"foil_detector": "1", "version": "0", "head": "detect", "channels": "3", "fit": "crop", "resize": "bilinear", "temperature": "1",
        "thresholds": '{"eer": 0.5, "fpr=0.01": 0.5}', "calibrated_on": '{"reals": 1, "fakes": 1}', "provenance": "{}"}


def main():
    path, side, out = sys.argv[1:]
    with open(path) as f:
        text = f.read()
    if int(side):
        text = re.sub(r"image: \[\d+, \d+,", f"image: [{side}, {side},", text)
    with open(out + ".yaml", "w") as f:
        f.write(text)
    torch.manual_seed(1)
    judge = Judge(text, "detect").eval()
    save_file({k: v.contiguous() for k, v in judge.whole[0].state_dict().items() if not k.endswith("num_batches_tracked")}, out + ".safetensors",
              {**CARD, "network": text})
    warnings.simplefilter("ignore")
    torch.onnx.export(judge, (images(1, judge.shape),), out + ".onnx", opset_version=17, dynamo=False, input_names=["image"], output_names=["logit"],
                      dynamic_axes={"image": {0: "N"}, "logit": {0: "N"}})


main()
