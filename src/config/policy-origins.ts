import { idOf, type Path } from './problem.ts';

/** A place in the configuration file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the value of one key was written. */
export interface WrittenPlace extends Place {
  /** `timeout.total` */
  readonly key: string;
}

/** What one layer (`defaults`, an upstream, a route) says of its policy. */
export interface LayerOrigins {
  /** Of each policy key that it writes. */
  readonly written: readonly WrittenPlace[];
  /** By the key of each value that it inherits but holds lower: the key of the limit that does. */
  readonly lowered: ReadonlyMap<string, string>;
  /** The path in its `fallback.bodyFile`, as a message may show it; null: it has none. */
  readonly bodyFile: string | null;
}

/**
 * Where the values of all policies were written. Only the places of policy keys are kept, about 60 bytes each: the
 * whole tree of locations, which the parser needs, would take more than the settings themselves.
 */
export interface PolicyOrigins {
  /** As the user named it. */
  readonly file: string;
  /** By {@link layerId}. */
  readonly layers: ReadonlyMap<string, LayerOrigins>;
  /** Of `limits.replay`, which holds `retry.bodyLimit` down; null: it was not written. */
  readonly replay: Place | null;
}

/** The one limit outside of the policies that can hold a value of theirs lower. */
export const replayKey = 'limits.replay';

/** The name of the layer that stands at this path of the file. */
export const layerId = (path: Path): string => idOf(path);
