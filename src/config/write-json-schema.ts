import { writeFileSync } from 'node:fs';
import { jsonSchemaText } from './json-schema.ts';

// Run by hand after a change of the tables; a test compares.
writeFileSync(new URL('../../deploy/outrigger.schema.json', import.meta.url), jsonSchemaText());
