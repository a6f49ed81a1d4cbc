import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResolvConf, searchNames } from '../../src/upstream/resolv-conf.ts';

test('resolv.conf says whom to ask, where to search and what counts as a short name', () => {
  const text =
    '# cluster\nnameserver 10.0.0.10\nsearch shop.svc.cluster.local. SVC.cluster.local\noptions timeout:2 ndots:5\n';
  assert.deepEqual(parseResolvConf(text), {
    servers: ['10.0.0.10'],
    search: ['shop.svc.cluster.local', 'svc.cluster.local'],
    ndots: 5,
  });
  assert.deepEqual(parseResolvConf('domain a.test\nsearch b.test\noptions ndots:99'), {
    servers: [],
    search: ['b.test'],
    ndots: 15,
  });
  assert.deepEqual(parseResolvConf(''), { servers: [], search: [], ndots: 1 });
});

test('name servers are addresses, with or without a port, and no more than three', () => {
  const lines = ['127.0.0.1:5353', 'dns.test', '300.0.0.1', '', 'fd00::10', '[fd00::11]:53', '10.0.0.1'];
  assert.deepEqual(parseResolvConf(lines.map((line) => `nameserver ${line}\n`).join('')).servers, [
    '127.0.0.1:5353',
    'fd00::10',
    '[fd00::11]:53',
  ]);
});

test('a name with enough dots is tried as it stands first, one with a dot at its end as nothing else', () => {
  const rules = { search: ['x', 'y'], ndots: 1 };
  assert.deepEqual(searchNames('a', rules), ['a.x', 'a.y', 'a']);
  assert.deepEqual(searchNames('a.b', rules), ['a.b', 'a.b.x', 'a.b.y']);
  assert.deepEqual(searchNames('a.', rules), ['a']);
});
