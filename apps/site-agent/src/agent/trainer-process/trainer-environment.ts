/** What a native engine may need of the environment; proxies, credentials and tokens never reach the trainer. */
const PASSED_ON = [
  /^PATH$/,
  /^HOME$/,
  /^(TMPDIR|TEMP|TMP)$/,
  /^(LANG|TZ)$/,
  /^LC_/,
  /^LD_LIBRARY_PATH$/,
  /^(SYSTEMROOT|WINDIR)$/i,
  /^TRIBUTARY_ENGINES_DIR$/,
  /^(CUDA|NVIDIA|VK|OMP|TF|MALLOC)_/,
];

/** Native libraries that would talk to their makers are told not to before they are loaded. */
const NO_REPORTS = { ORT_DISABLE_TELEMETRY: '1' };

/** The part of an environment that a trainer is started with. */
export function trainerEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const passed = Object.entries(environment).filter(([name]) => PASSED_ON.some((pattern) => pattern.test(name)));
  const values = Object.fromEntries(passed.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  return { ...values, ...NO_REPORTS };
}
