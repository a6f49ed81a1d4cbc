import { writeFileSync } from 'node:fs';
import { referencePage } from './reference-page.ts';

// Run by hand after a change of the tables; a test compares.
writeFileSync(new URL('../../docs/configuration.md', import.meta.url), referencePage());
