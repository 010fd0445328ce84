import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { TributaryError, fieldsText, textFaults, type FieldProblem } from '@tributary/protocol';

type Issues = Parameters<
  NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory'] & object
>[0];

const RECIPE_FIELD = 'recipe';
const ROOT = '(root)';
const NO_BODY: FieldProblem = { path: ROOT, expected: 'a JSON object with Content-Type: application/json' };

/** Checks every `@Body({ schema })`, `@Param` and `@Query`; the refusal names each wrong field. */
export function requestValidation(): StandardSchemaValidationPipe {
  return new RequestValidationPipe({ exceptionFactory: (issues) => new Misfit(issues) });
}

/** What a schema says of a value, before it is known what the request calls that value. */
class Misfit extends Error {
  constructor(readonly issues: Issues) {
    super('a value does not fit its schema');
  }
}

/** What fits its schema can still be text that no database keeps. */
class RequestValidationPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (metadata.schema === undefined) return value;
    if (metadata.type === 'body' && value === undefined) throw refusal([NO_BODY]);
    const valid = await super.transform(value, metadata).catch((error: unknown) => {
      throw error instanceof Misfit ? refusal(fieldsOf(error, metadata)) : error;
    });
    const fields = textFaults(valid);
    if (fields.length > 0) throw refusal(fields);
    return valid;
  }
}

/** A value that is a part of the path is called as in the route. */
function fieldsOf({ issues }: Misfit, { data = ROOT }: ArgumentMetadata): FieldProblem[] {
  return issues.map(({ path, message }) => ({ path: pathOf(path) || data, expected: message }));
}

function refusal(fields: readonly FieldProblem[]): TributaryError {
  const isRecipe = fields.length > 0 && fields.every(({ path }) => path.split('.')[0] === RECIPE_FIELD);
  return new TributaryError(isRecipe ? 'RECIPE_INVALID' : 'REQUEST_INVALID', { detail: fieldsText(fields), fields });
}

function pathOf(path: Issues[number]['path']): string {
  const keys = (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.join('.');
}
