/** The few parts of dcmjs that are used here; the package ships no types. */
declare module 'dcmjs' {
  type Attributes = Record<string, unknown>;
  interface DicomDict {
    dict: Attributes;
    write(): ArrayBuffer;
  }
  const dcmjs: {
    readonly data: {
      readonly DicomDict: new (meta: Attributes) => DicomDict;
      readonly DicomMetaDictionary: { denaturalizeDataset(dataset: Attributes): Attributes };
    };
  };
  export default dcmjs;
}
