import assert from 'node:assert/strict';
import { test } from 'node:test';
import { javaOptions } from '../../src/cli/java-options.ts';

const proxy = { host: '127.0.0.1', port: 7400 };
const properties =
  '-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=7400 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=7400';

test('both schemes get host and port, and the direct hosts are patterns between bars', () => {
  assert.equal(
    javaOptions(undefined, proxy, ['localhost', '127.0.0.1', '::1']),
    `${properties} -Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]`,
  );
});

test('what was there comes first, so that ours counts', () => {
  assert.equal(
    javaOptions('-Xmx64m -Dhttp.proxyHost=corp', proxy, ['localhost']),
    `-Xmx64m -Dhttp.proxyHost=corp ${properties} -Dhttp.nonProxyHosts=localhost`,
  );
});

test('hosts that Java was told to call directly are still called directly', () => {
  const given = `-Dhttp.nonProxyHosts="*.corp|10.*" -Dhttp.nonProxyHosts=*.lab`;
  assert.match(
    javaOptions(given, proxy, ['localhost']),
    / -Dhttp\.nonProxyHosts=\*\.corp\|10\.\*\|\*\.lab\|localhost$/,
  );
});

test('an entry of NO_PROXY is said in the words of Java, or left out where it has none', () => {
  const patterns = (entry: string): string =>
    javaOptions('', proxy, [entry]).replace(/^.*nonProxyHosts=/, '');
  assert.equal(patterns('a.test'), 'a.test|*.a.test');
  assert.equal(patterns('.a.test'), '*.a.test');
  assert.equal(patterns('*.a.test'), '*.a.test');
  assert.equal(patterns('10.0.0.1'), '10.0.0.1');
  assert.equal(patterns('*'), '*');
  assert.equal(patterns('10.0.0.0/8'), '');
  assert.equal(patterns('a.test:8080'), '');
});
