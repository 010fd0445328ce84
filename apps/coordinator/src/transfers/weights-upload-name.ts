const PREFIX = 'weights-';

/** What the store of uploads calls the weights of a model; no assignment is called so. */
export function weightsUpload(sha256: string): string {
  return `${PREFIX}${sha256}`;
}

/** Whether an upload is the weights of a model, not the update of an assignment. */
export function isWeightsUpload(name: string): boolean {
  return name.startsWith(PREFIX);
}
