import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import {
  type AddressClass,
  classifyAddress,
  looksLikeNumericHost,
  parseIpLiteral,
  UnlistedRules,
} from '../../src/upstream/address-rules.ts';

const noListeners = new UnlistedRules(() => []);

const classes: Record<Exclude<AddressClass, 'invalid'>, readonly string[]> = {
  public: [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '240.0.0.1',
    '255.255.255.254',
    '2606:4700::1111',
    '::2:0:0',
    'fbff::1',
    'fe7f::1',
  ],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    'fc00::1',
    'fdff::1',
    'fec0::1',
  ],
  loopback: ['127.0.0.1', '127.255.255.255', '::1'],
  link_local: ['169.254.0.1', '169.254.255.255', 'fe80::1', 'febf::1', 'fe80::1%eth0'],
  metadata: [
    '169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    'fd20:ce::254',
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff00::'],
  broadcast: ['255.255.255.255'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
};

for (const [kind, addresses] of Object.entries(classes)) {
  test(`addresses at the edges of ${kind}`, () => {
    for (const address of addresses) assert.equal(classifyAddress(address), kind, address);
  });
}

const hex = (address: string): string =>
  address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
    .replace(/^(....)/, '$1:');

/** Every way to write an IPv4 address as an IPv6 literal. */
const embeddings = (address: string): readonly string[] => [
  `::ffff:${address}`,
  `::ffff:${hex(address)}`,
  `::FFFF:${hex(address).toUpperCase()}`,
  `0:0:0:0:0:ffff:${address}`,
  `0000:0000:0000:0000:0000:ffff:${hex(address)}`,
  `::ffff:0:${address}`,
  `64:ff9b::${address}`,
  `64:ff9b::${hex(address)}`,
  `0064:FF9B:0:0:0:0:${hex(address)}`,
  `64:ff9b:1::${hex(address)}`,
  `2002:${hex(address)}::1`,
  `2002:${hex(address)}:dead:beef:0:0:1`,
];

const samples = [
  '169.254.169.254',
  '169.254.1.1',
  '127.0.0.1',
  '10.1.2.3',
  '224.0.0.251',
  '255.255.255.255',
  '8.8.8.8',
  '0.0.0.0',
];

for (const address of samples) {
  test(`every IPv6 spelling of ${address} gets the verdict of ${address}`, () => {
    for (const spelling of embeddings(address)) {
      assert.equal(classifyAddress(spelling), classifyAddress(address), spelling);
      assert.equal(noListeners.check(spelling, 80), noListeners.check(address, 80), spelling);
    }
  });
}

test('the deprecated IPv4-compatible form is judged by its IPv4 address, and ::1 is itself', () => {
  assert.equal(classifyAddress('::169.254.169.254'), 'metadata');
  assert.equal(classifyAddress('::7f00:1'), 'loopback');
  assert.equal(classifyAddress('::ffff:0.0.0.1'), 'unspecified');
  assert.equal(classifyAddress('::1'), 'loopback');
});

test('every spelling of one IPv6 address gets the same verdict', () => {
  for (const spelling of ['fd00:ec2::254', 'FD00:0EC2::0254', 'fd00:ec2:0:0:0:0:0:254', 'fd00:ec2:0::254']) {
    assert.equal(noListeners.check(spelling, 80), 'cloud metadata address', spelling);
  }
});

const disguises = [
  '2852039166',
  '0xA9FEA9FE',
  '0xa9fea9fe.',
  '025177524776',
  '169.16689662',
  '169.254.43518',
  '0xa9.0xfe.0xa9.0xfe',
  '0251.0376.0251.0376',
  '169.254.169.254.',
  '0169.254.169.254',
  '169.254.169.0xfe',
  '169.254.169.256',
  '127.1',
  '0',
  '0x',
  '1.2.3.4.5',
];

test('other ways of writing IPv4 are recognised, and are no literals', () => {
  for (const text of disguises) {
    assert.equal(looksLikeNumericHost(text), true, text);
    assert.equal(parseIpLiteral(text), null, text);
    assert.equal(noListeners.check(text, 80), 'not an address', text);
  }
});

test('names and canonical literals are not taken for numbers in disguise', () => {
  for (const text of [
    '127.0.0.1',
    '::1',
    'reviews',
    'a.1b',
    '1.example',
    '0xg',
    'node1',
    '4.4.8.8.in-addr.arpa',
    '',
  ]) {
    assert.equal(looksLikeNumericHost(text), false, text);
  }
});

test('literals come out in one spelling', () => {
  assert.deepEqual(parseIpLiteral('10.0.0.1'), { host: '10.0.0.1', family: 4 });
  assert.deepEqual(parseIpLiteral('FD00:0:0:0:0:0:0:5'), { host: 'fd00::5', family: 6 });
  for (const text of ['fe80::1%eth0', '[::1]', '1.2.3', '１.2.3.4', '1.2.3.4%31', '::g', '', ' 1.2.3.4']) {
    assert.equal(parseIpLiteral(text), null, text);
  }
});

test('what may be dialled: public, private and loopback addresses', () => {
  for (const kind of ['public', 'private', 'loopback'] as const) {
    for (const address of classes[kind]) assert.equal(noListeners.check(address, 80), null, address);
  }
});

test('what may not: link-local, metadata, multicast, broadcast and unspecified addresses', () => {
  for (const kind of ['link_local', 'metadata', 'multicast', 'broadcast', 'unspecified'] as const) {
    for (const address of classes[kind]) assert.notEqual(noListeners.check(address, 80), null, address);
  }
});

test('an own listener on one address is refused there, in every spelling, and nowhere else', () => {
  const rules = new UnlistedRules(() => [{ host: '127.0.0.1', port: 7400 }]);
  for (const address of ['127.0.0.1', ...embeddings('127.0.0.1')]) {
    assert.equal(rules.check(address, 7400), 'own listener', address);
    assert.equal(rules.check(address, 7401), null, address);
  }
  assert.equal(rules.check('127.0.0.2', 7400), null);
  assert.equal(rules.check('::1', 7400), null);
});

test('an own listener on localhost is refused on both loopback addresses', () => {
  const rules = new UnlistedRules(() => [{ host: 'localhost', port: 7401 }]);
  assert.equal(rules.check('127.0.0.1', 7401), 'own listener');
  assert.equal(rules.check('::1', 7401), 'own listener');
  assert.equal(rules.check('10.0.0.1', 7401), null);
});

test('an own listener on all addresses is refused on every address of this machine', () => {
  const both = new UnlistedRules(() => [{ host: '::', port: 7402 }]);
  const ipv4 = new UnlistedRules(() => [{ host: '0.0.0.0', port: 7402 }]);
  for (const { address, family } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    if (classifyAddress(address) === 'link_local') continue;
    assert.equal(both.check(address, 7402), 'own listener', address);
    assert.equal(ipv4.check(address, 7402), family === 'IPv4' ? 'own listener' : null, address);
  }
  assert.equal(both.check('127.3.2.1', 7402), 'own listener');
  assert.equal(both.check('203.0.113.7', 7402), null);
  assert.equal(both.check('127.0.0.1', 7403), null);
});

test('listeners that come later are known', () => {
  const listeners: { host: string; port: number }[] = [];
  const rules = new UnlistedRules(() => listeners);
  assert.equal(rules.check('127.0.0.1', 9001), null);
  listeners.push({ host: '127.0.0.1', port: 9001 });
  assert.equal(rules.check('127.0.0.1', 9001), 'own listener');
});
