import type { Plan } from './plan.ts';

/** One route of an upstream. */
export interface RouteRule {
  /** Empty: every method. */
  readonly methods: readonly string[];
  /** An exact path, or a prefix that ends in `/*`, which the path before the slash matches too. */
  readonly path: string;
  readonly plan: Plan;
}

/** What is said of one path or prefix. */
interface Said {
  /** Of those that name methods, the first in the file goes before the others. */
  readonly forMethods: RouteRule[];
  /** null: there is none for every method. */
  forAll: RouteRule | null;
}

/**
 * Finds the route of a path: the longest that matches, of equally long ones an exact one before a prefix, and one that
 * names the method before one that names none. A look costs as much as the path has slashes, however many routes there are.
 */
export class RouteIndex {
  readonly #exact = new Map<string, Said>();
  /** By what stands before the `/*`. */
  readonly #prefixes = new Map<string, Said>();

  constructor(rules: readonly RouteRule[]) {
    for (const rule of rules) {
      const isPrefix = rule.path.endsWith('/*');
      if (isPrefix) add(this.#prefixes, rule.path.slice(0, -2), rule);
      else add(this.#exact, rule.path, rule);
    }
  }

  /** `path` without query; null: no route matches. */
  find(method: string, path: string): Plan | null {
    const exact = ruleFor(this.#exact.get(path), method) ?? ruleFor(this.#prefixes.get(path), method);
    if (exact !== null || this.#prefixes.size === 0) return exact?.plan ?? null;
    for (let slash = path.lastIndexOf('/'); slash >= 0; slash = path.lastIndexOf('/', slash - 1)) {
      const rule = ruleFor(this.#prefixes.get(path.slice(0, slash)), method);
      if (rule !== null) return rule.plan;
      if (slash === 0) break;
    }
    return null;
  }
}

const add = (rules: Map<string, Said>, key: string, rule: RouteRule): void => {
  const said = rules.get(key) ?? { forMethods: [], forAll: null };
  rules.set(key, said);
  if (rule.methods.length > 0) said.forMethods.push(rule);
  else said.forAll ??= rule;
};

const ruleFor = (said: Said | undefined, method: string): RouteRule | null => {
  if (said === undefined) return null;
  return said.forMethods.find(({ methods }) => methods.includes(method)) ?? said.forAll;
};
