/** Import boundaries of ARCHITECTURE section 6: who may lean on whom. */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'feed-never-imports-controller', severity: 'error', from: { path: '^feed/' }, to: { path: '^controller/' } },
    {
      name: 'controller-never-imports-feed',
      severity: 'error',
      comment: 'the consumer library is for everyone',
      from: { path: '^controller/' },
      to: { path: '^feed/', pathNot: '^feed/client/' },
    },
    {
      name: 'crds-stand-alone',
      severity: 'error',
      from: { path: '^crds/' },
      to: { path: '^(controller|feed|test|bench|compose)/' },
    },
    {
      name: 'only-the-docker-engine-knows-dockerode',
      severity: 'error',
      from: { path: '^(controller|crds|feed)/', pathNot: '^controller/engines/docker/' },
      to: { path: 'node_modules/(dockerode|docker-modem)/' },
    },
    {
      name: 'runtime-knows-no-kind',
      severity: 'error',
      from: { path: '^controller/runtime/' },
      to: { path: '^(controller/(?!runtime/)|feed/)' },
    },
    {
      name: 'decisions-are-pure',
      severity: 'error',
      comment: 'checks and plan do no I/O',
      from: { path: '^controller/kinds/[^/]+/(checks|plan)\\.ts$' },
      to: { path: '^node:|^(fs|net|http|child_process|timers)$' },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { path: '^(controller|crds|feed|compose)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(test|bench)/|\\.test\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
}
