// What other tools read. The format comes from the suffix.
#ifndef FOIL_EXPORT_EXPORT_H
#define FOIL_EXPORT_EXPORT_H

#include "eval/detector.h"
#include "nn/net.h"
#include "nn/store.h"

// A NumPy archive (zip, stored) with one .npy per tensor, and nothing else: neither network nor card.
foil_status export_npz(const char *path, const store *s);

// Tensors in PyTorch's names and order, without a detector's metadata beyond the network: for generators.
foil_status export_weights(const char *path, const net *n, const store *s);

// ONNX opset 17, IR 8. Written from the inference graph: whatever depends on parameters alone is folded (reference.h), layout becomes NCHW.
// Detector: input `image` f32 [N,C,H,W] in 0..1, outputs `logit` [N] and `score` [N] (calibrated); normalisation inside; metadata carries thresholds and card.
foil_status export_onnx_detector(const char *path, const foil_detector *d);
// Generator: input `latent` f32 [N,Z], output `image` f32 [N,C,H,W] in 0..1.
foil_status export_onnx_generator(const char *path, const net *n, store *s);

#endif
