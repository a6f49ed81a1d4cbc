import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { AdminPort, BreakerForce, PolicyLine, ProbeReport } from '../../src/admin/admin-port.ts';
import { IncidentRing } from '../../src/admin/incident-ring.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import type { ProcessPicture, UpstreamPicture } from '../../src/board/stream-events.ts';
import type { AdminSettings } from '../../src/config/settings.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { describeCommand } from '../telemetry/command-fixture.ts';

/** A sidecar that answers what the test tells it to, and writes down what it was asked to do. */
export class FakePort implements AdminPort {
  readonly commands = new Commands();
  readonly incidents = new IncidentRing();
  upstreamList: UpstreamPicture[] = [];
  policy: readonly PolicyLine[] | null = null;
  readonly forced: [name: string, force: BreakerForce, ttlMs: number][] = [];
  ready: ProbeReport = { isOk: true, reason: 'ready' };
  alive: ProbeReport = { isOk: true, reason: 'alive' };
  started: ProbeReport = { isOk: true, reason: 'started' };

  readiness = () => this.ready;
  liveness = () => this.alive;
  startup = () => this.started;
  upstreams = () => [];
  upstreamPictures = () => this.upstreamList;
  policyOf = () => this.policy;
  process = (): ProcessPicture => ({
    id: 'outrigger-abc123',
    version: '1.0.0',
    state: 'serving',
    startedAt: 0,
    egress: '127.0.0.1:7400',
    source: 'outrigger.yaml',
  });
  config = () => ({ admin: { token: '[redacted]' } });
  metrics = async (accept: string) => ({ contentType: 'text/plain', text: `metrics for ${accept}\n` });

  forceBreaker(name: string, force: BreakerForce, ttlMs: number): boolean {
    this.forced.push([name, force, ttlMs]);
    return true;
  }

  /** Minutes are enough here. */
  parseDurationMs(text: string): number | null {
    const match = /^(\d+)m$/.exec(text);
    return match === null ? null : Number(match[1]) * 60_000;
  }
}

export const adminSettings: AdminSettings = {
  address: { host: '127.0.0.1', port: 0 },
  token: null,
  probes: null,
  allowHosts: [],
  maxStreams: { hystrix: 5, all: 50 },
};

export interface RunningAdmin {
  readonly server: AdminServer;
  readonly port: FakePort;
  readonly clock: VirtualClock;
  readonly defects: unknown[];
  /** TCP port of the admin interface, and of the probes. */
  readonly tcpPort: number;
  readonly probesTcpPort: number;
}

/** Starts the admin interface on a free port, with one breaker called `reviews`; closed when the test ends. */
export const startAdmin = async (
  context: TestContext,
  changes: Partial<AdminSettings> = {},
  port = new FakePort(),
): Promise<RunningAdmin> => {
  port.commands.open(describeCommand('reviews'));
  const clock = new VirtualClock();
  const defects: unknown[] = [];
  const settings = { ...adminSettings, ...changes };
  const server = await startAdminServer({
    settings,
    port,
    clock,
    onDefect: (error) => defects.push(error),
  });
  context.after(() => server.close());
  return {
    server,
    port,
    clock,
    defects,
    tcpPort: server.address!.port,
    probesTcpPort: server.probesAddress?.port ?? 0,
  };
};

export interface RawAnswer {
  readonly status: number;
  readonly statusMessage: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The part of an answer that has come so far; null before its head is complete. */
const parseAnswer = (text: string): RawAnswer | null => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const [, status = '', statusMessage = ''] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(statusLine) ?? [];
  const fields = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  return {
    status: Number(status),
    statusMessage,
    headers: new Map(fields as [string, string][]),
    body: text.slice(end + 4),
  };
};

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  /** Field lines; `Host: localhost` and `Connection: close` are added unless they are given. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const requestText = ({ method = 'GET', path = '/', fields = {}, body = '' }: RawRequest): string => {
  const all: Record<string, string> = { Host: 'localhost', Connection: 'close', ...fields };
  if (body !== '') all['Content-Length'] = String(Buffer.byteLength(body));
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
};

/** Sends a request byte by byte as written here and reads until the server closes. */
export const ask = (tcpPort: number, request: RawRequest): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const socket = connect(tcpPort, '127.0.0.1', () => socket.write(requestText(request)));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const answer = parseAnswer(text);
      if (answer === null) reject(new Error(`no answer but ${JSON.stringify(text)}`));
      else resolve(answer);
    });
  });

/** The header that every change needs beside its content type. */
export const changeFields = { 'Content-Type': 'application/json', 'X-Outrigger-Admin': '1' };

/** A reader of a stream: what has come so far, and a way to wait for more. */
export class StreamReader {
  readonly socket: Socket;
  pings = 0;
  #text = '';
  #line = '';
  readonly #events: string[] = [];
  #wake: (() => void) | null = null;

  constructor(tcpPort: number, path: string) {
    this.socket = connect(tcpPort, '127.0.0.1', () => this.socket.write(requestText({ path })));
    this.socket.on('data', (chunk) => {
      this.#read(chunk.toString());
      this.#wake?.();
    });
    this.socket.on('close', () => this.#wake?.());
    this.socket.on('error', () => {});
  }

  /** Head and body as far as they have come; the body still has its chunk framing. */
  get answer(): RawAnswer | null {
    return parseAnswer(this.#text);
  }

  get eventCount(): number {
    return this.#events.length;
  }

  /** The event at this place (negative: from the end), parsed. */
  event(index: number): { readonly type?: string; readonly name?: string; readonly currentTime?: number } {
    return JSON.parse(this.#events.at(index) ?? '{}');
  }

  /** Waits until `isTrue` of what has come; fails when the stream ends before. */
  async until(isTrue: (reader: StreamReader) => boolean): Promise<void> {
    while (!isTrue(this)) {
      assert.ok(!this.socket.closed, `the stream ended: ${this.#text.slice(-200)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #read(text: string): void {
    // Enough for the head and a few events: a test of back-pressure lets a lot come.
    if (this.#text.length < 100_000) this.#text += text;
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data: ')) this.#events.push(line.slice(6));
      else if (line === 'ping: ') this.pings += 1;
    }
  }
}
