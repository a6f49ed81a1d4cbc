import { runHealth } from './cli/health-command.ts';
import { processTerminal } from './cli/terminal.ts';

// `outrigger health` by itself, for the HEALTHCHECK of a container: without all that the sidecar is made of it takes a
// fraction of the memory, and the container's limit holds for both.
runHealth(process.argv[2], {}, processTerminal).then((code) => {
  process.exitCode = code;
});
