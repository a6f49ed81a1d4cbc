import { writeFileSync } from 'node:fs';
import { dashboardText } from './dashboard.ts';

// Run by hand after a change of the panels; a test compares.
writeFileSync(new URL('outrigger.json', import.meta.url), dashboardText());
