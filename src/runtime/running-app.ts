import type { ReloadReport } from '../admin/admin-port.ts';
import type { ReadFiles } from '../config/config-file.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import type { ListenAddress } from '../config/settings.ts';
import type { BusListener } from '../telemetry/bus.ts';
import type { StandardStream } from '../telemetry/line-sink.ts';

/** A sidecar that runs. */
export interface RunningApp {
  readonly egress: ListenAddress;
  readonly admin: ListenAddress;
  /** null: there is no listener for probes. */
  readonly probes: ListenAddress | null;
  /** Ports of upstreams that have one, by name. */
  readonly listeners: ReadonlyMap<string, ListenAddress>;
  /** Goes on serving until it is quiet or the deadline has passed, and then closes. */
  drain(): Promise<void>;
  /** Resolves when the admin interface is asked to drain. Whoever started the sidecar does it, and ends the process. */
  readonly drainRequested: Promise<void>;
  /** Reads the configuration again and puts it in force; never rejects for what is wrong with it. */
  reload(): Promise<ReloadReport>;
  /** Puts an exception that nobody caught into the log, before it returns. */
  noteDefect(error: unknown): void;
  /** Breaks off what is under way and gives everything back. */
  close(): Promise<void>;
}

/** Where the settings came from, so that they can be read again. */
export interface ConfigFile {
  /** Its path, looked at for changes; null: it is read again when somebody asks for it, and only then. */
  readonly path: string | null;
  /** What was read for the settings in force at the start. Without it a change before the watch begins is missed. */
  readonly files?: ReadFiles;
  /** Reads it again, under the flags and the environment that held at the start. */
  readonly load: () => LoadedSettings;
}

export interface StartOptions {
  /** Where the settings came from, for the log. */
  readonly source?: string;
  /** Without one nothing is ever reloaded. */
  readonly file?: ConfigFile | null;
  /** Takes the log's lines instead of a standard stream. */
  readonly logLine?: (line: string) => void;
  /** Where the log's lines go otherwise; standard output unless it is written. */
  readonly logStream?: StandardStream;
  /** Hears what happens, beside the log and the figures. */
  readonly listener?: BusListener;
}
