import { readdirSync, readFileSync } from 'node:fs';

/** What a process and its descendants have used so far. Linux only: read from `/proc`. */
export interface Usage {
  /** Time on a CPU, user and kernel together, of every thread. */
  readonly cpuNs: number;
  /** Resident memory now. Pages that several processes share are counted once for each. */
  readonly residentBytes: number;
}

/** Usage of `pid` and all its descendants. A thread or process that ends while we read counts as 0. */
export function usageOfTree(pid: number): Usage {
  let cpuNs = 0;
  let residentBytes = 0;
  for (const member of pidsOfTree(pid)) {
    for (const thread of threadsOf(member)) cpuNs += cpuNsOf(member, thread);
    residentBytes += residentBytesOf(member);
  }
  return { cpuNs, residentBytes };
}

/** Time that all cores together have been busy since the machine started, or were taken from it by its host. */
export function busyNsOfMachine(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = read('/proc/stat')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  // In ticks of the interface between kernel and user, which is 100 Hz on every machine that Node runs on.
  return (user + nice + system + irq + softirq + steal) * 10_000_000;
}

/** The process itself, then its children and theirs. */
export function pidsOfTree(root: number): number[] {
  const found = [root];
  // The list grows while we walk it: children are appended and walked in their turn.
  for (const pid of found) {
    for (const thread of threadsOf(pid)) found.push(...childrenOf(pid, thread));
  }
  return found;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function childrenOf(pid: number, thread: string): number[] {
  return read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number);
}

/** The first field of `schedstat`: nanoseconds on a CPU. It is exact for a thread that sleeps. */
function cpuNsOf(pid: number, thread: string): number {
  return Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
}

function residentBytesOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`));
  return Number(line?.[1] ?? 0) * 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}
