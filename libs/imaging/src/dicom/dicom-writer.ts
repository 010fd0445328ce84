import { createHash } from 'node:crypto';

/** One magnetic resonance image and the headers that a scanner would give it. */
export interface MrImage {
  readonly patientId: string;
  readonly patientName: string;
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly instanceUid: string;
  readonly instanceNumber: number;
  readonly studyDate: string;
  readonly seriesDescription: string;
  readonly repetitionTimeMs: number;
  readonly echoTimeMs: number;
  readonly sizePx: number;
  readonly pixelMm: number;
  readonly sliceThicknessMm: number;
  readonly sliceSpacingMm: number;
  /** Centre of the first pixel: millimetres to the left, back, top of the patient. */
  readonly positionMm: readonly [number, number, number];
  /** `[sizePx, sizePx]`, 0 to 4,095. */
  readonly pixels: Uint16Array;
}

const MR_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.4';
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
/** What wrote the file (PS3.7 D.3.3.2); derived from a UUID as PS3.5 B.2 allows. */
const IMPLEMENTATION_UID = '2.25.80302813137786398554742050926734630921';

/** The same unique identifier for the same parts: 2.25. and 120 bits of their SHA-256 (DICOM PS3.5 B.2). */
export function derivedUid(...parts: (string | number)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `2.25.${BigInt(`0x${digest.slice(0, 30)}`)}`;
}

/** Writes one image as a DICOM file (PS3.10): explicit little endian, axial, 12 bits in 16, MONOCHROME2. */
export type MrImageWriter = (image: MrImage) => Uint8Array;

/** Loads the library that writes; programs that only read (the trainer) never do. */
export async function openMrImageWriter(): Promise<MrImageWriter> {
  const { default: dcmjs } = await import('dcmjs');
  const { DicomDict, DicomMetaDictionary } = dcmjs.data;
  return (image) => {
    const file = new DicomDict(DicomMetaDictionary.denaturalizeDataset(metaHeader(image)));
    file.dict = DicomMetaDictionary.denaturalizeDataset({
      _vrMap: { PixelData: 'OW' },
      ...identity(image),
      ...geometry(image),
      ...pixelModule(image),
    });
    return new Uint8Array(file.write());
  };
}

function metaHeader(image: MrImage): Record<string, unknown> {
  return {
    FileMetaInformationVersion: new Uint8Array([0, 1]).buffer,
    MediaStorageSOPClassUID: MR_IMAGE_STORAGE,
    MediaStorageSOPInstanceUID: image.instanceUid,
    TransferSyntaxUID: EXPLICIT_LITTLE_ENDIAN,
    ImplementationClassUID: IMPLEMENTATION_UID,
    ImplementationVersionName: 'TRIBUTARY',
  };
}

function identity(image: MrImage): Record<string, unknown> {
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    ImageType: ['DERIVED', 'PRIMARY', 'M', 'SE'],
    SOPClassUID: MR_IMAGE_STORAGE,
    SOPInstanceUID: image.instanceUid,
    StudyDate: image.studyDate,
    StudyTime: '080000',
    AccessionNumber: '',
    Modality: 'MR',
    Manufacturer: 'Tributary phantom',
    ReferringPhysicianName: '',
    SeriesDescription: image.seriesDescription,
    PatientName: image.patientName,
    PatientID: image.patientId,
    PatientBirthDate: '',
    PatientSex: '',
    StudyInstanceUID: image.studyUid,
    SeriesInstanceUID: image.seriesUid,
    StudyID: '1',
    SeriesNumber: 1,
    InstanceNumber: image.instanceNumber,
  };
}

function geometry(image: MrImage): Record<string, unknown> {
  return {
    ScanningSequence: 'SE',
    SequenceVariant: 'NONE',
    ScanOptions: '',
    MRAcquisitionType: '2D',
    SliceThickness: image.sliceThicknessMm,
    RepetitionTime: image.repetitionTimeMs,
    EchoTime: image.echoTimeMs,
    EchoTrainLength: 1,
    SpacingBetweenSlices: image.sliceSpacingMm,
    PatientPosition: 'HFS',
    FrameOfReferenceUID: derivedUid(image.studyUid, 'frame of reference'),
    PositionReferenceIndicator: '',
    ImagePositionPatient: [...image.positionMm],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    PixelSpacing: [image.pixelMm, image.pixelMm],
  };
}

function pixelModule(image: MrImage): Record<string, unknown> {
  return {
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: image.sizePx,
    Columns: image.sizePx,
    BitsAllocated: 16,
    BitsStored: 12,
    HighBit: 11,
    PixelRepresentation: 0,
    PixelData: littleEndian(image.pixels),
  };
}

function littleEndian(pixels: Uint16Array): ArrayBuffer {
  const bytes = new ArrayBuffer(2 * pixels.length);
  const view = new DataView(bytes);
  pixels.forEach((pixel, index) => view.setUint16(2 * index, pixel, true));
  return bytes;
}
