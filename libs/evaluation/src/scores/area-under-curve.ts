/**
 * Area under the ROC curve: the chance that a positive case scores above a negative one, ties counting half
 * (the Mann-Whitney statistic; Hanley & McNeil 1982).
 * @param scores `[n]`, higher means more likely positive.
 * @param isPositive `[n]`, 1 or 0.
 * @throws RangeError if the lengths differ, a score is not a number, or a side is empty.
 */
export function areaUnderCurve(scores: ArrayLike<number>, isPositive: ArrayLike<number>): number {
  if (scores.length !== isPositive.length)
    throw new RangeError(`${scores.length} scores for ${isPositive.length} labels`);
  const cases = Array.from(scores, (score, i) => ({ score, positive: isPositive[i] === 1 }));
  if (cases.some(({ score }) => Number.isNaN(score))) throw new RangeError('a score is not a number');
  const positives = cases.filter(({ positive }) => positive).length;
  const negatives = cases.length - positives;
  if (positives === 0 || negatives === 0) throw new RangeError('the area needs positive and negative cases');
  cases.sort((a, b) => a.score - b.score);
  const rankSum = positiveRankSum(cases);
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Sum of the positives' ranks (from 1), tied scores sharing their mean rank. */
function positiveRankSum(ascending: readonly { score: number; positive: boolean }[]): number {
  let rankSum = 0;
  for (let start = 0; start < ascending.length;) {
    let end = start + 1;
    while (end < ascending.length && ascending[end]?.score === ascending[start]?.score) end++;
    const tiedPositives = ascending.slice(start, end).filter(({ positive }) => positive).length;
    rankSum += (tiedPositives * (start + 1 + end)) / 2;
    start = end;
  }
  return rankSum;
}
