/** Writes DICOM bytes by hand, independently of the libraries that the package reads and writes with. */
export type Encoding = 'implicit-little' | 'explicit-little' | 'explicit-big';

export interface TestElement {
  readonly tag: number;
  readonly vr: string;
  readonly value: string | readonly number[] | Uint8Array | readonly TestElement[][];
}

const TRANSFER_SYNTAX: Record<Encoding, string> = {
  'implicit-little': '1.2.840.10008.1.2',
  'explicit-little': '1.2.840.10008.1.2.1',
  'explicit-big': '1.2.840.10008.1.2.2',
};
const LONG_LENGTH = new Set(['OB', 'OW', 'SQ', 'UN', 'UT']);

/** A whole file: preamble, `DICM`, meta header, data set. */
export function dicomFile(
  elements: readonly TestElement[],
  { encoding = 'explicit-little', transferSyntax }: { encoding?: Encoding; transferSyntax?: string } = {},
): Uint8Array {
  const syntax = { tag: 0x00020010, vr: 'UI', value: transferSyntax ?? TRANSFER_SYNTAX[encoding] };
  const meta = encodeElement(syntax, 'explicit-little');
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), meta, dataSetBytes(elements, encoding)]);
}

/** The data set alone, as files without preamble hold it. */
export function dataSetBytes(elements: readonly TestElement[], encoding: Encoding): Buffer {
  const sorted = elements.toSorted((a, b) => a.tag - b.tag);
  return Buffer.concat(sorted.map((element) => encodeElement(element, encoding)));
}

function encodeElement({ tag, vr, value }: TestElement, encoding: Encoding): Buffer {
  const little = encoding !== 'explicit-big';
  const content = encodeValue(vr, value, encoding);
  const head = Buffer.alloc(encoding === 'implicit-little' || !LONG_LENGTH.has(vr) ? 8 : 12);
  writeWord(head, { at: 0, bytes: 2, value: tag >>> 16, little });
  writeWord(head, { at: 2, bytes: 2, value: tag & 0xffff, little });
  if (encoding === 'implicit-little') writeWord(head, { at: 4, bytes: 4, value: content.length, little });
  else {
    head.write(vr, 4, 'latin1');
    if (LONG_LENGTH.has(vr)) writeWord(head, { at: 8, bytes: 4, value: content.length, little });
    else writeWord(head, { at: 6, bytes: 2, value: content.length, little });
  }
  return Buffer.concat([head, content]);
}

function encodeValue(vr: string, value: TestElement['value'], encoding: Encoding): Buffer {
  if (typeof value === 'string') return Buffer.from(value.length % 2 === 0 ? value : `${value} `, 'latin1');
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (vr === 'SQ') return Buffer.concat(value.map((item) => encodeItem(Array.isArray(item) ? item : [], encoding)));
  const numbers = value.map(Number);
  const content = Buffer.alloc(2 * numbers.length);
  numbers.forEach((number, index) =>
    writeWord(content, { at: 2 * index, bytes: 2, value: number & 0xffff, little: encoding !== 'explicit-big' }),
  );
  return content;
}

function encodeItem(elements: readonly TestElement[], encoding: Encoding): Buffer {
  const content = dataSetBytes(elements, encoding);
  const head = Buffer.alloc(8);
  const little = encoding !== 'explicit-big';
  writeWord(head, { at: 0, bytes: 2, value: 0xfffe, little });
  writeWord(head, { at: 2, bytes: 2, value: 0xe000, little });
  writeWord(head, { at: 4, bytes: 4, value: content.length, little });
  return Buffer.concat([head, content]);
}

function writeWord(to: Buffer, word: { at: number; bytes: 2 | 4; value: number; little: boolean }): void {
  if (word.little) to.writeUIntLE(word.value, word.at, word.bytes);
  else to.writeUIntBE(word.value, word.at, word.bytes);
}

/** Encapsulated pixel data: an empty offset table, then a fragment a frame (PS3.5, A.4). */
export function encapsulated(fragments: readonly Uint8Array[]): Buffer {
  const item = (tag: number, content: Uint8Array): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(0xfffe, 0);
    head.writeUInt16LE(tag, 2);
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content]);
  };
  const pixelData = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  const items = fragments.map((fragment) => item(0xe000, fragment));
  return Buffer.concat([pixelData, item(0xe000, Buffer.alloc(0)), ...items, item(0xe0dd, Buffer.alloc(0))]);
}

export interface TestImage {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated?: number;
  readonly bitsStored?: number;
  readonly highBit?: number;
  readonly signed?: boolean;
  readonly photometric?: string;
  readonly samples?: number;
}

/** The attributes that every image has; pixel data are left to the caller. */
export function imageElements(image: TestImage): TestElement[] {
  const { bitsAllocated = 16, bitsStored = bitsAllocated, highBit = bitsStored - 1 } = image;
  return [
    { tag: 0x00080060, vr: 'CS', value: 'MR' },
    { tag: 0x00100020, vr: 'LO', value: 'PATIENT-7' },
    { tag: 0x00200013, vr: 'IS', value: '3' },
    { tag: 0x00280002, vr: 'US', value: [image.samples ?? 1] },
    { tag: 0x00280004, vr: 'CS', value: image.photometric ?? 'MONOCHROME2' },
    { tag: 0x00280010, vr: 'US', value: [image.rows] },
    { tag: 0x00280011, vr: 'US', value: [image.columns] },
    { tag: 0x00280100, vr: 'US', value: [bitsAllocated] },
    { tag: 0x00280101, vr: 'US', value: [bitsStored] },
    { tag: 0x00280102, vr: 'US', value: [highBit] },
    { tag: 0x00280103, vr: 'US', value: [image.signed === true ? 1 : 0] },
  ];
}

export const PIXEL_DATA = 0x7fe00010;
