"""Micro-models as ONNX graphs: the whole way from a picture to objects, for runtimes without torch."""
