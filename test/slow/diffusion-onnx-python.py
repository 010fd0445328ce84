"""What Python's ONNX Runtime makes of a denoiser FILE, as JSON on stdout: `out_sample` for the inputs on stdin, which are
{"name": {"type": "float32", "values": [...], "shape": [...]}}."""
import json
import sys

import numpy
import onnxruntime

request = json.load(sys.stdin)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
inputs = {name: numpy.array(i["values"], dtype=i["type"]).reshape(i["shape"]) for name, i in request.items()}
(output,) = session.run(["out_sample"], inputs)
assert output.shape == inputs["sample"].shape, output.shape
json.dump(output.flatten().tolist(), sys.stdout)
