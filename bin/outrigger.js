#!/usr/bin/env node
// Starts the program, or says in one line why this Node cannot. It must be readable for every Node since 12: only old
// syntax here, and no import that could fail before a word was said.
import { existsSync } from 'node:fs';

// The same as `engines` in package.json. Below these, `node:http` drops header fields in silence (CVE-2026-58044).
const needed = '>=24.18.1 <25 || >=26.5.1';

/** True for a version within `needed`, such as `26.10.0`. */
const isSupported = (version) => {
  const [major, minor, patch] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major === 24) return minor > 18 || (minor === 18 && patch >= 1);
  if (major === 26) return minor > 5 || (minor === 5 && patch >= 1);
  return major > 26;
};

const here = (path) => new URL(`../${path}`, import.meta.url);
const isCheckout = existsSync(here('src/main.ts'));

const howToGetNode = () => {
  if (!isCheckout) return 'install a newer Node';
  if (existsSync(here('node_modules/node/bin/node')))
    return 'use npm start, which takes the Node that npm ci brought';
  if (existsSync(here('node_modules/node'))) {
    return 'npm ci --ignore-scripts left out the Node that the project brings: run npm rebuild node, then npm start';
  }
  return 'run npm ci, then npm start: the project brings its own';
};

const fail = (message) => {
  process.stderr.write(`outrigger: ${message}\n`);
  process.exitCode = 1;
};

if (!isSupported(process.versions.node)) {
  fail(`this is Node ${process.versions.node}, but it needs ${needed}; ${howToGetNode()}`);
} else if (isCheckout && existsSync(here('node_modules/commander'))) {
  // A checkout runs what it says, not what was built from it some time ago.
  import(here('src/main.ts').href);
} else if (existsSync(here('dist/outrigger.js'))) {
  import(here('dist/outrigger.js').href);
} else if (isCheckout) {
  fail('the dependencies are missing; run npm ci');
} else {
  fail('dist/outrigger.js is missing; install the package again');
}
