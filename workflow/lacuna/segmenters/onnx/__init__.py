"""Segmenters in ONNX files, run by onnxruntime."""
