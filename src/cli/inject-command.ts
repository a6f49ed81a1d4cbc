import { type Command, Option } from 'commander';
import type { SidecarMode } from '../inject/sidecar-container.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

interface InjectOptions {
  readonly native?: true;
  readonly classic?: true;
  readonly image?: string;
  readonly configMap?: string;
  readonly tokenSecret?: string;
  readonly proxyEnv: boolean;
  readonly remove?: true;
}

const help = `
Reads manifests from standard input and writes them to standard output with the
sidecar in the pods of each Deployment, StatefulSet, DaemonSet, ReplicaSet, Job,
CronJob and Pod, also within a List. All else, and each line that says the same
as before, stays as it is, byte for byte. Doing it twice changes nothing more.
It never asks a cluster.

  outrigger inject < app.yaml | kubectl apply -f -
  outrigger inject --config-map policies < app.yaml > injected.yaml
  outrigger inject --remove < injected.yaml

Annotations of a pod template, or of the workload, go before the options:

  outrigger/inject        enabled or disabled
  outrigger/mode          native or classic
  outrigger/image, outrigger/config-map, outrigger/token-secret
  outrigger/proxy-env     enabled or disabled
  outrigger/cpu, outrigger/memory, outrigger/memory-limit
  outrigger/config        the configuration itself (only on a pod template)

A configuration needs admin.probes: 0.0.0.0:7402. Without any, every destination
is allowed, each with the default policies.

Exit codes: 0 done, 64 wrong command line, 78 something in the input is wrong:
then standard output stays empty.`;

/** More than this is taken in parts. 16 MiB. */
const maxInputBytes = 16 * 1024 * 1024;

/** All of a stream; null: it is longer than we take. */
const readAll = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array | null> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > maxInputBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** UTF-8 with its byte order mark, so that written again it is the same; null for anything else. */
const decode = (bytes: Uint8Array): string | null => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
};

const writeAll = (text: string): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });

const readInput = async (): Promise<{ readonly text: string } | { readonly problem: string }> => {
  const bytes = await readAll(process.stdin);
  if (bytes === null) return { problem: 'stdin: is larger than 16MiB (inject it in parts)' };
  const text = decode(bytes);
  return text === null ? { problem: 'stdin: is not UTF-8 text (save it as UTF-8)' } : { text };
};

const runInject = async (options: InjectOptions, terminal: Terminal): Promise<ExitCode> => {
  if (process.stdin.isTTY) {
    terminal.complain('outrigger: inject reads manifests from standard input: outrigger inject < app.yaml');
    return exitCodes.usage;
  }
  const input = await readInput();
  if ('problem' in input) {
    terminal.complain(input.problem);
    return exitCodes.config;
  }
  const { injectManifests } = await import('../inject/inject-manifests.ts');
  const { formatComplaint } = await import('../inject/complaint.ts');
  const { wrongValue } = await import('../inject/pod-wishes.ts');
  for (const flag of ['image', 'config-map', 'token-secret'] as const) {
    const value = {
      image: options.image,
      'config-map': options.configMap,
      'token-secret': options.tokenSecret,
    }[flag];
    const wrong = value === undefined ? null : wrongValue(flag, value);
    if (wrong !== null) {
      terminal.complain(`--${flag}: ${wrong}`);
      return exitCodes.usage;
    }
  }
  const mode: SidecarMode = options.classic === true ? 'classic' : 'native';
  const request = {
    remove: options.remove === true,
    mode,
    ...(options.image === undefined ? {} : { image: options.image }),
    configMap: options.configMap ?? null,
    tokenSecret: options.tokenSecret ?? null,
    hasProxyVariables: options.proxyEnv,
  };
  const result = injectManifests(input.text, request);
  for (const complaint of result.complaints) terminal.complain(formatComplaint(complaint, input.text));
  if (!result.isOk) return exitCodes.config;
  if (result.workloads === 0) terminal.complain('outrigger: there is no workload in it that gets a sidecar');
  await writeAll(result.text);
  return exitCodes.fine;
};

/** Adds `inject` to the tree. */
export const addInjectCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('inject')
    .description('add the sidecar to Kubernetes manifests, from standard input to standard output')
    .addOption(
      new Option('--native', 'as an init container that goes on (default; Kubernetes 1.29)').conflicts(
        'classic',
      ),
    )
    .option('--classic', 'as a container like the others')
    .option('--image <image>', 'the image (default: outrigger and the version of this program)')
    .option('--config-map <name>', 'a ConfigMap that has outrigger.yaml')
    .option('--token-secret <name>', 'a Secret that has the token of the admin interface in its key "token"')
    .option('--no-proxy-env', 'do not set the proxy variables of the containers of the app')
    .addOption(
      new Option('--remove', 'take the sidecar out again').conflicts([
        'native',
        'classic',
        'image',
        'configMap',
        'tokenSecret',
      ]),
    )
    .addHelpText('after', help)
    .action(async (options: InjectOptions) => {
      finish(await runInject(options, terminal));
    });
};
