import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { proxyVariables } from '../../src/inject/sidecar-container.ts';
import { type CallResult, makeCaller } from '../rig/http-call.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { Program, runProgram } from '../rig/program.ts';
import { type Sidecar, startSidecar } from '../rig/sidecar.ts';
import { manifestFolder } from './kubernetes-tools.ts';

const folder = join(manifestFolder, 'example');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

interface Configuration {
  readonly egress: object;
  readonly defaults: object;
  readonly upstreams: Readonly<Record<string, { readonly dns: string }>>;
}

/** A port where nobody listens (discard). */
const nobody = '127.0.0.1:9';

/** The sidecar of a pod with the configuration of the example, whose names lead to these addresses instead. */
const startPodSidecar = (owner: Owner, endpoints: Readonly<Record<string, string>>): Promise<Sidecar> => {
  const { egress, defaults, upstreams } = parse(
    readFileSync(join(folder, 'outrigger.yaml'), 'utf8'),
  ) as Configuration;
  const local = Object.entries(upstreams).map(([name, { dns: _, ...policies }]) => [
    name,
    { ...policies, endpoints: [endpoints[name] ?? nobody] },
  ]);
  return startSidecar(owner, { egress, defaults, upstreams: Object.fromEntries(local) });
};

/** A service of the example, as the container of its pod would run it; with a sidecar, it has the proxy variables. */
const startService = async (
  owner: Owner,
  name: string,
  sidecar: Sidecar | null,
  env: Readonly<Record<string, string>> = {},
): Promise<RigAddress> => {
  const toSidecar = ({ value }: { readonly value: string }): string =>
    value.replace(/^http:\/\/127\.0\.0\.1:7400$/, `http://127.0.0.1:${sidecar?.egress.port}`);
  const variables = sidecar === null ? [] : proxyVariables;
  const program = new Program(owner, process.execPath, [join(folder, 'services', `${name}.mjs`)], {
    env: {
      ...Object.fromEntries(variables.map((variable) => [variable.name, toSidecar(variable)])),
      PORT: '0',
      ...env,
    },
  });
  await program.says(`${name} listens on `);
  await program.says('}');
  return { host: '127.0.0.1', port: Number(/"port":(\d+)/.exec(program.stdout)?.[1]) };
};

/** The page of a product, as somebody at the door gets it. */
export interface Page {
  readonly status: number;
  readonly page: { readonly reviews: { readonly stars: number | null } | null };
}

/** The three services of the example as processes, and the two sidecars. */
export interface ExampleShop {
  readonly sidecarOfReviews: Sidecar;
  readonly visit: () => Promise<Page>;
  /** Runs the command of the README that breaks ratings, with another word for how. */
  readonly tellRatings: (mode: 'error' | 'slow' | 'fine') => Promise<void>;
}

const pageOf = (result: CallResult): Page => {
  if (result.kind !== 'answer') throw new Error(`no page: ${result.code}`);
  return { status: result.status, page: JSON.parse(result.body.toString()) };
};

/** Starts it, by default without the visitors that the front page has of its own. */
export const startExampleShop = async (owner: Owner, visitsPerSecond = 0): Promise<ExampleShop> => {
  const textOf = ({ host, port }: RigAddress): string => `${host}:${port}`;
  const ratings = await startService(owner, 'ratings', null);
  const sidecarOfReviews = await startPodSidecar(owner, { ratings: textOf(ratings) });
  const reviews = await startService(owner, 'reviews', sidecarOfReviews);
  const sidecarOfFront = await startPodSidecar(owner, { reviews: textOf(reviews) });
  const front = await startService(owner, 'front', sidecarOfFront, {
    VISITS_PER_SECOND: String(visitsPerSecond),
  });
  const caller = makeCaller(owner, front);
  const command = /exec deployment\/ratings -- node -e "(.+)"/.exec(readme)?.[1];
  if (command === undefined) throw new Error('the README does not say how to break ratings');
  return {
    sidecarOfReviews,
    visit: async () => pageOf(await caller.call({ path: '/products/1', host: 'front' })),
    tellRatings: async (mode) => {
      const script = command.replace('127.0.0.1:8080', textOf(ratings)).replace("'error'", `'${mode}'`);
      await runProgram(owner, process.execPath, ['-e', script]);
    },
  };
};
