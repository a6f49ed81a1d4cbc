import { contentMark, decodeText, type FileContent, type ReadFiles, readConfigFile } from './config-file.ts';
import { defaultConfig } from './default-config.ts';
import { type Override, parseSettings } from './parse-settings.ts';
import { fileProblem, type Problem } from './problem.ts';
import type { Settings } from './settings.ts';
import type { Environment } from './substitution.ts';

/** What the command line may say; each goes before the environment, which goes before the file. */
export interface Overrides {
  readonly egress?: string | undefined;
  readonly admin?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
}

/** What a command wants where nobody has written anything else. */
export interface Presets {
  readonly egress?: string;
  readonly admin?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly logAccess?: string;
}

export interface LoadRequest {
  /** The file; else `OUTRIGGER_CONFIG`; else the embedded default. */
  readonly file?: string | undefined;
  readonly env: Environment;
  readonly overrides?: Overrides;
  readonly presets?: Presets;
}

export type LoadedSettings =
  | {
      readonly ok: true;
      readonly settings: Settings;
      /** The file's name, or `embedded default`. */
      readonly source: string;
      /** null: the embedded default. */
      readonly path: string | null;
      readonly files: ReadFiles;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** All that was read: once one of them changes, it is worth another try. */
      readonly files: ReadFiles;
    };

interface Source {
  readonly path: Override['path'];
  readonly flag: string;
  readonly given: (overrides: Overrides) => string | undefined;
  readonly variable: string | null;
}

const sources: readonly Source[] = [
  { path: ['egress', 'address'], flag: '--egress', given: (o) => o.egress, variable: 'OUTRIGGER_EGRESS' },
  { path: ['admin', 'address'], flag: '--admin', given: (o) => o.admin, variable: 'OUTRIGGER_ADMIN' },
  { path: ['log', 'level'], flag: '--log-level', given: (o) => o.logLevel, variable: 'OUTRIGGER_LOG_LEVEL' },
  { path: ['log', 'format'], flag: '--log-format', given: (o) => o.logFormat, variable: null },
];

/** An empty variable is one that is not set, as compose files write it. */
const variable = (env: Environment, name: string): string | undefined => env[name] || undefined;

const overridesOf = (env: Environment, given: Overrides): Override[] => {
  const overrides: Override[] = [];
  for (const source of sources) {
    const flag = source.given(given);
    const fromEnv = source.variable === null ? undefined : variable(env, source.variable);
    if (flag !== undefined) overrides.push({ path: source.path, text: flag, origin: source.flag });
    else if (fromEnv !== undefined)
      overrides.push({ path: source.path, text: fromEnv, origin: source.variable! });
  }
  return overrides;
};

const presetPaths: Readonly<Record<keyof Presets, Override['path']>> = {
  egress: ['egress', 'address'],
  admin: ['admin', 'address'],
  logLevel: ['log', 'level'],
  logFormat: ['log', 'format'],
  logAccess: ['log', 'access'],
};

/** They come last: what is there by then stays. */
const presetsOf = (given: Presets): Override[] =>
  (Object.keys(presetPaths) as (keyof Presets)[]).flatMap((name) => {
    const text = given[name];
    return text === undefined ? [] : [{ path: presetPaths[name], text, origin: 'preset', isPreset: true }];
  });

const embedded = 'embedded default';

/** The file itself and what it names. */
const filesOf = (file: string, content: FileContent, bodyFiles: ReadFiles): ReadFiles =>
  new Map([[file, contentMark(content)], ...bodyFiles]);

/** Reads a configuration file; what goes wrong is a problem of that file. */
const loadFile = (file: string, env: Environment, overrides: readonly Override[]): LoadedSettings => {
  const content = readConfigFile(file);
  const refused = (message: string, hint: string): LoadedSettings => {
    const files = filesOf(file, content, new Map());
    return { ok: false, problems: [fileProblem(file, message, hint)], files };
  };
  if (!content.ok) return refused(content.message, content.hint);
  const text = decodeText(content.bytes);
  if (text === null) return refused('is not UTF-8 text', 'save it as UTF-8');
  const parsed = parseSettings(text, file, env, overrides);
  if (!parsed.ok) {
    return { ok: false, problems: parsed.problems, files: filesOf(file, content, parsed.bodyFiles) };
  }
  const { settings } = parsed;
  return { ok: true, settings, source: file, path: file, files: filesOf(file, content, settings.bodyFiles) };
};

/** The settings in force: flags, then environment, then file, then presets, then defaults. Never throws. */
export const loadSettings = ({ file, env, overrides = {}, presets = {} }: LoadRequest): LoadedSettings => {
  const name = file ?? variable(env, 'OUTRIGGER_CONFIG');
  const above = [...overridesOf(env, overrides), ...presetsOf(presets)];
  if (name !== undefined) return loadFile(name, env, above);
  const parsed = parseSettings(defaultConfig, embedded, env, above);
  const files: ReadFiles = new Map();
  return parsed.ok
    ? { ok: true, settings: parsed.settings, source: embedded, path: null, files }
    : { ok: false, problems: parsed.problems, files };
};

/** One file by itself: no flag and no variable goes before it, but it may refer to the environment. Never throws. */
export const checkFile = (file: string, env: Environment): LoadedSettings => loadFile(file, env, []);
