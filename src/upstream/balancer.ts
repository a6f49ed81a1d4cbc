/**
 * Which endpoint takes the next attempt: the better of two at random by attempts in flight (Mitzenmacher, "The power of
 * two choices in randomized load balancing"). Load alone would make an endpoint that refuses connections everybody's
 * first choice, since it never has anything in flight; so one whose connect failed, or that reset a connection before
 * answering, is passed over for a time, and then must prove itself with one attempt, its trial.
 */
import type { Endpoint } from './endpoint.ts';

/** True unless it is passed over, or the one attempt on which it is tried again is under way. */
export const isAvailable = (endpoint: Endpoint, now: number): boolean =>
  endpoint.passedOverUntil <= now && !endpoint.isOnTrial;

/**
 * The endpoint for the next attempt; null when there is none at all. `avoid` (where the attempt before went) is taken
 * only when no other one is available. When every one is passed over, any of them may be it, by chance and without
 * regard to load: a guess is better than a refusal, and whichever came back first is soon found. `random`: 0 ≤ x < 1.
 * Allocates nothing.
 */
export const pickEndpoint = (
  endpoints: readonly Endpoint[],
  now: number,
  avoid: Endpoint | null,
  random: () => number,
): Endpoint | null => {
  const size = endpoints.length;
  if (size < 2) return endpoints[0] ?? null;
  // Two of all: nearly always both may be picked, and then nobody need look at the others.
  const first = Math.floor(random() * size);
  const one = endpoints[first]!;
  const other = endpoints[otherIndex(first, size, random)]!;
  if (isCandidate(one, now, avoid) && isCandidate(other, now, avoid)) return better(one, other);

  let candidates = 0;
  for (const endpoint of endpoints) if (isCandidate(endpoint, now, avoid)) candidates += 1;
  if (candidates > 1) return betterOfTwo(endpoints, now, avoid, candidates, random);
  if (candidates === 1) return candidateAt(endpoints, now, avoid, 0);
  if (avoid !== null && isAvailable(avoid, now) && endpoints.includes(avoid)) return avoid;
  return anyBut(endpoints, avoid, random);
};

const isCandidate = (endpoint: Endpoint, now: number, avoid: Endpoint | null): boolean =>
  endpoint !== avoid && isAvailable(endpoint, now);

const better = (one: Endpoint, other: Endpoint): Endpoint => (other.inFlight < one.inFlight ? other : one);

/** An index below `size` that is not `index`, each as likely as the others. */
const otherIndex = (index: number, size: number, random: () => number): number => {
  const other = Math.floor(random() * (size - 1));
  return other >= index ? other + 1 : other;
};

const betterOfTwo = (
  endpoints: readonly Endpoint[],
  now: number,
  avoid: Endpoint | null,
  candidates: number,
  random: () => number,
): Endpoint => {
  const first = Math.floor(random() * candidates);
  const second = otherIndex(first, candidates, random);
  return better(candidateAt(endpoints, now, avoid, first)!, candidateAt(endpoints, now, avoid, second)!);
};

const candidateAt = (
  endpoints: readonly Endpoint[],
  now: number,
  avoid: Endpoint | null,
  index: number,
): Endpoint | null => {
  let left = index;
  for (const endpoint of endpoints) {
    if (!isCandidate(endpoint, now, avoid)) continue;
    if (left === 0) return endpoint;
    left -= 1;
  }
  return null;
};

const anyBut = (
  endpoints: readonly Endpoint[],
  avoid: Endpoint | null,
  random: () => number,
): Endpoint | null => {
  const avoided = avoid === null ? -1 : endpoints.indexOf(avoid);
  if (avoided === -1) return endpoints[Math.floor(random() * endpoints.length)]!;
  return endpoints[otherIndex(avoided, endpoints.length, random)]!;
};
