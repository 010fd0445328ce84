import { z } from 'zod';

const valueSchema = z.union([z.string(), z.number(), z.boolean()]);
type Value = z.infer<typeof valueSchema>;

const fieldSchema = z.object({
  const: valueSchema.optional(),
  enum: z.array(valueSchema).optional(),
  type: z.string().optional(),
  default: z.unknown().optional(),
});
type Field = z.infer<typeof fieldSchema>;

const objectSchema = z.object({ properties: z.record(z.string(), fieldSchema) });
const variantsSchema = z.union([
  z.object({ oneOf: z.array(objectSchema) }).transform(({ oneOf }) => oneOf),
  objectSchema.transform((object) => [object]),
]);

/** One value for every field of a schema that takes one of a list of values. */
export interface Choice {
  /** The values that are not defaults, with hyphens between them. */
  readonly name: string;
  readonly values: Readonly<Record<string, Value>>;
}

/**
 * Every combination of values of the fields whose values can be listed, in every variant of a schema; other fields keep their
 * defaults. A field that may be left out and has no default is not: its listed values are all that it can mean.
 *
 * @param given Values of fields that cannot be listed, for the variants that have them.
 */
export function choicesOf(schema: z.ZodType, given: Readonly<Record<string, Value>> = {}): Choice[] {
  const variants = variantsSchema.parse(z.toJSONSchema(schema, { io: 'input' }));
  return variants.flatMap(({ properties }) =>
    Object.entries(properties).reduce<readonly Choice[]>(
      (choices, [field, property]) => {
        const value = given[field];
        if (value !== undefined) return choices.map((choice) => withValue(choice, { field, value, shown: '' }));
        const listed = listedValues(property);
        if (listed.length === 0) return choices;
        return choices.flatMap((choice) =>
          listed.map((each) => {
            const shown = each === property.default ? '' : shownValue(field, each);
            return withValue(choice, { field, value: each, shown });
          }),
        );
      },
      [{ name: '', values: {} }],
    ),
  );
}

function listedValues({ const: only, enum: listed, type }: Field): readonly Value[] {
  if (only !== undefined) return [only];
  return listed ?? (type === 'boolean' ? [true, false] : []);
}

function shownValue(field: string, value: Value): string {
  const flag = field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return typeof value === 'boolean' ? `${value ? '' : 'no-'}${flag}` : String(value).replaceAll('_', '-');
}

interface ChosenValue {
  readonly field: string;
  readonly value: Value;
  /** What the name says of it. */
  readonly shown: string;
}

function withValue({ name, values }: Choice, { field, value, shown }: ChosenValue): Choice {
  return { name: [name, shown].filter((part) => part !== '').join('-'), values: { ...values, [field]: value } };
}
