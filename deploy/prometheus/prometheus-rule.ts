const head = `# Made from outrigger.rules.yaml by write-prometheus-rule.ts: change that file, and run this one again.
# An operator that selects rules by label (ruleSelector) needs its label here.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: outrigger
spec:
`;

/** A rule file of Prometheus as a PrometheusRule of the operator: the same text, two spaces further in. */
export const prometheusRule = (ruleFile: string): string => {
  const groups = ruleFile.slice(ruleFile.indexOf('groups:'));
  return head + groups.replace(/^(?=.)/gm, '  ');
};
