import { TributaryError } from '@tributary/protocol/errors';
import { localPatternMatches } from '@tributary/protocol/federation';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import { sharedParameters, type Exchange } from './partial-exchange.js';

/**
 * A pattern of `localParameters` that names no parameter of the network is a mistake that would otherwise show as a site's style
 * leaving the site.
 *
 * @throws TributaryError RECIPE_INCOMPATIBLE with every such pattern, and where nothing is left to share.
 */
export function assertExchange(manifest: readonly ParameterEntry[], exchange: Exchange): void {
  const path = 'federation.localParameters';
  const fields = exchange.localParameters.flatMap((pattern, index) =>
    manifest.some(({ name }) => localPatternMatches(name, pattern))
      ? []
      : [
          {
            path: `${path}.${index}`,
            expected: `a pattern that matches a parameter of the network, unlike ${pattern}`,
          },
        ],
  );
  if (fields.length === 0 && sharedParameters(manifest, exchange).length === 0) {
    fields.push({ path, expected: 'patterns that leave some parameters to share' });
  }
  if (fields.length === 0) return;
  const detail = fields.map((field) => `${field.path} must be ${field.expected}`).join('; ');
  throw new TributaryError('RECIPE_INCOMPATIBLE', { detail, fields });
}
