import type { DemoResult } from '../demo/demo-result.js';
import type { SiteContribution } from '../demo/site-contributions.js';

/** A PNG inside of the page. */
export interface EmbeddedPicture {
  /** `data:image/png;base64,…` */
  readonly uri: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Samples from the same seeds after one round. */
export interface FilmFrame {
  readonly round: number;
  readonly picture: EmbeddedPicture;
}

/** Real images of one class beside synthetic ones of the same class, one row a site. */
export interface ClassComparison {
  readonly className: string;
  readonly real: EmbeddedPicture;
  readonly synthetic: EmbeddedPicture;
}

export interface ReportSite {
  readonly id: string;
  readonly images: number;
  readonly patients: number;
  readonly lesionImages: number;
  readonly scanner: string;
  readonly fileFormat: string;
  readonly imageBytes: number;
  readonly sentBytes: number;
}

/** Everything that the report shows. */
export interface ReportData {
  readonly result: DemoResult;
  readonly finishedAt: Date;
  readonly recipeSha256: string;
  readonly sites: readonly ReportSite[];
  readonly contributions: readonly SiteContribution[];
  readonly film: readonly FilmFrame[];
  readonly filmLegend: string;
  readonly comparisons: readonly ClassComparison[];
}
