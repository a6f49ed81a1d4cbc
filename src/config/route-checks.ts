import type { Findings } from './findings.ts';
import type { Path } from './problem.ts';
import type { RouteSettings } from './settings.ts';

/** What a route takes for itself, one text for each method that it names; a route for every method takes one of its own. */
const claimsOf = ({ match }: RouteSettings): string[] =>
  match.methods.length === 0 ? [` ${match.path}`] : match.methods.map((method) => `${method} ${match.path}`);

/** Routes of one upstream that cannot be told apart, by their names or by what they match. */
export const checkRoutes = (routes: readonly RouteSettings[], upstream: Path, findings: Findings): void => {
  const names = new Set<string>();
  const claims = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const path = [...upstream, 'routes', index];
    if (names.has(route.name)) {
      const name = findings.shown([...path, 'name'], JSON.stringify(route.name));
      findings.add([...path, 'name'], `the name ${name} is taken by another route`);
    }
    names.add(route.name);
    const own = claimsOf(route);
    const twin = own.map((claim) => claims.get(claim)).find((other) => other !== undefined);
    for (const claim of own) if (!claims.has(claim)) claims.set(claim, index);
    if (twin === undefined) continue;
    const name = findings.shown([...upstream, 'routes', twin, 'name'], JSON.stringify(routes[twin]!.name));
    const message = `matches the same requests as the route ${name}`;
    findings.add([...path, 'match'], message, 'give it another path or other methods');
  }
};
