/** The calls of the client matrix with the clients of Node: a task on standard input, the answers as JSON. */
import { createReadStream, readFileSync } from 'node:fs';
import * as plain from 'node:http';
import * as secure from 'node:https';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ClientAnswer, ClientCall } from './client-calls.ts';
import { hashOf } from './http-upstream.ts';

export type NodeLibrary =
  | 'fetch'
  | 'node:http'
  | 'undici EnvHttpProxyAgent'
  | 'undici ProxyAgent'
  | 'axios'
  | 'got';

/** What a child process is given. */
export interface NodeTask {
  readonly library: NodeLibrary;
  readonly calls: readonly ClientCall[];
  readonly base: string;
  readonly uploadFile: string;
  /** For the libraries that take it as an option; null: none. */
  readonly proxy: string | null;
}

/** A library's answer whose content can be read, or left. */
interface Opened {
  readonly status: number;
  readonly headers: Iterable<readonly [string, string | string[] | undefined]>;
  readonly content: AsyncIterable<Uint8Array>;
  /** Leaves before the end. */
  leave(): unknown;
}

type Open = (call: ClientCall) => Promise<Opened>;

const task = JSON.parse(readFileSync(0, 'utf8')) as NodeTask;

const wholeBody = ({ body }: ClientCall): Buffer | string | undefined => {
  if (body === undefined || body === 'chunked') return undefined;
  return body === 'length' ? readFileSync(task.uploadFile) : body.text;
};

const fieldsOf = (headers: Opened['headers']): Record<string, string> =>
  Object.fromEntries(Array.from(headers, ([name, value]) => [name, String(value)]));

/** What a fetch, of whomever, has brought. */
const openedFetch = (answer: Response, controller: AbortController): Opened => ({
  status: answer.status,
  headers: answer.headers,
  content: answer.body ?? Readable.from([]),
  leave: () => controller.abort(),
});

const openByFetch = (fetchIt: typeof fetch): Open => {
  return async (call) => {
    const controller = new AbortController();
    const { method, fields, body } = call;
    const content =
      body === 'chunked'
        ? { body: Readable.toWeb(createReadStream(task.uploadFile)), duplex: 'half' }
        : { body: wholeBody(call) ?? null };
    const init = { method, headers: fields ?? {}, signal: controller.signal, ...content } as RequestInit;
    return openedFetch(await fetchIt(task.base + call.path, init), controller);
  };
};

const openByUndici = async (): Promise<Open> => {
  const { EnvHttpProxyAgent, ProxyAgent, fetch: fetchIt } = await import('undici');
  const agent =
    task.library === 'undici EnvHttpProxyAgent' || task.proxy === null
      ? new EnvHttpProxyAgent()
      : new ProxyAgent(task.proxy);
  const dispatched = (url: string, init: RequestInit): Promise<unknown> =>
    fetchIt(url, { ...(init as object), dispatcher: agent });
  return openByFetch(dispatched as typeof fetch);
};

/** Redirects are the caller's own business here. */
const openByRequest: Open = (call) => {
  const { method, fields = {}, body } = call;
  const follow = async (url: string): Promise<Opened> => {
    const { promise, resolve, reject } = Promise.withResolvers<plain.IncomingMessage>();
    const { request } = url.startsWith('https:') ? secure : plain;
    const sent = request(url, { method, headers: fields });
    sent.on('response', resolve).on('error', reject);
    if (body === 'chunked') createReadStream(task.uploadFile).pipe(sent);
    else sent.end(wholeBody(call));
    const answer = await promise;
    answer.on('error', () => {});
    if (answer.statusCode === 302) {
      answer.resume();
      return follow(answer.headers.location!);
    }
    const headers = Object.entries(answer.headers);
    return { status: answer.statusCode ?? 0, headers, content: answer, leave: () => answer.destroy() };
  };
  return follow(task.base + call.path);
};

const openByAxios = async (): Promise<Open> => {
  const { default: axios } = await import('axios');
  return async (call) => {
    const answer = await axios.request<Readable>({
      method: call.method,
      url: task.base + call.path,
      headers: call.fields ?? {},
      data: call.body === 'chunked' ? createReadStream(task.uploadFile) : wholeBody(call),
      responseType: 'stream',
      validateStatus: null,
      maxBodyLength: Number.POSITIVE_INFINITY,
    });
    const headers = Object.entries(answer.headers) as [string, string][];
    const { data } = answer;
    return { status: answer.status, headers, content: data, leave: () => data.destroy() };
  };
};

const openByGot = async (): Promise<Open> => {
  const { default: got } = await import('got');
  return async (call) => {
    const content = call.body === 'chunked' ? createReadStream(task.uploadFile) : wholeBody(call);
    const { promise, resolve, reject } = Promise.withResolvers<{
      statusCode: number;
      headers: NodeJS.Dict<string | string[]>;
    }>();
    const stream = got.stream(task.base + call.path, {
      method: call.method,
      headers: call.fields ?? {},
      throwHttpErrors: false,
      retry: { limit: 0 },
      ...(content === undefined ? {} : { body: content }),
    });
    stream.on('response', resolve).on('error', reject);
    const { statusCode, headers } = await promise;
    return {
      status: statusCode,
      headers: Object.entries(headers),
      content: stream,
      leave: () => stream.destroy(),
    };
  };
};

const openers: Readonly<Record<NodeLibrary, () => Open | Promise<Open>>> = {
  fetch: () => openByFetch(fetch),
  'node:http': () => openByRequest,
  'undici EnvHttpProxyAgent': openByUndici,
  'undici ProxyAgent': openByUndici,
  axios: openByAxios,
  got: openByGot,
};

const perform = async (open: Open, call: ClientCall): Promise<ClientAnswer[]> => {
  const { status, headers, content, leave } = await open(call);
  if (call.leaveAfterBytes !== undefined) {
    let bytes = 0;
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes >= call.leaveAfterBytes) break;
    }
    leave();
    return [];
  }
  const body = await buffer(content);
  return [{ status, fields: fieldsOf(headers), bodyBytes: body.length, bodyHash: hashOf(body) }];
};

const open = await openers[task.library]();
const answers: ClientAnswer[][] = [];
for (const call of task.calls) {
  const all: ClientAnswer[] = [];
  for (let i = 0; i < (call.times ?? 1); i += 1) all.push(...(await perform(open, call)));
  answers.push(all);
}
// Connections that are kept would keep the process.
process.stdout.write(JSON.stringify(answers), () => process.exit());
