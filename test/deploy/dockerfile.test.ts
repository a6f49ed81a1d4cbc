import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import project from '../../package.json' with { type: 'json' };

const textOf = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** Comments left out, continued lines joined. */
const instructions: readonly Instruction[] = textOf('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, name = '', value = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name, value: value.replaceAll(/\s+/g, ' ') };
  });

const all = (name: string): string[] =>
  instructions.filter((each) => each.name === name).map(({ value }) => value);

/** Of the last stage: what the image has. */
const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
const only = (name: string): string => {
  const found = last.filter((each) => each.name === name);
  assert.equal(found.length, 1, `${name} stands once in the last stage`);
  return found[0]!.value;
};

const argumentsOf = (name: string): string[] => JSON.parse(only(name).replace(/^.*?(?=\[)/, '')) as string[];

const nodeImage = all('ARG')
  .find((value) => value.startsWith('NODE_IMAGE='))!
  .slice('NODE_IMAGE='.length);

test('the base image is an argument, pinned by a tag that names version and distribution', () => {
  assert.match(nodeImage, /^node:\d+\.\d+\.\d+-[a-z]+-slim$/);
  assert.deepEqual(all('FROM'), [`\${NODE_IMAGE} AS build`, 'scratch']);
});

test('the Node of the image is the one that the tests run on, within engines', () => {
  const version = /^node:([\d.]+)-/.exec(nodeImage)![1]!;
  assert.equal(version, project.devDependencies.node);
  const [major, minor] = version.split('.').map(Number) as [number, number];
  const least = /\|\| >=(\d+)\.(\d+)\.\d+$/.exec(project.engines.node)!.slice(1).map(Number) as [
    number,
    number,
  ];
  assert.ok(
    major > least[0] || (major === least[0] && minor > least[1]),
    `${version} is in ${project.engines.node}`,
  );
});

test('it runs as a numeric user that is not root, and ends by SIGTERM', () => {
  assert.match(only('USER'), /^[1-9]\d*:[1-9]\d*$/);
  assert.equal(only('STOPSIGNAL'), 'SIGTERM');
  const assemble = textOf('deploy/image/assemble.ts');
  assert.equal(`${/^const user = (\d+);$/m.exec(assemble)?.[1]}`, only('USER').split(':')[0]);
});

test('nothing in it needs a shell: entry point, command and health check are lists', () => {
  const entry = argumentsOf('ENTRYPOINT');
  assert.equal(entry[0], '/outrigger/node');
  assert.equal(entry.at(-1), '/outrigger/outrigger.js');
  assert.deepEqual(argumentsOf('CMD'), ['run']);
  assert.match(only('HEALTHCHECK'), /^--interval=\d+s --timeout=3s .*CMD \["\/outrigger\/node", /);
  assert.ok(argumentsOf('HEALTHCHECK').includes('/outrigger/health.js'));
  // A signal must not be able to open the inspector.
  for (const name of ['ENTRYPOINT', 'HEALTHCHECK'])
    assert.ok(argumentsOf(name).includes('--disable-sigusr1'), name);
  assert.ok(!last.some(({ name }) => name === 'RUN'));
});

test('the heap is bounded by a share of the limit on memory that leaves room for what lies outside it', () => {
  const flag = argumentsOf('ENTRYPOINT').find((each) => each.startsWith('--max-old-space-size-percentage='));
  const percent = Number(flag?.split('=')[1]);
  // Replay records take 16 MiB beside the heap, the pages of Node that are in use about 45 MiB.
  assert.ok(percent > 0 && (128 * percent) / 100 + 16 + 45 <= 128, `${percent} % of 128 MiB`);
});

test('the labels name title, description, licence, version, revision and time', () => {
  const labels = Array.from(only('LABEL').matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g));
  const byName = Object.fromEntries(labels.map(([, name, value]) => [name, value]));
  assert.deepEqual(byName, {
    title: 'Outrigger',
    description: project.description.replace(/, with .*$/, ''),
    licenses: project.license,
    version: `\${VERSION}`,
    revision: `\${REVISION}`,
    created: `\${CREATED}`,
  });
  assert.ok(all('ARG').includes(`VERSION=${project.version}`));
});

test('no registry and no secret stands in it: they are handed in for the line that needs them', () => {
  const text = textOf('Dockerfile') + textOf('deploy/image/build.sh');
  assert.doesNotMatch(text, /https?:\/\//);
  assert.doesNotMatch(text, /_auth|token=|password/i);
  for (const { name, value } of instructions.filter(({ value }) => /\bnpm (?:ci|install)\b/.test(value))) {
    assert.equal(name, 'RUN');
    assert.match(value, /--mount=type=secret,id=npmrc .*npm ci --ignore-scripts/);
  }
  assert.ok(!all('COPY').some((value) => value.includes('npmrc')));
  assert.ok(
    !all('ENV')
      .concat(all('ARG'))
      .some((value) => /npm|registry/i.test(value)),
  );
});

test('what is handed to the builder is a list of what the build reads', () => {
  const [first, ...rest] = textOf('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(first, '*');
  for (const line of rest) {
    assert.match(line, /^![\w.-]+(?:\/[\w.-]+)*$/);
    assert.ok(existsSync(new URL(`../../${line.slice(1)}`, import.meta.url)), line);
    assert.doesNotMatch(line, /npmrc|\.git|\.env|node_modules/);
  }
  for (const [, path = ''] of textOf('Dockerfile').matchAll(/node (deploy\/\S+\.ts)/g))
    assert.ok(rest.includes(`!${path}`), path);
});

test('the page on the image names each file that an app image takes', () => {
  const page = textOf('deploy/image/README.md');
  for (const path of [...argumentsOf('ENTRYPOINT'), ...argumentsOf('HEALTHCHECK')])
    if (path.startsWith('/')) assert.ok(page.includes(`\`${path}\``), path);
  assert.match(page, /COPY --from=outrigger \/outrigger \/outrigger/);
});
