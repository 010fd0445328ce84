import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { TributaryError, textFaults, type FieldProblem } from '@tributary/protocol';

type Issues = Parameters<
  NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory'] & object
>[0];

const RECIPE_FIELD = 'recipe';
const SHOWN_FIELDS = 5;

/** Checks every `@Body({ schema })`, `@Param` and `@Query`; the refusal names each wrong field. */
export function requestValidation(): StandardSchemaValidationPipe {
  return new StorableValidationPipe({
    exceptionFactory: (issues) =>
      refusal(issues.map(({ path, message }) => ({ path: pathOf(path), expected: message }))),
  });
}

/** What fits its schema can still be text that no database keeps. */
class StorableValidationPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const valid = await super.transform(value, metadata);
    const fields = metadata.schema === undefined ? [] : textFaults(valid);
    if (fields.length > 0) throw refusal(fields);
    return valid;
  }
}

function refusal(fields: readonly FieldProblem[]): TributaryError {
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
