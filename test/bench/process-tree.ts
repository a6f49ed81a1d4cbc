import { readdirSync, readFileSync } from 'node:fs';

/** Of the interface between kernel and user, which is 100 Hz on every machine that Node runs on. */
const NS_PER_TICK = 10_000_000;

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
function busyNsOfMachine(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = read('/proc/stat')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * NS_PER_TICK;
}

/** Starts watching; what it returns tells how many cores other programs have kept busy since. */
export function watchOthers(): () => number {
  const now = () => ({
    at: performance.now(),
    othersNs: busyNsOfMachine() - usageOfTree(process.pid).cpuNs - reapedNs(process.pid),
  });
  const before = now();
  return () => {
    const after = now();
    return Math.max(0, (after.othersNs - before.othersNs) / 1e6 / (after.at - before.at));
  };
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

/** CPU time, in ns, of those who were children of this tree and have ended. */
export function reapedNs(root: number): number {
  const ofOne = (pid: number): number => {
    // The name, in parentheses, may hold anything: the fields begin after it. These two are children, user and kernel.
    const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ');
    return ((Number(fields[13]) || 0) + (Number(fields[14]) || 0)) * NS_PER_TICK;
  };
  return pidsOfTree(root).reduce((sum, pid) => sum + ofOne(pid), 0);
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
