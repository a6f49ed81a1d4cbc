/** How long an override may last, as the sidecar reads durations; the second is what is chosen first. */
export const lengths = [
  { ttl: '10m', words: '10 minutes' },
  { ttl: '1h', words: '1 hour' },
  { ttl: '8h', words: '8 hours' },
  { ttl: 'custom', words: 'other…' },
  { ttl: 'unlimited', words: 'until it is lifted' },
];

/** True for what the sidecar reads as a duration, unless it is no time at all. @param {string} text */
export const isDuration = (text) => /^([0-9]{1,5}(h|ms|m|s)){1,4}$/.test(text) && /[1-9]/.test(text);
