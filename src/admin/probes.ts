import type { ServerResponse } from 'node:http';
import type { AdminPort, ProbeReport } from './admin-port.ts';
import { sendJson } from './admin-reply.ts';

/** The paths that kubelet asks, and what answers them. */
const probePaths: Readonly<Record<string, (port: AdminPort) => ProbeReport>> = {
  '/livez': (port) => port.liveness(),
  '/readyz': (port) => port.readiness(),
  '/startupz': (port) => port.startup(),
};

export const isProbePath = (path: string): boolean => Object.hasOwn(probePaths, path);

/** 200 or 503, with the reason as JSON. */
export const answerProbe = (path: string, port: AdminPort, response: ServerResponse): void => {
  const report = probePaths[path]!(port);
  sendJson(response, report.isOk ? 200 : 503, {
    status: report.isOk ? 'ok' : 'unavailable',
    reason: report.reason,
  });
};
