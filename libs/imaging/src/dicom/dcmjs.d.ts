/** The few parts of dcmjs that are used here; the package ships no types. */
declare module 'dcmjs' {
  type Attributes = Record<string, unknown>;
  class DicomDict {
    constructor(meta: Attributes);
    dict: Attributes;
    write(): ArrayBuffer;
  }
  const dcmjs: {
    data: {
      DicomDict: typeof DicomDict;
      DicomMetaDictionary: { denaturalizeDataset(dataset: Attributes): Attributes };
    };
    log: { setLevel(level: string): void };
  };
  export default dcmjs;
}
