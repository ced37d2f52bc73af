/** Turning recording off and on. */

import { isAnomalyEnabled, isGradEnabled, setAnomalyEnabled, setGradEnabled } from '../core/graph.js'
import { isInferenceModeEnabled, setInferenceMode } from '../core/storage.js'

/** What `noGrad()` returns: leaves the mode when disposed, as `using _ = noGrad()` does at the end of its block. */
export interface GradMode {
  [Symbol.dispose](): void
}
// Node 20 has no Symbol.dispose of its own; compilers that lower `using` look for this one.
;(Symbol as { dispose?: symbol }).dispose ??= Symbol.for('Symbol.dispose')

/** Runs a function between setting something and setting it back; without a function, answers what sets it back. */
export function within<T, S>(set: (state: S) => S, state: S, body?: () => T): T | GradMode {
  const before = set(state)
  const restore = (): void => {
    set(before)
  }
  if (body === undefined) return { [Symbol.dispose]: restore }
  let result: T
  try {
    result = body()
  } catch (error) {
    restore()
    throw error
  }
  // An async body keeps the mode until it settles; what other tasks do in the meantime runs in it too.
  if (result instanceof Promise) return result.finally(restore) as T
  restore()
  return result
}

/**
 * Runs a function without recording operations and returns its result, as `torch.no_grad`.
 *
 * @example
 * const x = torch.ones(2, { requiresGrad: true })
 * torch.noGrad(() => x.mul(2)).requiresGrad // false
 */
export function noGrad<T>(body: () => T): T
export function noGrad(): GradMode
export function noGrad<T>(body?: () => T): T | GradMode {
  return within(setGradEnabled, false, body)
}

/**
 * Records operations inside a `noGrad`, as `torch.enable_grad`.
 *
 * @example
 * const x = torch.ones(2, { requiresGrad: true })
 * torch.noGrad(() => torch.enableGrad(() => x.mul(2))).requiresGrad // true
 */
export function enableGrad<T>(body: () => T): T
export function enableGrad(): GradMode
export function enableGrad<T>(body?: () => T): T | GradMode {
  return within(setGradEnabled, true, body)
}

/**
 * Runs a function with recording on or off, as `torch.set_grad_enabled`.
 *
 * @example
 * const x = torch.ones(2, { requiresGrad: true })
 * autograd.gradMode(false, () => x.mul(2)).requiresGrad // false
 */
export function gradMode<T>(enabled: boolean, body: () => T): T {
  return within(setGradEnabled, enabled, body) as T
}

const setInference = ([inference, recording]: readonly [boolean, boolean]): readonly [boolean, boolean] => [
  setInferenceMode(inference),
  setGradEnabled(recording),
]

/**
 * Runs a function whose tensors take no part in autograd, ever, and returns its result, as `torch.inference_mode`. Such
 * tensors can be used outside, but neither saved for backward nor changed in place there; a clone can.
 *
 * @example
 * const y = torch.inferenceMode(() => torch.ones(2).mul(3))
 * y.isInference() // true
 */
export function inferenceMode<T>(body: () => T): T
export function inferenceMode(): GradMode
export function inferenceMode<T>(body?: () => T): T | GradMode {
  return within(setInference, [true, false] as const, body)
}

/**
 * Makes backward explain itself from now on, as `torch.autograd.set_detect_anomaly`: a NaN in a gradient is an error, and
 * any error of backward names its node and shows the call that recorded it. Slow: for debugging.
 *
 * @example
 * autograd.setDetectAnomaly(true)
 * autograd.setDetectAnomaly(false)
 */
export function setDetectAnomaly(enabled: boolean): void {
  setAnomalyEnabled(enabled)
}

/**
 * `setDetectAnomaly` for the time of a function, as `torch.autograd.detect_anomaly`.
 *
 * @throws Error naming the node whose gradient is NaN, with the stack of the call that recorded it.
 * @example
 * autograd.detectAnomaly(() => {
 *   const x = torch.ones(1, { requiresGrad: true })
 *   x.sqrt().backward()
 * })
 */
export function detectAnomaly<T>(body: () => T): T
export function detectAnomaly(): GradMode
export function detectAnomaly<T>(body?: () => T): T | GradMode {
  return within(setAnomalyEnabled, true, body)
}
export { isAnomalyEnabled, isGradEnabled, isInferenceModeEnabled }
