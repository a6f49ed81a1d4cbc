import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import type { Sample } from '../rig/metrics.ts';

/** What is wrong with a query, and the labels that its result can have. */
export interface Verdict {
  readonly problems: readonly string[];
  readonly labels: ReadonlySet<string>;
}

/** Labels that a scrape puts on every series, beside those that stand on the page; the last two in Kubernetes alone. */
export const targetLabels: readonly string[] = ['job', 'instance', 'namespace', 'pod'];

/**
 * Reads a query as Prometheus would, and holds it to what a page of metrics really has: each selector must find a
 * series, each alternative of a regular expression too, and each label that is grouped or matched by must be one of
 * what it is applied to.
 */
export const judgeQuery = (query: string, page: readonly Sample[]): Verdict => {
  const judge = new Judge(query, page);
  const labels = judge.labelsOf(parser.parse(query).topNode);
  return { problems: judge.problems, labels };
};

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

const holds = ({ operator, value }: Matcher, actual: string): boolean => {
  if (operator === '=') return actual === value;
  if (operator === '!=') return actual !== value;
  return new RegExp(`^(?:${value})$`).test(actual) === (operator === '=~');
};

/** The same matcher for each of its alternatives: all of them must be there, and not one alone. */
const alternativesOf = (matcher: Matcher): readonly Matcher[] =>
  matcher.operator === '=~' ? matcher.value.split('|').map((value) => ({ ...matcher, value })) : [matcher];

class Judge {
  readonly problems: string[] = [];
  readonly #query: string;
  readonly #page: readonly Sample[];

  constructor(query: string, page: readonly Sample[]) {
    this.#query = query;
    this.#page = page;
  }

  /** The labels that the result of a part can have. */
  labelsOf(node: SyntaxNode): ReadonlySet<string> {
    if (node.type.isError) this.problems.push(`no PromQL at ${node.from}: ${this.#query}`);
    if (node.name === 'VectorSelector') return this.#selected(node);
    if (node.name === 'AggregateExpr') return this.#aggregated(node);
    if (node.name === 'BinaryExpr') return this.#combined(node);
    const labels = this.#ofChildren(node);
    const made = node.name === 'FunctionCall' ? this.#madeBy(node) : [];
    return new Set([...labels, ...made]);
  }

  #ofChildren(node: SyntaxNode): Set<string> {
    const labels = new Set<string>();
    for (let child = node.firstChild; child !== null; child = child.nextSibling) {
      for (const label of this.labelsOf(child)) labels.add(label);
    }
    return labels;
  }

  #selected(node: SyntaxNode): ReadonlySet<string> {
    const name = this.#text(node.getChild('Identifier'));
    const series = this.#page.filter((sample) => sample.name === name);
    if (series.length === 0) this.problems.push(`no metric is called ${name}`);
    const own = new Set(series.flatMap(({ labels }) => Object.keys(labels)));
    const matchers = this.#matchers(node.getChild('LabelMatchers'));
    for (const { label } of matchers) {
      if (!own.has(label) && !targetLabels.includes(label))
        this.problems.push(`${name} has no label ${label}`);
    }
    const onPage = matchers.filter(({ label }) => !targetLabels.includes(label));
    for (const each of onPage.flatMap(alternativesOf)) {
      const others = onPage.filter(({ label }) => label !== each.label);
      const isThere = series.some(({ labels }) =>
        [each, ...others].every((matcher) => holds(matcher, labels[matcher.label] ?? '')),
      );
      if (!isThere)
        this.problems.push(`no series of ${name} has ${each.label}${each.operator}"${each.value}"`);
    }
    return new Set([...own, ...targetLabels]);
  }

  #matchers(node: SyntaxNode | null): readonly Matcher[] {
    return (node?.getChildren('UnquotedLabelMatcher') ?? []).map((matcher) => ({
      label: this.#text(matcher.getChild('LabelName')),
      operator: this.#text(matcher.getChild('MatchOp')),
      value: this.#text(matcher.getChild('StringLiteral')).slice(1, -1),
    }));
  }

  #aggregated(node: SyntaxNode): ReadonlySet<string> {
    const body = node.getChild('FunctionCallBody');
    const labels = body === null ? new Set<string>() : this.#ofChildren(body);
    const modifier = node.getChild('AggregateModifier');
    const grouping = this.#grouping(modifier);
    this.#mustHave(grouping, labels);
    if (modifier?.getChild('Without'))
      return new Set([...labels].filter((label) => !grouping.includes(label)));
    return new Set(grouping);
  }

  #combined(node: SyntaxNode): ReadonlySet<string> {
    const [left, right] = [this.labelsOf(node.firstChild!), this.labelsOf(node.lastChild!)];
    const modifier = node.getChild('MatchingModifierClause');
    const matched = this.#grouping(modifier);
    this.#mustHave(matched, left);
    const isSelected = node.getChild('And') ?? node.getChild('Unless');
    if (modifier?.getChild('Ignoring')) return left;
    this.#mustHave(matched, right);
    if (modifier === null || isSelected) return left.size === 0 ? right : left;
    return modifier.getChild('GroupLeft') ? left : new Set(matched);
  }

  /** Labels that `label_replace` and `label_join` add: their second argument. */
  #madeBy(node: SyntaxNode): readonly string[] {
    if (!this.#text(node).startsWith('label_')) return [];
    return (node.getChild('FunctionCallBody')?.getChildren('StringLiteral') ?? [])
      .slice(0, 1)
      .map((literal) => this.#text(literal).slice(1, -1));
  }

  #grouping(modifier: SyntaxNode | null): readonly string[] {
    return (modifier?.getChild('GroupingLabels')?.getChildren('LabelName') ?? []).map((name) =>
      this.#text(name),
    );
  }

  #mustHave(names: readonly string[], labels: ReadonlySet<string>): void {
    for (const name of names) {
      if (!labels.has(name)) this.problems.push(`${name} is no label of what it groups or matches`);
    }
  }

  #text(node: SyntaxNode | null): string {
    return node === null ? '' : this.#query.slice(node.from, node.to);
  }
}
