/** What is asked of one of Node's histograms. */
interface Intervals {
  readonly count: number;
  percentile(percent: number): number;
}

/** Percentiles that are looked at: the long intervals are few, so it is among the last that the steps must be small. */
const percents = [50, ...Array.from({ length: 501 }, (_, step) => 90 + step / 50)];

/**
 * Of the time that the intervals of a histogram fill together, `percent` lies in intervals no longer than this. By count
 * a wait of a second is one among a thousand intervals of a millisecond; by time it is half of it all. Between two steps
 * the longer interval is taken, so that the answer is rather too long than too short. 0 without intervals.
 */
export const longestOfMoments = (intervals: Intervals, percent: number): number => {
  if (intervals.count === 0) return 0;
  let previous = 0;
  const spans = percents.map((upTo) => {
    const length = intervals.percentile(upTo);
    const time = (upTo - previous) * length;
    previous = upTo;
    return { length, time };
  });
  const wanted = (spans.reduce((sum, { time }) => sum + time, 0) * percent) / 100;
  let seen = 0;
  for (const { length, time } of spans) {
    seen += time;
    if (seen >= wanted) return length;
  }
  return intervals.percentile(100);
};
