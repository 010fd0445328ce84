import { StandardSchemaValidationPipe } from '@nestjs/common';
import { TributaryError, type FieldProblem } from '@tributary/protocol';

type Issues = Parameters<
  NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory'] & object
>[0];

const RECIPE_FIELD = 'recipe';
const SHOWN_FIELDS = 5;

/** Checks every `@Body({ schema })`, `@Param` and `@Query`; the refusal names each wrong field. */
export function requestValidation(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({ exceptionFactory: refusal });
}

function refusal(issues: Issues): TributaryError {
  const fields = issues.map((issue): FieldProblem => ({ path: pathOf(issue.path), expected: issue.message }));
  const isRecipe = fields.length > 0 && fields.every(({ path }) => path.split('.')[0] === RECIPE_FIELD);
  const detail = fields
    .slice(0, SHOWN_FIELDS)
    .map(({ path, expected }) => `${path}: ${expected}`)
    .join('; ');
  return new TributaryError(isRecipe ? 'RECIPE_INVALID' : 'REQUEST_INVALID', { detail, fields });
}

function pathOf(path: Issues[number]['path']): string {
  const keys = (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.join('.') || '(root)';
}
