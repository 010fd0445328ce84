/** Modalities of images by DICOM PS3.3, C.7.3.1.1.1. */
const MODALITIES: ReadonlySet<string> = new Set(
  (
    'BDUS BMD CR CT DG DX ECG ES GM IO IVOCT IVUS LS MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OT PT PX RF RG ' +
    'RTDOSE RTIMAGE SEG SM TG US VA XA XC'
  ).split(' '),
);

/** The modality where it is one; whatever else somebody wrote into that attribute must not get into a report. */
export function knownModality(stated: string): string {
  return MODALITIES.has(stated) ? stated : 'other';
}
