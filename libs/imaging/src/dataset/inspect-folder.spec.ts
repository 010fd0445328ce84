import { describe, expect, it, jest } from '@jest/globals';
import { PNG } from 'pngjs';
import { dicomFile, imageElements, PIXEL_DATA } from '../dicom/dicom-bytes.spec-support.js';
import { testPng, withFolder } from '../folder/temporary-folder.spec-support.js';
import { inspectFolder } from './inspect-folder.js';

// Many small files take their time on a busy machine.
jest.setTimeout(60_000);

describe('inspectFolder', () => {
  it('counts a folder and shows it, without a name in it', () => {
    const dicom = dicomFile([
      ...imageElements({ rows: 2, columns: 2 }),
      { tag: PIXEL_DATA, vr: 'OW', value: [1, 2, 3, 4] },
    ]);
    const odd = dicomFile([
      ...imageElements({ rows: 2, columns: 2 }).filter(({ tag }) => tag !== 0x00080060),
      { tag: 0x00080060, vr: 'CS', value: 'MUELLER' },
      { tag: PIXEL_DATA, vr: 'OW', value: [1, 2, 3, 9] },
    ]);
    const files = {
      'labels.csv': 'patient,slice,class\nanna,1,plain\nanna,2,lesion\nbert,7,plain\n',
      'odd.dcm': odd,
      'anna/1.png': testPng(1),
      'anna/2.png': testPng(2),
      'anna/again/2.png': testPng(2),
      'bert/1.png': testPng(3),
      'scan.dcm': dicom,
      'broken.png': testPng(4).subarray(0, 50),
    };
    return withFolder(files, async (directory) => {
      const { contactSheetPng, ...counts } = await inspectFolder({ directory, imageSizePx: 16 });
      expect(counts).toEqual({
        images: 5,
        patients: 3,
        imagesPerPatient: { least: 1, most: 2 },
        formats: { png: 3, dicom: 2 },
        modalities: { MR: 1, other: 1 },
        classes: { plain: 1, lesion: 1 },
        sizes: { '8 x 8': 3, '2 x 2': 2 },
        problems: [
          { kind: 'truncated', count: 1 },
          { kind: 'duplicate', count: 1 },
          { kind: 'unlabelled', count: 3 },
          { kind: 'label-without-image', count: 1 },
        ],
      });
      const sheet = PNG.sync.read(Buffer.from(contactSheetPng));
      expect([sheet.width, sheet.height]).toEqual([8 * 18 + 2, 18 + 2]);
      expect(Buffer.from(contactSheetPng).toString('latin1')).not.toMatch(/anna|bert|PATIENT/);
    });
  });

  it('reports an empty folder as empty, and refuses one that is not there', () =>
    withFolder({}, async (directory) => {
      expect(await inspectFolder({ directory })).toMatchObject({
        images: 0,
        patients: 0,
        contactSheetPng: { length: 0 },
      });
      await expect(inspectFolder({ directory: `${directory}-missing` })).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    }));
});
