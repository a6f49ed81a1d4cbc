import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import type { Incident, SnapshotEvent, TickEvent } from '../../src/board/stream-events.ts';
import { EventReader, type ServerSentEvent } from '../../src/cli/event-reader.ts';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';

/** A reader of `GET /events`: everything that has come, and a way to wait for more. */
export class EventSubscriber {
  readonly events: ServerSentEvent[] = [];
  readonly changed = new Signal();
  response: IncomingMessage | null = null;
  hasEnded = false;
  readonly #request: ClientRequest;

  constructor(port: number, headers: Readonly<Record<string, string>> = {}) {
    const reader = new EventReader();
    this.#request = get({ host: '127.0.0.1', port, path: '/events', headers, agent: false }, (response) => {
      this.response = response;
      response.on('data', (bytes: Buffer) => {
        this.events.push(...reader.read(bytes));
        this.changed.raise();
      });
      response.on('close', () => this.#ended());
      this.changed.raise();
    });
    this.#request.on('error', () => this.#ended());
  }

  /** Waits until so many events of this name have come, and gives the last of them. */
  async event<T = TickEvent>(name: string, number = 1): Promise<T> {
    const found = await this.changed.until(
      () => this.events.filter((event) => event.name === name)[number - 1] ?? null,
    );
    return JSON.parse(found.data) as T;
  }

  snapshot(number = 1): Promise<SnapshotEvent> {
    return this.event<SnapshotEvent>('snapshot', number);
  }

  /** The incidents so far, by their ids. */
  get incidents(): readonly { readonly id: string; readonly incident: Incident }[] {
    return this.events
      .filter(({ name }) => name !== 'snapshot' && name !== 'tick')
      .map(({ lastId, data }) => ({ id: lastId, incident: JSON.parse(data) as Incident }));
  }

  pause(): void {
    this.response?.pause();
  }

  resume(): void {
    this.response?.resume();
  }

  close(): void {
    this.#request.destroy();
  }

  #ended(): void {
    this.hasEnded = true;
    this.changed.raise();
  }
}

/** Reads `GET /events` of the admin interface on this port; it goes with its owner. */
export const subscribe = (
  owner: Owner,
  port: number,
  headers: Readonly<Record<string, string>> = {},
): EventSubscriber => {
  const subscriber = new EventSubscriber(port, headers);
  owner.after(() => subscriber.close());
  return subscriber;
};
