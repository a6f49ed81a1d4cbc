import { parseSettings } from '../../src/config/parse-settings.ts';
import type { PolicySettings } from '../../src/policy/policies.ts';

const parsed = parseSettings('{}', 'defaults.yaml', {});
if (!parsed.ok) throw new Error(`the defaults are invalid: ${JSON.stringify(parsed.problems)}`);

/** Every policy with the defaults of the documentation. */
export const defaultPolicy: PolicySettings = parsed.settings.unlistedPolicy;
