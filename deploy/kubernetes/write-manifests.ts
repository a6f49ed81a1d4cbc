import { writeFileSync } from 'node:fs';
import { renderedManifests } from './rendered-manifests.ts';

for (const [name, text] of renderedManifests()) writeFileSync(new URL(name, import.meta.url), text);
