/**
 * Which class a class counts as where only anatomy matters: a scarce class (`basal-lesion`) as the class that its name
 * continues (`basal`), every other one as itself.
 *
 * @returns The merged class index of a class index.
 */
export function mergeScarceClasses(
  classes: readonly string[],
  scarceClasses: readonly string[],
): (classIndex: number) => number {
  const merged = classes.map((name, index) => {
    if (!scarceClasses.includes(name)) return index;
    const bases = classes.filter((base) => base !== name && !scarceClasses.includes(base) && name.startsWith(base));
    const longest = bases.reduce((best, base) => (base.length > best.length ? base : best), '');
    return longest === '' ? index : classes.indexOf(longest);
  });
  return (classIndex) => merged[classIndex] ?? classIndex;
}
