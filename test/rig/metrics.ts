import { get } from 'node:http';
import type { RigAddress } from './owner.ts';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The text and status of a GET. */
export const fetchText = (
  address: RigAddress,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    get({ ...address, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    }).on('error', reject);
  });

const parseLabels = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]),
  );

/** Samples of the Prometheus text format. */
export const parseMetrics = (text: string): Sample[] =>
  text.split('\n').flatMap((line) => {
    const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null || line.startsWith('#')) return [];
    return [{ name: match[1]!, labels: parseLabels(match[2] ?? ''), value: Number(match[3]) }];
  });

/** One scrape. */
export class Metrics {
  readonly samples: readonly Sample[];

  constructor(text: string) {
    this.samples = parseMetrics(text);
  }

  /** The sum over all series of that name that carry these labels; 0 without any. The prefix is added. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    let sum = 0;
    for (const sample of this.samples) {
      if (sample.name !== `outrigger_${name}`) continue;
      if (Object.entries(labels).every(([key, value]) => sample.labels[key] === value)) sum += sample.value;
    }
    return sum;
  }
}

export const scrape = async (admin: RigAddress): Promise<Metrics> => {
  const { status, text } = await fetchText(admin, '/metrics');
  if (status !== 200) throw new Error(`/metrics answered ${status}`);
  return new Metrics(text);
};
