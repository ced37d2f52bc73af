/** Calls of functions that no recorded case calls, to mutate like recorded ones. */

import { Random } from './mutate.mjs'
import { specOf } from './specs.mjs'

const r = new Random('seeds')
const filled = (dtype, shape, value) =>
  specOf({ dtype, shape, rg: true }, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, value))
/** Numbers between -3 and 3; between 0 and 1; integers from 0 to n - 1. */
const x = (...shape) => filled('float32', shape, () => r.next() * 6 - 3)
const p = (...shape) => filled('float32', shape, () => r.next())
const i = (n, ...shape) => filled('int64', shape, () => r.below(n))
const d = (...shape) => filled('float64', shape, () => r.next() * 6 - 3)
const tuple = (...v) => ({ $: 'tuple', v })
const float = (v) => ({ $: 'float', v })

const calls = {
  'torch.roll': [
    [x(3, 4), 1, 0],
    [x(3, 4), tuple(1, -2), tuple(0, 1)],
    [x(3, 4), 5],
  ],
  'torch.rot90': [[x(3, 4, 2), 1, [0, 1]], [x(3, 4, 2), -2, [1, 2]], [x(3, 4)]],
  'torch.eye': [[3], [3, 4]],
  'torch.nn.functional.linear': [
    [x(2, 3), x(4, 3), x(4)],
    [x(3), x(4, 3)],
    [x(2, 5, 3), x(4, 3)],
    [x(2, 3), x(3)],
  ],
  'torch.nn.functional.embedding': [
    [i(5, 3), x(5, 2)],
    [i(5, 2, 3), x(5, 2), 1],
    [i(5, 4), x(5, 2), { padding_idx: -1, scale_grad_by_freq: true }],
  ],
  'torch.nn.functional.prelu': [
    [x(2, 3, 4), x(3)],
    [x(2, 3), x(1)],
    [x(), x(1)],
  ],
  'torch.histc': [[x(4, 5)], [x(4, 5), 7], [x(4, 5), 3, -1, 2]],
  'torch.bincount': [[i(6, 9)], [i(6, 9), x(9)], [i(6, 9), { minlength: 12 }]],
  'torch.linalg.matrix_power': [
    [x(3, 3), 3],
    [x(2, 3, 3), -2],
    [x(3, 3), 0],
    [x(3, 3), 1],
  ],
  'torch.linalg.tensorsolve': [
    [d(2, 3, 6), d(2, 3)],
    [d(2, 3, 1, 6), d(2, 3)],
  ],
  'torch.linalg.matrix_norm': [[x(3, 4)], [x(2, 3, 4), 'nuc'], [x(2, 3, 4), 1, tuple(0, 2), true], [x(3, 4), 2]],
  'torch.argwhere': [[x(3, 4)], [i(2, 3, 4)], [i(2)]],
  'torch.nn.functional.local_response_norm': [
    [x(2, 5, 4), 3],
    [x(2, 5, 4, 3), 2, float(0.1), float(0.5), float(2)],
  ],
  'torch.nn.functional.smooth_l1_loss': [
    [x(3, 4), x(3, 4)],
    [x(3, 4), x(3, 4), { beta: float(0.5), reduction: 'sum' }],
    [x(3), x(3), { reduction: 'none', beta: float(0) }],
  ],
  'torch.nn.functional.max_pool3d': [
    [x(1, 2, 5, 6, 7), 2],
    [x(2, 5, 6, 7), 3, 2, 1],
    [x(2, 5, 6, 7), 2, { ceil_mode: true, return_indices: true, dilation: 2 }],
  ],
  'torch.nn.functional.avg_pool3d': [
    [x(1, 2, 5, 6, 7), 2],
    [x(2, 5, 6, 7), 3, 2, 1],
    [x(2, 5, 6, 7), 2, { ceil_mode: true, divisor_override: 3 }],
  ],
  'torch.nn.functional.max_pool1d': [
    [x(2, 3, 9), 3],
    [x(3, 9), 2, 2, 1, { return_indices: true }],
    [x(3, 9), 3, { dilation: 2, ceil_mode: true }],
  ],
  'torch.nn.functional.adaptive_max_pool3d': [
    [x(2, 4, 5, 6), 2],
    [x(1, 2, 4, 5, 6), tuple(2, null, 3), true],
  ],
  'torch.atleast_3d': [[x()], [x(3)], [x(3, 4)], [x(2, 3, 4)]],
  'torch.moveaxis': [
    [x(2, 3, 4), 0, 2],
    [x(2, 3, 4), tuple(0, 1), tuple(-1, 0)],
  ],
  'torch.slice_scatter': [
    [x(4, 5), x(2, 5), 0, 1, 3],
    [x(4, 5), x(4, 3), 1, 0, 5, 2],
    [x(4, 5), x(1, 5), { start: -1 }],
  ],
  'torch.logcumsumexp': [
    [x(3, 4), 0],
    [x(3, 4), -1],
    [x(), 0],
  ],
  'torch.addmm': [
    [x(3, 4), x(3, 2), x(2, 4)],
    [x(4), x(3, 2), x(2, 4), { beta: float(0.5), alpha: float(2) }],
  ],
  'torch.addmv': [
    [x(3), x(3, 2), x(2)],
    [x(), x(3, 2), x(2), { beta: 2, alpha: 3 }],
  ],
  'torch.baddbmm': [
    [x(2, 3, 4), x(2, 3, 2), x(2, 2, 4)],
    [x(4), x(2, 3, 2), x(2, 2, 4), { beta: float(0), alpha: float(2) }],
  ],
  'torch.ger': [[x(3), x(4)]],
  'torch.scatter_add': [
    [x(3, 5), 0, i(3, 2, 5), x(2, 5)],
    [x(3, 5), 1, i(5, 3, 4), x(3, 5)],
  ],
  'torch.index_fill': [[x(3, 4), 1, i(4, 2), float(2.5)]],
  'torch.ldexp': [
    [x(3, 4), i(4, 4)],
    [i(5, 3), i(3, 3)],
  ],
  'torch.frac': [[x(3, 4)]],
  'torch.lgamma': [[x(3, 4)], [p(5)]],
  'torch.nextafter': [[x(3, 4), x(4)]],
  'torch.unflatten': [
    [x(2, 12), 1, tuple(3, 4)],
    [x(2, 12), -1, tuple(-1, 6)],
  ],
  'torch.nn.functional.multilabel_soft_margin_loss': [
    [x(3, 4), p(3, 4)],
    [x(4), p(4), { weight: p(4), reduction: 'none' }],
  ],
  'torch.nn.functional.hinge_embedding_loss': [
    [x(3, 4), x(3, 4)],
    [x(5), x(5), { margin: float(2), reduction: 'sum' }],
  ],
  'torch.nn.functional.bilinear': [
    [x(4, 3), x(4, 5), x(2, 3, 5), x(2)],
    [x(3), x(5), x(2, 3, 5)],
  ],
  'torch.nn.functional.gaussian_nll_loss': [
    [x(3, 4), x(3, 4), p(3, 4)],
    [x(3, 4), x(3, 4), p(3, 1), { full: true, reduction: 'sum' }],
  ],
  'torch.range': [
    [0, 5],
    [float(1), float(2.5), float(0.5)],
  ],
  'torch.vander': [[x(4)], [i(4, 3), 5, true]],
  'torch.nanmedian': [[x(3, 4)], [x(3, 4), 1, true]],
  'torch.var_mean': [
    [x(3, 4), 1],
    [x(3, 4), tuple(0, 1), { correction: 0 }],
  ],
  'torch.nn.functional.triplet_margin_loss': [
    [x(3, 4), x(3, 4), x(3, 4)],
    [x(3, 4), x(3, 4), x(3, 4), { swap: true, p: float(1), margin: float(0.5) }],
  ],
  'torch.dist': [
    [x(3, 4), x(3, 4)],
    [x(3, 4), x(4), float(1)],
    [x(4), x(4), float('inf')],
  ],
  'torch.adjoint': [[x(2, 3, 4)]],
  'torch.nn.functional.elu': [[x(3, 4)], [x(3, 4), float(0.5)]],
  'torch.special.multigammaln': [[filled('float32', [5], () => 3 + r.next()), 2]],
  'torch.special.bessel_y0': [[p(5)]],
  'torch.special.log_softmax': [[x(3, 4), 1]],
  'torch.nn.functional.dropout1d': [[x(2, 3, 4), float(0.5), false]],
  'torch.nn.functional.upsample': [
    [x(1, 2, 3, 4), { scale_factor: 2, mode: 'bilinear' }],
    [x(1, 2, 3), { size: 7 }],
  ],
  'torch.tensordot': [
    [x(2, 3, 4), x(3, 4, 5), 2],
    [x(2, 3), x(3, 2), [[0], [1]]],
  ],
  'torch.cdist': [
    [x(3, 4), x(5, 4)],
    [x(2, 3, 4), x(2, 5, 4), float(1)],
    [x(3, 4), x(5, 4), float('inf')],
  ],
}

const isOptions = (v) => typeof v === 'object' && v !== null && !Array.isArray(v) && v.$ === undefined
export const seedCases = Object.entries(calls).flatMap(([fn, list]) =>
  list.map((given, n) => ({
    id: `${fn}/seed/${n}`,
    op: fn.replace('torch.', ''),
    fn,
    kind: 'function',
    dtype: 'float32',
    args: given.filter((v) => !isOptions(v)),
    kwargs: given.find(isOptions) ?? {},
  })),
)
