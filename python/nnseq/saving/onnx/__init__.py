"""ONNX export: `nnseq.saving.onnx.model.write_onnx`."""
