// ONNX Runtime reports its use to its maker from native code unless this is set before its library is loaded
// (from 1.29 on, in the binaries for Linux, macOS and Windows): https://github.com/microsoft/onnxruntime/pull/27379.
process.env['ORT_DISABLE_TELEMETRY'] = '1';
