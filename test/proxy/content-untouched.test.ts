import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

/** What libraries for HTTP like to do for their users, and a proxy must not. */

/** Ten thousand bytes that would become ten million. */
const bomb = gzipSync(Buffer.alloc(10_000_000));

for (const transport of ['native', 'undici']) {
  test(`${transport}: compressed content goes through as it is, whatever it would become`, async (t) => {
    const upstream = await startHttpUpstream(t, (_call, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length });
      response.end(bomb);
    });
    const sidecar = await startSidecar(t, upstreamU([upstream.address], { transport }));

    const answer = await makeCaller(t, sidecar.egress).call({ headers: { 'accept-encoding': 'gzip' } });

    assert.ok(answer.kind === 'answer');
    assert.equal(answer.headers['content-encoding'], 'gzip');
    assert.deepEqual(answer.body, bomb);
  });

  test(`${transport}: a redirect is the app's to follow, and takes no credentials anywhere`, async (t) => {
    const elsewhere = await startHttpUpstream(t);
    const location = `http://${elsewhere.address}/`;
    const upstream = await startHttpUpstream(t, (_call, response) => {
      response.writeHead(307, { location }).end();
    });
    const sidecar = await startSidecar(t, {
      ...upstreamU([upstream.address], { transport }),
      egress: { unlisted: 'allow' },
    });

    const answer = await makeCaller(t, sidecar.egress).call({ headers: { authorization: 'Bearer secret' } });

    assert.ok(answer.kind === 'answer');
    assert.equal(answer.status, 307);
    assert.equal(answer.headers['location'], location);
    assert.equal(upstream.calls.length, 1);
    assert.equal(elsewhere.connections, 0);
  });
}
