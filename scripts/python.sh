#!/bin/sh
# A Python environment in build/python with the peers that checks compare with. What can't be had is named, and its checks are skipped.
set -eu
peers='numpy h5py pillow safetensors scikit-learn onnx onnxruntime openvino opencv-python-headless tensorboard pyyaml'
env=build/python
if [ "$(cat $env/complete 2>/dev/null)" = "$peers" ]; then
    echo "the Python environment is there"
    exit 0
fi
python=/usr/bin/python3 # Debian's own, whatever else the path holds
$python -m venv --clear $env
pip() { $env/bin/python -m pip --quiet --disable-pip-version-check "$@"; }
pip install $peers 2>build/python.log ||
    for peer in $peers; do pip install "$peer" 2>>build/python.log || echo "not to be had, its checks are skipped: $peer"; done
# PyTorch for the processor alone: the plain name would bring gigabytes of CUDA. Only a wheel of this very version will do.
pip install --retries 0 --timeout 20 'torch==2.13.0+cpu' 2>>build/python.log ||
    echo "not to be had, its checks are skipped: PyTorch 2.13 for the CPU"
# oneDNN 3, to build against as well
pip install --prefix "$PWD/build/onednn3" onednn-devel-cpu-gomp==2023.2.0 2>>build/python.log || echo "not to be had, not built against: oneDNN 3"
echo "$peers" >$env/complete
