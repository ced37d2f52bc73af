/** Turning recording off and on. */

import { isGradEnabled, setGradEnabled } from '../core/graph.js'

/** What `noGrad()` returns: leaves the mode when disposed, as `using _ = noGrad()` does at the end of its block. */
export interface GradMode {
  [Symbol.dispose](): void
}
// Node 20 has no Symbol.dispose of its own; compilers that lower `using` look for this one.
;(Symbol as { dispose?: symbol }).dispose ??= Symbol.for('Symbol.dispose')

function withMode<T>(enabled: boolean, body?: () => T): T | GradMode {
  const before = setGradEnabled(enabled)
  const restore = (): void => {
    setGradEnabled(before)
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
 * const accuracy = torch.noGrad(() => model(x).argmax(1).eq(y).float().mean().item())
 */
export function noGrad<T>(body: () => T): T
export function noGrad(): GradMode
export function noGrad<T>(body?: () => T): T | GradMode {
  return withMode(false, body)
}

/** Records operations inside a `noGrad`, as `torch.enable_grad`. */
export function enableGrad<T>(body: () => T): T
export function enableGrad(): GradMode
export function enableGrad<T>(body?: () => T): T | GradMode {
  return withMode(true, body)
}

/** Runs a function with recording on or off, as `torch.set_grad_enabled`. */
export function gradMode<T>(enabled: boolean, body: () => T): T {
  return withMode(enabled, body) as T
}
export { isGradEnabled }
