/** Trading time for memory: what backward needs is computed again instead of kept. */

import { sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { getRngState, setRngState } from '../ops/random.js'
import { detach } from '../ops/view.js'
import { enableGrad } from './mode.js'
import { savedTensorsHooks } from './savedTensors.js'

export interface CheckpointOptions {
  /** Only false is implemented. */
  useReentrant?: boolean
  /** Draw the same random numbers again when computing again. */
  preserveRngState?: boolean
}

const isOptions = (value: unknown): value is CheckpointOptions =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  ('useReentrant' in value || 'preserveRngState' in value)

/** A place among the tensors that the function saves, and what lies there. */
interface Place {
  readonly index: number
  readonly shape: readonly number[]
  readonly dtype: string
}

/**
 * Calls a function without keeping what it saves for backward: backward calls it again when that is needed, as
 * `torch.utils.checkpoint.checkpoint`. The function must compute the same each time.
 *
 * @throws Error in backward where the second call saved other tensors than the first.
 * @example
 * const x = torch.zeros(2, { requiresGrad: true })
 * torch.utils.checkpoint((x: torch.Tensor) => x.exp().sum(), x, { useReentrant: false }).backward()
 * x.grad // tensor([1., 1.])
 */
export function checkpoint<A extends unknown[], R>(fn: (...args: A) => R, ...rest: [...A, CheckpointOptions?]): R {
  const last = rest.at(-1)
  const { useReentrant = false, preserveRngState = true } = isOptions(last) ? last : {}
  if (useReentrant) throw new Error('not implemented: checkpoint with useReentrant')
  const args = (isOptions(last) ? rest.slice(0, -1) : rest) as A
  const rngState = preserveRngState ? getRngState() : null
  let saved = 0
  let recomputed = new Map<number, Tensor>()

  function recompute(): void {
    const present = preserveRngState ? getRngState() : null
    if (rngState !== null) setRngState(rngState)
    let count = 0
    recomputed = new Map()
    const keep = (tensor: Tensor): void => void recomputed.set(count++, detach(tensor))
    const never = (): Tensor => {
      throw new Error('checkpoint: the function ran backward itself while it was computed again')
    }
    try {
      enableGrad(() => savedTensorsHooks(keep, never, () => fn(...args)))
    } finally {
      if (present !== null) setRngState(present)
    }
    if (count !== saved)
      throw new Error(
        'torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n' +
          `Number of tensors saved during forward: ${saved}\nNumber of tensors saved during recomputation: ${count}.`,
      )
  }

  return savedTensorsHooks(
    ({ shape, dtype }): Place => ({ index: saved++, shape, dtype }),
    ({ index, shape, dtype }) => {
      if (!recomputed.has(index)) recompute()
      const tensor = recomputed.get(index)!
      recomputed.delete(index)
      if (tensor.dtype !== dtype || !sameShape(tensor.shape, shape))
        throw new Error(
          'torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during the forward ' +
            `pass.\ntensor at position ${index}:\nsaved metadata: ${showShape(shape)}, ${dtype}\n` +
            `recomputed metadata: ${showShape(tensor.shape)}, ${tensor.dtype}`,
        )
      return tensor
    },
    () => fn(...args),
  )
}
