import { type Reason, type ReasonKind, type ReasonRow, reasons } from '../policy/reason.ts';

const code = (text: string): string => `\`${text}\``;

const rowOf = (name: Reason): string => {
  const { kind, status, proxyStatus, title, isTimeout, retryOn }: ReasonRow = reasons[name];
  const cells = [code(name), String(status), code(proxyStatus), title];
  if (kind === 'failure') cells.push(isTimeout ? 'yes' : '', retryOn === null ? '' : code(retryOn));
  return `| ${cells.join(' | ')} |`;
};

const headings: Readonly<Record<ReasonKind, readonly string[]>> = {
  failure: ['reason', 'status', 'error of Proxy-Status', 'title', 'timeout', '`retry.on`'],
  rejected: ['reason', 'status', 'error of Proxy-Status', 'title'],
  cancelled: ['reason', 'status', 'error of Proxy-Status', 'title'],
};

const table = (kind: ReasonKind): string => {
  const names = (Object.keys(reasons) as Reason[]).filter((name) => reasons[name].kind === kind);
  const rule = headings[kind].map(() => '---');
  return [`| ${headings[kind].join(' | ')} |`, `|${rule.join('|')}|`, ...names.map(rowOf)].join('\n');
};

/** The text of `docs/reasons.md`, made from the table that the program itself answers from. */
export const reasonsPage = (): string => `# Reasons

Why a request did not simply succeed. The list is closed: \`Proxy-Status\`, problem bodies, the access log, the metrics
and the streams use these words and no others. This page is generated from \`src/policy/reason.ts\`
(\`node src/proxy/write-reasons.ts\`).

**status** is what Outrigger answers when it has to answer itself. An answer of the upstream, a 503 for example, is
passed on with its own status, also where it counts as a failure. **error of Proxy-Status** is the type of RFC 9209,
section 2.3. **title** stands in the problem body, whose \`type\` is \`urn:outrigger:problem:\` and the reason.

## Failures

An attempt went wrong, or the time for the request ran out. Each failed attempt votes in the breaker of its route.
**timeout**: Hystrix would call it TIMEOUT, and the word \`timeout\` in \`fallback.on\` covers it. **\`retry.on\`**: the word
there that has it tried again; where it is empty, nothing does. \`upstream_status\` is tried again by its status.

${table('failure')}

## Refusals

A policy or a rule said no: nothing was sent, or a request whose body broke a rule was broken off. A refusal is not tried
again and is no vote in the breaker, but for those of the bulkhead where \`breaker.countRejections\` is set.

${table('rejected')}

## Departures

The client left before its answer was complete. The status stands in the log and the metrics alone. It proves nothing
about the upstream and is no vote in the breaker.

${table('cancelled')}
`;
