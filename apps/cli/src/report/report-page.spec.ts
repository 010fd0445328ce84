import { describe, expect, it } from '@jest/globals';
import { exampleReport } from './report-data.spec-support.js';
import { reportPage } from './report-page.js';

describe('the report', () => {
  const page = reportPage(exampleReport());

  it('loads nothing: no address, no script, no frame', () => {
    const withoutPictures = page.replace(/data:image\/png;base64,[A-Za-z0-9+/=]+/g, '');
    expect(withoutPictures).not.toMatch(/https?:|\/\/[a-z]|@import|url\(|<script|<link|<iframe/i);
  });

  it('puts the figures of the result into words', () => {
    expect(page).toContain('Three hospitals trained one image generator');
    expect(page).toContain('49× closer');
    expect(page).toContain('93 %');
    expect(page).toContain('0.884');
    expect(page).toContain('within the spread between seeds');
  });

  it('says that the real images are a phantom', () => {
    expect(page).toContain('real (phantom)');
    expect(page).toContain('digital brain phantom, not patients');
  });

  it('holds a picture for every filmed round and class', () => {
    const { film, comparisons } = exampleReport();
    expect(page.match(/<img /g)).toHaveLength(film.length + 2 * comparisons.length);
  });

  it('draws one line a site', () => {
    expect(page.match(/<polyline/g)).toHaveLength(3);
  });

  it('escapes what comes from outside', () => {
    const hostile = reportPage(exampleReport({ runId: 'run-<script>&"' }));
    expect(hostile).not.toContain('<script>');
    expect(hostile).toContain('run-&lt;script&gt;&amp;&quot;');
  });

  it('does not hide that utility was not measured', () => {
    const { utility } = exampleReport().result;
    const unmeasured = { ...utility, realOnly: null, withSynthetic: null };
    expect(reportPage(exampleReport({ utility: unmeasured }))).toContain('Not measured in this run');
  });
});
