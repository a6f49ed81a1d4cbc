/** How the configuration is called in messages and on the dashboard. */
export const shopConfigName = 'demo.yaml';

/**
 * The configuration of the demo's sidecar, which also stands by itself as an example. The services' ports are chosen
 * by the system; the demo puts them in by the variables that are named here.
 */
export const shopConfig = `# The shop of "outrigger demo": six upstreams, each with the policies that suit it.
# Every key and its default: docs/configuration.md.
admin:
  address: 127.0.0.1:7401
egress:
  address: 127.0.0.1:7400
  unlisted: deny
log:
  access: off                        # the demo says itself what happens

defaults:                            # upstreams inherit these and may override them
  timeout: { connect: 250ms, total: 4s }
  breaker: { window: 5s, sleep: 4s }

upstreams:
  catalogue:                         # does nothing wrong
    endpoints: ["\${DEMO_CATALOGUE:-127.0.0.1:9101}"]
    routes:
      - name: prices                 # a breaker and figures of its own: catalogue.prices
        match: { methods: [GET], path: /prices/* }
        timeout: { total: 500ms }

  recommendations:                   # slow now and then: slow answers count, too
    endpoints: ["\${DEMO_RECOMMENDATIONS:-127.0.0.1:9102}"]
    bulkhead: { concurrency: 40, queue: 0 }
    breaker: { slowerThan: 500ms, slowPercent: 80 }

  payments:                          # fails now and then: retries make up for it, within their budget
    endpoints: ["\${DEMO_PAYMENTS:-127.0.0.1:9103}"]
    breaker: { volume: 30 }
    retry: { attempts: 3, on: [connect-failure, reset, 503], budget: { percent: 20, minPerSecond: 0 } }

  stock:                             # one of its three endpoints dies now and then
    endpoints:
      - "\${DEMO_STOCK_1:-127.0.0.1:9104}"
      - "\${DEMO_STOCK_2:-127.0.0.1:9105}"
      - "\${DEMO_STOCK_3:-127.0.0.1:9106}"

  reviews:                           # dies now and then; ratings have something to say instead
    endpoints: ["\${DEMO_REVIEWS:-127.0.0.1:9107}"]
    routes:
      - name: ratings
        match: { methods: [GET], path: /ratings/* }
        fallback:
          on: [circuit_open, reset, connect-failure, timeout]
          headers: { content-type: application/json }
          body: '{"ratings":[]}'

  search:                            # can do 25 searches a second; more would drown it
    endpoints: ["\${DEMO_SEARCH:-127.0.0.1:9108}"]
    bulkhead: { concurrency: 6, queue: 6, queueTimeout: 250ms }
`;
