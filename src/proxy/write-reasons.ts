import { writeFileSync } from 'node:fs';
import { reasonsPage } from './reasons-page.ts';

// Run by hand after a change of the table; a test compares.
writeFileSync(new URL('../../docs/reasons.md', import.meta.url), reasonsPage());
