/** What `/` shows: the paths, until there is a dashboard. No script, no style, nothing that is loaded. */
export const homePage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Outrigger</title></head>
<body>
<h1>Outrigger</h1>
<p>The dashboard will be here. Until then:</p>
<ul>
<li><a href="/breakers">/breakers</a>: every breaker with its counts, latencies and bulkhead; one of them at /breakers/NAME</li>
<li><a href="/upstreams">/upstreams</a>: endpoints and retry budgets</li>
<li><a href="/config">/config</a>: the effective configuration</li>
<li><a href="/metrics">/metrics</a>: Prometheus</li>
<li><a href="/hystrix.stream">/hystrix.stream</a>: for Hystrix dashboards and Turbine</li>
<li><a href="/livez">/livez</a>, <a href="/readyz">/readyz</a>, <a href="/startupz">/startupz</a>: probes</li>
</ul>
</body>
</html>
`;
