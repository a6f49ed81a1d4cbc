import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import { requestsToAll } from './many-hosts.ts';

test('ten thousand destinations are ten thousand addresses of this machine, each asked in absolute form', () => {
  const hosts = requestsToAll(8080).map((request) => {
    const [, target, field] = /^GET http:\/\/([\d.]+):8080\/items HTTP\/1\.1\r\nHost: ([\d.]+):8080\r\n/.exec(
      request,
    )!;
    assert.equal(target, field);
    return target!;
  });

  assert.equal(new Set(hosts).size, 10_000);
  assert.ok(hosts.every((host) => isIPv4(host) && host.startsWith('127.')));
});
