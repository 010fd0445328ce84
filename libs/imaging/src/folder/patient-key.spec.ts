import { describe, expect, it } from '@jest/globals';
import type { ImageFile } from './image-file.js';
import { fileStem, patientKey } from './patient-key.js';

const file = (facts: Partial<ImageFile>): ImageFile => ({
  format: 'png',
  modality: '',
  series: '',
  frames: [],
  ...facts,
});
const nobody = (): boolean => false;

describe('patientKey', () => {
  it('believes the header before any folder', () => {
    expect(patientKey(file({ format: 'dicom', patient: 'P1', study: 's' }), ['other', 'a.dcm'], () => true)).toBe('P1');
  });

  it('takes the innermost folder that labels.csv knows, or the file itself', () => {
    const known = (name: string): boolean => ['p3', 'scan9'].includes(name);
    expect(patientKey(file({}), ['batch', 'p3', 'axial', '1.png'], known)).toBe('p3');
    expect(patientKey(file({}), ['batch', 'scan9.png'], known)).toBe('scan9');
  });

  it('takes a BIDS subject, else the outermost folder, which merges rather than splits', () => {
    expect(patientKey(file({}), ['raw', 'sub-12', 'ses-1', 'anat', 't1.nii.gz'], nobody)).toBe('sub-12');
    expect(patientKey(file({}), ['p4', 'visit2', 't1.nii.gz'], nobody)).toBe('p4');
  });

  it('takes a file in the root for a patient, and a DICOM file there for its examination', () => {
    expect(patientKey(file({}), ['p5.nii.gz'], nobody)).toBe('p5');
    expect(patientKey(file({ format: 'dicom', study: '1.2' }), ['a.dcm'], nobody)).toBe('1.2');
    expect(patientKey(file({ format: 'dicom' }), ['a.dcm'], nobody)).toBeUndefined();
  });

  it('cuts only the ending of a name', () => {
    expect(['a.nii.gz', 'b.1.png', 'IM0001'].map((name) => fileStem([name]))).toEqual(['a', 'b.1', 'IM0001']);
  });
});
