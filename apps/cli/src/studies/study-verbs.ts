import { studyRequestSchema, studySchema, type Study } from '@tributary/protocol/http';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { readInputFile } from '../input-file.js';
import { textTable } from '../output/table.js';
import { argumentAt } from '../verb-options.js';
import { formatNumberOf } from '../output/quantities.js';

export const createStudy: Action = async (context, { options }) => {
  const request = await readInputFile(context, options, { schema: studyRequestSchema, code: 'INPUT_FILE_INVALID' });
  const api = await context.api();
  const study = await api.post('/v1/studies', request, studySchema);
  context.output.document(study, `Made study ${study.id}.`);
};

export const listStudies: Action = async (context) => {
  const api = await context.api();
  const studies = await api.get('/v1/studies', z.array(studySchema));
  const rows = studies.map((study) => [study.id, study.title, study.modality, String(study.classes.length)]);
  context.output.list(studies, textTable(['STUDY', 'TITLE', 'MODALITY', 'CLASSES'], rows));
};

export const showStudy: Action = async (context, { arguments: values }) => {
  const api = await context.api();
  const id = encodeURIComponent(argumentAt(values, 0, 'id'));
  const study = await api.get(`/v1/studies/${id}`, studySchema);
  context.output.document(study, studyText(study));
};

function studyText(study: Study): string {
  return textTable(
    [study.id, study.title],
    [
      ['modality', study.modality],
      ['image', `${study.image.sizePx} x ${study.image.sizePx}, ${formatNumberOf(study.image.channels, 'channel')}`],
      ['classes', study.classes.join(', ')],
      ['scarce', study.scarceClasses.join(', ') || 'none'],
    ],
  );
}
