import { describe, expect, test } from 'vitest'
import { nn, optim, zeros } from '../src/index.js'

// That every rate is PyTorch's is shown by the conformance suite.
const { lrScheduler } = optim
const make = (): optim.SGD => {
  const weight = (): nn.Parameter => new nn.Parameter(zeros(1))
  return new optim.SGD([{ params: weight() }, { params: weight(), lr: 0.05 }], { lr: 0.1, momentum: 0.9 })
}

/** Every scheduler, and the keys of its state_dict in PyTorch 1.13 but for those that say how it is printed or called. */
const schedulers: [string, (optimizer: optim.SGD) => optim.lrScheduler.LRScheduler, string[]][] = [
  ['LambdaLR', (o) => new lrScheduler.LambdaLR(o, [(k) => 1 / (k + 1), (k) => 0.9 ** k]), ['lr_lambdas']],
  ['MultiplicativeLR', (o) => new lrScheduler.MultiplicativeLR(o, { lrLambda: () => 0.9 }), ['lr_lambdas']],
  ['StepLR', (o) => new lrScheduler.StepLR(o, 3, { gamma: 0.5 }), ['step_size', 'gamma']],
  ['MultiStepLR', (o) => new lrScheduler.MultiStepLR(o, [2, 5, 5]), ['milestones', 'gamma']],
  ['ConstantLR', (o) => new lrScheduler.ConstantLR(o), ['factor', 'total_iters']],
  ['LinearLR', (o) => new lrScheduler.LinearLR(o, 0.5), ['start_factor', 'end_factor', 'total_iters']],
  ['ExponentialLR', (o) => new lrScheduler.ExponentialLR(o, { gamma: 0.9 }), ['gamma']],
  ['PolynomialLR', (o) => new lrScheduler.PolynomialLR(o, 9, 2), ['total_iters', 'power']],
  ['CosineAnnealingLR', (o) => new lrScheduler.CosineAnnealingLR(o, { TMax: 6 }), ['T_max', 'eta_min']],
  [
    'CosineAnnealingWarmRestarts',
    (o) => new lrScheduler.CosineAnnealingWarmRestarts(o, 3, 2),
    ['T_0', 'T_i', 'T_mult', 'eta_min', 'T_cur'],
  ],
  [
    'CyclicLR',
    (o) => new lrScheduler.CyclicLR(o, 0.01, [0.1, 0.2], 3),
    // biome-ignore format: a list
    ['max_lrs', 'total_size', 'step_ratio', 'mode', 'gamma', 'scale_mode', 'cycle_momentum', 'base_momentums', 'max_momentums', '_scale_fn_custom'],
  ],
  [
    'OneCycleLR',
    (o) => new lrScheduler.OneCycleLR(o, 1, { epochs: 4, stepsPerEpoch: 3 }),
    ['total_steps', '_schedule_phases', '_anneal_func_type', 'cycle_momentum', 'use_beta1'],
  ],
]

describe.each(schedulers)('%s', (_, construct, keys) => {
  test("goes on from a saved state, under PyTorch's keys", () => {
    const whole = make()
    const scheduler = construct(whole)
    const [first, second] = [make(), make()]
    const before = construct(first)
    for (let k = 0; k < 4; k++) before.step()
    const state = before.stateDict()
    expect(Object.keys(state).sort()).toEqual([...keys, '_last_lr', '_step_count', 'base_lrs', 'last_epoch'].sort())
    const after = construct(second)
    second.loadStateDict(first.stateDict())
    after.loadStateDict(state)
    for (let k = 0; k < 9; k++) {
      scheduler.step()
      if (k >= 4) {
        after.step()
        expect(second.paramGroups.map(({ lr, momentum }) => [lr, momentum])).toEqual(
          whole.paramGroups.map(({ lr, momentum }) => [lr, momentum]),
        )
        expect(after.getLastLr()).toEqual(scheduler.getLastLr())
      }
    }
  })

  test('continues a run by lastEpoch', () => {
    const optimizer = make()
    for (const group of optimizer.paramGroups as { initialLr?: number; lr: number }[]) group.initialLr = group.lr
    expect(construct(optimizer).lastEpoch).toBe(0)
  })
})

test('combinations go on from a saved state', () => {
  const sequential = (o: optim.SGD): optim.lrScheduler.SequentialLR =>
    new lrScheduler.SequentialLR(o, [new lrScheduler.LinearLR(o, 0.1, 1, 3), new lrScheduler.CosineAnnealingLR(o, 10)], [3])
  const chained = (o: optim.SGD): optim.lrScheduler.ChainedScheduler =>
    new lrScheduler.ChainedScheduler([new lrScheduler.StepLR(o, 2), new lrScheduler.ExponentialLR(o, 0.9)])
  for (const construct of [sequential, chained]) {
    const [whole, first, second] = [make(), make(), make()]
    const scheduler = construct(whole)
    const before = construct(first)
    for (let k = 0; k < 4; k++) before.step()
    const after = construct(second)
    after.loadStateDict(before.stateDict())
    second.loadStateDict(first.stateDict())
    for (let k = 0; k < 8; k++) scheduler.step()
    for (let k = 0; k < 4; k++) after.step()
    expect(after.getLastLr()).toEqual(scheduler.getLastLr())
    expect(second.paramGroups.map((g) => g.lr)).toEqual(whole.paramGroups.map((g) => g.lr))
  }
  const optimizer = make()
  expect(Object.keys(sequential(optimizer).stateDict()).sort()).toEqual(['_last_lr', '_milestones', '_schedulers', 'last_epoch'])
})

test('ReduceLROnPlateau goes on from a saved state', () => {
  const construct = (o: optim.SGD): optim.lrScheduler.ReduceLROnPlateau =>
    new lrScheduler.ReduceLROnPlateau(o, 'max', { patience: 1, factor: 0.5, minLr: [0.01, 0.02] })
  const [first, second] = [make(), make()]
  const before = construct(first)
  before.step(zeros([]))
  before.step(0)
  const after = construct(second)
  after.loadStateDict(before.stateDict())
  second.loadStateDict(first.stateDict())
  after.step(0)
  expect(after.getLastLr()).toEqual([0.05, 0.025])
  expect(after.stateDict()).toMatchObject({ num_bad_epochs: 0, best: 0, last_epoch: 3, min_lrs: [0.01, 0.02] })
})

test('a step with an epoch uses the closed form', () => {
  const optimizer = make()
  const scheduler = new lrScheduler.StepLR(optimizer, 2, 0.5)
  scheduler.step(5)
  expect(scheduler.getLastLr()).toEqual([0.025, 0.0125])
  const restarts = new lrScheduler.CosineAnnealingWarmRestarts(make(), { T0: 2, TMult: 2 })
  restarts.step(2.5)
  expect(restarts.getLastLr()[0]).toBeCloseTo(0.05 + 0.05 * Math.cos(Math.PI / 8), 12)
})

test('errors, as PyTorch', () => {
  const o = make()
  expect(() => new lrScheduler.StepLR({} as never, 1)).toThrow('Object is not an Optimizer')
  expect(() => new lrScheduler.StepLR(o, {} as never)).toThrow("missing 1 required positional argument: 'step_size'")
  expect(() => new lrScheduler.StepLR(o, 1, { verbose: true } as never)).toThrow("unexpected keyword argument 'verbose'")
  expect(() => new lrScheduler.StepLR(o, 1, 0.1, 3)).toThrow("param 'initial_lr' is not specified in param_groups[0]")
  expect(() => new lrScheduler.LambdaLR(o, [() => 1])).toThrow('Expected 2 lr_lambdas, but got 1')
  expect(() => new lrScheduler.ConstantLR(o, 2)).toThrow('Constant multiplicative factor expected to be between 0 and 1.')
  expect(() => new lrScheduler.CosineAnnealingWarmRestarts(o, 0)).toThrow('Expected positive integer T_0, but got 0')
  expect(() => new lrScheduler.OneCycleLR(o, 1)).toThrow('You must define either total_steps OR (epochs AND steps_per_epoch)')
  expect(() => new lrScheduler.OneCycleLR(o, [1], { totalSteps: 3 })).toThrow('expected 2 values for max_lr, got 1')
  expect(() => new lrScheduler.ReduceLROnPlateau(o, { factor: 1 })).toThrow('Factor should be < 1.0.')
  expect(() => new lrScheduler.SequentialLR(o, [new lrScheduler.StepLR(o, 1)], [1])).toThrow(
    'one more than the number of milestone',
  )
  const adam = new optim.Adagrad([new nn.Parameter(zeros(1))])
  expect(() => new lrScheduler.CyclicLR(adam, 0.1, 1)).toThrow('optimizer must support momentum')
  const short = new lrScheduler.OneCycleLR(make(), 1, { totalSteps: 2 })
  short.step()
  short.step()
  expect(() => short.step()).toThrow('Tried to step 4 times. The specified number of total steps is 2')
})
