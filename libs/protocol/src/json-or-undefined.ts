/** The value of a JSON text; undefined for anything else, which a schema then refuses. */
export function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
