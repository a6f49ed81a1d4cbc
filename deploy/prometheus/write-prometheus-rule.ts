import { readFileSync, writeFileSync } from 'node:fs';
import { prometheusRule } from './prometheus-rule.ts';

// Run by hand after a change of the rules; a test compares.
const ruleFile = readFileSync(new URL('outrigger.rules.yaml', import.meta.url), 'utf8');
writeFileSync(new URL('outrigger.prometheusrule.yaml', import.meta.url), prometheusRule(ruleFile));
