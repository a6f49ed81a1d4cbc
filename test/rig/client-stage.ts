import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerCall, contentOf, uploadBytes } from './client-calls.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { type HttpUpstream, startHttpUpstream } from './http-upstream.ts';
import { type HttpsServer, serveOverTls } from './https-server.ts';
import type { Owner } from './owner.ts';
import { type SidecarProcess, startSidecarProcess } from './sidecar-process.ts';

export type Scheme = 'http' | 'https';

/** The name by which clients call the server through the sidecar. Nobody but the sidecar can tell where it is. */
const host = 'files.test';

/** Where a client finds the server, with scheme and port. */
export type Bases = Readonly<Record<Scheme, string>>;

/** How a client reaches the server: straight, or by what its environment says. */
export interface Way {
  /** The client's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The URL of the sidecar; null: it is not to be used. */
  readonly proxy: string | null;
}

/** A server in the clear and over TLS, the sidecar as a process of its own, and something that counts who connects. */
export class ClientStage {
  readonly server: HttpUpstream;
  readonly secure: HttpsServer;
  readonly sidecar: SidecarProcess;
  /** Stands before the sidecar and counts. */
  readonly door: FaultServer;
  /** A folder of the test's own. */
  readonly folder: string;

  constructor(parts: Pick<ClientStage, 'server' | 'secure' | 'sidecar' | 'door' | 'folder'>) {
    this.server = parts.server;
    this.secure = parts.secure;
    this.sidecar = parts.sidecar;
    this.door = parts.door;
    this.folder = parts.folder;
  }

  get uploadFile(): string {
    return join(this.folder, 'upload');
  }

  /** What every client may need, and nothing of the environment that the test runs in. */
  get #plainEnv(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      CURL_CA_BUNDLE: this.secure.caFile,
      SSL_CERT_FILE: this.secure.caFile,
      REQUESTS_CA_BUNDLE: this.secure.caFile,
      NODE_EXTRA_CA_CERTS: this.secure.caFile,
      GIT_SSL_CAINFO: this.secure.caFile,
    };
  }

  /** As both ways can reach it. TLS wants a name: axios cannot open a tunnel to an address. */
  get bases(): Bases {
    return {
      http: `http://127.0.0.1:${this.server.port}`,
      https: `https://localhost:${this.secure.port}`,
    };
  }

  /** By name. */
  get named(): Bases {
    return { http: `http://${host}`, https: `https://${host}` };
  }

  get direct(): Way {
    return { env: this.#plainEnv, proxy: null };
  }

  get proxied(): Way {
    const proxy = `http://${this.door.address}`;
    const variables = { http_proxy: proxy, HTTP_PROXY: proxy, https_proxy: proxy, HTTPS_PROXY: proxy };
    return { ...this.withVariables(variables), proxy };
  }

  /** With nothing but these variables. */
  withVariables(variables: Readonly<Record<string, string>>): Way {
    return { env: { ...this.#plainEnv, ...variables }, proxy: null };
  }
}

export const startClientStage = async (owner: Owner): Promise<ClientStage> => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-clients-'));
  owner.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'upload'), contentOf(uploadBytes));
  const server = await startHttpUpstream(owner, answerCall);
  const secure = await serveOverTls(owner, server.server, [host, 'localhost']);
  secure.server.on('secureConnection', () => {
    server.connections += 1;
  });
  const sidecar = await startSidecarProcess(owner, {
    egress: { unlisted: 'allow' },
    upstreams: {
      files: { hosts: [host, server.address], endpoints: [server.address] },
      'secure-files': {
        hosts: [`${host}:443`, `localhost:${secure.port}`],
        endpoints: [`127.0.0.1:${secure.port}`],
      },
    },
  });
  const door = await startFaultServer(owner, sidecar.egress);
  return new ClientStage({ server, secure, sidecar, door, folder });
};
